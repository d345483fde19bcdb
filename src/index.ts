/** `kafka-link`: mirror topics between two Kafka clusters, same bytes, same offsets. */
export { BrokerError, type BrokerErrorDetails } from './client/broker-error.ts';
export type { Clock, Random } from './client/clock.ts';
export type { ByteSink } from './client/frame-assembler.ts';
export type { Endpoint, OpenTransport, Transport, TransportEvents } from './client/transport.ts';
export { LINK_ERROR_CODES, LinkError, type LinkErrorCode } from './errors.ts';
export { type LinkSettings, SETTINGS } from './link/config.ts';
export { createLink } from './link/create-link.ts';
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
export { MIRROR_TOPIC_ERRORS, MirrorFailure, type MirrorTopicError } from './link/mirror-failure.ts';
export type { MirrorState } from './link/mirror-state.ts';
export type { MirrorPartitionStatus, MirrorTopicStatus, PartitionState } from './link/mirror-status.ts';
export type { ClusterOptions, LinkOptions, Logger } from './link/options.ts';
export { type LinkIdentity, type LinkStore, MemoryLinkStore, type StoredMirror } from './link/store/link-store.ts';
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
