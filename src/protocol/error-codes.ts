/** Every error code a Kafka broker can answer with: number, name, whether to try again, and what it means. */

/**
 * What Kafka's own clients do on a code: give up (`fatal`), send the same again (`retry`), or first look up
 * where the leader or coordinator is now and then send it again (`refresh`).
 */
export type ErrorRemedy = 'fatal' | 'retry' | 'refresh';

const table = {
  UNKNOWN_SERVER_ERROR: [-1, 'fatal', 'The broker hit something it has no code for; its log has the stack trace'],
  NONE: [0, 'fatal', 'Success'],
  OFFSET_OUT_OF_RANGE: [1, 'fatal', 'The offset lies below the log start or beyond what may be read'],
  CORRUPT_MESSAGE: [2, 'retry', 'A batch failed its CRC or its size check on the way in'],
  UNKNOWN_TOPIC_OR_PARTITION: [
    3,
    'refresh',
    'This broker does not know the partition: it never existed, was deleted, or is not known here yet',
  ],
  INVALID_FETCH_SIZE: [4, 'fatal', 'The fetch size is not usable'],
  LEADER_NOT_AVAILABLE: [5, 'refresh', 'The partition has no leader at the moment'],
  NOT_LEADER_OR_FOLLOWER: [6, 'refresh', 'This broker does not lead the partition, or holds no replica of it'],
  REQUEST_TIMED_OUT: [7, 'retry', 'Time ran out on the broker; a Produce may have been written on the leader all the same'],
  BROKER_NOT_AVAILABLE: [8, 'fatal', 'The broker asked about is not alive'],
  REPLICA_NOT_AVAILABLE: [9, 'refresh', 'The replica asked for is not there'],
  MESSAGE_TOO_LARGE: [10, 'fatal', 'A batch, as sent, is larger than max.message.bytes of the topic'],
  STALE_CONTROLLER_EPOCH: [11, 'fatal', 'The controller that asks has been replaced'],
  OFFSET_METADATA_TOO_LARGE: [12, 'fatal', 'The text beside a committed offset is longer than offset.metadata.max.bytes'],
  NETWORK_EXCEPTION: [13, 'refresh', 'The connection ended before the answer; clients raise it themselves'],
  COORDINATOR_LOAD_IN_PROGRESS: [14, 'retry', 'The coordinator is still reading its log'],
  COORDINATOR_NOT_AVAILABLE: [15, 'refresh', 'No coordinator yet, for example while its internal topic is being created'],
  NOT_COORDINATOR: [16, 'refresh', 'Another broker coordinates this group or transactional id'],
  INVALID_TOPIC_EXCEPTION: [17, 'fatal', 'The topic name is not legal, or the topic is an internal one'],
  RECORD_LIST_TOO_LARGE: [18, 'fatal', 'A batch is larger than segment.bytes of the topic'],
  NOT_ENOUGH_REPLICAS: [19, 'retry', 'Fewer replicas in sync than min.insync.replicas: nothing was written'],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [20, 'retry', 'Written on the leader, then too few replicas were in sync: its fate is open'],
  INVALID_REQUIRED_ACKS: [21, 'fatal', 'acks must be -1, 0 or 1'],
  ILLEGAL_GENERATION: [22, 'fatal', 'The group has moved on to another generation'],
  INCONSISTENT_GROUP_PROTOCOL: [23, 'fatal', 'The member shares no assignment protocol with the group'],
  INVALID_GROUP_ID: [24, 'fatal', 'The group id is not legal'],
  UNKNOWN_MEMBER_ID: [25, 'fatal', 'No such member; for a commit from outside: the group has members, so it is not ours to move'],
  INVALID_SESSION_TIMEOUT: [26, 'fatal', 'The session timeout lies outside the limits of the broker'],
  REBALANCE_IN_PROGRESS: [27, 'fatal', 'The group is rebalancing: join again'],
  INVALID_COMMIT_OFFSET_SIZE: [28, 'fatal', 'The commit does not fit into one batch of the offsets topic'],
  TOPIC_AUTHORIZATION_FAILED: [29, 'fatal', 'The principal may not do this on the topic'],
  GROUP_AUTHORIZATION_FAILED: [30, 'fatal', 'The principal may not do this on the group'],
  CLUSTER_AUTHORIZATION_FAILED: [31, 'fatal', 'The principal may not do this on the cluster'],
  INVALID_TIMESTAMP: [32, 'fatal', 'A record time is outside message.timestamp.before/after.max.ms, or a batch claims LogAppendTime'],
  UNSUPPORTED_SASL_MECHANISM: [33, 'fatal', 'The listener does not offer this SASL mechanism'],
  ILLEGAL_SASL_STATE: [34, 'fatal', 'The request does not fit the state of the SASL exchange'],
  UNSUPPORTED_VERSION: [35, 'fatal', 'The broker does not speak this version; for ApiVersions the body that comes with it is version 0'],
  TOPIC_ALREADY_EXISTS: [36, 'fatal', 'A topic of this name exists'],
  INVALID_PARTITIONS: [37, 'fatal', 'The partition count is below 1, or not above the present one'],
  INVALID_REPLICATION_FACTOR: [38, 'fatal', 'The replication factor is below 1 or above the number of brokers that can take replicas'],
  INVALID_REPLICA_ASSIGNMENT: [39, 'fatal', 'The assignment names unknown brokers, repeats one, or leaves partitions out'],
  INVALID_CONFIG: [40, 'fatal', 'A config does not exist or its value is not legal'],
  NOT_CONTROLLER: [41, 'retry', 'Another node is the controller'],
  INVALID_REQUEST: [42, 'fatal', 'The request contradicts itself or cannot be parsed; the broker log says why'],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, 'fatal', 'The message format of the topic is too old for this request'],
  POLICY_VIOLATION: [44, 'fatal', 'A policy of the cluster forbids it; DeleteRecords: cleanup.policy has no "delete"'],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [45, 'fatal', 'The sequence does not follow the last one of this producer id; nothing was written'],
  DUPLICATE_SEQUENCE_NUMBER: [46, 'fatal', 'The sequence is an old one; brokers since 2.0 answer a repeat with success instead'],
  INVALID_PRODUCER_EPOCH: [47, 'fatal', 'A newer epoch of this producer id has written or been handed out'],
  INVALID_TXN_STATE: [48, 'fatal', 'The transaction is not in a state that allows this'],
  INVALID_PRODUCER_ID_MAPPING: [49, 'fatal', 'The producer id is not the one of the transactional id'],
  INVALID_TRANSACTION_TIMEOUT: [50, 'fatal', 'The transaction timeout is above transaction.max.timeout.ms'],
  CONCURRENT_TRANSACTIONS: [51, 'retry', 'The transactional id is busy ending its last transaction'],
  TRANSACTION_COORDINATOR_FENCED: [52, 'fatal', 'The coordinator epoch of a marker is older than the last one seen'],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [
    53,
    'fatal',
    'The principal may not use the transactional id, or a transactional batch came without one',
  ],
  SECURITY_DISABLED: [54, 'fatal', 'No authorizer is configured, so there are no ACLs'],
  OPERATION_NOT_ATTEMPTED: [55, 'fatal', 'Another part of the same request failed first'],
  KAFKA_STORAGE_ERROR: [56, 'refresh', 'A disk of the broker failed; its replicas move elsewhere'],
  LOG_DIR_NOT_FOUND: [57, 'fatal', 'The broker has no such log directory'],
  SASL_AUTHENTICATION_FAILED: [58, 'fatal', 'The credentials were refused'],
  UNKNOWN_PRODUCER_ID: [59, 'fatal', 'No state is left for the producer id; brokers since 2.5 no longer answer this to Produce'],
  REASSIGNMENT_IN_PROGRESS: [60, 'fatal', 'The partition is being reassigned'],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, 'fatal', 'Delegation tokens are switched off'],
  DELEGATION_TOKEN_NOT_FOUND: [62, 'fatal', 'No such delegation token'],
  DELEGATION_TOKEN_OWNER_MISMATCH: [63, 'fatal', 'The principal neither owns nor may renew the token'],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [64, 'fatal', 'Tokens are not handed out on this kind of connection'],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [65, 'fatal', 'The principal may not do this with the token'],
  DELEGATION_TOKEN_EXPIRED: [66, 'fatal', 'The token has expired'],
  INVALID_PRINCIPAL_TYPE: [67, 'fatal', 'The kind of principal is not supported'],
  NON_EMPTY_GROUP: [68, 'fatal', 'The group still has members'],
  GROUP_ID_NOT_FOUND: [69, 'fatal', 'No such group, or it is of another type'],
  FETCH_SESSION_ID_NOT_FOUND: [70, 'retry', 'The fetch session was evicted: start again with a full request'],
  INVALID_FETCH_SESSION_EPOCH: [71, 'retry', 'A fetch of the session was lost or repeated: start again with a full request'],
  LISTENER_NOT_FOUND: [72, 'refresh', 'The leader has no listener of the name this metadata was asked on'],
  TOPIC_DELETION_DISABLED: [73, 'fatal', 'delete.topic.enable is false'],
  FENCED_LEADER_EPOCH: [74, 'refresh', 'Our leader epoch is older than the broker knows: metadata is stale'],
  UNKNOWN_LEADER_EPOCH: [75, 'retry', 'Our leader epoch is newer than the broker knows: it lags behind'],
  UNSUPPORTED_COMPRESSION_TYPE: [76, 'fatal', 'The request version is too old for this codec (zstd: Produce 7, Fetch 10)'],
  STALE_BROKER_EPOCH: [77, 'fatal', 'The broker has registered anew since'],
  OFFSET_NOT_AVAILABLE: [78, 'retry', 'A leader just elected does not know its high watermark yet'],
  MEMBER_ID_REQUIRED: [79, 'fatal', 'Join again with the member id in this answer (KIP-394)'],
  PREFERRED_LEADER_NOT_AVAILABLE: [80, 'refresh', 'The preferred replica cannot lead now'],
  GROUP_MAX_SIZE_REACHED: [81, 'fatal', 'The group is full (group.max.size)'],
  FENCED_INSTANCE_ID: [82, 'fatal', 'Another member has taken the same group.instance.id'],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, 'refresh', 'No replica may lead the partition'],
  ELECTION_NOT_NEEDED: [84, 'refresh', 'The partition already has the leader that was asked for'],
  NO_REASSIGNMENT_IN_PROGRESS: [85, 'fatal', 'There is no reassignment to cancel'],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, 'fatal', 'The group is consuming the topic, so its offsets stay'],
  INVALID_RECORD: [87, 'fatal', 'A batch breaks a rule of the broker: offsets, count, format, a missing key, a control batch'],
  UNSTABLE_OFFSET_COMMIT: [88, 'retry', 'A transaction with offsets for these partitions is still open'],
  THROTTLING_QUOTA_EXCEEDED: [89, 'retry', 'The quota for creating and deleting topics and partitions is used up for now'],
  PRODUCER_FENCED: [90, 'fatal', 'A newer producer with the same transactional id has taken over'],
  RESOURCE_NOT_FOUND: [91, 'fatal', 'What the request refers to does not exist'],
  DUPLICATE_RESOURCE: [92, 'fatal', 'The request names the same thing twice'],
  UNACCEPTABLE_CREDENTIAL: [93, 'fatal', 'The new credential breaks a rule, such as too few iterations'],
  INCONSISTENT_VOTER_SET: [94, 'fatal', 'Sender and receiver disagree on who the voters are'],
  INVALID_UPDATE_VERSION: [95, 'fatal', 'The state was changed by somebody else meanwhile'],
  FEATURE_UPDATE_FAILED: [96, 'fatal', 'The finalized features could not be changed'],
  PRINCIPAL_DESERIALIZATION_FAILURE: [97, 'fatal', 'A forwarded request carries a principal that the controller cannot read'],
  SNAPSHOT_NOT_FOUND: [98, 'fatal', 'No such metadata snapshot'],
  POSITION_OUT_OF_RANGE: [99, 'fatal', 'The position lies outside the snapshot'],
  UNKNOWN_TOPIC_ID: [100, 'refresh', 'No topic has this id: it was deleted (and perhaps created anew), or is not known here yet'],
  DUPLICATE_BROKER_REGISTRATION: [101, 'fatal', 'Another broker holds this id'],
  BROKER_ID_NOT_REGISTERED: [102, 'fatal', 'No broker is registered under this id'],
  INCONSISTENT_TOPIC_ID: [103, 'refresh', 'The log belongs to another topic id than the one asked for'],
  INCONSISTENT_CLUSTER_ID: [104, 'fatal', 'The request was meant for another cluster'],
  TRANSACTIONAL_ID_NOT_FOUND: [105, 'fatal', 'No such transactional id'],
  FETCH_SESSION_TOPIC_ID_ERROR: [106, 'retry', 'A fetch session must stay with names (up to v12) or ids (from v13)'],
  INELIGIBLE_REPLICA: [107, 'fatal', 'A replica proposed for the ISR is fenced or shutting down'],
  NEW_LEADER_ELECTED: [108, 'fatal', 'The change was made, and another replica leads now'],
  OFFSET_MOVED_TO_TIERED_STORAGE: [109, 'fatal', 'For followers: the offset is only in tiered storage'],
  FENCED_MEMBER_EPOCH: [110, 'fatal', 'The coordinator has given the member up: join anew (KIP-848)'],
  UNRELEASED_INSTANCE_ID: [111, 'fatal', 'The instance id is still held by another member'],
  UNSUPPORTED_ASSIGNOR: [112, 'fatal', 'The group cannot use this assignor'],
  STALE_MEMBER_EPOCH: [113, 'fatal', 'The member must take up its new epoch first (KIP-848)'],
  MISMATCHED_ENDPOINT_TYPE: [114, 'fatal', 'A question for brokers was put to a controller, or the reverse'],
  UNSUPPORTED_ENDPOINT_TYPE: [115, 'fatal', 'This kind of endpoint is not supported'],
  UNKNOWN_CONTROLLER_ID: [116, 'fatal', 'No such controller'],
  UNKNOWN_SUBSCRIPTION_ID: [117, 'fatal', 'The telemetry subscription is unknown or outdated'],
  TELEMETRY_TOO_LARGE: [118, 'fatal', 'The telemetry is larger than the broker takes'],
  INVALID_REGISTRATION: [119, 'fatal', 'The controller refuses the registration'],
  TRANSACTION_ABORTABLE: [120, 'fatal', 'The transaction must be aborted; the transactional id can go on'],
  INVALID_RECORD_STATE: [121, 'fatal', 'The record cannot be acknowledged in its state (share groups)'],
  SHARE_SESSION_NOT_FOUND: [122, 'retry', 'The share session is gone'],
  INVALID_SHARE_SESSION_EPOCH: [123, 'retry', 'A request of the share session was lost or repeated'],
  FENCED_STATE_EPOCH: [124, 'fatal', 'The share state has a newer epoch'],
  INVALID_VOTER_KEY: [125, 'fatal', 'The voter is not the one this replica is'],
  DUPLICATE_VOTER: [126, 'fatal', 'The voter is in the set already'],
  VOTER_NOT_FOUND: [127, 'fatal', 'The voter is not in the set'],
  INVALID_REGULAR_EXPRESSION: [128, 'fatal', 'The subscription pattern cannot be compiled'],
  REBOOTSTRAP_REQUIRED: [129, 'fatal', 'Forget all metadata and begin again at the bootstrap servers (KIP-1102)'],
  STREAMS_INVALID_TOPOLOGY: [130, 'fatal', 'The streams topology is not legal'],
  STREAMS_INVALID_TOPOLOGY_EPOCH: [131, 'fatal', 'The streams topology epoch is not legal'],
  STREAMS_TOPOLOGY_FENCED: [132, 'fatal', 'The streams topology epoch is outdated'],
  SHARE_SESSION_LIMIT_REACHED: [133, 'retry', 'The broker has no room for another share session'],
  GROUP_DELETION_FAILED: [134, 'fatal', 'The group could not be deleted; the message beside the code says why'],
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: [135, 'fatal', 'The broker could not take over the topology description'],
  CONTROLLER_ID_NOT_REGISTERED: [136, 'fatal', 'No controller is registered under this id'],
} as const satisfies Readonly<Record<string, readonly [code: number, remedy: ErrorRemedy, meaning: string]>>;

