/** `kafka-link`: mirror topics between two Kafka clusters, same bytes, same offsets. */
export { BrokerError, type BrokerErrorDetails } from './client/broker-error.ts';
export type { Clock, Random } from './client/clock.ts';
export type { ByteSink } from './client/frame-assembler.ts';
export type { Endpoint, OpenTransport, Transport, TransportEvents } from './client/transport.ts';
export { LINK_ERROR_CODES, LinkError, type LinkErrorCode } from './errors.ts';
export { type LinkSettings, SETTINGS } from './link/config.ts';
export { type ConfigProblem, LinkConfigError } from './link/configs/config-problem.ts';
export type { ChangedConfig, ConfigChange } from './link/configs/config-set.ts';
export type { ConfigListing } from './link/configs/describe-configs.ts';
export { type ConfigOption, LINK_CONFIGS, type LinkConfigOptions, type LinkConfigs } from './link/configs/link-configs.ts';
export { createLink } from './link/create-link.ts';
export type { NewMirrorOptions } from './link/create-mirror.ts';
export type {
  CloseEvent,
  ConfigEvent,
  LinkEvent,
  LinkEvents,
  MirrorEvent,
  PartitionEvent,
  ProgressEvent,
  TaskEvent,
  WarningEvent,
} from './link/events.ts';
export type { AclFilter } from './link/filters/acl-filters.ts';
export type { NameFilter } from './link/filters/name-filters.ts';
export type { ClusterLink } from './link/link.ts';
export type { LinkMetrics, LinkStatus, WaitOptions } from './link/link-status.ts';
export {
  type DeleteLinkOptions,
  deleteLink,
  describeLink,
  type LinkDescription,
  type LinksOptions,
  listLinks,
  type MirrorDescription,
} from './link/links.ts';
export type { LinkSnapshot } from './link/metrics/metric-family.ts';
export { OPEN_METRICS_CONTENT_TYPE, type OpenMetricsOptions, openMetrics } from './link/metrics/open-metrics.ts';
export { MIRROR_TOPIC_ERRORS, MirrorFailure, type MirrorTopicError } from './link/mirror-failure.ts';
export type { MirrorPartitionStatus, MirrorTopicStatus, PartitionState } from './link/mirror-status.ts';
export type { MirrorOutcome, OperationOptions, PartitionOutcome, PromoteOptions } from './link/operations/operations.ts';
export type { MirrorSelection } from './link/operations/selection.ts';
export type { ClusterOptions, LinkOptions, Logger } from './link/options.ts';
export type { FillPolicy } from './link/replication/fill-policy.ts';
export { LINK_ERRORS, LINK_STATES, type LinkErrorName, type LinkState } from './link/states/link-states.ts';
export {
  MIRROR_TOPIC_STATE_NAMES,
  MIRROR_TOPIC_STATES,
  type MirrorTopicState,
  type StateCategory,
} from './link/states/mirror-topic-states.ts';
export {
  type LastingState,
  type LinkIdentity,
  type LinkStore,
  MemoryLinkStore,
  type StoredLink,
  type StoredMirror,
  type StoredStop,
  type StoredTransition,
  type StoredTransitionError,
} from './link/store/link-store.ts';
export type { OffsetSyncMode, OffsetSyncStatus } from './link/tasks/consumer-offset-sync.ts';
export type { ConfigEntry } from './link/tasks/plan-topic-configs.ts';
export {
  TASK_ERROR_CODES,
  TASK_NAMES,
  TASK_STATES,
  type TaskError,
  type TaskErrorCode,
  type TaskName,
  type TaskRun,
  type TaskState,
  type TaskStatus,
} from './link/tasks/task.ts';
export { DIFFERENCE_KINDS, type DifferenceKind, type VerifyDifference } from './link/verify/difference.ts';
export type { VerifyChoices, VerifyOptions } from './link/verify/options.ts';
export {
  type JsonOf,
  renderVerifyReport,
  type VerifiedLog,
  type VerifiedPartition,
  type VerifyPosition,
  type VerifyReport,
  type VerifyReportJson,
  type VerifyVerdict,
  verifyReportToJson,
} from './link/verify/report.ts';
export { verifyMirror } from './link/verify/verify-mirror.ts';
export type { VerifyProgress } from './link/verify/verify-partition.ts';
export type { VerifyTopic } from './link/verify/verify-topics.ts';
