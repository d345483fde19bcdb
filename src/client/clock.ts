/** Time as a port: what the client and the link know of clocks and chance, so that tests can hold both in their hands. */
import { LinkError } from '../errors.ts';

/** A source of time and timers. All values are milliseconds. */
export interface Clock {
  /** Monotonic: for deadlines and durations, never shown to a user. */
  now(): number;
  /** Milliseconds since 1970: for what a user sees or a broker stores. */
  wallTime(): number;
  /** Calls `task` once after `ms`; the returned function cancels it. */
  schedule(ms: number, task: () => void): () => void;
}

/** Numbers in [0, 1), for jitter. */
export type Random = () => number;

/** The machine's own clock. Its timers keep the process alive, as a user who waits for a link expects. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  schedule: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

/** The error with which a wait ends when its signal is aborted. */
export const abortedError = (signal: AbortSignal, doing: string): LinkError =>
  LinkError.is(signal.reason) ? signal.reason : new LinkError('KLINK_ABORTED', `Aborted while ${doing}`, { cause: signal.reason });

/** Resolves after `ms`. Rejects with `KLINK_ABORTED` as soon as the signal is aborted. */
export const sleep = (clock: Clock, ms: number, signal?: AbortSignal, doing = 'waiting'): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortedError(signal, doing));
      return;
    }
    const abort = (): void => {
      cancel();
      reject(abortedError(signal as AbortSignal, doing));
    };
    const cancel = clock.schedule(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
