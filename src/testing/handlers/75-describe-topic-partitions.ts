/** DescribeTopicPartitions: topics in pages, sorted by name (KIP-966). */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeTopicPartitions } from '../../protocol/messages/describe-topic-partitions.ts';
import { ZERO_UUID } from '../../protocol/schema.ts';
import { handler } from '../handler.ts';
import { NO_LEADER, type Partition } from '../partition.ts';
import { attempt, Refusal } from '../refusal.ts';
import { allows, demand, type RequestContext, spring } from '../request-context.ts';
import { authorizedOperations, NOT_ASKED } from './authorized-operations.ts';

/** `max.request.partition.size.limit`. */
const MAX_PAGE = 2000;

export const describeTopicPartitions = handler(DescribeTopicPartitions, ({ topics, responsePartitionLimit, cursor }, context) => {
  const all = [...context.cluster.topics].map(({ name }) => name).filter((name) => allows(context, 'describe', 'topic', name));
  const names = (topics.length === 0 ? all : topics.map(({ name }) => name))
    .sort()
    .filter((name) => cursor === null || name >= cursor.topicName);
  let left = Math.min(Math.max(1, responsePartitionLimit), MAX_PAGE);
  const answered = [];
  for (const name of names) {
    const from = cursor?.topicName === name ? cursor.partitionIndex : 0;
    if (left === 0) return { topics: answered, nextCursor: { topicName: name, partitionIndex: from } };
    const described = attempt(() => describe(name, from, left, context));
    if (described instanceof Refusal) {
      answered.push({ errorCode: described.errorCode, name, topicId: ZERO_UUID, partitions: [], topicAuthorizedOperations: NOT_ASKED });
      continue;
    }
    answered.push(described.topic);
    left -= described.topic.partitions.length;
    if (described.next !== null) return { topics: answered, nextCursor: { topicName: name, partitionIndex: described.next } };
  }
  return { topics: answered, nextCursor: null };
});

const describe = (name: string, from: number, limit: number, context: RequestContext) => {
  demand(context, 'describe', 'topic', name);
  spring(context, name);
  const topic = context.cluster.topic(name);
  if (topic === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION');
  const page = topic.partitions.slice(from, from + limit);
  const next = from + page.length;
  return {
    topic: {
      errorCode: ErrorCode.NONE as number,
      name,
      topicId: topic.id,
      partitions: page.map((partition) => describedPartition(partition, context)),
      topicAuthorizedOperations: authorizedOperations(context, 'topic', name),
    },
    next: next < topic.partitions.length ? next : null,
  };
};

const describedPartition = ({ index, leader, leaderEpoch, replicas, isr }: Partition, { cluster }: RequestContext) => ({
  errorCode: leader === NO_LEADER ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
  partitionIndex: index,
  leaderId: leader,
  leaderEpoch,
  replicaNodes: replicas,
  isrNodes: isr,
  eligibleLeaderReplicas: [],
  lastKnownElr: [],
  offlineReplicas: replicas.filter((id) => !cluster.isAlive(id)),
});
