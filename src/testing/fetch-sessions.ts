/** Incremental fetch sessions of one broker (KIP-227): which partitions a fetcher is interested in, and what it was told of each. */
import type { Clock } from './clock.ts';
import { Refusal } from './refusal.ts';

/** What a fetcher asks of one partition. */
export interface FetchPartition {
  /** Null while a topic id has no name here. */
  readonly topic: string | null;
  readonly topicId: string;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: bigint;
  readonly lastFetchedEpoch: number;
  readonly partitionMaxBytes: number;
}

/** What the answer says of a partition, as far as a session remembers it. */
export interface ToldPartition {
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly logStartOffset: bigint;
  readonly records: Buffer | null;
  /** The fetcher must be told, whatever else stayed the same: a divergence, a replica to turn to. */
  readonly urgent: boolean;
}

interface Cached {
  wanted: FetchPartition;
  highWatermark: bigint;
  logStartOffset: bigint;
}

/** One session. Partitions are served in the order of this map; one that delivered records goes to its end. */
interface Session {
  readonly id: number;
  readonly usesTopicIds: boolean;
  epoch: number;
  lastUsed: number;
  readonly partitions: Map<string, Cached>;
}

/** Partition key within a session: by id from Fetch v13 on, by name before. */
const keyOf = ({ topic, topicId, partition }: Pick<FetchPartition, 'topic' | 'topicId' | 'partition'>, byId: boolean): string =>
  `${byId ? topicId : topic}/${partition}`;

const FINAL_EPOCH = -1;
const EVICT_AFTER_MS = 120_000;

/** How one Fetch stands to a session. */
export interface FetchScope {
  /** What is to be read, in the order in which to read it. */
  readonly partitions: readonly FetchPartition[];
  /** Decides what of the outcome goes into the answer, and under which session id. */
  settle<T extends ToldPartition>(
    told: readonly (readonly [FetchPartition, T])[],
  ): {
    readonly sessionId: number;
    readonly answer: readonly (readonly [FetchPartition, T])[];
  };
}

/** The part of a Fetch that concerns its session. */
export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly usesTopicIds: boolean;
  readonly partitions: readonly FetchPartition[];
  readonly forgotten: readonly Pick<FetchPartition, 'topic' | 'topicId' | 'partition'>[];
  /** Gives a topic id its name, once there is one. */
  readonly nameOf: (topicId: string) => string | undefined;
}

/** Epochs count from 1 and skip 0, which asks for a new session. */
const nextEpoch = (epoch: number): number => (epoch === 0x7fff_ffff ? 1 : epoch + 1);

export class FetchSessions {
  readonly #sessions = new Map<number, Session>();
  readonly #clock: Clock;
  readonly #slots: () => number;
  #nextId = 1;

  constructor(clock: Clock, slots: () => number) {
    this.#clock = clock;
    this.#slots = slots;
  }

  /** Throws the error that refuses the whole Fetch when the session is not what the fetcher takes it for. */
  open(request: SessionRequest): FetchScope {
    const { sessionId, sessionEpoch, partitions, usesTopicIds } = request;
    if (sessionEpoch === 0 || sessionEpoch === FINAL_EPOCH) {
      this.#sessions.delete(sessionId); // a full request ends the session it names
      return sessionEpoch === FINAL_EPOCH ? sessionless(partitions) : this.#create(partitions, usesTopicIds);
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw new Refusal('FETCH_SESSION_ID_NOT_FOUND');
    if (session.epoch !== sessionEpoch) throw new Refusal('INVALID_FETCH_SESSION_EPOCH');
    if (session.usesTopicIds !== usesTopicIds) throw new Refusal('FETCH_SESSION_TOPIC_ID_ERROR');
    return this.#resume(session, request);
  }

  #create(partitions: readonly FetchPartition[], usesTopicIds: boolean): FetchScope {
    return {
      partitions,
      settle: (told) => {
        const id = partitions.length > 0 && this.#hasRoom() ? this.#nextId++ : 0;
        if (id !== 0) {
          const cached = told.map(([wanted, { highWatermark, logStartOffset }]): [string, Cached] => [
            keyOf(wanted, usesTopicIds),
            { wanted, highWatermark, logStartOffset },
          ]);
          this.#sessions.set(id, { id, usesTopicIds, epoch: 1, lastUsed: this.#clock.now(), partitions: new Map(cached) });
        }
        return { sessionId: id, answer: told };
      },
    };
  }

  #resume(session: Session, { partitions, forgotten, usesTopicIds, nameOf }: SessionRequest): FetchScope {
    for (const wanted of partitions) {
      const key = keyOf(wanted, usesTopicIds);
      const cached = session.partitions.get(key);
      if (cached === undefined) session.partitions.set(key, { wanted, highWatermark: -1n, logStartOffset: -1n });
      // The name a session once learned stays: that is how a topic that was made anew is noticed (INCONSISTENT_TOPIC_ID).
      else cached.wanted = { ...wanted, topic: cached.wanted.topic ?? wanted.topic };
    }
    for (const gone of forgotten) session.partitions.delete(keyOf(gone, usesTopicIds));
    if (session.partitions.size === 0) {
      this.#sessions.delete(session.id);
      return sessionless(partitions);
    }
    session.epoch = nextEpoch(session.epoch);
    session.lastUsed = this.#clock.now();
    for (const cached of session.partitions.values()) {
      const { wanted } = cached;
      if (wanted.topic === null) cached.wanted = { ...wanted, topic: nameOf(wanted.topicId) ?? null };
    }
    return {
      partitions: [...session.partitions.values()].map(({ wanted }) => wanted),
      settle: (told) => ({ sessionId: session.id, answer: told.filter(([wanted, outcome]) => news(session, wanted, outcome)) }),
    };
  }

  /** A full cache makes room only by dropping a session that was not used for two minutes. */
  #hasRoom(): boolean {
    if (this.#sessions.size < this.#slots()) return true;
    const now = this.#clock.now();
    for (const { id, lastUsed } of this.#sessions.values()) {
      if (now - lastUsed > EVICT_AFTER_MS) return this.#sessions.delete(id);
    }
    return false;
  }
}

const sessionless = (partitions: readonly FetchPartition[]): FetchScope => ({
  partitions,
  settle: (told) => ({ sessionId: 0, answer: told }),
});

/** Whether an incremental answer has to mention the partition. A changed last stable offset alone is no news. */
const news = (session: Session, wanted: FetchPartition, told: ToldPartition): boolean => {
  const key = keyOf(wanted, session.usesTopicIds);
  const cached = session.partitions.get(key);
  if (cached === undefined) return true;
  const failed = told.errorCode !== 0;
  const delivered = (told.records?.length ?? 0) > 0;
  const changed = cached.highWatermark !== told.highWatermark || cached.logStartOffset !== told.logStartOffset;
  // An impossible watermark makes the partition news again once the error is gone.
  cached.highWatermark = failed ? -1n : told.highWatermark;
  cached.logStartOffset = told.logStartOffset;
  if (delivered) {
    session.partitions.delete(key);
    session.partitions.set(key, cached);
  }
  return failed || delivered || changed || told.urgent;
};
