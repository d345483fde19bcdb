/** Why a mirror stops for good: every reason as data, under the product's `mirror_topic_error` name where it has one. */
import { LinkError, type LinkErrorCode } from '../errors.ts';

const reasons = {
  UNSUPPORTED_MESSAGE_FORMAT: 'KLINK_UNSUPPORTED_LOG',
  UNSUPPORTED_OFFSET_GAP: 'KLINK_UNSUPPORTED_LOG',
  UNSUPPORTED_SPARSE_BATCH: 'KLINK_UNSUPPORTED_LOG',
  UNSUPPORTED_TRANSACTION: 'KLINK_UNSUPPORTED_LOG',
  UNSUPPORTED_LOG_START: 'KLINK_UNSUPPORTED_LOG',
  FILL_NOT_AUTHORIZED: 'KLINK_AUTH',
  SOURCE_RECORDS_EXPIRED: 'KLINK_SOURCE_CHANGED',
  SOURCE_TOPIC_MAY_BE_DELETED: 'KLINK_SOURCE_CHANGED',
  SOURCE_TOPIC_ID_CHANGED: 'KLINK_SOURCE_CHANGED',
  SOURCE_PARTITIONS_DECREASED: 'KLINK_SOURCE_CHANGED',
  UNEXPECTED_TRUNCATION: 'KLINK_SOURCE_CHANGED',
  CORRUPT_SOURCE_BATCH: 'KLINK_CORRUPT_BATCH',
  DESTINATION_FOREIGN_WRITE: 'KLINK_DIVERGED',
  DESTINATION_DIVERGED: 'KLINK_DIVERGED',
  DESTINATION_REFUSED: 'KLINK_BROKER',
  DESTINATION_TOPIC_DELETED: 'KLINK_DIVERGED',
  RETRY_TIMEOUT: 'KLINK_TIMEOUT',
} as const satisfies Readonly<Record<string, LinkErrorCode>>;

/** What stopped a mirror. Those that start with `UNSUPPORTED_` name a kind of log that is not mirrored; docs/errors.md explains each. */
export type MirrorTopicError = keyof typeof reasons;
export const MIRROR_TOPIC_ERRORS = Object.keys(reasons) as readonly MirrorTopicError[];

/** A partition that cannot go on without a person: its log at the destination stays as it is. */
export class MirrorFailure extends LinkError {
  override readonly name = 'MirrorFailure';
  readonly reason: MirrorTopicError;

  constructor(reason: MirrorTopicError, message: string, cause?: unknown) {
    super(reasons[reason], `${reason}: ${message}`, cause === undefined ? {} : { cause });
    this.reason = reason;
  }
}
