/** Question: what does a batch cost the mirror path, and what would it cost to look inside? Ratios within one run; `npx tsx bench/codec.ts`. */
import { randomBytes } from 'node:crypto';
import { assembleBatch, buildBatch } from '../src/codec/batch-builder.ts';
import { computeCrc, payloadCrc } from '../src/codec/batch-crc.ts';
import { compress, decompress } from '../src/codec/compression.ts';
import { patchBatch, rebaseBatch } from '../src/codec/patch-header.ts';
import { readRecords } from '../src/codec/read-records.ts';
import { type Compression, RecordBatch } from '../src/codec/record-batch.ts';
import { RecordSetCursor } from '../src/codec/record-set.ts';
import { type MicroFigure, measure, printFigures, type Subject } from './micro.ts';

const kept = new Int32Array(1);
/** Uses a result, so that the compiler cannot drop the work. */
const keep = (result: number): void => {
  kept[0]! ^= result;
};

/** A record set of about 4 MiB in batches of `size` bytes, whose payload is noise: the mirror path never opens it. */
const recordSet = (size: number): { set: Buffer; batches: number } => {
  const batches = Math.max(8, Math.floor((4 << 20) / size));
  const header = { attributes: 3, lastOffsetDelta: 9, recordsCount: 10, baseTimestamp: 1n, maxTimestamp: 2n };
  const parts = Array.from({ length: batches }, (_, i) => assembleBatch({ ...header, baseOffset: BigInt(i * 10) }, randomBytes(size - 61)));
  return { set: Buffer.concat(parts), batches };
};

const mirrorPath = (size: number): Promise<MicroFigure[]> => {
  const { set, batches } = recordSet(size);
  const cursor = new RecordSetCursor();
  const walk = (visit: (batch: RecordBatch) => void): Subject['run'] => {
    return () => {
      cursor.open(set);
      while (cursor.next()) visit(cursor.batch);
    };
  };
  let sequence = 0;
  const decide = (batch: RecordBatch): void => {
    if (batch.isDense && (batch.attributes & 0x38) === 0) keep(batch.baseOffsetNumber);
  };
  return measure('What does a batch cost the mirror path?', `${size >> 10} KiB batches`, [
    { name: 'header walk', batches, run: walk(decide) },
    {
      name: 'header walk + rebase',
      batches,
      run: walk((batch) => {
        decide(batch);
        rebaseBatch(batch, 0, 4000, 1, sequence++ & 0x7fffffff);
      }),
    },
    {
      name: 'header walk + general patch',
      batches,
      run: walk((batch) => patchBatch(batch, { baseOffset: 0n, attributes: sequence++ & 1 })),
    },
    { name: 'header walk + payload CRC from the header', batches, run: walk((batch) => keep(payloadCrc(batch))) },
    { name: 'header walk + full CRC pass', batches, run: walk((batch) => keep(computeCrc(batch))) },
  ]);
};

const WORDS = ['order', 'customer', 'amount', 'currency', 'created', 'status', 'region', 'EUR', 'shipped', 'warehouse'];
const jsonRecord = (i: number): string => {
  const fields = Array.from(
    { length: 30 },
    (_, j) => `"${WORDS[(i + j) % WORDS.length]}${j}":"${(Math.imul(i * 31 + j, 2654435761) >>> 0).toString(36)}"`,
  );
  return `{${fields.join(',')}}`;
};

const opening = async (): Promise<MicroFigure[]> => {
  const records = Array.from({ length: 250 }, (_, i) => ({
    key: `key-${i}`,
    value: jsonRecord(i),
    timestamp: 1_700_000_000_000n + BigInt(i),
  }));
  const plain = RecordBatch.at(await buildBatch(records));
  const subjects: Subject[] = [
    {
      name: 'rebase',
      batches: 1000,
      run: () => {
        for (let i = 0; i < 1000; i++) rebaseBatch(plain, 0, 4000, 1, i);
      },
    },
    { name: 'read all records', batches: 1, run: async () => void (await readRecords(plain)) },
  ];
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as Compression[]) {
    const packed = await compress(codec, plain.payload);
    const share = Math.round((100 * packed.length) / plain.payload.length);
    subjects.push(
      { name: `decompress ${codec} (${share} %)`, batches: 1, run: async () => void (await decompress(codec, packed)) },
      { name: `compress ${codec}`, batches: 1, run: async () => void (await compress(codec, plain.payload)) },
    );
  }
  return measure('What would it cost to open a batch?', `${plain.payload.length >> 10} KiB of JSON, ${records.length} records`, subjects);
};

/** All figures of this file, about ten seconds. */
export const codecFigures = async (): Promise<MicroFigure[]> => {
  const figures: MicroFigure[] = [];
  for (const size of [1 << 10, 16 << 10, 256 << 10]) figures.push(...(await mirrorPath(size)));
  figures.push(...(await opening()));
  return figures;
};

if (process.argv[1] === import.meta.filename) printFigures(await codecFigures());
