/** Reads a partition batch by batch with plain fetches: what a log is, told independently of the link. */
import { BrokerError } from '../../src/client/broker-error.ts';
import type { Cluster } from '../../src/client/cluster.ts';
import { payloadCrc, type RecordBatch, RecordSetCursor, verifyCrc } from '../../src/codec/index.ts';
import { ErrorCode } from '../../src/protocol/error-codes.ts';
import { Fetch } from '../../src/protocol/messages/fetch.ts';
import { ListOffsets } from '../../src/protocol/messages/list-offsets.ts';
import { ZERO_UUID } from '../../src/protocol/schema.ts';

/** What of a batch must be the same on both sides of a link. */
export interface WalkedBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly recordsCount: number;
  readonly attributes: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
}

/** What may differ: a link writes under its own producer. */
export interface BatchProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

export interface WalkedLog {
  readonly start: number;
  /** High watermark. */
  readonly end: number;
  readonly batches: readonly WalkedBatch[];
  /** Of each batch. */
  readonly producers: readonly BatchProducer[];
  /** Offset of the first message of the old formats, at which the walk ends. */
  readonly oldFormatAt: number | null;
}

const EARLIEST = -2n;
const LATEST = -1n;
const FETCH_BYTES = 4 * 1024 * 1024;
const LAST_FETCH_BY_NAME = 12;

const findOffset = async (cluster: Cluster, topic: string, partition: number, timestamp: bigint): Promise<number> => {
  const response = await cluster.send(
    ListOffsets,
    { replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }] },
    { leader: { topic, partition } },
  );
  const answer = response.topics[0]!.partitions[0]!;
  if (answer.errorCode !== ErrorCode.NONE) throw new BrokerError(answer.errorCode, `list offsets of ${topic}-${partition}`);
  return Number(answer.offset);
};

/** Log start and high watermark. */
export const readRange = async (
  cluster: Cluster,
  topic: string,
  partition: number,
): Promise<{ readonly start: number; readonly end: number }> => ({
  start: await findOffset(cluster, topic, partition, EARLIEST),
  end: await findOffset(cluster, topic, partition, LATEST),
});

const describe = (batch: RecordBatch): WalkedBatch => ({
  baseOffset: Number(batch.baseOffset),
  lastOffset: Number(batch.lastOffset),
  recordsCount: batch.recordsCount,
  attributes: batch.attributes,
  baseTimestamp: batch.baseTimestamp,
  maxTimestamp: batch.maxTimestamp,
  payloadBytes: batch.payload.length,
  payloadCrc: payloadCrc(batch),
});

/** The partition up to its high watermark, or up to the first batch that begins at `before` or later. Every batch's CRC is computed anew, so that what is compared is what is stored. */
export const walkPartition = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  before: number = Number.POSITIVE_INFINITY,
): Promise<WalkedLog> => {
  const { start, end } = await readRange(cluster, topic, partition);
  const batches: WalkedBatch[] = [];
  const producers: BatchProducer[] = [];
  const cursor = new RecordSetCursor();
  const to = Math.min(end, before);
  for (let offset = start; offset < to; ) {
    const records = await fetchAt(cluster, topic, partition, offset);
    cursor.open(records);
    const from = offset;
    while (cursor.next()) {
      const { batch } = cursor;
      if (batch.nextOffsetNumber <= offset) continue;
      if (batch.baseOffsetNumber >= to) return { start, end, batches, producers, oldFormatAt: null };
      if (!verifyCrc(batch)) throw new Error(`${topic}-${partition}: the CRC of the batch at ${batch.baseOffset} is wrong`);
      batches.push(describe(batch));
      const { producerId, producerEpoch, baseSequence } = batch;
      producers.push({ producerId, producerEpoch, baseSequence });
      offset = batch.nextOffsetNumber;
    }
    if (cursor.stop === 'message-set') return { start, end, batches, producers, oldFormatAt: Number(cursor.messageOffset) };
    if (offset === from) {
      // Only holes are left up to the end.
      if (records.length === 0) break;
      throw new Error(`${topic}-${partition}: no whole batch at offset ${offset}`);
    }
  }
  return { start, end, batches, producers, oldFormatAt: null };
};

const fetchAt = async (cluster: Cluster, topic: string, partition: number, offset: number): Promise<Buffer> => {
  const topicId = cluster.metadata.topic(topic)?.topicId ?? null;
  const response = await cluster.send(
    Fetch,
    {
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic,
          topicId: topicId ?? ZERO_UUID,
          partitions: [{ partition, fetchOffset: BigInt(offset), partitionMaxBytes: FETCH_BYTES }],
        },
      ],
    },
    { leader: { topic, partition } },
    topicId === null ? { maxVersion: LAST_FETCH_BY_NAME } : {},
  );
  // A throttled reader is told to be silent and gets no data; the connection keeps the silence.
  if (response.throttleTimeMs > 0 && response.responses.length === 0) return fetchAt(cluster, topic, partition, offset);
  const answer = response.responses[0]?.partitions[0];
  const code = response.errorCode || (answer?.errorCode ?? ErrorCode.NONE);
  if (code !== ErrorCode.NONE) throw new BrokerError(code, `fetch ${topic}-${partition} at ${offset}`);
  return answer?.records ?? Buffer.alloc(0);
};
