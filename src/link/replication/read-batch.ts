/** Reads the one batch that holds an offset, and compares two of them: how a link recognises its own mirror. */
import type { Cluster } from '../../client/cluster.ts';
import { fetchPartition } from '../../client/fetch-partition.ts';
import { BATCH_ATTRIBUTES, RecordBatch } from '../../codec/record-batch.ts';
import { RecordSetCursor } from '../../codec/record-set.ts';

/** Less than any batch: the first one comes whole all the same, and no other. */
const ONE_BATCH = 1;

/**
 * The batch that holds `offset`, whole, however large: brokers return the first batch of a fetch without regard to its size.
 * `old-format` when it is of magic 0 or 1; `hole` when the log goes on without it (compacted away); null when it is not readable (yet).
 */
export const readBatchAt = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
  signal?: AbortSignal,
): Promise<RecordBatch | 'old-format' | 'hole' | null> => {
  const { records } = await fetchPartition(cluster, { topic, partition, offset, maxBytes: ONE_BATCH }, signal);
  if (records === null) return null;
  const cursor = new RecordSetCursor().open(records);
  while (cursor.next()) {
    if (cursor.batch.nextOffsetNumber > offset)
      return cursor.batch.baseOffsetNumber <= offset ? RecordBatch.at(records, cursor.batch.position) : 'hole';
  }
  return cursor.stop === 'message-set' ? 'old-format' : null;
};

/** Attributes that a link clears when it copies: what was committed goes as if it had never been in a transaction. */
const COPIED_ATTRIBUTES = ~BATCH_ATTRIBUTES.transactional;

/** Whether two batches are copies of one: the same offsets, header and payload. Only what a link rewrites (producer fields, transactional bit, CRC, leader epoch) may differ. */
export const sameBatch = (a: RecordBatch, b: RecordBatch): boolean =>
  a.baseOffset === b.baseOffset &&
  ((a.attributes ^ b.attributes) & COPIED_ATTRIBUTES) === 0 &&
  a.lastOffsetDelta === b.lastOffsetDelta &&
  a.baseTimestamp === b.baseTimestamp &&
  a.maxTimestamp === b.maxTimestamp &&
  samePayload(a, b);

export const samePayload = (a: RecordBatch, b: RecordBatch): boolean => a.recordsCount === b.recordsCount && a.payload.equals(b.payload);

/** Whether `copy` can be what a link has made of `original`, which could not go as it is: its range, or a part of it. */
export const isPartOf = (copy: RecordBatch, original: RecordBatch): boolean => {
  const inside = copy.baseOffset >= original.baseOffset && copy.lastOffset <= original.lastOffset;
  const isWhole = copy.baseOffset === original.baseOffset && copy.lastOffset === original.lastOffset;
  return (
    inside &&
    (!isWhole || !original.isDense || original.isControl || original.isTransactional || original.timestampType === 'LogAppendTime')
  );
};
