/** How a broker says no: an error code, thrown where the rule is broken and answered where the request came in. */
import { brokerError, ErrorCode, type ErrorName } from '../protocol/error-codes.ts';

/** Which record of a batch broke a rule, as Produce v8+ reports it (KIP-467). */
export interface RecordError {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string | null;
}

/** Thrown by the rules, caught by the handlers; it never leaves the room. */
export class Refusal extends Error {
  readonly errorCode: number;
  /** Null where a broker answers its default text or none at all. */
  readonly errorMessage: string | null;
  readonly recordErrors: readonly RecordError[];

  constructor(error: ErrorName | number, message: string | null = null, recordErrors: readonly RecordError[] = []) {
    const errorCode = typeof error === 'number' ? error : ErrorCode[error];
    super(message ?? brokerError(errorCode).name);
    this.errorCode = errorCode;
    this.errorMessage = message;
    this.recordErrors = recordErrors;
  }
}

/** The outcome of `task`: its value, or the refusal it threw. Any other error is a defect of the embedded broker and goes on. */
export const attempt = <T>(task: () => T): T | Refusal => {
  try {
    return task();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
};

/** {@link attempt} for a promise. */
export const attemptAsync = async <T>(task: () => Promise<T>): Promise<T | Refusal> => {
  try {
    return await task();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
};
