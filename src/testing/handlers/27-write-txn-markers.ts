/**
 * WriteTxnMarkers: one control record per entry and partition. Nobody checks that the transaction, the producer id or the coordinator exists:
 * with a producer id of −2 or less such a marker is a filler that takes one offset and leaves no other trace.
 *
 * What a caller has to know besides:
 * - Outcomes are collected by producer id and partition in the order in which they become known, entries that wait for followers last. Of several for the same
 *   place only the last is answered: a success hides the failure before it.
 * - A producer id or epoch of −1 breaks the handler. The entries before it are written, and the whole request is answered UNKNOWN_SERVER_ERROR.
 * - Some requests are never answered: since 3.x those in which an entry names a partition twice (it gets one marker), and in all releases those whose last
 *   entry has only unknown partitions, when the others had something to do and need not wait for followers.
 */
import { buildEndTxnMarker } from '../../codec/batch-builder.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { WriteTxnMarkers, type WriteTxnMarkersReceivedRequest } from '../../protocol/messages/write-txn-markers.ts';
import { handler } from '../handler.ts';
import { NO_ANSWER } from '../interception.ts';
import type { Partition } from '../partition.ts';
import { attempt, Refusal } from '../refusal.ts';
import { since } from '../releases.ts';
import { type Appending, fateOf, replicated } from '../replication.ts';
import { allows, leastInSync, type RequestContext, spring } from '../request-context.ts';
import { gone } from '../waiting.ts';

type Marker = WriteTxnMarkersReceivedRequest['markers'][number];
/** `request.timeout.ms`: markers are acks=all, and brokers give them this long. */
const REQUEST_TIMEOUT_MS = 30_000;

export const writeTxnMarkers = handler(WriteTxnMarkers, async ({ markers }, context) => {
  if (!mayWrite(context)) return { markers: allAnswered(markers, ErrorCode.CLUSTER_AUTHORIZATION_FAILED) };
  const entries = markers.map((marker) => ({ marker, ...placesOf(marker, context) }));
  const answers = new MergedAnswers();
  const waiting: Promise<void>[] = [];
  for (const { marker, known, unknown } of entries) {
    const { producerId, producerEpoch } = marker;
    for (const place of unknown) answers.put(producerId, place, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    if (known.length > 0 && (producerId === -1n || producerEpoch === -1)) {
      return { markers: allAnswered(markers, ErrorCode.UNKNOWN_SERVER_ERROR) };
    }
    const results = known.map((place) => ({ place, result: attempt(() => append(marker, place, context)) }));
    const settle = (fates: ReadonlyMap<Appending, Refusal | null>): void => {
      for (const { place, result } of results) {
        const refusal = result instanceof Refusal ? result : fates.get(result);
        answers.put(producerId, place, refusal?.errorCode ?? ErrorCode.NONE);
      }
    };
    const appended = results.flatMap(({ result }) => (result instanceof Refusal ? [] : result));
    if (appended.every((each) => isAlone(each, context))) settle(new Map());
    else waiting.push(replicated(appended, REQUEST_TIMEOUT_MS, context).then(settle));
  }
  await Promise.all(waiting);
  const { signal } = context.connection;
  if (isForgotten(entries, waiting.length, context)) await gone(signal);
  return signal.aborted ? NO_ANSWER : { markers: answers.all() };
});

/** Brokers answer when they finish the last entry, and miscount in two cases: then the sender waits for ever. */
const isForgotten = (entries: readonly Places[], waited: number, { cluster }: RequestContext): boolean => {
  const lastIsUnknown = entries.at(-1)?.known.length === 0 && entries.some(({ known }) => known.length > 0);
  return (lastIsUnknown && waited === 0) || (since(cluster.release, '3.9') && entries.some(({ repeated }) => repeated));
};

/** ALTER on the cluster was not enough before 3.x. */
const mayWrite = (context: RequestContext): boolean =>
  (since(context.cluster.release, '3.9') && allows(context, 'alter', 'cluster')) || allows(context, 'clusterAction', 'cluster');

interface Place {
  readonly topic: string;
  readonly index: number;
}
type KnownPlace = Place & { readonly partition: Partition };

/** Where an entry's markers go, each place once. */
interface Places {
  readonly known: readonly KnownPlace[];
  /** Unlike Produce, this does not tell a partition of other brokers from one that does not exist. */
  readonly unknown: readonly Place[];
  /** Some place is named twice. */
  readonly repeated: boolean;
}

const placesOf = ({ topics }: Marker, { cluster, broker }: RequestContext): Places => {
  const known = new Map<Partition, KnownPlace>();
  const unknown: Place[] = [];
  let repeated = false;
  for (const { name: topic, partitionIndexes } of topics) {
    for (const index of partitionIndexes) {
      const partition = cluster.partition(topic, index);
      if (partition === undefined || !partition.replicas.includes(broker.id)) unknown.push({ topic, index });
      else if (known.has(partition)) repeated = true;
      else known.set(partition, { topic, index, partition });
    }
  }
  return { known: [...known.values()], unknown, repeated };
};

const append = (
  { producerId, producerEpoch, transactionResult, coordinatorEpoch }: Marker,
  { topic, index, partition }: KnownPlace,
  context: RequestContext,
): Appending => {
  const { cluster, broker } = context;
  const { leaderEpoch, leader, isr, log } = partition;
  spring(context, topic, index);
  if (leader !== broker.id) throw new Refusal('NOT_LEADER_OR_FOLLOWER');
  if (isr.length < leastInSync(partition, cluster)) throw new Refusal('NOT_ENOUGH_REPLICAS');
  const result = transactionResult ? 'commit' : 'abort';
  const bytes = buildEndTxnMarker({ result, coordinatorEpoch }, { producerId, producerEpoch, timestamp: cluster.now });
  return { partition, leaderEpoch, lastOffset: log.appendMarker(bytes, leaderEpoch) };
};

/** True when no follower has to be waited for. */
const isAlone = (appending: Appending, context: RequestContext): boolean =>
  appending.partition.isr.length === 1 && fateOf(appending, context) === null;

/** What brokers answer when the request as a whole fails. Of several entries of one producer id only the last is left. */
const allAnswered = (markers: readonly Marker[], errorCode: number) => {
  const byProducer = new Map(
    markers.map(({ producerId, topics }) => [
      producerId,
      topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
      })),
    ]),
  );
  return [...byProducer].map(([producerId, topics]) => ({ producerId, topics }));
};

/** The map in which brokers collect outcomes: by producer id, topic and partition, the last one stands. */
class MergedAnswers {
  readonly #byProducer = new Map<bigint, Map<string, Map<number, number>>>();

  put(producerId: bigint, { topic, index }: Place, errorCode: number): void {
    const byTopic = this.#byProducer.get(producerId) ?? new Map<string, Map<number, number>>();
    const codes = byTopic.get(topic) ?? new Map<number, number>();
    this.#byProducer.set(producerId, byTopic.set(topic, codes.set(index, errorCode)));
  }

  all() {
    return [...this.#byProducer].map(([producerId, byTopic]) => ({
      producerId,
      topics: [...byTopic].map(([name, codes]) => ({
        name,
        partitions: [...codes].map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
      })),
    }));
  }
}
