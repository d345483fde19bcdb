/** Batches to be mirrored: every codec, sizes from one record up, headers, null keys and values, from a seed. */
import { crc32 } from 'node:zlib';
import { assembleBatch, buildBatch, COMPRESSION_IDS, type Compression, type NewRecord } from '../../src/codec/index.ts';
import { between, seeded } from './seeded.ts';

export const CODECS = Object.keys(COMPRESSION_IDS) as readonly Compression[];

export interface SampleOptions {
  readonly seed?: number;
  /** Default 12. */
  readonly batches?: number;
  /** Most records of one batch. Default 20; the least is 1. */
  readonly maxRecords?: number;
  /** Most bytes of one value. Default 300. */
  readonly maxValueBytes?: number;
  /** In turn. Default: all. */
  readonly codecs?: readonly Compression[];
  /** `always`: as a compacted topic needs them. Default: most records have one. */
  readonly keys?: 'always' | 'mostly';
}

const WORDS = ['offset', 'batch', 'mirror', 'leader', 'epoch', 'quorum', 'replica', 'segment'];

const text = (random: () => number, bytes: number): Buffer => {
  let words = '';
  while (words.length < bytes) words += `${WORDS[between(random, 0, WORDS.length - 1)]} `;
  return Buffer.from(words.slice(0, bytes));
};

const sampleRecord = (random: () => number, timestamp: bigint, maxValueBytes: number, keys: 'always' | 'mostly'): NewRecord => ({
  key: random() < 0.3 && keys === 'mostly' ? null : text(random, between(random, 0, 20)),
  value: random() < 0.1 ? null : text(random, between(random, 0, maxValueBytes)),
  headers: Array.from({ length: between(random, 0, 2) }, (_, i) => ({
    key: i === 0 ? 'h' : 'hé',
    value: random() < 0.3 ? null : text(random, 8),
  })),
  // Times of the records of one batch may go back and forth.
  timestamp: timestamp + BigInt(between(random, -1_000, 1_000)),
});

/** Batches as a producer sends them; each may be appended anywhere. */
export const sampleBatches = async (options: SampleOptions = {}): Promise<Buffer[]> => {
  const { seed = 1, batches = 12, maxRecords = 20, maxValueBytes = 300, codecs = CODECS, keys = 'mostly' } = options;
  const random = seeded(seed);
  const now = BigInt(Date.now());
  const made: Buffer[] = [];
  for (let i = 0; i < batches; i++) {
    // Every third is a single record: the smallest batches are the most frequent in the wild.
    const count = i % 3 === 0 ? 1 : between(random, 1, maxRecords);
    const records = Array.from({ length: count }, () => sampleRecord(random, now + BigInt(i), maxValueBytes, keys));
    made.push(await buildBatch(records, { compression: codecs[i % codecs.length]! }));
  }
  return made;
};

/** One batch of one record whose value does not compress: exactly `bytes` long. */
export const batchOfBytes = async (bytes: number): Promise<Buffer> => {
  const build = (valueBytes: number): Promise<Buffer> =>
    buildBatch([{ value: Buffer.alloc(valueBytes, 7), timestamp: BigInt(Date.now()) }]);
  // The varints around the value take up to ten bytes that depend on its length.
  let made = await build(bytes - 80);
  made = await build(bytes - 80 + (bytes - made.length));
  if (made.length !== bytes) throw new RangeError(`no batch of exactly ${bytes} bytes: ${made.length}`);
  return made;
};

/** A record for batches whose content does not matter. */
export const plainRecord = (value: string): NewRecord => ({ value, timestamp: BigInt(Date.now()) });

/** A message of the formats before Kafka 0.11, as it lies in a log. */
export const oldMessage = (magic: 0 | 1, offset: number, value: string): Buffer => {
  const content = Buffer.from(value);
  const time = magic === 1 ? Buffer.alloc(8) : Buffer.alloc(0);
  if (magic === 1) time.writeBigInt64BE(BigInt(Date.now()));
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(-1, 0);
  lengths.writeInt32BE(content.length, 4);
  const covered = Buffer.concat([Buffer.from([magic, 0]), time, lengths, content]);
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(BigInt(offset), 0);
  head.writeInt32BE(4 + covered.length, 8);
  head.writeUInt32BE(crc32(covered), 12);
  return Buffer.concat([head, covered]);
};

/** What compaction leaves of a batch of which no record is needed any more, except that it holds the last sequence of its producer. */
export const emptyBatch = (offset: number, lastOffsetDelta: number): Buffer =>
  assembleBatch(
    {
      baseOffset: BigInt(offset),
      partitionLeaderEpoch: 0,
      attributes: 0,
      lastOffsetDelta,
      baseTimestamp: -1n,
      maxTimestamp: BigInt(Date.now()),
      producerId: 77n,
      producerEpoch: 0,
      baseSequence: 0,
      recordsCount: 0,
    },
    Buffer.alloc(0),
  );