/** Kafka's name of an error code. */
export type ErrorName = keyof typeof table;

/** The codes by their names: `ErrorCode.NOT_LEADER_OR_FOLLOWER` is 6. */
export const ErrorCode = Object.freeze(Object.fromEntries(Object.entries(table).map(([name, [code]]) => [name, code]))) as {
  readonly [Name in ErrorName]: (typeof table)[Name][0];
};

/** One row of the table of broker errors. */
export interface BrokerErrorInfo {
  readonly code: number;
  /** Kafka's name, or `UNKNOWN_CODE_n` for a code newer than this table. */
  readonly name: ErrorName | `UNKNOWN_CODE_${number}`;
  /** True when Kafka's own clients send the same request again. */
  readonly retriable: boolean;
  readonly remedy: ErrorRemedy;
  readonly meaning: string;
}

/** Every code known, in rising order. */
export const BROKER_ERRORS: readonly BrokerErrorInfo[] = Object.entries(table).map(([name, [code, remedy, meaning]]) =>
  Object.freeze({ code, name: name as ErrorName, retriable: remedy !== 'fatal', remedy, meaning }),
);

const byCode: ReadonlyMap<number, BrokerErrorInfo> = new Map(BROKER_ERRORS.map((row) => [row.code, row]));

/** What a broker means by `code`. A code that a newer broker invented is fatal, as in Kafka's clients, but keeps its number. */
export const brokerError = (code: number): BrokerErrorInfo =>
  byCode.get(code) ?? {
    code,
    name: `UNKNOWN_CODE_${code}`,
    retriable: false,
    remedy: 'fatal',
    meaning: 'A code newer than this table: see the error list of the release that the broker runs',
  };
