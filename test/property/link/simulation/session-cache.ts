/** The broker's half of fetch sessions (KIP-227), written from the KIP: what a broker believes it was asked. */
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import type { FetchRequest } from '../../../../src/protocol/messages/fetch.ts';

type Asked = FetchRequest['topics'][number]['partitions'][number];

/** One partition as the broker has it in mind. */
export interface CachedPartition extends Asked {
  readonly topic: string;
  readonly topicId: string;
}

export interface SessionView {
  readonly errorCode: number;
  readonly sessionId: number;
  /** In the order in which they are served. */
  readonly partitions: readonly CachedPartition[];
  readonly isIncremental: boolean;
}

interface Session {
  readonly byId: boolean;
  epoch: number;
  readonly partitions: Map<string, CachedPartition>;
}

const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;

const keyOf = (topic: string, topicId: string, partition: number): string => `${topicId}|${topic}|${partition}`;

export class SessionCache {
  readonly #sessions = new Map<number, Session>();
  #lastId = 100;
  /** 0: no room, every fetch is answered without a session. */
  capacity = 1000;

  get size(): number {
    return this.#sessions.size;
  }

  evict(): void {
    this.#sessions.clear();
  }

  /** What {@link handle} would see, without doing it. */
  peek(request: FetchRequest, byId: boolean): SessionView {
    const known = this.#sessions.get(request.sessionId ?? 0);
    const before = known === undefined ? undefined : { ...known, partitions: new Map(known.partitions) };
    const last = this.#lastId;
    const view = this.handle(request, byId);
    if (view.sessionId !== 0) this.#sessions.delete(view.sessionId);
    this.#lastId = last;
    if (before !== undefined) this.#sessions.set(request.sessionId as number, before);
    return view;
  }

  /** `byId`: the request names topics by their ids (from version 13 on). */
  handle({ sessionId = 0, sessionEpoch = FINAL_EPOCH, topics, forgottenTopicsData = [] }: FetchRequest, byId: boolean): SessionView {
    const asked = topics.flatMap(({ topic = '', topicId = '', partitions }) =>
      partitions.map((partition): [string, CachedPartition] => [
        keyOf(topic, topicId, partition.partition),
        { ...partition, topic, topicId },
      ]),
    );
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#sessions.delete(sessionId);
      const whole = { errorCode: ErrorCode.NONE, partitions: asked.map(([, partition]) => partition), isIncremental: false };
      if (sessionEpoch === FINAL_EPOCH || this.#sessions.size >= this.capacity || asked.length === 0) return { ...whole, sessionId: 0 };
      const id = ++this.#lastId;
      this.#sessions.set(id, { byId, epoch: 1, partitions: new Map(asked) });
      return { ...whole, sessionId: id };
    }
    const refused = (errorCode: number): SessionView => ({ errorCode, sessionId: 0, partitions: [], isIncremental: true });
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.byId !== byId) return refused(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    if (session.epoch !== sessionEpoch) return refused(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    session.epoch = sessionEpoch === 0x7fff_ffff ? 1 : sessionEpoch + 1;
    for (const [key, partition] of asked) session.partitions.set(key, partition);
    for (const { topic = '', topicId = '', partitions } of forgottenTopicsData)
      for (const partition of partitions) session.partitions.delete(keyOf(topic, topicId, partition));
    if (session.partitions.size === 0) {
      this.#sessions.delete(sessionId);
      return { errorCode: ErrorCode.NONE, sessionId: 0, partitions: [], isIncremental: true };
    }
    return { errorCode: ErrorCode.NONE, sessionId, partitions: [...session.partitions.values()], isIncremental: true };
  }

  /** Served partitions go to the end of the line. */
  served(sessionId: number, { topic, topicId, partition }: CachedPartition): void {
    const partitions = this.#sessions.get(sessionId)?.partitions;
    const key = keyOf(topic, topicId, partition);
    const found = partitions?.get(key);
    if (partitions === undefined || found === undefined) return;
    partitions.delete(key);
    partitions.set(key, found);
  }
}
