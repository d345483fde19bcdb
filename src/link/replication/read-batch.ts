/** Reads the one batch that holds an offset, and compares two of them: how a link recognises its own mirror. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { type FetchedPartition, fetchPartition, type PartitionFetch } from '../../client/fetch-partition.ts';
import { BATCH_ATTRIBUTES, RecordBatch } from '../../codec/record-batch.ts';
import { RecordSetCursor } from '../../codec/record-set.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import type { SourceBatch } from './copied-records.ts';

/** Less than any batch: the first one comes whole all the same, and no other. */
const ONE_BATCH = 1;

/** `old-format` when it is of magic 0 or 1; `hole` when the log goes on without it (compacted away); null when it is not readable (yet). */
type Missing = 'old-format' | 'hole' | null;

/** The batch that holds `offset`, whole, however large: brokers return the first batch of a fetch without regard to its size. */
export const readBatchAt = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
  signal?: AbortSignal,
): Promise<RecordBatch | Missing> => batchIn(await look(cluster, { topic, partition, offset, maxBytes: ONE_BATCH }, signal), offset);

/** The same as a reader of committed records sees it: only below the last stable offset, and with the fate of its transaction. */
export const readCommittedBatchAt = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
  signal?: AbortSignal,
): Promise<SourceBatch | Missing> => {
  const found = await look(cluster, { topic, partition, offset, maxBytes: ONE_BATCH, isolationLevel: 'read_committed' }, signal);
  const isEmpty = found.records === null || found.records.length === 0;
  // What comes first belongs to an open transaction.
  if (isEmpty && found.lastStableOffset > offset) return 'hole';
  const batch = batchIn(found, offset);
  if (batch === null || typeof batch === 'string') return batch;
  const isAborted = found.abortedTransactions.some(
    ({ producerId, firstOffset }) => producerId === batch.producerId && firstOffset <= batch.lastOffset,
  );
  return { batch, isAborted: isAborted && batch.isTransactional };
};

/** The same also above the last stable offset, where the fate of a transaction is not known yet. */
export const readSourceBatchAt = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
  signal?: AbortSignal,
): Promise<SourceBatch | Missing> => {
  const committed = await readCommittedBatchAt(cluster, topic, partition, offset, signal);
  if (committed !== null) return committed;
  const batch = await readBatchAt(cluster, topic, partition, offset, signal);
  return batch === null || typeof batch === 'string' ? batch : { batch, isAborted: false };
};

/** A log that was trimmed, or has lost its end, since its range was read is read anew. */
const look = (cluster: Cluster, fetch: PartitionFetch, signal?: AbortSignal): Promise<FetchedPartition> =>
  fetchPartition(cluster, fetch, signal).catch((error: unknown) => {
    if (!(error instanceof BrokerError) || error.brokerCode !== ErrorCode.OFFSET_OUT_OF_RANGE) throw error;
    throw new LinkError('KLINK_STATE', error.message, { cause: error, retriable: true });
  });

const batchIn = ({ records }: FetchedPartition, offset: number): RecordBatch | Missing => {
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
