/** A broker's refusal as an error: the code, its name, what it means, and whether the same request may succeed later. */
import { LinkError, type LinkErrorCode } from '../errors.ts';
import { brokerError, ErrorCode } from '../protocol/error-codes.ts';

const AUTH_CODES: ReadonlySet<number> = new Set([
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
  ErrorCode.SASL_AUTHENTICATION_FAILED,
]);

export interface BrokerErrorDetails {
  /** The broker's own text. */
  readonly detail?: string | null;
  /** What the user can do. */
  readonly advice?: string;
  /** Not to be tried again, although Kafka's clients would. */
  readonly final?: boolean;
}

/** `doing` completes "Cannot …". Code `KLINK_AUTH` when rights are missing, `KLINK_BROKER` for every other refusal. */
export class BrokerError extends LinkError {
  override readonly name = 'BrokerError';
  /** As sent by the broker, e.g. 29. */
  readonly brokerCode: number;
  /** Kafka's name of the code, e.g. `TOPIC_AUTHORIZATION_FAILED`. */
  readonly brokerName: string;

  constructor(brokerCode: number, doing: string, { detail, advice, final = false }: BrokerErrorDetails = {}) {
    const { name, meaning, remedy } = brokerError(brokerCode);
    const code: LinkErrorCode = AUTH_CODES.has(brokerCode) ? 'KLINK_AUTH' : 'KLINK_BROKER';
    const said = detail === undefined || detail === null || detail === '' ? meaning : detail;
    super(code, `Cannot ${doing}: ${name} (${said})${advice === undefined ? '' : `. ${advice}`}`, {
      retriable: remedy !== 'fatal' && !final,
    });
    this.brokerCode = brokerCode;
    this.brokerName = name;
  }
}
