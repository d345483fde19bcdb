/** The client's half of an incremental fetch session (KIP-227): what to put into the next request so that the broker knows the rest. */
import type { FetchRequest } from '../../protocol/messages/fetch.ts';
import { ZERO_UUID } from '../../protocol/schema.ts';

/** One partition as the next fetch shall ask for it. */
export interface FetchPosition {
  readonly topic: string;
  /** Null where the cluster has no topic ids: then the whole session goes by names. */
  readonly topicId: string | null;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly partitionMaxBytes: number;
}

export type SessionFields = Required<Pick<FetchRequest, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'>>;

const NO_SESSION = 0;
const FIRST_EPOCH = 0;

/** What both sides call a partition: by topic id from Fetch v13 on, by name before. */
export const positionKey = (topic: string, topicId: string | null, partition: number): string => `${topicId ?? topic}/${partition}`;

/**
 * Remembers what the broker was told. A request carries only partitions that are new or have moved, and those to forget; the broker keeps
 * the order of the session and puts partitions it has served last, so that none starves. Without a session the order is rotated here.
 */
export class FetchSession {
  #id = NO_SESSION;
  #epoch = FIRST_EPOCH;
  #told = new Map<string, FetchPosition>();
  #rotation = 0;

  /** The broker keeps a session for us: the next request tells only what has changed. */
  get isOpen(): boolean {
    return this.#id !== NO_SESSION;
  }

  /** The fields of the next request, for exactly the `wanted` partitions. */
  next(wanted: readonly FetchPosition[]): SessionFields {
    if (this.#id === NO_SESSION) {
      const from = wanted.length === 0 ? 0 : this.#rotation++ % wanted.length;
      this.#told = new Map(wanted.map((position) => [keyOf(position), position]));
      return this.#fields([...wanted.slice(from), ...wanted.slice(0, from)], []);
    }
    const told = this.#told;
    this.#told = new Map(wanted.map((position) => [keyOf(position), position]));
    const changed = wanted.filter((position) => !samePosition(position, told.get(keyOf(position))));
    const forgotten = [...told].filter(([key]) => !this.#told.has(key)).map(([, position]) => position);
    return this.#fields(changed, forgotten);
  }

  /** The broker has answered without a session error. Id 0 means that it keeps no session for us. */
  answered(sessionId: number): void {
    if (sessionId === NO_SESSION) {
      this.reset();
      return;
    }
    this.#epoch = this.#id === sessionId && this.#epoch < 0x7fff_ffff ? this.#epoch + 1 : 1;
    this.#id = sessionId;
  }

  /** Starts over with a full request: after a session error, a lost connection, or an answer that was not understood. */
  reset(): void {
    this.#id = NO_SESSION;
    this.#epoch = FIRST_EPOCH;
    this.#told.clear();
  }

  #fields(asked: readonly FetchPosition[], forgotten: readonly FetchPosition[]): SessionFields {
    return {
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: byTopic(asked).map(({ topic, topicId, positions }) => ({
        topic,
        topicId,
        partitions: positions.map(({ partition, currentLeaderEpoch, fetchOffset, lastFetchedEpoch, partitionMaxBytes }) => ({
          partition,
          currentLeaderEpoch,
          fetchOffset: BigInt(fetchOffset),
          lastFetchedEpoch,
          partitionMaxBytes,
        })),
      })),
      forgottenTopicsData: byTopic(forgotten).map(({ topic, topicId, positions }) => ({
        topic,
        topicId,
        partitions: positions.map(({ partition }) => partition),
      })),
    };
  }
}

const keyOf = ({ topic, topicId, partition }: FetchPosition): string => positionKey(topic, topicId, partition);

const samePosition = (a: FetchPosition, b: FetchPosition | undefined): boolean =>
  b !== undefined &&
  a.fetchOffset === b.fetchOffset &&
  a.currentLeaderEpoch === b.currentLeaderEpoch &&
  a.lastFetchedEpoch === b.lastFetchedEpoch &&
  a.partitionMaxBytes === b.partitionMaxBytes;

/** Neighbours of one topic together; a topic may come twice, so that a rotated order is kept. */
const byTopic = (positions: readonly FetchPosition[]): { topic: string; topicId: string; positions: FetchPosition[] }[] => {
  const groups: { topic: string; topicId: string; positions: FetchPosition[] }[] = [];
  for (const position of positions) {
    const last = groups.at(-1);
    if (last?.topic === position.topic) last.positions.push(position);
    else groups.push({ topic: position.topic, topicId: position.topicId ?? ZERO_UUID, positions: [position] });
  }
  return groups;
};
