/** Proof that two logs are the same: both walked batch by batch from their stored bytes, by code that shares nothing with the link. */
import { createHash, type Hash } from 'node:crypto';
import crc32c from 'crc-32/crc32c.js';

/** Where the fields of a v2 record batch lie (KIP-98). */
const LENGTH_AT = 8;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const PRODUCER_AT = 43;
const COUNT_AT = 57;
const HEADER_BYTES = 61;

/** What a log amounts to. */
export interface LogDigest {
  readonly startOffset: bigint;
  readonly endOffset: bigint;
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
  /** Batches whose stored CRC-32C is not that of their bytes. */
  readonly corrupt: number;
  /**
   * SHA-256 over offsets, attributes, timestamps, record count and payload of every batch: everything but the leader epoch, the producer fields and
   * the CRC over them, which belong to the cluster and not to the data.
   */
  readonly digest: string;
}

/** Walks the bytes of a whole log. A cut-off batch at the end is not counted. */
export const digestLog = (log: Buffer): LogDigest => {
  const hash: Hash = createHash('sha256');
  let [startOffset, endOffset, batches, records, corrupt, at] = [-1n, 0n, 0, 0, 0, 0];
  while (log.length - at >= HEADER_BYTES) {
    const end = at + LENGTH_AT + 4 + log.readInt32BE(at + LENGTH_AT);
    if (end > log.length) break;
    const baseOffset = log.readBigInt64BE(at);
    if (startOffset < 0n) startOffset = baseOffset;
    endOffset = baseOffset + BigInt(log.readInt32BE(at + LAST_OFFSET_DELTA_AT)) + 1n;
    records += log.readInt32BE(at + COUNT_AT);
    if (crc32c.buf(log.subarray(at + ATTRIBUTES_AT, end)) >>> 0 !== log.readUInt32BE(at + CRC_AT)) corrupt++;
    hash.update(log.subarray(at, at + LENGTH_AT + 4));
    hash.update(log.subarray(at + ATTRIBUTES_AT, at + PRODUCER_AT));
    hash.update(log.subarray(at + COUNT_AT, end));
    batches++;
    at = end;
  }
  return { startOffset, endOffset, batches, records, bytes: at, corrupt, digest: hash.digest('hex') };
};

/** The partitions of a topic on both sides. */
export interface TopicComparison {
  readonly topic: string;
  readonly source: readonly LogDigest[];
  readonly mirror: readonly LogDigest[];
  readonly identical: boolean;
}

const same = (a: LogDigest, b: LogDigest | undefined): boolean =>
  b !== undefined &&
  a.digest === b.digest &&
  a.startOffset === b.startOffset &&
  a.endOffset === b.endOffset &&
  a.batches === b.batches &&
  a.records === b.records &&
  a.bytes === b.bytes &&
  a.corrupt + b.corrupt === 0;

/** A topic without a single batch proves nothing, and does not count as identical. */
export const compareTopic = (topic: string, source: readonly LogDigest[], mirror: readonly LogDigest[]): TopicComparison => ({
  topic,
  source,
  mirror,
  identical: source.length === mirror.length && source.every((log, i) => log.batches > 0 && same(log, mirror[i])),
});

/** The digests of all partitions, digested once more and cut short, for people to compare at a glance. */
export const shortDigest = (logs: readonly LogDigest[]): string =>
  createHash('sha256')
    .update(logs.map(({ digest }) => digest).join())
    .digest('hex')
    .slice(0, 12);
