/** One request on its way through a broker: who sent it, to whom, and the checks that most handlers begin with. */
import { ErrorCode } from '../protocol/error-codes.ts';
import type { RequestHeader } from '../protocol/frame.ts';
import type { BrokerNode, ClusterState } from './cluster-state.ts';
import type { FetchSessions } from './fetch-sessions.ts';
import type { FrameConnection } from './frame-server.ts';
import type { Partition } from './partition.ts';
import { Refusal } from './refusal.ts';
import { since } from './releases.ts';
import { CLUSTER_RESOURCE, OPERATIONS, type Operation, RESOURCE_TYPES, type ResourceType } from './security/acl.ts';

/** What a handler knows besides the request. */
export interface RequestContext {
  readonly cluster: ClusterState;
  /** The broker that was asked. */
  readonly broker: BrokerNode;
  readonly sessions: FetchSessions;
  readonly connection: FrameConnection;
  readonly header: RequestHeader;
  /** How long the answer will tell the client to be silent; 0 when it is not throttled. */
  readonly throttleTimeMs: number;
}

/** True when no authorizer is on, or it lets the sender do this. */
export const allows = (context: RequestContext, operation: Operation, type: ResourceType, name: string = CLUSTER_RESOURCE): boolean => {
  const { authorizer } = context.cluster;
  if (authorizer === null) return true;
  return authorizer.allows({
    principal: authorizer.principalOf(context.header.clientId),
    host: context.connection.peer.slice(0, context.connection.peer.lastIndexOf(':')),
    operation: OPERATIONS[operation],
    resourceType: RESOURCE_TYPES[type],
    resourceName: name,
  });
};

const DENIED = {
  topic: 'TOPIC_AUTHORIZATION_FAILED',
  group: 'GROUP_AUTHORIZATION_FAILED',
  cluster: 'CLUSTER_AUTHORIZATION_FAILED',
  transactionalId: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  delegationToken: 'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
} as const;

/** Throws the authorization error of the resource unless the sender may do this. */
export const demand = (context: RequestContext, operation: Operation, type: ResourceType, name?: string): void => {
  if (!allows(context, operation, type, name)) throw new Refusal(DENIED[type]);
};

/** Throws an error that a test planted for this request, topic or partition. */
export const spring = ({ cluster, broker, header }: RequestContext, topic?: string, partition?: number): void => {
  const errorCode = cluster.planted.take(header.apiKey, broker.id, topic, partition);
  if (errorCode !== ErrorCode.NONE) throw new Refusal(errorCode);
};

/** The partition, if it exists and the sender may do this with its topic. */
export const existing = (context: RequestContext, operation: Operation, topic: string, index: number): Partition => {
  demand(context, operation, 'topic', topic);
  spring(context, topic, index);
  const partition = context.cluster.partition(topic, index);
  if (partition === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION');
  return partition;
};

/** {@link existing}, and led by the broker that was asked. */
export const led = (context: RequestContext, operation: Operation, topic: string, index: number): Partition => {
  const partition = existing(context, operation, topic, index);
  if (partition.leader !== context.broker.id) throw new Refusal('NOT_LEADER_OR_FOLLOWER');
  return partition;
};

/** {@link existing}, and with a replica on the broker that was asked. */
export const hosted = (context: RequestContext, operation: Operation, topic: string, index: number): Partition => {
  const partition = existing(context, operation, topic, index);
  if (!partition.replicas.includes(context.broker.id)) throw new Refusal('NOT_LEADER_OR_FOLLOWER');
  return partition;
};

/** How many replicas must be in sync for acks=all: `min.insync.replicas`, but, except in old releases, no more than there are. */
export const leastInSync = ({ topic, replicas }: Partition, cluster: ClusterState): number => {
  const { minInsyncReplicas } = cluster.logConfig(topic);
  return since(cluster.release, '3.9') ? Math.min(minInsyncReplicas, replicas.length) : minInsyncReplicas;
};

/** Compares the leader epoch a client believes in with the real one (KIP-320). */
export const checkLeaderEpoch = (partition: Partition, currentLeaderEpoch: number): void => {
  if (currentLeaderEpoch < 0 || currentLeaderEpoch === partition.leaderEpoch) return;
  throw new Refusal(currentLeaderEpoch < partition.leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH');
};

/** Throws NOT_CONTROLLER where brokers do not forward to the controller: before KRaft. */
export const demandController = ({ cluster, broker }: RequestContext): void => {
  if (!cluster.forwardsToController && cluster.controllerId !== broker.id) throw new Refusal('NOT_CONTROLLER');
};

/** Throws NOT_COORDINATOR unless this broker answers for the key. */
export const demandCoordinator = ({ cluster, broker }: RequestContext, key: string): void => {
  if (cluster.coordinatorOf(key)?.id !== broker.id) throw new Refusal('NOT_COORDINATOR');
};

/** Where the leader is now, for the clients that are told so with the error (KIP-951). */
export const currentLeaderOf = (partition: Partition): { leaderId: number; leaderEpoch: number } => ({
  leaderId: partition.leader,
  leaderEpoch: partition.leaderEpoch,
});
