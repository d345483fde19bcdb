/** What a broker's error code means for one partition of a mirror, on both sides: tables, nothing else. */
import { BrokerError } from '../../client/broker-error.ts';
import type { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { MirrorFailure } from '../mirror-failure.ts';

/** Codes after which a Produce will never succeed, and what a person can do about them. All others lead to a new alignment. */
const fatalAppendAdvice: ReadonlyMap<number, string> = new Map([
  [ErrorCode.MESSAGE_TOO_LARGE, 'Raise max.message.bytes of the mirror topic above the largest batch of the source'],
  [ErrorCode.RECORD_LIST_TOO_LARGE, 'Raise segment.bytes of the mirror topic above the largest batch of the source'],
  [
    ErrorCode.INVALID_TIMESTAMP,
    'Set message.timestamp.type=CreateTime and message.timestamp.before/after.max.ms of the mirror topic to their maximum',
  ],
  [ErrorCode.INVALID_RECORD, 'Check that the mirror topic has cleanup.policy=delete and compression.type=producer'],
  [ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, 'The destination stores an old message format: it cannot hold exact copies'],
  [ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'The destination does not know the compression of the source'],
  [ErrorCode.INVALID_PRODUCER_EPOCH, 'Somebody else has used the producer id of this link with a newer epoch'],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, 'The mirror topic cannot be written from outside'],
  [ErrorCode.POLICY_VIOLATION, 'A policy of the destination forbids the write'],
]);

/** Judges the answer to one batch. A `MirrorFailure` is final; any other error means: look where the log ends, and go on from there. */
export const appendError = (label: string, offset: number, code: number, detail: string | null): LinkError => {
  const advice = fatalAppendAdvice.get(code);
  const error = new BrokerError(code, `append offset ${offset} to ${label}`, advice === undefined ? { detail } : { detail, advice });
  return advice === undefined ? error : new MirrorFailure('DESTINATION_REFUSED', error.message, error);
};

/** Judges the answer to markers. Without the right to write them nothing will cure it but a person; anything else means: look where the log ends. */
export const markerError = (label: string, offset: number, code: number): LinkError => {
  const error = new BrokerError(code, `fill ${label} with markers from offset ${offset} on`);
  return code === ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    ? new MirrorFailure('FILL_NOT_AUTHORIZED', `${error.message}. ${MARKER_RIGHT_ADVICE}`, error)
    : error;
};

/** How to give a link the right to write markers. */
export const MARKER_RIGHT_ADVICE =
  'Grant the link ALTER on the destination cluster (kafka-acls.sh --add --allow-principal User:<link> --operation Alter --cluster), or choose another fill policy';

/** Judges an error of the source for one partition. None is believed to be final before both logs have been compared. */
export const fetchError = (label: string, offset: number, code: number): LinkError =>
  new BrokerError(code, `fetch ${label} from offset ${offset} of the source`);
