/** Time as a port: what the client and the link know of clocks and chance, so that tests can hold both in their hands. */
import { LinkError } from '../errors.ts';
import { abortedError, onAbort } from './abort.ts';

/** A source of time and timers. All values are milliseconds. */
export interface Clock {
  /** Monotonic: for deadlines and durations, never shown to a user. */
  now(): number;
  /** Milliseconds since 1970: for what a user sees or a broker stores. */
  wallTime(): number;
  /** Calls `task` once after `ms`, which may be any length; the returned function cancels it. */
  schedule(ms: number, task: () => void): () => void;
}

/** Numbers in [0, 1), for jitter. */
export type Random = () => number;

/** What a Node timer can hold: a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clock. Its timers keep the process alive, as a user who waits for a link expects. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  schedule: (ms, task) => {
    const arm = (left: number): NodeJS.Timeout =>
      left <= MAX_TIMER_MS
        ? setTimeout(task, left)
        : setTimeout(() => {
            timer = arm(left - MAX_TIMER_MS);
          }, MAX_TIMER_MS);
    let timer = arm(ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`. Rejects as soon as the signal is aborted, with its reason if that is a `LinkError`, else with `KLINK_ABORTED`. */
export const sleep = (clock: Clock, ms: number, signal?: AbortSignal, doing = 'waiting'): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortedError(signal, doing));
      return;
    }
    const cancel = clock.schedule(ms, () => {
      release?.();
      resolve();
    });
    const release =
      signal &&
      onAbort(signal, () => {
        cancel();
        reject(abortedError(signal, doing));
      });
  });

/** A signal for one piece of work. {@link Limit.end} must be called when the work is over: it frees the timer and the listeners. */
export interface Limit {
  readonly signal: AbortSignal;
  end(): void;
}

/** Aborted by any of `signals`, for the same reason; or after `timeoutMs` (which may be infinite), with a retriable `KLINK_TIMEOUT`. */
export const limit = (clock: Clock, timeoutMs: number, doing: string, signals: readonly (AbortSignal | undefined)[]): Limit => {
  const controller = new AbortController();
  const releases = signals.flatMap((signal) => {
    if (signal === undefined) return [];
    const forward = (): void => controller.abort(signal.reason);
    if (signal.aborted) forward();
    return onAbort(signal, forward);
  });
  const expire = (): void =>
    controller.abort(new LinkError('KLINK_TIMEOUT', `${doing} took longer than ${Math.round(timeoutMs)} ms`, { retriable: true }));
  if (timeoutMs <= 0) expire();
  else if (timeoutMs < Number.POSITIVE_INFINITY) releases.push(clock.schedule(timeoutMs, expire));
  return {
    signal: controller.signal,
    end: () => {
      for (const release of releases) release();
    },
  };
};
