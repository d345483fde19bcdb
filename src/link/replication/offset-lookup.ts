/** Log start and log end of many partitions: single questions, asked together, become one ListOffsets request per leader. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ListOffsets } from '../../protocol/messages/list-offsets.ts';

/** Timestamps that stand for a position (ListOffsets). */
const SPEC = { latest: -1n, earliest: -2n } as const;
export type OffsetSpec = keyof typeof SPEC;

/**
 * - `consumer`: the end is the high watermark; a leader that does not know it yet says so (OFFSET_NOT_AVAILABLE).
 * - `debugging`: the end is the true log end of the broker asked, what it has not replicated yet included.
 */
export type OffsetView = 'consumer' | 'debugging';
const REPLICA_ID = { consumer: -1, debugging: -2 } as const;

interface Question {
  readonly topic: string;
  readonly partition: number;
  readonly spec: OffsetSpec;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: LinkError) => void;
}

export class OffsetLookup {
  readonly #cluster: Cluster;
  readonly #view: OffsetView;
  #questions: Question[] = [];

  constructor(cluster: Cluster, view: OffsetView) {
    this.#cluster = cluster;
    this.#view = view;
  }

  /** Rejects with `BrokerError`, or as `Cluster.send` does. */
  find(topic: string, partition: number, spec: OffsetSpec): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#questions.push({ topic, partition, spec, resolve, reject });
      if (this.#questions.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Log start and log end together. */
  async range(topic: string, partition: number): Promise<{ readonly start: number; readonly end: number }> {
    const [start, end] = await Promise.all([this.find(topic, partition, 'earliest'), this.find(topic, partition, 'latest')]);
    return { start, end };
  }

  #flush(): void {
    const questions = this.#questions;
    this.#questions = [];
    // A partition may stand only once in a request, so start and end go separately.
    const groups = new Map<string, { readonly leader: number; readonly asked: Map<string, Question[]> }>();
    for (const question of questions) {
      const { topic, partition, spec } = question;
      const leader = this.#cluster.metadata.partition(topic, partition)?.leaderId ?? -1;
      if (leader < 0) {
        question.reject(
          new BrokerError(
            ErrorCode.LEADER_NOT_AVAILABLE,
            `read the log end of ${topic}-${partition} on the ${this.#cluster.settings.role} cluster`,
          ),
        );
        continue;
      }
      const group = groups.get(`${leader}/${spec}`) ?? { leader, asked: new Map<string, Question[]>() };
      groups.set(`${leader}/${spec}`, group);
      const key = `${topic}/${partition}`;
      group.asked.set(key, [...(group.asked.get(key) ?? []), question]);
    }
    for (const { leader, asked } of groups.values()) void this.#ask(leader, asked);
  }

  async #ask(leader: number, asked: ReadonlyMap<string, readonly Question[]>): Promise<void> {
    try {
      const topics = new Map<string, { partitionIndex: number; timestamp: bigint }[]>();
      for (const [{ topic, partition, spec }] of asked.values() as Iterable<readonly [Question]>) {
        topics.set(topic, [...(topics.get(topic) ?? []), { partitionIndex: partition, timestamp: SPEC[spec] }]);
      }
      const response = await this.#cluster.send(
        ListOffsets,
        { replicaId: REPLICA_ID[this.#view], topics: [...topics].map(([name, partitions]) => ({ name, partitions })) },
        { broker: leader },
      );
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex, errorCode, offset } of partitions) {
          for (const question of asked.get(`${name}/${partitionIndex}`) ?? []) {
            if (errorCode === ErrorCode.NONE) question.resolve(Number(offset));
            else
              question.reject(
                new BrokerError(errorCode, `read the log end of ${name}-${partitionIndex} on the ${this.#cluster.settings.role} cluster`),
              );
          }
        }
      }
      // Settling twice does nothing: this reaches only those the broker has not answered for.
      throw new LinkError('KLINK_MALFORMED', `Broker ${leader} left partitions out of its ListOffsets answer`, { retriable: true });
    } catch (error) {
      for (const questions of asked.values()) for (const { reject } of questions) reject(LinkError.from(error));
    }
  }
}
