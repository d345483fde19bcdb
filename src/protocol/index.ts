/** The entry `kafka-link/protocol`: the wire protocol as data and functions, without I/O. For proxies, inspectors, fake brokers and tests. */
export { MalformedError } from '../bytes/malformed.ts';
export { LINK_ERROR_CODES, LinkError, type LinkErrorCode, type LinkErrorOptions } from '../errors.ts';
export { BROKER_ERRORS, type BrokerErrorInfo, brokerError, ErrorCode, type ErrorName, type ErrorRemedy } from './error-codes.ts';
export {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type Frame,
  peekCorrelationId,
  type RequestHeader,
} from './frame.ts';
export {
  AlterConfigs,
  type AlterConfigsReceivedRequest,
  type AlterConfigsRequest,
  type AlterConfigsResponse,
} from './messages/alter-configs.ts';
export {
  ApiVersions,
  type ApiVersionsReceivedRequest,
  type ApiVersionsRequest,
  type ApiVersionsResponse,
} from './messages/api-versions.ts';
export {
  ConsumerGroupDescribe,
  type ConsumerGroupDescribeReceivedRequest,
  type ConsumerGroupDescribeRequest,
  type ConsumerGroupDescribeResponse,
} from './messages/consumer-group-describe.ts';
export { CreateAcls, type CreateAclsReceivedRequest, type CreateAclsRequest, type CreateAclsResponse } from './messages/create-acls.ts';
export {
  CreatePartitions,
  type CreatePartitionsReceivedRequest,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
} from './messages/create-partitions.ts';
export {
  CreateTopics,
  type CreateTopicsReceivedRequest,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
} from './messages/create-topics.ts';
export { DeleteAcls, type DeleteAclsReceivedRequest, type DeleteAclsRequest, type DeleteAclsResponse } from './messages/delete-acls.ts';
export {
  DeleteGroups,
  type DeleteGroupsReceivedRequest,
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
} from './messages/delete-groups.ts';
export {
  DeleteRecords,
  type DeleteRecordsReceivedRequest,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from './messages/delete-records.ts';
export {
  DeleteTopics,
  type DeleteTopicsReceivedRequest,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from './messages/delete-topics.ts';
export {
  DescribeAcls,
  type DescribeAclsReceivedRequest,
  type DescribeAclsRequest,
  type DescribeAclsResponse,
} from './messages/describe-acls.ts';
export {
  DescribeCluster,
  type DescribeClusterReceivedRequest,
  type DescribeClusterRequest,
  type DescribeClusterResponse,
} from './messages/describe-cluster.ts';
export {
  DescribeConfigs,
  type DescribeConfigsReceivedRequest,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
} from './messages/describe-configs.ts';
export {
  DescribeGroups,
  type DescribeGroupsReceivedRequest,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
} from './messages/describe-groups.ts';
export {
  DescribeProducers,
  type DescribeProducersReceivedRequest,
  type DescribeProducersRequest,
  type DescribeProducersResponse,
} from './messages/describe-producers.ts';
export {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsReceivedRequest,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from './messages/describe-topic-partitions.ts';
export {
  DescribeTransactions,
  type DescribeTransactionsReceivedRequest,
  type DescribeTransactionsRequest,
  type DescribeTransactionsResponse,
} from './messages/describe-transactions.ts';
export { Fetch, type FetchReceivedRequest, type FetchRequest, type FetchResponse } from './messages/fetch.ts';
export {
  FindCoordinator,
  type FindCoordinatorReceivedRequest,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from './messages/find-coordinator.ts';
export { Heartbeat, type HeartbeatReceivedRequest, type HeartbeatRequest, type HeartbeatResponse } from './messages/heartbeat.ts';
export {
  IncrementalAlterConfigs,
  type IncrementalAlterConfigsReceivedRequest,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
} from './messages/incremental-alter-configs.ts';
export { APIS, apiByKey } from './messages/index.ts';
export {
  InitProducerId,
  type InitProducerIdReceivedRequest,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
} from './messages/init-producer-id.ts';
export { JoinGroup, type JoinGroupReceivedRequest, type JoinGroupRequest, type JoinGroupResponse } from './messages/join-group.ts';
export { LeaveGroup, type LeaveGroupReceivedRequest, type LeaveGroupRequest, type LeaveGroupResponse } from './messages/leave-group.ts';
export { ListGroups, type ListGroupsReceivedRequest, type ListGroupsRequest, type ListGroupsResponse } from './messages/list-groups.ts';
export {
  ListOffsets,
  type ListOffsetsReceivedRequest,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from './messages/list-offsets.ts';
export {
  ListTransactions,
  type ListTransactionsReceivedRequest,
  type ListTransactionsRequest,
  type ListTransactionsResponse,
} from './messages/list-transactions.ts';
export { Metadata, type MetadataReceivedRequest, type MetadataRequest, type MetadataResponse } from './messages/metadata.ts';
export {
  OffsetCommit,
  type OffsetCommitReceivedRequest,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from './messages/offset-commit.ts';
export {
  OffsetDelete,
  type OffsetDeleteReceivedRequest,
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
} from './messages/offset-delete.ts';
export {
  OffsetFetch,
  type OffsetFetchReceivedRequest,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from './messages/offset-fetch.ts';
export {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochReceivedRequest,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from './messages/offset-for-leader-epoch.ts';
export { Produce, type ProduceReceivedRequest, type ProduceRequest, type ProduceResponse } from './messages/produce.ts';
export {
  SaslAuthenticate,
  type SaslAuthenticateReceivedRequest,
  type SaslAuthenticateRequest,
  type SaslAuthenticateResponse,
} from './messages/sasl-authenticate.ts';
export {
  SaslHandshake,
  type SaslHandshakeReceivedRequest,
  type SaslHandshakeRequest,
  type SaslHandshakeResponse,
} from './messages/sasl-handshake.ts';
export { SyncGroup, type SyncGroupReceivedRequest, type SyncGroupRequest, type SyncGroupResponse } from './messages/sync-group.ts';
export {
  WriteTxnMarkers,
  type WriteTxnMarkersReceivedRequest,
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
} from './messages/write-txn-markers.ts';
export { apiVersionsRetry, decodeApiVersions, type NegotiatedVersions, negotiate } from './negotiate.ts';
export {
  type AnyField,
  type Api,
  type Decoded,
  type Encodable,
  type Field,
  type Fields,
  isFlexible,
  type ReceivedRequestOf,
  type RequestOf,
  type ResponseOf,
  type Scalar,
  type SentResponseOf,
  type Spec,
  type VersionRange,
  type Versions,
  ZERO_UUID,
} from './schema.ts';
export { type UnknownTag, type UnknownTags, unknownTags } from './tags.ts';
