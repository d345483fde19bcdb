/** What a partition's leader remembers of those who wrote the mirror: the link's producer, and those of the transactions that were copied. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LeaderQuestions, questionKey } from '../../client/leader-questions.ts';
import type { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeProducers, type DescribeProducersResponse } from '../../protocol/messages/describe-producers.ts';
import type { RememberedProducer } from './batch-stamp.ts';
import { isMappedId } from './mapped-producer.ts';

/** Sequence of the producer's last record; `none` when the leader has no state of it and takes any sequence as the first. */
export type LastSequence = number | 'none';

/** A producer of copied transactions. */
export interface MappedProducer extends RememberedProducer {
  /** Of the last marker; -1 before the first. */
  readonly coordinatorEpoch: number;
  /** Where its open transaction began; null when none is open. */
  readonly openSince: number | null;
}

export interface PartitionProducers {
  /** Of the link's own producer. */
  readonly lastSequence: LastSequence;
  /** By their ids at the destination. */
  readonly mapped: ReadonlyMap<bigint, MappedProducer>;
}

export const NO_PRODUCERS: PartitionProducers = { lastSequence: 'none', mapped: new Map() };

/** Whether nobody has written between the two answers. */
export const sameProducers = (a: PartitionProducers, b: PartitionProducers): boolean =>
  a.lastSequence === b.lastSequence &&
  a.mapped.size === b.mapped.size &&
  [...a.mapped].every(([producerId, one]) => {
    const other = b.mapped.get(producerId);
    return (
      other !== undefined &&
      one.producerEpoch === other.producerEpoch &&
      one.lastSequence === other.lastSequence &&
      one.openSince === other.openSince
    );
  });

type ActiveProducer = DescribeProducersResponse['topics'][number]['partitions'][number]['activeProducers'][number];

interface Question {
  readonly topic: string;
  readonly partition: number;
}

export class ProducerLookup {
  readonly #questions: LeaderQuestions<Question, PartitionProducers>;

  /** `producerId`: the link's own; -1 when there is none. */
  constructor(cluster: Cluster, producerId: bigint) {
    const doing = ({ topic, partition }: Question): string => `read the producers of ${topic}-${partition} on the destination cluster`;
    this.#questions = new LeaderQuestions(cluster, {
      doing,
      ask: async (leader, questions) => {
        const topics = new Map<string, number[]>();
        for (const { topic, partition } of questions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
        const body = { topics: [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes })) };
        const response = await cluster.send(DescribeProducers, body, { broker: leader });
        const answers = new Map<string, PartitionProducers | LinkError>();
        for (const { name: topic, partitions } of response.topics) {
          for (const { partitionIndex: partition, errorCode, errorMessage, activeProducers } of partitions) {
            const answer =
              errorCode === ErrorCode.NONE
                ? producersOf(activeProducers, producerId)
                : new BrokerError(errorCode, doing({ topic, partition }), {
                    detail: errorMessage,
                    advice: 'The link needs READ on its mirror topics',
                  });
            answers.set(questionKey(topic, partition), answer);
          }
        }
        return answers;
      },
    });
  }

  /** Rejects with `BrokerError`, with `KLINK_VERSION` for brokers before 2.8, or as `Cluster.send` does. */
  find(topic: string, partition: number): Promise<PartitionProducers> {
    return this.#questions.ask({ topic, partition });
  }
}

const producersOf = (active: readonly ActiveProducer[], own: bigint): PartitionProducers => {
  let lastSequence: LastSequence = 'none';
  const mapped = new Map<bigint, MappedProducer>();
  for (const producer of active) {
    const { producerId } = producer;
    if (producerId === own) lastSequence = producer.lastSequence < 0 ? 'none' : producer.lastSequence;
    if (isMappedId(producerId)) mapped.set(producerId, mappedProducer(producer));
  }
  return { lastSequence, mapped };
};

const mappedProducer = ({ producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset }: ActiveProducer): MappedProducer => ({
  producerEpoch,
  lastSequence,
  coordinatorEpoch,
  openSince: currentTxnStartOffset < 0n ? null : Number(currentTxnStartOffset),
});
