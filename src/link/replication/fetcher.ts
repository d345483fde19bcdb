/** Fetches from one source broker: one connection, one fetch session, one request at a time, for the partitions that have room. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Clock } from '../../client/clock.ts';
import type { Cluster } from '../../client/cluster.ts';
import type { Connection } from '../../client/connection.ts';
import { LAST_FETCH_VERSION_BY_NAME } from '../../client/fetch-partition.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Fetch, type FetchResponse } from '../../protocol/messages/fetch.ts';
import { ZERO_UUID } from '../../protocol/schema.ts';
import { fetchError } from './broker-verdicts.ts';
import { ByteWindow } from './byte-window.ts';
import { type FetchPosition, FetchSession, positionKey } from './fetch-session.ts';
import { fetchShare } from './fetch-share.ts';
import { FrameMemory } from './frame-memory.ts';
import type { PartitionMirror } from './partition-mirror.ts';

export interface FetchLimits {
  /** Bytes of one answer (`replica.fetch.response.max.bytes`). */
  readonly responseMaxBytes: number;
  /** Bytes of one partition in an answer (`replica.fetch.max.bytes`). */
  readonly partitionMaxBytes: number;
  /** Bytes the broker waits for (`replica.fetch.min.bytes`), `waitMaxMs` at most. */
  readonly minBytes: number;
  readonly waitMaxMs: number;
  /** Milliseconds for the answer, besides those for which the broker waits. */
  readonly requestTimeoutMs: number;
}

export interface FetcherOptions {
  readonly clock: Clock;
  readonly limits: FetchLimits;
  /** 1: up to the first open transaction, with the list of those that were aborted; 0: everything up to the high watermark. */
  readonly isolationLevel: 0 | 1;
  readonly windowBytes: number;
  /** Called after every answer of the broker. */
  readonly onAnswer: () => void;
}

type Asked = Map<string, { readonly mirror: PartitionMirror; readonly position: FetchPosition }>;
type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]);
/** The first that compares histories (KIP-595). Older brokers are asked without `lastFetchedEpoch`; they tell of a truncation by OFFSET_OUT_OF_RANGE alone. */
const FIRST_VERSION_WITH_HISTORY = 12;
/** While a partition is held back, a long poll for the others would keep it waiting: they are asked without waiting, this often. */
const HELD_BACK_POLL_MS = 20;

export class Fetcher {
  readonly broker: number;
  readonly #cluster: Cluster;
  readonly #lane: string;
  readonly #clock: Clock;
  readonly #limits: FetchLimits;
  readonly #mirrors = new Set<PartitionMirror>();
  readonly #session = new FetchSession();
  readonly #window: ByteWindow;
  readonly #memory: FrameMemory;
  readonly #closing = new AbortController();
  readonly #onAnswer: () => void;
  readonly #isolationLevel: 0 | 1;
  #wake: (() => void) | null = null;
  /** Bytes of the largest batch in the last answer: what those of other partitions are thought to be like, as long as they are not known. */
  #largestBatch = 0;
  #connection: Connection | null = null;
  readonly #done: Promise<void>;

  constructor(cluster: Cluster, broker: { readonly id: number; readonly lane: string }, options: FetcherOptions) {
    this.#cluster = cluster;
    this.broker = broker.id;
    this.#lane = broker.lane;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#onAnswer = options.onAnswer;
    this.#isolationLevel = options.isolationLevel;
    this.#window = new ByteWindow(options.windowBytes, () => this.wake());
    this.#memory = new FrameMemory(options.windowBytes);
    this.#done = this.#run();
  }

  /** Bytes fetched and not yet acknowledged by the destination. */
  get bufferedBytes(): number {
    return this.#window.taken;
  }

  get partitions(): number {
    return this.#mirrors.size;
  }

  resize(windowBytes: number): void {
    this.#window.resize(windowBytes);
    this.#memory.resize(windowBytes);
  }

  add(mirror: PartitionMirror): void {
    this.#mirrors.add(mirror);
    this.wake();
  }

  remove(mirror: PartitionMirror): void {
    this.#mirrors.delete(mirror);
  }

