/** What a broker's error code means for one partition of a mirror, on both sides: tables, nothing else. */
import { BrokerError } from '../../client/broker-error.ts';
import type { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { MARKER_RIGHT_ADVICE } from '../acls-command.ts';
import { MirrorFailure } from '../mirror-failure.ts';

/** Refusals that the mirror topic's configs explain, and what they should be. The source's may have changed a moment ago, and the mirror's follow: so these last until `cluster.link.retry.timeout.ms` is over. */
const configAdvice: ReadonlyMap<number, string> = new Map([
  [ErrorCode.MESSAGE_TOO_LARGE, 'Raise max.message.bytes of the mirror topic above the largest batch of the source'],
  [ErrorCode.RECORD_LIST_TOO_LARGE, 'Raise segment.bytes of the mirror topic above the largest batch of the source'],
  [
    ErrorCode.INVALID_TIMESTAMP,
    'Set message.timestamp.type=CreateTime and message.timestamp.before/after.max.ms of the mirror topic to their maximum',
  ],
  [ErrorCode.INVALID_RECORD, 'Check that the mirror topic has cleanup.policy=delete and compression.type=producer'],
]);

/** Codes after which a Produce will never succeed, and what a person can do about them. All others lead to a new alignment. */
const finalAdvice: ReadonlyMap<number, string> = new Map([
  [ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, 'The destination stores an old message format: it cannot hold exact copies'],
  [ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'The destination does not know the compression of the source'],
  [ErrorCode.INVALID_PRODUCER_EPOCH, 'Somebody else has used the producer id of this link with a newer epoch'],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, 'The mirror topic cannot be written from outside'],
  [ErrorCode.POLICY_VIOLATION, 'A policy of the destination forbids the write'],
]);

/** Whether a batch was refused because of configs of its topic, which a look at those of the source may set right. */
export const isConfigRefusal = (error: LinkError): boolean => error instanceof BrokerError && configAdvice.has(error.brokerCode);

/** How to let a destination take transactions that its own coordinators know nothing of. */
export const VERIFICATION_ADVICE =
  'Switch it off (kafka-configs.sh --alter --entity-type brokers --entity-default --add-config transaction.partition.verification.enable=false; the link ' +
  "does it itself with transactionVerification: 'disable' and ALTER_CONFIGS on the cluster), or mirror with transactions: 'committed'";
const VERIFIED = `The destination verifies transactions with their coordinator (transaction.partition.verification.enable). ${VERIFICATION_ADVICE}`;

/** Of batches of transactions: refusals that a person can cure, or that mean something else than they do for other batches. */
const transactionalAdvice: ReadonlyMap<number, string> = new Map([
  [ErrorCode.INVALID_TXN_STATE, VERIFIED],
  [ErrorCode.INVALID_PRODUCER_ID_MAPPING, VERIFIED],
  [ErrorCode.TRANSACTION_ABORTABLE, VERIFIED],
  [ErrorCode.NOT_ENOUGH_REPLICAS, `If the partition has replicas enough: ${VERIFIED}`],
  [ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'Grant the link WRITE on its transactional id, see docs/transactions.md'],
]);

/** Judges the answer to a batch of a transaction, as {@link appendError} does for any other. */
export const transactionalAppendError = (label: string, offset: number, code: number, detail: string | null): LinkError => {
  const doing = `append offset ${offset}, of a transaction, to ${label}`;
  if (code === ErrorCode.INVALID_PRODUCER_EPOCH) {
    const error = new BrokerError(code, doing, {
      detail,
      advice: 'The source has the epochs of this producer out of order, or somebody else has written under its id at the destination',
    });
    return new MirrorFailure('DESTINATION_REFUSED', error.message, error);
  }
  const advice = transactionalAdvice.get(code);
  return advice === undefined ? appendError(label, offset, code, detail) : new BrokerError(code, doing, { detail, advice });
};

/** Judges the answer to one batch. A `MirrorFailure` is final; any other error means: look where the log ends, and go on from there. */
export const appendError = (label: string, offset: number, code: number, detail: string | null): LinkError => {
  const advice = configAdvice.get(code) ?? finalAdvice.get(code);
  const error = new BrokerError(code, `append offset ${offset} to ${label}`, advice === undefined ? { detail } : { detail, advice });
  return finalAdvice.has(code) ? new MirrorFailure('DESTINATION_REFUSED', error.message, error) : error;
};

/** Judges the answer to markers. Without the right to write them nothing will cure it but a person; anything else means: look where the log ends. */
export const markerError = (label: string, offset: number, code: number): LinkError => {
  const error = new BrokerError(code, `write markers into ${label} from offset ${offset} on`);
  return code === ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    ? new MirrorFailure('FILL_NOT_AUTHORIZED', `${error.message}. ${MARKER_RIGHT_ADVICE}`, error)
    : error;
};

/** Judges an error of the source for one partition. None is believed to be final before both logs have been compared. */
export const fetchError = (label: string, offset: number, code: number): LinkError =>
  new BrokerError(code, `fetch ${label} from offset ${offset} of the source`);
