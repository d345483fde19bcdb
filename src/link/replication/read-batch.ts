/** Reads the one batch that holds an offset, and compares two of them: how a link recognises its own mirror. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { BATCH_LAYOUT, RecordBatch } from '../../codec/record-batch.ts';
import { RecordSetCursor } from '../../codec/record-set.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Fetch } from '../../protocol/messages/fetch.ts';
import { ZERO_UUID } from '../../protocol/schema.ts';

/** No session: the broker keeps nothing of the request (KIP-227). */
const NO_SESSION = { sessionId: 0, sessionEpoch: -1 } as const;
const LAST_VERSION_BY_NAME = 12;
const WAIT_MS = 500;
const SESSIONLESS_MAX_BYTES = 1;

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
  const topicId = cluster.metadata.topic(topic)?.topicId ?? null;
  const response = await cluster.send(
    Fetch,
    {
      maxWaitMs: WAIT_MS,
      minBytes: 1,
      maxBytes: SESSIONLESS_MAX_BYTES,
      ...NO_SESSION,
      topics: [
        {
          topic,
          topicId: topicId ?? ZERO_UUID,
          partitions: [{ partition, fetchOffset: BigInt(offset), partitionMaxBytes: SESSIONLESS_MAX_BYTES }],
        },
      ],
    },
    { leader: { topic, partition } },
    { ...(topicId === null && { maxVersion: LAST_VERSION_BY_NAME }), ...(signal && { signal }) },
  );
  const answer = response.responses[0]?.partitions[0];
  const errorCode = response.errorCode || answer?.errorCode || ErrorCode.NONE;
  if (errorCode !== ErrorCode.NONE)
    throw new BrokerError(errorCode, `read offset ${offset} of ${topic}-${partition} on the ${cluster.settings.role} cluster`);
  if (answer === undefined || answer.records === null) return null;
  const cursor = new RecordSetCursor().open(answer.records);
  while (cursor.next()) {
    if (cursor.batch.nextOffsetNumber > offset)
      return cursor.batch.baseOffsetNumber <= offset ? RecordBatch.at(answer.records, cursor.batch.position) : 'hole';
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
