/** The brokers of one simulated cluster: they answer what the engine asks, by real rules, and misbehave when they are told to. */
import { LinkError } from '../../../../src/errors.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { DeleteRecords, type DeleteRecordsRequest } from '../../../../src/protocol/messages/delete-records.ts';
import { DescribeProducers, type DescribeProducersRequest } from '../../../../src/protocol/messages/describe-producers.ts';
import { Fetch, type FetchRequest, type FetchResponse } from '../../../../src/protocol/messages/fetch.ts';
import { ListOffsets, type ListOffsetsRequest, type ListOffsetsResponse } from '../../../../src/protocol/messages/list-offsets.ts';
import type { MetadataResponse } from '../../../../src/protocol/messages/metadata.ts';
import { Produce, type ProduceRequest } from '../../../../src/protocol/messages/produce.ts';
import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '../../../../src/protocol/messages/write-txn-markers.ts';
import { type Api, ZERO_UUID } from '../../../../src/protocol/schema.ts';
import {
  deleteRecords,
  describeProducers,
  produce,
  type Work,
  type WriteFault,
  type WritingBroker,
  writeTxnMarkers,
} from './broker-writes.ts';
import type { DestinationLog } from './destination-log.ts';
import { type CachedPartition, SessionCache } from './session-cache.ts';
import type { SimLog } from './sim-log.ts';
import { SourceLog } from './source-log.ts';

const LATEST = -1n;
const NO_SESSION_EPOCH = -1;
const FIRST_WITH_HISTORY = 12;
const FIRST_BY_ID = 13;
const READ_COMMITTED = 1;
const DEBUGGING_REPLICA = -2;
const TOPIC_IDS: Readonly<Record<string, string>> = { source: 'AAAAAAAAAAAAAAAAAAAAAQ', destination: 'AAAAAAAAAAAAAAAAAAAAAg' };

type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];
export interface Lateness {
  readonly from: number;
  readonly until: number;
  /** Later than anybody has to expect. */
  readonly isUnexpected: boolean;
}

interface ReadLimits {
  readonly isolationLevel: number;
  readonly maxBytes: number;
  readonly wholeFirst: boolean;
}

export class SimBrokers {
  readonly role: 'source' | 'destination';
  readonly ids: readonly number[];
  readonly topic = 't';
  readonly logs: readonly SimLog[];
  /** Taken by the next appends, one each. */
  readonly writeFaults: WriteFault[] = [];
  /** The link may write markers. */
  mayWriteMarkers = true;
  /** Taken by the next fetches of sessions: error codes for the whole answer. */
  readonly fetchFaults: number[] = [];
  /** So many metadata answers are those of before the last election. */
  staleAnswers = 0;
  /** What a broker has seen go wrong by its own rules: must stay empty. */
  readonly complaints: string[] = [];
  /** The newest Fetch that the brokers speak: 11 knows no histories, 12 no topic ids. */
  fetchVersion = 17;
  readonly sessions: ReadonlyMap<number, SessionCache>;
  /** Requests whose connections were cut, and which are still worked on. */
  ghosts = 0;
  /** So many milliseconds after a cut the broker is done with what it has received. */
  longestLateness = Number.POSITIVE_INFINITY;
  /** Taken by the next cuts, one each. */
  readonly unexpectedLateness: Lateness[] = [];
  /** Told when something is about to be written that much too late. */
  onLate: (partition: number) => void = () => {};
  readonly #time: () => number;
  readonly #down = new Set<number>();
  readonly #told = new Map<string, string>();
  #stale: MetadataResponse;

  /** `time`: milliseconds since 1970. */
  constructor(role: 'source' | 'destination', ids: readonly number[], logs: readonly SimLog[], time: () => number) {
    this.role = role;
    this.ids = ids;
    this.logs = logs;
    this.#time = time;
    this.sessions = new Map(ids.map((id) => [id, new SessionCache()]));
    this.#stale = this.#describe();
  }

  /** `share`: of the time there is, before the broker begins. */
  nextLateness(share: number): Lateness {
    const until = this.longestLateness;
    return this.unexpectedLateness.shift() ?? { from: Number.isFinite(until) ? until * share : 0, until, isUnexpected: false };
  }

  get topicId(): string {
    return TOPIC_IDS[this.role] as string;
  }

  isDown(broker: number): boolean {
    return this.#down.has(broker);
  }

  stop(broker: number): void {
    this.#down.add(broker);
    this.sessions.get(broker)?.evict();
  }

  restartAll(): void {
    this.#down.clear();
  }

  /** Before an election, so that stale answers can be given afterwards. */
  remember(): void {
    this.#stale = this.#describe();
  }

