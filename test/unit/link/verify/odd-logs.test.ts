/** Logs as no healthy broker serves them, and differences that go on and on. */
import { describe, expect, it } from 'vitest';
import { assembleBatch, buildBatch, computeCrc, encodeRecordFrames, RecordBatch } from '../../../../src/codec/index.ts';
import type { LogReader } from '../../../../src/link/verify/log-reader.ts';
import type { VerifiedPartition } from '../../../../src/link/verify/report.ts';
import {
  type PartitionToVerify,
  type VerifyProgress,
  type VerifyRules,
  verifyPartition,
} from '../../../../src/link/verify/verify-partition.ts';
import { makeOldMessage } from '../../../property/link/simulation/batches.ts';
import { readerOf, type StoredBatch, type StoredLog } from '../../../property/link/verify/stored-log.ts';

const RULES: VerifyRules = {
  mode: 'exact',
  maxDifferences: 10,
  allowFillerRecords: false,
  allowLowerLogStart: false,
  excerptBytes: 16,
  maxKeys: 100,
};

interface Run {
  readonly result: VerifiedPartition;
  readonly progress: readonly VerifyProgress[];
}

const compare = async (source: LogReader, destination: LogReader, range: Partial<PartitionToVerify> = {}): Promise<Run> => {
  const progress: VerifyProgress[] = [];
  const context = { source, destination, rules: RULES, signal: new AbortController().signal };
  const asked = { topic: 'orders', sourceTopic: 'orders', partition: 0, ...range };
  return { result: await verifyPartition({ ...context, progressed: (told) => progress.push(told) }, asked), progress };
};

const batchOf = async (base: number, values: readonly string[]): Promise<StoredBatch> => ({
  base,
  next: base + values.length,
  bytes: await buildBatch(
    values.map((value) => ({ value, timestamp: 1_000n })),
    { baseOffset: BigInt(base) },
  ),
});

const logOf = (batches: readonly StoredBatch[]): StoredLog => ({ start: 0, end: batches.at(-1)?.next ?? 0, batches });

const brief = ({ differences }: VerifiedPartition): unknown[] =>
  differences.map(({ kind, offset, lastOffset }) => [kind, Number(offset), Number(lastOffset)]);

