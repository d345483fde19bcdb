/** Fetch: sessions, sizes, isolation, epochs and the long poll. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Fetch, type FetchReceivedRequest } from '../../protocol/messages/fetch.ts';
import type { FetchPartition } from '../fetch-sessions.ts';
import { handler } from '../handler.ts';
import { NO_ANSWER } from '../interception.ts';
import type { EndedTransaction } from '../log/transaction-index.ts';
import type { Partition } from '../partition.ts';
import { attempt, Refusal } from '../refusal.ts';
import { since } from '../releases.ts';
import { checkLeaderEpoch, currentLeaderOf, demand, type RequestContext, spring } from '../request-context.ts';
import { waitUntil } from '../waiting.ts';
import { endpointsOf } from './endpoints.ts';

const EMPTY = Buffer.alloc(0);
const READ_COMMITTED = 1;
/** Versions with a meaning of their own. */
const TOPIC_IDS = 13;
const FOLLOWERS_SERVE = 11;
const LEADER_HINTS = 16;
const ZSTD_KNOWN = 10;

/** A wanted partition, found or not. */
interface Target {
  readonly wanted: FetchPartition;
  readonly found: Partition | Refusal;
}

/** What the answer says of a partition. */
interface Outcome {
  readonly partition: Partition | undefined;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  readonly records: Buffer;
  readonly abortedTransactions: readonly EndedTransaction[] | null;
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: bigint } | null;
  readonly urgent: boolean;
}

export const fetch = handler(Fetch, async (request, context) => {
  const { cluster, connection, throttleTimeMs } = context;
  const scope = attempt(() => openScope(request, context));
  if (scope instanceof Refusal) return { errorCode: scope.errorCode, sessionId: 0, responses: [] };
  // A throttled consumer gets no data, and its session does not move.
  if (throttleTimeMs > 0) return { sessionId: request.sessionEpoch > 0 ? request.sessionId : 0, responses: [] };
  const targets = scope.partitions.map((wanted): Target => ({ wanted, found: attempt(() => find(wanted, context)) }));
  const partitions = targets.flatMap(({ found }) => (found instanceof Refusal ? [] : found));
  let outcomes: readonly Outcome[] = [];
  const ready = (): boolean => {
    outcomes = readAll(targets, request, context);
    return isReady(targets, outcomes, Math.min(request.minBytes, request.maxBytes));
  };
  if (!(await waitUntil(partitions, ready, { clock: cluster.clock, ms: request.maxWaitMs, signal: connection.signal }))) {
    if (connection.signal.aborted) return NO_ANSWER;
    outcomes = readAll(targets, request, context);
  }
  const { sessionId, answer } = scope.settle(targets.map(({ wanted }, i) => [wanted, outcomes[i]!] as const));
  return {
    sessionId,
    responses: byTopic(answer, context),
    nodeEndpoints:
      context.header.apiVersion < LEADER_HINTS
        ? []
        : endpointsOf(
            answer.filter(([, told]) => pointsAway(told)).map(([, told]) => told.partition),
            cluster,
          ),
  };
});

const openScope = (request: FetchReceivedRequest, { sessions, cluster, header }: RequestContext) => {
  const usesTopicIds = header.apiVersion >= TOPIC_IDS;
  const nameOf = (id: string): string | undefined => cluster.topicName(id);
  const named = ({ topic, topicId }: { topic: string; topicId: string }): string | null =>
    usesTopicIds ? (nameOf(topicId) ?? null) : topic;
  return sessions.open({
    sessionId: request.sessionId,
    sessionEpoch: request.sessionEpoch,
    usesTopicIds,
    nameOf,
    partitions: request.topics.flatMap((topic) =>
      topic.partitions.map((partition) => ({ ...partition, topic: named(topic), topicId: topic.topicId })),
    ),
    forgotten: request.forgottenTopicsData.flatMap((topic) =>
      topic.partitions.map((partition) => ({ topic: named(topic), topicId: topic.topicId, partition })),
    ),
  });
};

