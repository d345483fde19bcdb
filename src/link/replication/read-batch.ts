/** Reads the one batch that holds an offset, and compares two of them: how a link recognises its own mirror. */
import type { Cluster } from '../../client/cluster.ts';
import { fetchPartition } from '../../client/fetch-partition.ts';
import { BATCH_LAYOUT, RecordBatch } from '../../codec/record-batch.ts';
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

/** Whether two batches are copies of one: the same offsets, header and payload. Only what a link rewrites (producer fields, CRC, leader epoch) may differ. */
export const sameBatch = (a: RecordBatch, b: RecordBatch): boolean => {
  if (a.baseOffset !== b.baseOffset || a.sizeInBytes !== b.sizeInBytes) return false;
  const [left, right] = [a.bytes, b.bytes];
  const same = (from: number, to: number): boolean => left.compare(right, from, to, from, to) === 0;
  return same(BATCH_LAYOUT.attributes, BATCH_LAYOUT.producerId) && same(BATCH_LAYOUT.recordsCount, left.length);
};
