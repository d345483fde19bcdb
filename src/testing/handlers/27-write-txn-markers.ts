/**
 * WriteTxnMarkers: one control record per entry and partition. Nobody checks that the transaction, the producer id or the coordinator exists:
 * with a producer id of −2 or less such a marker is a filler that takes one offset and leaves no other trace.
 */
import { buildEndTxnMarker } from '../../codec/batch-builder.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { WriteTxnMarkers, type WriteTxnMarkersReceivedRequest } from '../../protocol/messages/write-txn-markers.ts';
import { handler } from '../handler.ts';
import { NO_ANSWER } from '../interception.ts';
import type { Partition } from '../partition.ts';
import { attempt, Refusal } from '../refusal.ts';
import { allows, leastInSync, type RequestContext, spring } from '../request-context.ts';
import { waitUntil } from '../waiting.ts';

type Marker = WriteTxnMarkersReceivedRequest['markers'][number];
/** Coordinators ask for acks=all and give it this long. */
const REQUEST_TIMEOUT_MS = 30_000;

export const writeTxnMarkers = handler(WriteTxnMarkers, async ({ markers }, context) => {
  const written: { readonly partition: Partition; readonly offset: bigint }[] = [];
  const outcomes = markers.map((marker) => ({
    producerId: marker.producerId,
    topics: marker.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        const outcome = attempt(() => write(marker, name, partitionIndex, context));
        if (outcome instanceof Refusal) return { partitionIndex, errorCode: outcome.errorCode };
        written.push(outcome);
        return { partitionIndex, errorCode: ErrorCode.NONE as number };
      }),
    })),
  }));
  const { clock } = context.cluster;
  const { signal } = context.connection;
  const partitions = new Set(written.map(({ partition }) => partition));
  const replicated = (): boolean => written.every(({ partition, offset }) => partition.log.highWatermark > offset);
  const done = await waitUntil(partitions, replicated, { clock, ms: REQUEST_TIMEOUT_MS, signal });
  if (signal.aborted) return NO_ANSWER;
  return { markers: mergedByProducer(done ? outcomes : outcomes.map(timedOut)) };
});

const write = (
  { producerId, producerEpoch, transactionResult, coordinatorEpoch }: Marker,
  topic: string,
  index: number,
  context: RequestContext,
) => {
  const { cluster, broker } = context;
  if (!allows(context, 'alter', 'cluster') && !allows(context, 'clusterAction', 'cluster'))
    throw new Refusal('CLUSTER_AUTHORIZATION_FAILED');
  spring(context, topic, index);
  const partition = cluster.partition(topic, index);
  // Unlike Produce, this does not tell a partition of other brokers from one that does not exist.
  if (partition === undefined || !partition.replicas.includes(broker.id)) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION');
  if (partition.leader !== broker.id) throw new Refusal('NOT_LEADER_OR_FOLLOWER');
  if (partition.isr.length < leastInSync(partition, cluster)) throw new Refusal('NOT_ENOUGH_REPLICAS');
  // Real brokers fail on the id that means "none" while they build the batch.
  if (producerId === -1n) throw new Refusal('UNKNOWN_SERVER_ERROR');
  const result = transactionResult ? 'commit' : 'abort';
  const bytes = buildEndTxnMarker({ result, coordinatorEpoch }, { producerId, producerEpoch, timestamp: cluster.now });
  return { partition, offset: partition.log.appendMarker(bytes, partition.leaderEpoch) };
};

interface Outcome {
  readonly producerId: bigint;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
  }[];
}

const timedOut = ({ producerId, topics }: Outcome): Outcome => ({
  producerId,
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, errorCode }) => ({
      partitionIndex,
      errorCode: errorCode || ErrorCode.REQUEST_TIMED_OUT,
    })),
  })),
});

/** Brokers collect answers in a map by producer id, topic and partition: of several markers for the same one, the last outcome stands. */
const mergedByProducer = (outcomes: readonly Outcome[]): Outcome[] => {
  const merged = new Map<bigint, Map<string, Map<number, number>>>();
  for (const { producerId, topics } of outcomes) {
    const byTopic = merged.get(producerId) ?? new Map<string, Map<number, number>>();
    merged.set(producerId, byTopic);
    for (const { name, partitions } of topics) {
      const codes = byTopic.get(name) ?? new Map<number, number>();
      byTopic.set(name, codes);
      for (const { partitionIndex, errorCode } of partitions) codes.set(partitionIndex, errorCode);
    }
  }
  return [...merged].map(([producerId, byTopic]) => ({
    producerId,
    topics: [...byTopic].map(([name, codes]) => ({
      name,
      partitions: [...codes].map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
    })),
  }));
};
