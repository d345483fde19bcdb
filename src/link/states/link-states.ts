/** The states of a link and what is wrong with its source, in the product's words (`link_state`, `link_error`). Pure. */
import { BrokerError } from '../../client/broker-error.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';

export const LINK_STATES = {
  ACTIVE: 'It runs.',
  PAUSED: 'It rests: `cluster.link.paused`.',
  UNAVAILABLE: 'The source does not answer; `link_error` says why. The link keeps trying.',
  FAILED: 'It cannot work as it is configured.',
  UNKNOWN: 'The source has not been asked yet.',
} as const;
export type LinkState = keyof typeof LINK_STATES;

/** What is known of a link. */
export interface LinkFacts {
  /** What the link is configured to do cannot be done. */
  readonly failed: boolean;
  readonly paused: boolean;
  /** Null before the first answer or failure. */
  readonly sourceAvailable: boolean | null;
}

/** By rank: the first that holds is the state. */
const RANKS: readonly (readonly [LinkState, (facts: LinkFacts) => boolean])[] = [
  ['FAILED', ({ failed }) => failed],
  ['PAUSED', ({ paused }) => paused],
  ['UNKNOWN', ({ sourceAvailable }) => sourceAvailable === null],
  ['UNAVAILABLE', ({ sourceAvailable }) => sourceAvailable === false],
];

/** The state that the facts amount to. */
export const linkStateOf = (facts: LinkFacts): LinkState => RANKS.find(([, holds]) => holds(facts))?.[0] ?? 'ACTIVE';

export const LINK_ERRORS = {
  NO_ERROR: 'The source answers.',
  UNKNOWN: 'None of the others.',
  AUTHENTICATION_ERROR: 'The source does not accept the credentials, or their kind.',
  UNRESOLVABLE_BOOTSTRAP_ERROR: 'No name among the bootstrap addresses can be resolved.',
  BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR: 'None of the addresses takes a connection.',
  TIMEOUT_ERROR: 'The source takes connections and does not answer in time.',
} as const;
export type LinkErrorName = keyof typeof LINK_ERRORS;

const AUTHENTICATION: ReadonlySet<number> = new Set([
  ErrorCode.SASL_AUTHENTICATION_FAILED,
  ErrorCode.UNSUPPORTED_SASL_MECHANISM,
  ErrorCode.ILLEGAL_SASL_STATE,
]);
/** What `dns.lookup` fails with: there is no such name, or no server that could tell. */
const LOOKUP_CODES: ReadonlySet<unknown> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EAI_NONAME',
  'ENODATA',
  'ESERVFAIL',
]);
const SOCKET_CODES: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EPIPE']);

/** Deeper than causes go, in case one is its own. */
const MAX_ERRORS = 100;

/** The error, its causes and what they are made of, the outermost first. */
const errorsWithin = (error: unknown): readonly unknown[] => {
  const found = [error];
  for (let i = 0; i < found.length && found.length < MAX_ERRORS; i++) {
    const one = found[i];
    if (one instanceof AggregateError) found.push(...one.errors);
    if (one instanceof Error && one.cause !== undefined) found.push(one.cause);
  }
  return found;
};

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** By weight: what is wrong for certain comes before what may only follow from it. */
const SIGNS: readonly (readonly [LinkErrorName, (error: unknown) => boolean])[] = [
  ['AUTHENTICATION_ERROR', (error) => error instanceof BrokerError && AUTHENTICATION.has(error.brokerCode)],
  ['BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR', (error) => SOCKET_CODES.has(codeOf(error))],
  ['UNRESOLVABLE_BOOTSTRAP_ERROR', (error) => LOOKUP_CODES.has(codeOf(error))],
  ['TIMEOUT_ERROR', (error) => LinkError.is(error, 'KLINK_TIMEOUT')],
  ['BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR', (error) => LinkError.is(error, 'KLINK_CONNECT')],
];

/** The product's name for why the source cannot be reached. Null: it can. */
export const linkErrorOf = (error: LinkError | null): LinkErrorName => {
  if (error === null) return 'NO_ERROR';
  const all = errorsWithin(error);
  return SIGNS.find(([, fits]) => all.some(fits))?.[0] ?? 'UNKNOWN';
};