  metadata(): MetadataResponse {
    if (this.ids.every((id) => this.#down.has(id))) {
      throw new LinkError('KLINK_CONNECT', `No broker of the ${this.role} answers`, { retriable: true });
    }
    if (this.staleAnswers === 0) return this.#describe();
    this.staleAnswers--;
    return this.#stale;
  }

  /** What a process knows that starts: it would not start if nobody had answered. */
  get present(): MetadataResponse {
    return this.#describe();
  }

  /** Whether the broker would rather wait for data than answer. Changes nothing. */
  wouldWait(broker: number, api: Api, body: unknown, version: number): boolean {
    if (api !== Fetch) return false;
    const request = onWire(body as FetchRequest, version);
    if (this.fetchFaults.length > 0 && request.sessionEpoch !== NO_SESSION_EPOCH) return false;
    const view = this.sessions.get(broker)?.peek(request, version >= FIRST_BY_ID);
    if (view === undefined || view.errorCode !== ErrorCode.NONE) return false;
    const { isolationLevel = 0 } = request;
    return !view.partitions.some((partition) => {
      const { errorCode, records, divergingEpoch } = this.#read(broker, partition, { isolationLevel, maxBytes: 1, wholeFirst: true });
      return errorCode !== 0 || (records?.length ?? 0) > 0 || divergingEpoch.endOffset >= 0n;
    });
  }

  /** Begins to work on a request. */
  work(broker: number, api: Api, body: unknown, version: number): Work {
    if (api === Produce) return produce(this.#writing(broker), body as ProduceRequest);
    if (api === WriteTxnMarkers) return writeTxnMarkers(this.#writing(broker), body as WriteTxnMarkersRequest);
    if (api === DeleteRecords) return deleteRecords(this.#writing(broker), body as DeleteRecordsRequest);
    if (api === DescribeProducers) return describeProducers(this.#writing(broker), body as DescribeProducersRequest);
    if (api === Fetch) return atOnce(() => this.#fetch(broker, body as FetchRequest, version));
    if (api === ListOffsets) return atOnce(() => this.#listOffsets(broker, body as ListOffsetsRequest));
    throw new Error(`The simulation has no ${api.name}`);
  }

  #writing(id: number): WritingBroker {
    if (this.role === 'source') throw new Error('A write to the source');
    const { writeFaults: faults, mayWriteMarkers, complaints } = this;
    return { id, logs: this.logs as readonly DestinationLog[], faults, mayWriteMarkers, time: this.#time, complaints };
  }

  #describe(): MetadataResponse {
    const partitions = this.logs.map((log, partitionIndex) => ({
      errorCode: ErrorCode.NONE,
      partitionIndex,
      leaderId: log.leader,
      leaderEpoch: log.leaderEpoch,
      replicaNodes: [...this.ids],
      isrNodes: [...this.ids],
      offlineReplicas: [],
    }));
    return {
      throttleTimeMs: 0,
      brokers: this.ids.filter((id) => !this.#down.has(id)).map((nodeId) => ({ nodeId, host: this.role, port: nodeId, rack: null })),
      clusterId: this.role,
      controllerId: this.ids[0] ?? -1,
      topics: [
        {
          errorCode: ErrorCode.NONE,
          name: this.topic,
          topicId: this.topicId,
          isInternal: false,
          partitions,
          topicAuthorizedOperations: -2_147_483_648,
        },
      ],
      clusterAuthorizedOperations: -2_147_483_648,
    };
  }

  #listOffsets(broker: number, { replicaId, isolationLevel, topics }: ListOffsetsRequest): ListOffsetsResponse {
    const answered = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => {
        const log = this.logs[partitionIndex] as SimLog;
        const isLeader = log.leader === broker;
        // Any replica answers the debugging replica id: a follower with what it has.
        const errorCode = isLeader || replicaId === DEBUGGING_REPLICA ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER;
        const readable = isolationLevel === READ_COMMITTED ? log.lastStableOffset : log.highWatermark;
        const end = replicaId === DEBUGGING_REPLICA && isLeader ? log.end : readable;
        const isLate = log instanceof SourceLog && timestamp === LATEST && log.lateAnswers > 0 && log.lateAnswers-- > 0;
        const offset = BigInt(timestamp !== LATEST ? log.start : isLate ? Math.max(log.start, end - 1) : end);
        return { partitionIndex, errorCode, timestamp: -1n, offset, leaderEpoch: log.leaderEpoch };
      }),
    }));
    return { throttleTimeMs: 0, topics: answered };
  }

  #fetch(broker: number, sent: FetchRequest, version: number): FetchResponse {
    const request = onWire(sent, version);
    const cache = this.sessions.get(broker) as SessionCache;
    const fault = request.sessionEpoch === NO_SESSION_EPOCH ? undefined : this.fetchFaults.shift();
    if (fault !== undefined) return fetchAnswer(fault, 0, []);
    const view = cache.handle(request, version >= FIRST_BY_ID);
    // What comes back into a session is new to the broker.
    for (const { topicId = '', partitions } of request.forgottenTopicsData ?? [])
      for (const partition of partitions) this.#told.delete(`${view.sessionId}/${topicId}/${partition}`);
    if (view.errorCode !== ErrorCode.NONE) return fetchAnswer(view.errorCode, 0, []);
    const answers: [CachedPartition, PartitionAnswer][] = [];
    let left = request.maxBytes ?? Number.MAX_SAFE_INTEGER;
    let wholeFirst = true;
    for (const partition of view.partitions) {
      const maxBytes = Math.min(left, partition.partitionMaxBytes);
      const answer = this.#read(broker, partition, { isolationLevel: request.isolationLevel ?? 0, maxBytes, wholeFirst });
      const bytes = answer.records?.length ?? 0;
      left = Math.max(0, left - bytes);
      if (bytes > 0) wholeFirst = false;
      const key = `${view.sessionId}/${partition.topicId}/${partition.partition}`;
      const known = this.#told.get(key);
      // A last stable offset that has moved is no news to a broker.
      const bounds = `${answer.logStartOffset} to ${answer.highWatermark}`;
      const isNews = answer.errorCode !== 0 || bytes > 0 || answer.divergingEpoch.endOffset >= 0n || known !== bounds;
      if (view.isIncremental && !isNews) continue;
      if (view.sessionId !== 0) this.#told.set(key, bounds);
      answers.push([partition, answer]);
      if (bytes > 0) cache.served(view.sessionId, partition);
    }
    return fetchAnswer(ErrorCode.NONE, view.sessionId, answers);
  }

  #read(broker: number, asked: CachedPartition, limits: ReadLimits): PartitionAnswer {
    const log = this.logs[asked.partition] as SimLog;
    const offset = Number(asked.fetchOffset);
    const { currentLeaderEpoch = -1, lastFetchedEpoch = -1 } = asked;
    const answer = {
      partitionIndex: asked.partition,
      errorCode: 0,
      highWatermark: BigInt(log.highWatermark),
      lastStableOffset: BigInt(log.lastStableOffset),
      logStartOffset: BigInt(log.start),
      divergingEpoch: { epoch: -1, endOffset: -1n },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: { endOffset: -1n, epoch: -1 },
      abortedTransactions: null as PartitionAnswer['abortedTransactions'],
      preferredReadReplica: -1,
      records: null as Buffer | null,
    };
    const refused = (errorCode: number): PartitionAnswer => ({ ...answer, errorCode, highWatermark: -1n, logStartOffset: -1n });
    if (log.leader !== broker) return refused(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < log.leaderEpoch) return refused(ErrorCode.FENCED_LEADER_EPOCH);
    if (currentLeaderEpoch > log.leaderEpoch) return refused(ErrorCode.UNKNOWN_LEADER_EPOCH);
    if (lastFetchedEpoch >= 0 && log instanceof SourceLog) {
      const history = log.endOfEpoch(lastFetchedEpoch);
      if (history.epoch < lastFetchedEpoch || history.endOffset < offset)
        return { ...answer, divergingEpoch: { epoch: history.epoch, endOffset: BigInt(history.endOffset) } };
    }
    if (offset < log.start || offset > log.end) return refused(ErrorCode.OFFSET_OUT_OF_RANGE);
    const isCommitted = limits.isolationLevel === READ_COMMITTED;
    const { records, next } = log.read(offset, { ...limits, limit: isCommitted ? log.lastStableOffset : log.highWatermark });
    if (!isCommitted || !(log instanceof SourceLog)) return { ...answer, records: Buffer.from(records) };
    // Brokers look for them in whole pieces of an index, and so name some that lie behind the answer.
    const abortedTransactions = log.abortedBetween(offset, next + (offset % 3) * 4);
    return { ...answer, records: Buffer.from(records), abortedTransactions };
  }
}

