/** Several ways to the same end, tried in order with a head start for each: the first that succeeds wins. */
import { LinkError } from '../errors.ts';
import { abortedError, onAbort } from './abort.ts';
import type { Clock } from './clock.ts';

export type Candidate<T> = (signal: AbortSignal) => Promise<T>;

export interface Race<T> {
  readonly clock: Clock;
  /** Milliseconds after which the next candidate starts while the one before it still runs; it starts at once when that one fails. */
  readonly headStartMs: number;
  readonly signal: AbortSignal;
  readonly doing: string;
  /** Gets what a candidate comes up with after another one has won. */
  readonly discard: (late: T) => void;
}

/** Every candidate failed. */
export class NoneSucceeded extends AggregateError {
  declare readonly errors: LinkError[];
}

/**
 * A dead address that swallows packets costs a head start instead of a connect timeout (the idea of RFC 8305, for any list of addresses).
 *
 * @throws NoneSucceeded with the errors in the order of the candidates; the signal's reason or `KLINK_ABORTED`.
 */
export const firstOf = <T>(candidates: readonly Candidate<T>[], { clock, headStartMs, signal, doing, discard }: Race<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const losers = new AbortController();
    const errors: LinkError[] = [];
    let started = 0;
    let failed = 0;
    let over = false;
    let cancel = (): void => {};
    let release = (): void => {};
    const finish = (settle: () => void): void => {
      over = true;
      cancel();
      release();
      settle();
      losers.abort(signal.aborted ? signal.reason : new LinkError('KLINK_ABORTED', 'Another address was faster'));
    };
    const startNext = (): void => {
      cancel();
      const index = started++;
      const candidate = candidates[index];
      if (candidate === undefined) return;
      candidate(losers.signal).then(
        (value) => (over ? discard(value) : finish(() => resolve(value))),
        (error: unknown) => {
          if (over) return;
          errors[index] = LinkError.from(error);
          failed++;
          if (failed === candidates.length) finish(() => reject(new NoneSucceeded(errors)));
          else if (started < candidates.length) startNext();
        },
      );
      if (started < candidates.length) cancel = clock.schedule(headStartMs, startNext);
    };
    if (signal.aborted) reject(abortedError(signal, doing));
    else if (candidates.length === 0) reject(new NoneSucceeded([]));
    else {
      release = onAbort(signal, () => finish(() => reject(abortedError(signal, doing))));
      startNext();
    }
  });
