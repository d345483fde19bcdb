/** Retries with exponential backoff and jitter, over an injected clock. */
import { LinkError } from '../errors.ts';
import { type Clock, type Random, sleep } from './clock.ts';

export interface RetryPolicy {
  /** Milliseconds before the first retry. */
  readonly backoffMs: number;
  /** Milliseconds that a wait never exceeds. */
  readonly maxBackoffMs: number;
}

/** Milliseconds to wait before attempt `attempt` (1 = the first retry): doubling, spread over ±20 % so that clients do not come back in step (KIP-580). */
export const backoff = ({ backoffMs, maxBackoffMs }: RetryPolicy, attempt: number, random: Random): number =>
  Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(attempt - 1, 30)) * (0.8 + 0.4 * random());

export interface RetryContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: RetryPolicy;
  /** By {@link Clock.now}: no attempt begins after it. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs `attempt` until it succeeds, fails for good (an error that is not `retriable`), or the deadline passes.
 * The error that ends it is the attempt's own, so its code and cause say what was wrong last.
 */
export const retry = async <T>(context: RetryContext, attempt: (count: number) => Promise<T>): Promise<T> => {
  const { clock, random, policy, deadline, signal } = context;
  for (let count = 1; ; count++) {
    try {
      return await attempt(count);
    } catch (error) {
      const wait = backoff(policy, count, random);
      if (!LinkError.is(error) || !error.retriable || clock.now() + wait >= deadline) throw error;
      await sleep(clock, wait, signal, 'waiting to try again');
    }
  }
};
