/** CreatePartitions: topics only grow. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { CreatePartitions, type CreatePartitionsReceivedRequest } from '../../protocol/messages/create-partitions.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { demand, demandController, type RequestContext, spring } from '../request-context.ts';
import { checkReplicas } from '../topic-rules.ts';

type Growth = CreatePartitionsReceivedRequest['topics'][number];

export const createPartitions = handler(CreatePartitions, ({ topics, validateOnly }, context) => ({
  results: topics.map((growth) => {
    const outcome = attempt(() => grow(growth, validateOnly, context));
    const failed = outcome instanceof Refusal;
    return {
      name: growth.name,
      errorCode: failed ? outcome.errorCode : ErrorCode.NONE,
      errorMessage: failed ? outcome.errorMessage : null,
    };
  }),
}));

const grow = ({ name, count, assignments }: Growth, validateOnly: boolean, context: RequestContext): void => {
  const { cluster } = context;
  demandController(context);
  demand(context, 'alter', 'topic', name);
  spring(context, name);
  const topic = cluster.topic(name);
  if (topic === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.');
  const present = topic.partitions.length;
  if (count === present) throw new Refusal('INVALID_PARTITIONS', `Topic already has ${present} partition(s).`);
  if (count < present) {
    throw new Refusal('INVALID_PARTITIONS', `The topic ${name} currently has ${present} partition(s); ${count} would not be an increase.`);
  }
  const factor = topic.partitions[0]?.replicas.length ?? 1;
  const brokers = cluster.aliveBrokers.map(({ id }) => id);
  if (factor > brokers.length) throw new Refusal('INVALID_REPLICATION_FACTOR');
  if (assignments !== null && assignments.length !== count - present) {
    throw new Refusal(
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${count - present} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    );
  }
  for (const { brokerIds } of assignments ?? []) checkReplicas(brokerIds, factor, brokers);
  const replicas = assignments?.map(({ brokerIds }) => brokerIds) ?? cluster.placePartitions(present, count, factor);
  if (!validateOnly) cluster.growTopic(topic, replicas);
};
