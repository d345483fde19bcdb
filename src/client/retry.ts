/** Retries with exponential backoff and jitter, over an injected clock. */
import { LinkError } from '../errors.ts';
import { abortable, abortedError } from './abort.ts';
import { type Clock, limit, type Random, sleep } from './clock.ts';

export interface RetryPolicy {
  /** Milliseconds before the first retry. */
  readonly backoffMs: number;
  /** Milliseconds that a wait never exceeds. */
  readonly maxBackoffMs: number;
}

/** Doubling further would leave the range of numbers, long after any maximum. */
const MAX_DOUBLINGS = 30;

/**
 * Milliseconds to wait before attempt `attempt` (1 = the first retry): doubling up to the maximum, spread over ±20 % so that clients
 * do not come back in step (KIP-580), and never above the maximum.
 */
export const backoff = ({ backoffMs, maxBackoffMs }: RetryPolicy, attempt: number, random: Random): number => {
  const doubled = Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(attempt - 1, MAX_DOUBLINGS));
  return Math.min(maxBackoffMs, doubled * (0.8 + 0.4 * random()));
};

export interface RetryContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: RetryPolicy;
  /** Milliseconds for all attempts together; may be infinite. */
  readonly timeoutMs: number;
  readonly signals: readonly (AbortSignal | undefined)[];
  /** What took too long, for the message of a `KLINK_TIMEOUT`. */
  readonly doing: string;
}

/**
 * Runs `attempt` until it succeeds, fails for good (an error that is not `retriable`), or the time is over. When there is no time for
 * another attempt, the error is the last one's own, so that its code and cause say what was wrong. An attempt that is under way when
 * the time ends, or when a signal is aborted, sees that on the signal it was given, and is not waited for any longer.
 *
 * @throws LinkError the attempt's error, `KLINK_TIMEOUT` (with what the attempt before had said), `KLINK_ABORTED`.
 */
export const retry = async <T>(context: RetryContext, attempt: (count: number, signal: AbortSignal) => Promise<T>): Promise<T> => {
  const { clock, random, policy, timeoutMs, signals, doing } = context;
  const deadline = clock.now() + timeoutMs;
  const { signal, end } = limit(clock, timeoutMs, doing, signals);
  let last: LinkError | null = null;
  try {
    for (let count = 1; ; count++) {
      try {
        if (signal.aborted) throw abortedError(signal, 'trying');
        return await abortable(attempt(count, signal), signal, 'trying');
      } catch (error) {
        if (signal.aborted) throw LinkError.is(signal.reason, 'KLINK_TIMEOUT') ? timeIsOver(signal.reason, last) : error;
        if (!LinkError.is(error) || !error.retriable) throw error;
        last = error;
        const wait = backoff(policy, count, random);
        if (clock.now() + wait >= deadline) throw error;
        await sleep(clock, wait, signal, 'waiting to try again');
      }
    }
  } finally {
    end();
  }
};

const timeIsOver = (timeout: LinkError, last: LinkError | null): LinkError =>
  last === null
    ? timeout
    : new LinkError('KLINK_TIMEOUT', `${timeout.message}; the attempt before it said: ${last.message}`, { cause: last, retriable: true });