// biome-ignore lint/correctness/useYield: there is nothing to be seen in between
function* atOnce<T>(answer: () => T): Work<T> {
  return answer();
}

/** What is left of a request in a version: up to 12 topics have only names, from 13 on only ids; up to 11 nobody speaks of histories. */
const onWire = (request: FetchRequest, version: number): FetchRequest => {
  const lost = version < FIRST_BY_ID ? { topicId: ZERO_UUID } : { topic: '' };
  for (const { partitions } of request.topics)
    for (const { lastFetchedEpoch = -1 } of partitions)
      if (version < FIRST_WITH_HISTORY && lastFetchedEpoch !== -1) throw new Error(`Fetch v${version} has no lastFetchedEpoch`);
  return {
    ...request,
    topics: request.topics.map((topic) => ({ ...topic, ...lost })),
    forgottenTopicsData: (request.forgottenTopicsData ?? []).map((topic) => ({ ...topic, ...lost })),
  };
};

const fetchAnswer = (errorCode: number, sessionId: number, answers: readonly [CachedPartition, PartitionAnswer][]): FetchResponse => ({
  throttleTimeMs: 0,
  errorCode,
  sessionId,
  responses: answers.map(([{ topic, topicId }, answer]) => ({ topic, topicId, partitions: [answer] })),
  nodeEndpoints: [],
});
