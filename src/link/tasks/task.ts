/** What every duty of a link has in common: the product's names, states and error codes, and one run with what it says of itself. */
import { BrokerError } from '../../client/broker-error.ts';
import { LinkError, type LinkErrorCode } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';

/** The duties of a link, under the product's names; `AvailabilityCheck` is a duty that the product does not list as a task. */
export const TASK_NAMES = ['AclSync', 'AutoCreateMirror', 'AvailabilityCheck', 'ConsumerOffsetSync', 'TopicConfigsSync'] as const;
export type TaskName = (typeof TASK_NAMES)[number];

/**
 * How a task stands, in the product's words: `UNKNOWN` before its first run, `IN_ERROR` after a run with errors, the other four while the link
 * keeps it from running. `PAUSED` is ours: the product cannot pause a single task.
 */
export const TASK_STATES = [
  'UNKNOWN',
  'ACTIVE',
  'IN_ERROR',
  'PAUSED',
  'NOT_CONFIGURED',
  'LINK_FAILED',
  'LINK_UNAVAILABLE',
  'LINK_PAUSED',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** The product's codes for errors of tasks and of state transitions. */
export const TASK_ERROR_CODES = [
  'UNKNOWN',
  'NO_ERROR',
  'INTERNAL_ERROR',
  'AUTHENTICATION_ERROR',
  'BROKER_AUTHENTICATION_ERROR',
  'MISCONFIGURATION_ERROR',
  'REMOTE_LINK_NOT_FOUND_ERROR',
  'LINK_NOT_FOUND_ERROR',
  'CONSUMER_GROUP_IN_USE_ERROR',
  'AUTHORIZATION_ERROR',
  'BROKER_AUTHORIZATION_ERROR',
  'SECURITY_DISABLED_ERROR',
  'TOPIC_EXISTS_ERROR',
  'POLICY_VIOLATION_ERROR',
  'LINK_COORDINATOR_NOT_ENABLED_ERROR',
  'ACL_LIMIT_EXCEEDED',
  'REMOTE_MIRROR_NOT_FOUND_ERROR',
  'UNKNOWN_TOPIC_OR_PARTITION_ERROR',
  'INVALID_TOPIC',
  'SUPPRESSED_ERRORS',
  'INVALID_REQUEST_ERROR',
] as const;
export type TaskErrorCode = (typeof TASK_ERROR_CODES)[number];

/** One thing that went wrong in a run. */
export interface TaskError {
  readonly code: TaskErrorCode;
  /** What it concerns: a topic, a group, an ACL; null for the whole run. */
  readonly subject: string | null;
  readonly message: string;
  /** With the code of this package and, of a broker's refusal, the broker's. */
  readonly error: LinkError;
}

/** What a task is given for one run. */
export interface TaskContext {
  /** Aborted when the run takes too long or the link closes: the run must end soon after, and no second one begins before it has. */
  readonly signal: AbortSignal;
  /** Asks for another run soon. May be called long after the run, by what goes on between runs. */
  readonly wake: () => void;
}

/** What a run did. */
export interface TaskResult {
  /** How much of what, by names that are the same in every run. Summed up over all runs they are metrics. */
  readonly counts: Readonly<Record<string, number>>;
  /** What could not be done; everything else was. */
  readonly errors: readonly TaskError[];
}

/** A duty that repeats. */
export interface Task {
  readonly name: TaskName;
  /** One run over everything. What concerns single things is told in the result; a rejection means that the run as a whole has failed. */
  run(context: TaskContext): Promise<TaskResult>;
  /** Ends what goes on between runs, until the next one. Called when the task is paused, held or closed. */
  suspend?(): Promise<void>;
}

/** One run that is over. */
export interface TaskRun extends TaskResult {
  readonly startedAt: Date;
  readonly durationMs: number;
  /** False when the run as a whole has failed: then `errors` has one entry that says why, and `counts` is empty. */
  readonly completed: boolean;
}

export interface TaskStatus {
  readonly name: TaskName;
  readonly state: TaskState;
  readonly intervalMs: number;
  readonly lastRun: TaskRun | null;
  /** Of the last run. */
  readonly errors: readonly TaskError[];
  /** The last error there was, kept when later runs have none. */
  readonly lastError: { readonly error: TaskError; readonly at: Date } | null;
  readonly runs: number;
  /** Runs with at least one error. */
  readonly failedRuns: number;
  /** All errors of all runs. */
  readonly errorCount: number;
  /** The counts of all runs, summed up. */
  readonly totals: Readonly<Record<string, number>>;
}

/** What a runner tells. A listener must not throw. */
export interface TaskListener {
  readonly stateChanged?: (name: TaskName, from: TaskState, to: TaskState) => void;
  readonly ran?: (name: TaskName, run: TaskRun) => void;
}

const BY_BROKER_CODE: ReadonlyMap<number, TaskErrorCode> = new Map<number, TaskErrorCode>([
  [ErrorCode.SASL_AUTHENTICATION_FAILED, 'AUTHENTICATION_ERROR'],
  [ErrorCode.SECURITY_DISABLED, 'SECURITY_DISABLED_ERROR'],
  [ErrorCode.TOPIC_ALREADY_EXISTS, 'TOPIC_EXISTS_ERROR'],
  [ErrorCode.POLICY_VIOLATION, 'POLICY_VIOLATION_ERROR'],
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'UNKNOWN_TOPIC_OR_PARTITION_ERROR'],
  [ErrorCode.UNKNOWN_TOPIC_ID, 'UNKNOWN_TOPIC_OR_PARTITION_ERROR'],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, 'INVALID_TOPIC'],
  [ErrorCode.INVALID_REQUEST, 'INVALID_REQUEST_ERROR'],
  [ErrorCode.INVALID_CONFIG, 'INVALID_REQUEST_ERROR'],
  [ErrorCode.OFFSET_METADATA_TOO_LARGE, 'INVALID_REQUEST_ERROR'],
]);

const BY_CODE: Partial<Record<LinkErrorCode, TaskErrorCode>> = {
  KLINK_AUTH: 'AUTHORIZATION_ERROR',
  KLINK_CONFIG: 'MISCONFIGURATION_ERROR',
  KLINK_INTERNAL: 'INTERNAL_ERROR',
};

const codeOf = (error: LinkError): TaskErrorCode =>
  (error instanceof BrokerError ? BY_BROKER_CODE.get(error.brokerCode) : undefined) ?? BY_CODE[error.code] ?? 'UNKNOWN';

/** An error in the product's terms. `UNKNOWN` where the product has no word, such as a broker that does not answer: `error.code` has. */
export const taskError = (thrown: unknown, subject: string | null, code?: TaskErrorCode): TaskError => {
  const error = LinkError.from(thrown);
  return { code: code ?? codeOf(error), subject, message: error.message, error };
};

/** What is kept of the errors of a run: the rest becomes one error that says how many there were. */
const MAX_ERRORS = 100;

/** The first errors of a run, and one of code `SUPPRESSED_ERRORS` for those that are too many to keep. */
export const keepErrors = (errors: readonly TaskError[]): readonly TaskError[] => {
  if (errors.length <= MAX_ERRORS) return errors;
  const kept = errors.slice(0, MAX_ERRORS);
  const last = errors.at(-1) as TaskError;
  const message = `${errors.length - MAX_ERRORS} more errors; the last one: ${last.message}`;
  return [...kept, { code: 'SUPPRESSED_ERRORS', subject: null, message, error: last.error }];
};
