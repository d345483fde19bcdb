/** Why commits cannot be followed, and what that means. */
import { BrokerError } from '../../client/broker-error.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';

/** Nobody has ever committed anything at the source: there is nothing to follow, and nothing wrong. */
export const isWithoutCommits = (error: unknown): boolean =>
  error instanceof BrokerError && error.brokerCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;

/** The same error, with what is done instead. */
export const notFollowing = (cause: LinkError): LinkError =>
  new LinkError(cause.code, `Commits cannot be followed, so offsets are synced at intervals instead. ${cause.message}`, {
    cause,
    retriable: cause.retriable,
  });
