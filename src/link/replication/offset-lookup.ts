/** Log start and log end of many partitions. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LeaderQuestions, questionKey } from '../../client/leader-questions.ts';
import type { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ListOffsets } from '../../protocol/messages/list-offsets.ts';

/** Timestamps that stand for a position (ListOffsets). */
const SPEC = { latest: -1n, earliest: -2n } as const;
export type OffsetSpec = keyof typeof SPEC;

/**
 * - `committed`: the end is the last stable offset, before the first open transaction: what a mirror can copy.
 * - `consumer`: the end is the high watermark; a leader that does not know it yet says so (OFFSET_NOT_AVAILABLE).
 * - `debugging`: the end is the true log end of the broker asked, what it has not replicated yet included.
 */
export type OffsetView = 'committed' | 'consumer' | 'debugging';
const VIEWS: Readonly<Record<OffsetView, { readonly replicaId: number; readonly isolationLevel: number }>> = {
  committed: { replicaId: -1, isolationLevel: 1 },
  consumer: { replicaId: -1, isolationLevel: 0 },
  debugging: { replicaId: -2, isolationLevel: 0 },
};

interface Question {
  readonly topic: string;
  readonly partition: number;
  readonly spec: OffsetSpec;
}

export class OffsetLookup {
  readonly #questions: LeaderQuestions<Question, number>;

  constructor(cluster: Cluster, view: OffsetView) {
    const doing = ({ topic, partition, spec }: Question): string =>
      `read the log ${spec === 'latest' ? 'end' : 'start'} of ${topic}-${partition} on the ${cluster.settings.role} cluster`;
    this.#questions = new LeaderQuestions(cluster, {
      doing,
      lane: ({ spec }) => spec,
      ask: async (leader, questions) => {
        const topics = new Map<string, { partitionIndex: number; timestamp: bigint }[]>();
        for (const { topic, partition, spec } of questions) {
          topics.set(topic, [...(topics.get(topic) ?? []), { partitionIndex: partition, timestamp: SPEC[spec] }]);
        }
        const body = { ...VIEWS[view], topics: [...topics].map(([name, partitions]) => ({ name, partitions })) };
        const response = await cluster.send(ListOffsets, body, { broker: leader });
        const answers = new Map<string, number | LinkError>();
        const spec = questions[0]?.spec ?? 'latest';
        for (const { name: topic, partitions } of response.topics) {
          for (const { partitionIndex: partition, errorCode, offset } of partitions) {
            const answer = errorCode === ErrorCode.NONE ? Number(offset) : new BrokerError(errorCode, doing({ topic, partition, spec }));
            answers.set(questionKey(topic, partition), answer);
          }
        }
        return answers;
      },
    });
  }

  /** Rejects with `BrokerError`, or as `Cluster.send` does. */
  find(topic: string, partition: number, spec: OffsetSpec): Promise<number> {
    return this.#questions.ask({ topic, partition, spec });
  }

  /** Log start and log end together. */
  async range(topic: string, partition: number): Promise<{ readonly start: number; readonly end: number }> {
    const [start, end] = await Promise.all([this.find(topic, partition, 'earliest'), this.find(topic, partition, 'latest')]);
    return { start, end };
  }
}