/** What is decided before a log is looked at. */
const find = ({ topic, topicId, partition: index }: FetchPartition, context: RequestContext): Partition => {
  const { cluster, header } = context;
  if (topic === null) throw new Refusal('UNKNOWN_TOPIC_ID');
  demand(context, 'read', 'topic', topic);
  spring(context, topic, index);
  const partition = cluster.partition(topic, index);
  if (partition === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION');
  if (header.apiVersion >= TOPIC_IDS && partition.topicId !== topicId) throw new Refusal('INCONSISTENT_TOPIC_ID');
  const down = header.apiVersion < ZSTD_KNOWN && !since(cluster.release, '4.0');
  if (down && cluster.logConfig(topic).compression === 'zstd') throw new Refusal('UNSUPPORTED_COMPRESSION_TYPE');
  return partition;
};

/** Serves partitions in order: the first one that has data may exceed every limit by its first batch. */
const readAll = (targets: readonly Target[], request: FetchReceivedRequest, context: RequestContext): readonly Outcome[] => {
  let left = Math.min(request.maxBytes, context.cluster.configs.brokerNumber('fetch.max.bytes'));
  let whole = true;
  return targets.map(({ wanted, found }) => {
    if (found instanceof Refusal) return refused(found);
    const outcome = attempt(() => read(wanted, found, { maxBytes: Math.min(wanted.partitionMaxBytes, left), whole }, request, context));
    if (outcome instanceof Refusal) return refused(outcome, found);
    left = Math.max(0, left - outcome.records.length);
    if (outcome.records.length > 0) whole = false;
    return outcome;
  });
};

const read = (
  { fetchOffset, currentLeaderEpoch, lastFetchedEpoch }: FetchPartition,
  partition: Partition,
  { maxBytes, whole }: { readonly maxBytes: number; readonly whole: boolean },
  { isolationLevel }: FetchReceivedRequest,
  { broker, header, cluster }: RequestContext,
): Outcome => {
  const { log, leader, replicas } = partition;
  if (cluster.partition(partition.topic, partition.index) !== partition) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION'); // deleted while we waited
  checkLeaderEpoch(partition, currentLeaderEpoch);
  const serves = leader === broker.id || (header.apiVersion >= FOLLOWERS_SERVE && replicas.includes(broker.id));
  if (!serves) throw new Refusal('NOT_LEADER_OR_FOLLOWER');
  const { highWatermark, lastStableOffset, startOffset: logStartOffset } = log;
  const base = { partition, errorCode: ErrorCode.NONE, highWatermark, lastStableOffset, logStartOffset };
  const divergingEpoch = divergence(log, fetchOffset, lastFetchedEpoch);
  if (divergingEpoch !== null) return { ...base, divergingEpoch, records: EMPTY, abortedTransactions: null, urgent: true };
  const committed = isolationLevel === READ_COMMITTED;
  const upTo = committed ? lastStableOffset : highWatermark;
  const { records, aborted } = log.read(fetchOffset, { maxBytes, upTo, whole, committed });
  return { ...base, divergingEpoch: null, records, abortedTransactions: aborted, urgent: false };
};

/** Where the fetcher's history parts from this log's, if it does (KIP-595). */
const divergence = ({ epochs, startOffset, endOffset }: Partition['log'], fetchOffset: bigint, lastFetchedEpoch: number) => {
  if (lastFetchedEpoch < 0) return null;
  const end = epochs.endOf(lastFetchedEpoch, endOffset);
  if (end.epoch < 0 || end.endOffset < 0n || fetchOffset < startOffset) throw new Refusal('OFFSET_OUT_OF_RANGE');
  return end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset ? end : null;
};

const refused = ({ errorCode }: Refusal, partition?: Partition): Outcome => ({
  partition,
  errorCode,
  highWatermark: -1n,
  lastStableOffset: -1n,
  logStartOffset: -1n,
  records: EMPTY,
  abortedTransactions: null,
  divergingEpoch: null,
  urgent: false,
});

/** Enough bytes, an error or a divergence in one of the logs, or nothing at all to wait for. An unknown partition alone lets the others wait. */
const isReady = (targets: readonly Target[], outcomes: readonly Outcome[], minBytes: number): boolean => {
  if (targets.every(({ found }) => found instanceof Refusal)) return true;
  let bytes = 0;
  for (let i = 0; i < outcomes.length; i++) {
    const { errorCode, records, urgent } = outcomes[i]!;
    if (urgent || (errorCode !== ErrorCode.NONE && !(targets[i]!.found instanceof Refusal))) return true;
    bytes += records.length;
  }
  return bytes >= minBytes;
};

const pointsAway = ({ errorCode, partition }: Outcome): boolean =>
  partition !== undefined && (errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH);

/** Neighbours of one topic share an entry. */
const byTopic = (answer: readonly (readonly [FetchPartition, Outcome])[], { header }: RequestContext) => {
  const topics: { topic: string; topicId: string; partitions: ReturnType<typeof partitionData>[] }[] = [];
  for (const [wanted, outcome] of answer) {
    let last = topics.at(-1);
    if (last === undefined || last.topicId !== wanted.topicId || last.topic !== (wanted.topic ?? '')) {
      last = { topic: wanted.topic ?? '', topicId: wanted.topicId, partitions: [] };
      topics.push(last);
    }
    last.partitions.push(partitionData(wanted, outcome, header.apiVersion));
  }
  return topics;
};

const partitionData = ({ partition: partitionIndex }: FetchPartition, outcome: Outcome, apiVersion: number) => {
  const { partition, errorCode, highWatermark, lastStableOffset, logStartOffset, records, divergingEpoch } = outcome;
  return {
    partitionIndex,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    records,
    abortedTransactions: outcome.abortedTransactions?.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })) ?? null,
    ...(divergingEpoch === null ? {} : { divergingEpoch }),
    ...(apiVersion >= LEADER_HINTS && pointsAway(outcome) && partition !== undefined ? { currentLeader: currentLeaderOf(partition) } : {}),
  };
};
