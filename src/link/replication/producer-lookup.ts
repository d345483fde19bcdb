/** What a partition's leader remembers of the link's producer: the sequence that it takes next. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LeaderQuestions, questionKey } from '../../client/leader-questions.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeProducers } from '../../protocol/messages/describe-producers.ts';

/** Sequence of the producer's last record; `none` when the leader has no state of it and takes any sequence as the first. */
export type LastSequence = number | 'none';

interface Question {
  readonly topic: string;
  readonly partition: number;
}

export class ProducerLookup {
  readonly #questions: LeaderQuestions<Question, LastSequence>;

  constructor(cluster: Cluster, producerId: bigint) {
    const doing = ({ topic, partition }: Question): string => `read the producers of ${topic}-${partition} on the destination cluster`;
    this.#questions = new LeaderQuestions(cluster, {
      doing,
      ask: async (leader, questions) => {
        const topics = new Map<string, number[]>();
        for (const { topic, partition } of questions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
        const body = { topics: [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes })) };
        const response = await cluster.send(DescribeProducers, body, { broker: leader });
        const answers = new Map<string, LastSequence | LinkError>();
        for (const { name: topic, partitions } of response.topics) {
          for (const { partitionIndex: partition, errorCode, errorMessage, activeProducers } of partitions) {
            const error =
              errorCode === ErrorCode.NONE
                ? null
                : new BrokerError(errorCode, doing({ topic, partition }), {
                    detail: errorMessage,
                    advice: 'The link needs READ on its mirror topics',
                  });
            const state = activeProducers.find((producer) => producer.producerId === producerId);
            const known = state === undefined || state.lastSequence < 0 ? ('none' as const) : state.lastSequence;
            answers.set(questionKey(topic, partition), error ?? known);
          }
        }
        return answers;
      },
    });
  }

  /** Brokers before 2.8 cannot be asked: they count as having no state. */
  async lastSequence(topic: string, partition: number): Promise<LastSequence> {
    try {
      return await this.#questions.ask({ topic, partition });
    } catch (error) {
      if (LinkError.is(error, 'KLINK_VERSION')) return 'none';
      throw error;
    }
  }
}
