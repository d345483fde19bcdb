/** Every message described here, in the order of their API keys. */
import type { Api } from '../schema.ts';
import { AlterConfigs } from './alter-configs.ts';
import { ApiVersions } from './api-versions.ts';
import { ConsumerGroupDescribe } from './consumer-group-describe.ts';
import { CreateAcls } from './create-acls.ts';
import { CreatePartitions } from './create-partitions.ts';
import { CreateTopics } from './create-topics.ts';
import { DeleteAcls } from './delete-acls.ts';
import { DeleteGroups } from './delete-groups.ts';
import { DeleteRecords } from './delete-records.ts';
import { DeleteTopics } from './delete-topics.ts';
import { DescribeAcls } from './describe-acls.ts';
import { DescribeCluster } from './describe-cluster.ts';
import { DescribeConfigs } from './describe-configs.ts';
import { DescribeGroups } from './describe-groups.ts';
import { DescribeProducers } from './describe-producers.ts';
import { DescribeTopicPartitions } from './describe-topic-partitions.ts';
import { DescribeTransactions } from './describe-transactions.ts';
import { Fetch } from './fetch.ts';
import { FindCoordinator } from './find-coordinator.ts';
import { Heartbeat } from './heartbeat.ts';
import { IncrementalAlterConfigs } from './incremental-alter-configs.ts';
import { InitProducerId } from './init-producer-id.ts';
import { JoinGroup } from './join-group.ts';
import { LeaveGroup } from './leave-group.ts';
import { ListGroups } from './list-groups.ts';
import { ListOffsets } from './list-offsets.ts';
import { ListTransactions } from './list-transactions.ts';
import { Metadata } from './metadata.ts';
import { OffsetCommit } from './offset-commit.ts';
import { OffsetDelete } from './offset-delete.ts';
import { OffsetFetch } from './offset-fetch.ts';
import { OffsetForLeaderEpoch } from './offset-for-leader-epoch.ts';
import { Produce } from './produce.ts';
import { SaslAuthenticate } from './sasl-authenticate.ts';
import { SaslHandshake } from './sasl-handshake.ts';
import { SyncGroup } from './sync-group.ts';
import { WriteTxnMarkers } from './write-txn-markers.ts';

export * from './alter-configs.ts';
export * from './api-versions.ts';
export * from './consumer-group-describe.ts';
export * from './create-acls.ts';
export * from './create-partitions.ts';
export * from './create-topics.ts';
export * from './delete-acls.ts';
export * from './delete-groups.ts';
export * from './delete-records.ts';
export * from './delete-topics.ts';
export * from './describe-acls.ts';
export * from './describe-cluster.ts';
export * from './describe-configs.ts';
export * from './describe-groups.ts';
export * from './describe-producers.ts';
export * from './describe-topic-partitions.ts';
export * from './describe-transactions.ts';
export * from './fetch.ts';
export * from './find-coordinator.ts';
export * from './heartbeat.ts';
export * from './incremental-alter-configs.ts';
export * from './init-producer-id.ts';
export * from './join-group.ts';
export * from './leave-group.ts';
export * from './list-groups.ts';
export * from './list-offsets.ts';
export * from './list-transactions.ts';
export * from './metadata.ts';
export * from './offset-commit.ts';
export * from './offset-delete.ts';
export * from './offset-fetch.ts';
export * from './offset-for-leader-epoch.ts';
export * from './produce.ts';
export * from './sasl-authenticate.ts';
export * from './sasl-handshake.ts';
export * from './sync-group.ts';
export * from './write-txn-markers.ts';

/** Every API described here, sorted by key. */
export const APIS: readonly Api[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  SaslHandshake,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  WriteTxnMarkers,
  DescribeAcls,
  CreateAcls,
  DeleteAcls,
  DescribeConfigs,
  AlterConfigs,
  SaslAuthenticate,
  CreatePartitions,
  DeleteGroups,
  IncrementalAlterConfigs,
  OffsetDelete,
  DescribeCluster,
  DescribeProducers,
  DescribeTransactions,
  ListTransactions,
  ConsumerGroupDescribe,
  DescribeTopicPartitions,
];

const byKey: ReadonlyMap<number, Api> = new Map(APIS.map((of) => [of.key, of]));

/** The API with this key, or undefined when it is not described here. */
export const apiByKey = (key: number): Api | undefined => byKey.get(key);
