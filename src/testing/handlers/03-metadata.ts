/** Metadata: brokers, topics, and who leads what. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Metadata, type MetadataReceivedRequest } from '../../protocol/messages/metadata.ts';
import { ZERO_UUID } from '../../protocol/schema.ts';
import { handler } from '../handler.ts';
import { NO_LEADER, type Partition, type Topic } from '../partition.ts';
import { attempt, Refusal } from '../refusal.ts';
import { allows, demand, type RequestContext, spring } from '../request-context.ts';
import { checkTopicName } from '../topic-rules.ts';
import { authorizedOperations, NOT_ASKED } from './authorized-operations.ts';

export const metadata = handler(Metadata, (request, context) => {
  const { cluster, header } = context;
  const wantsClusterOperations = request.includeClusterAuthorizedOperations && header.apiVersion <= 10;
  return {
    brokers: cluster.aliveBrokers.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: cluster.clusterId,
    controllerId: cluster.controllerId,
    topics: wantedTopics(request, context),
    ...(wantsClusterOperations ? { clusterAuthorizedOperations: authorizedOperations(context, 'cluster') } : {}),
  };
});

const wantedTopics = (request: MetadataReceivedRequest, context: RequestContext) => {
  const { cluster } = context;
  const operations = request.includeTopicAuthorizedOperations;
  // Asked for everything, a broker leaves out what the asker may not know of.
  if (request.topics === null) {
    return [...cluster.topics]
      .filter(({ name }) => allows(context, 'describe', 'topic', name))
      .map((topic) => described(topic, operations, context));
  }
  return request.topics.map(({ name, topicId }) => {
    const found = attempt(() => find(name, topicId, context));
    if (!(found instanceof Refusal)) return described(found, operations, context);
    return { errorCode: found.errorCode, name, topicId, partitions: [], topicAuthorizedOperations: NOT_ASKED };
  });
};

const find = (name: string | null, topicId: string, context: RequestContext): Topic => {
  const byId = topicId !== ZERO_UUID;
  const topicName = byId ? context.cluster.topicName(topicId) : name;
  if (topicName === undefined || topicName === null) throw new Refusal(byId ? 'UNKNOWN_TOPIC_ID' : 'INVALID_TOPIC_EXCEPTION');
  if (!byId) checkTopicName(topicName);
  demand(context, 'describe', 'topic', topicName);
  spring(context, topicName);
  const topic = context.cluster.topic(topicName);
  if (topic === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION');
  return topic;
};

const described = ({ name, id, partitions }: Topic, operations: boolean, context: RequestContext) => ({
  errorCode: ErrorCode.NONE,
  name,
  topicId: id,
  isInternal: false,
  partitions: partitions.map((partition) => describedPartition(partition, context)),
  topicAuthorizedOperations: operations ? authorizedOperations(context, 'topic', name) : NOT_ASKED,
});

const describedPartition = ({ index, leader, leaderEpoch, replicas, isr }: Partition, { cluster }: RequestContext) => ({
  errorCode: leader === NO_LEADER ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
  partitionIndex: index,
  leaderId: leader,
  leaderEpoch,
  replicaNodes: replicas,
  isrNodes: isr,
  offlineReplicas: replicas.filter((id) => !cluster.isAlive(id)),
});