describe('a log with', () => {
  it('two batches at the same offsets is told, on whichever side', async () => {
    const batches = [await batchOf(0, ['a', 'b']), await batchOf(2, ['c'])];
    const twice = [batches[0]!, batches[0]!, batches[1]!];
    const { result } = await compare(readerOf(logOf(batches)), readerOf(logOf(twice)));
    expect(brief(result)).toEqual([['doubled', 0, 1]]);
    expect(result.differences[0]!.detail).toContain('mirror');
    const { result: other } = await compare(readerOf(logOf(twice)), readerOf(logOf(batches)));
    expect(other.differences[0]!.detail).toContain('source');
  });

  it('messages of an old format is told as what links do not copy', async () => {
    const old: StoredBatch = { base: 0, next: 1, bytes: makeOldMessage(0) };
    const rest = await batchOf(1, ['b']);
    const { result } = await compare(readerOf(logOf([old, rest])), readerOf(logOf([await batchOf(0, ['a']), rest])));
    expect(brief(result)).toEqual([['corrupt-source', 0, 0]]);
    expect(result.differences[0]!.detail).toContain('format v1');
  });

  it('a batch that says it begins behind the log end is damaged', async () => {
    const batch = await batchOf(0, ['a']);
    const wrong = Buffer.from(batch.bytes);
    wrong.writeBigInt64BE(1_000n, 0);
    const { result } = await compare(readerOf(logOf([batch])), readerOf(logOf([{ ...batch, bytes: wrong }])));
    expect(brief(result)).toEqual([['corrupt-destination', 0, 0]]);
    expect(result.differences[0]!.detail).toContain('begins at 1000, but the log ends at 1');
  });

  it('a batch that claims more bytes than come is damaged, also when it comes first', async () => {
    const batches = [await batchOf(0, ['a']), await batchOf(1, ['b'])];
    const wrong = Buffer.from(batches[0]!.bytes);
    wrong.writeInt32BE(5_000, 8);
    const { result } = await compare(readerOf(logOf(batches)), readerOf(logOf([{ ...batches[0]!, bytes: wrong }, batches[1]!])));
    expect(brief(result)).toEqual([['corrupt-destination', 0, 0]]);
    expect(result.differences[0]!.detail).toContain('claims 5012 bytes');
    expect(result.position).toBe(2n);
  });

  it('a start inside a batch is compared from there on', async () => {
    const log = logOf([await batchOf(0, ['a', 'b', 'c']), await batchOf(3, ['d'])]);
    const { result } = await compare(readerOf({ ...log, start: 2 }), readerOf({ ...log, start: 2 }));
    expect(result).toMatchObject({ verdict: 'identical', from: 2n, to: 4n, records: 2, batches: 2, rebuiltBatches: 0 });
  });

  it('times that go beyond 64 bits is read as Java reads it', async () => {
    const latest = 2n ** 63n - 1n;
    const build = async (base: bigint): Promise<StoredBatch> => {
      const frames = [latest, -(2n ** 63n)].map((time, offsetDelta) => {
        const timestampDelta = BigInt.asIntN(64, time - base);
        return { attributes: 0, timestampDelta, offsetDelta, body: Buffer.from([1, 2, 65, 0]) };
      });
      const header = { attributes: 0, lastOffsetDelta: 1, baseTimestamp: base, maxTimestamp: latest, recordsCount: 2 };
      return { base: 0, next: 2, bytes: assembleBatch(header, encodeRecordFrames(frames)) };
    };
    const { result } = await compare(readerOf(logOf([await build(latest)])), readerOf(logOf([await build(5n)])));
    expect(result).toMatchObject({ verdict: 'identical', records: 2, rebuiltBatches: 1 });
  });

  it('nothing in it is identical to another such log', async () => {
    const { result, progress } = await compare(readerOf(logOf([])), readerOf(logOf([])));
    expect(result).toMatchObject({ verdict: 'identical', from: 0n, to: 0n, batches: 0 });
    expect(progress).toEqual([]);
  });

  it('a batch that nobody can open, the same on both sides, is the same; cut into, too', async () => {
    const batch = await batchOf(0, ['a', 'b', 'c']);
    const broken = Buffer.from(batch.bytes);
    broken.writeInt16BE(4, 21);
    // With a checksum that is right for it.
    broken.writeUInt32BE(computeCrc(RecordBatch.at(broken)), 17);
    const log = logOf([{ ...batch, bytes: broken }]);
    expect((await compare(readerOf(log), readerOf(log))).result.verdict).toBe('identical');
    expect((await compare(readerOf(log), readerOf(log), { from: 1 })).result.verdict).toBe('identical');
    const { result } = await compare(readerOf(log), readerOf(logOf([batch])));
    expect(brief(result)).toEqual([['payload', 0, 2]]);
    expect(result.differences[0]!.detail).toContain('zstd');
  });
});

describe('a difference that goes on', () => {
  const COUNT = 20_000;
  const values = Array.from({ length: COUNT }, (_, i) => `value ${i}`);
  const inBatches = async (list: readonly string[], size: number): Promise<StoredBatch[]> => {
    const batches: StoredBatch[] = [];
    for (let at = 0; at < list.length; at += size) batches.push(await batchOf(at, list.slice(at, at + size)));
    return batches;
  };

  it('is one run, with its beginning told and an end to it', async () => {
    const source = logOf(await inBatches(values, 100));
    const shifted = logOf(await inBatches([...values.slice(0, 50), 'foreign', ...values.slice(50)], 130));
    const { result } = await compare(readerOf(source, 50_000), readerOf(shifted, 50_000));
    expect(brief(result)).toEqual([
      ['extra', 50, 50],
      ['shifted', 51, 10_049],
    ]);
    expect(result.position).toBe(10_050n);
    expect(result.verdict).toBe('different');
    // What lies around is read again in steps, not for every record.
    expect(result.bytes).toBeLessThan(10 * source.batches.reduce((sum, { bytes }) => sum + bytes.length, 0));
  });

  it('tells its progress on the way, up to the end', async () => {
    const source = logOf(await inBatches(values, 500));
    const { progress } = await compare(readerOf(source, 50_000), readerOf(source, 50_000));
    const positions = progress.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => Number(a - b)));
    expect(progress.length).toBeGreaterThan(5);
    expect(progress.at(-1)).toMatchObject({ topic: 'orders', partition: 0, position: BigInt(COUNT), to: BigInt(COUNT), differences: 0 });
  });
});