  /** Something has changed: a partition has room again, or bytes were given back. */
  wake(): void {
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.#closing.abort(new LinkError('KLINK_CLOSED', 'The link is closing'));
    this.wake();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const wanted = [...this.#mirrors].filter((mirror) => mirror.wantsRecords);
      const room = this.#window.available;
      const enough = Math.min(this.#limits.partitionMaxBytes, this.#limits.responseMaxBytes);
      if (wanted.length === 0 || (room < enough && this.#window.taken > 0)) {
        await this.#changed(null);
        continue;
      }
      const heldBack = wanted.length < this.#mirrors.size && [...this.#mirrors].some((mirror) => mirror.isHeldBack);
      const mayWait = heldBack && !wanted.some((mirror) => mirror.hasBacklog);
      if (mayWait && (await this.#changed(HELD_BACK_POLL_MS))) continue;
      await this.#fetch(wanted, room, heldBack);
    }
  }

  /** Waits until {@link wake} is called: true; or until `timeoutMs` have passed: false. */
  #changed(timeoutMs: number | null): Promise<boolean> {
    if (this.#closing.signal.aborted) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (woken: boolean): void => {
        this.#wake = null;
        cancel?.();
        resolve(woken);
      };
      const cancel = timeoutMs === null ? null : this.#clock.schedule(timeoutMs, () => settle(false));
      this.#wake = () => settle(true);
    });
  }

  async #fetch(wanted: readonly PartitionMirror[], room: number, heldBack: boolean): Promise<void> {
    const { signal } = this.#closing;
    try {
      const connection = await this.#cluster.connection(this.broker, this.#lane, signal);
      if (connection !== this.#connection) this.#session.reset();
      this.#connection = connection;
      const { asked, byId } = this.#ask(wanted, connection.versions.of(Fetch));
      if (asked.size === 0) return;
      const arrival: { frame: Buffer | null } = { frame: null };
      const response = await connection.send(
        Fetch,
        {
          maxWaitMs: heldBack ? 0 : this.#limits.waitMaxMs,
          minBytes: this.#limits.minBytes,
          maxBytes: Math.max(1, Math.min(this.#limits.responseMaxBytes, room)),
          isolationLevel: this.#isolationLevel,
          ...this.#session.next([...asked.values()].map(({ position }) => position)),
        },
        {
          signal,
          allocate: (size) => (arrival.frame = this.#memory.take(size)),
          timeoutMs: this.#limits.waitMaxMs + this.#limits.requestTimeoutMs,
          ...(!byId && { maxVersion: LAST_FETCH_VERSION_BY_NAME }),
        },
      );
      if (response.errorCode !== ErrorCode.NONE) {
        const inSession = this.#session.isOpen;
        this.#session.reset();
        // 70, 71 and 106 say only that the session is gone: the next request is a full one. Anything else concerns every partition.
        if (inSession && SESSION_ERRORS.has(response.errorCode)) return;
        throw new BrokerError(response.errorCode, `fetch from broker ${this.broker} of the source`);
      }
      this.#session.answered(response.sessionId);
      this.#onAnswer();
      this.#deliver(response, asked, arrival.frame);
    } catch (error) {
      this.#session.reset();
      if (signal.aborted) return;
      for (const mirror of wanted) this.#disturb(mirror, LinkError.from(error));
    }
  }

  /** What is asked for each partition. One request names all its topics in one way: by ids if the broker speaks of them and all are known. */
  #ask(wanted: readonly PartitionMirror[], version: number): { readonly asked: Asked; readonly byId: boolean } {
    const { metadata } = this.#cluster;
    const byId =
      version > LAST_FETCH_VERSION_BY_NAME && wanted.every(({ sourceTopic }) => typeof metadata.topic(sourceTopic)?.topicId === 'string');
    const asked: Asked = new Map();
    const behind = wanted.reduce((count, { hasBacklog }) => count + Number(hasBacklog), 0);
    for (const mirror of wanted) {
      if (!this.#mirrors.has(mirror) || !mirror.wantsRecords) continue;
      const topic = metadata.topic(mirror.sourceTopic);
      const position = {
        topic: mirror.sourceTopic,
        topicId: byId ? (topic?.topicId ?? null) : null,
        partition: mirror.partition,
        currentLeaderEpoch: topic?.partitions[mirror.partition]?.leaderEpoch ?? -1,
        fetchOffset: mirror.fetchOffset,
        lastFetchedEpoch: version < FIRST_VERSION_WITH_HISTORY ? -1 : mirror.lastFetchedEpoch,
        partitionMaxBytes: mirror.hasBacklog
          ? fetchShare(this.#limits, behind, mirror.largestBatch || this.#largestBatch)
          : this.#limits.partitionMaxBytes,
      };
      asked.set(positionKey(position.topic, position.topicId, position.partition), { mirror, position });
    }
    return { asked, byId };
  }

  #deliver(response: FetchResponse, asked: Asked, frame: Buffer | null): void {
    const frameBytes = response.responses.reduce(
      (sum, { partitions }) => partitions.reduce((inner, { records }) => inner + (records?.length ?? 0), sum),
      0,
    );
    const lease = this.#window.take(frameBytes, () => {
      if (frame !== null) this.#memory.give(frame);
    });
    if (frameBytes === 0) this.#memory.clear();
    const now = this.#clock.now();
    let largest = 0;
    try {
      for (const { topic, topicId, partitions } of response.responses) {
        for (const answer of partitions) {
          const found = asked.get(positionKey(topic, topicId === ZERO_UUID ? null : topicId, answer.partitionIndex));
          if (found === undefined || !this.#mirrors.has(found.mirror)) {
            // Told once, a broker does not tell it again in this session: a partition that comes back would never hear of it.
            this.#session.reset();
            continue;
          }
          const { mirror, position } = found;
          const disturbance = disturbanceOf(mirror, answer);
          if (disturbance !== null) {
            this.#disturb(mirror, disturbance);
            continue;
          }
          mirror.accept({
            at: now,
            fetchOffset: position.fetchOffset,
            lastStableOffset: Number(answer.lastStableOffset),
            highWatermark: Number(answer.highWatermark),
            logStartOffset: Number(answer.logStartOffset),
            aborted: answer.abortedTransactions,
            records: answer.records,
            lease,
          });
          largest = Math.max(largest, mirror.largestBatch);
        }
      }
    } finally {
      lease.drop();
    }
    if (largest > 0) this.#largestBatch = largest;
  }

  #disturb(mirror: PartitionMirror, error: LinkError): void {
    // One that another fetcher has taken over meanwhile is none of ours.
    if (this.#mirrors.delete(mirror)) mirror.disturb(error);
  }
}

/** An error code, or the news that the leader's history is not the one that was fetched: both lead to a new comparison of the logs. */
const disturbanceOf = (mirror: PartitionMirror, answer: PartitionAnswer): LinkError | null => {
  if (answer.errorCode !== ErrorCode.NONE) return fetchError(mirror.label, mirror.fetchOffset, answer.errorCode);
  if (answer.divergingEpoch.endOffset < 0n) return null;
  const { epoch, endOffset } = answer.divergingEpoch;
  return new LinkError(
    'KLINK_SOURCE_CHANGED',
    `${mirror.label}: the source says that epoch ${epoch} ends at ${endOffset}, before offset ${mirror.fetchOffset}`,
  );
};
