/** Abort signals as the client uses them: what is told to those who wait, and how many can wait on one signal. */
import { LinkError } from '../errors.ts';

/** The error with which a wait ends when its signal is aborted: the signal's reason when that is one of ours, else `KLINK_ABORTED`. */
export const abortedError = (signal: AbortSignal, doing: string): LinkError =>
  LinkError.is(signal.reason) ? signal.reason : new LinkError('KLINK_ABORTED', `Aborted while ${doing}`, { cause: signal.reason });

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `task` once when the signal is aborted; the returned function takes it back.
 * However many wait on a signal, it has one listener: Node warns on the console from the eleventh on, and hundreds of requests may share a link's signal.
 */
export const onAbort = (signal: AbortSignal, task: () => void): (() => void) => {
  const waiting = listeners.get(signal) ?? listen(signal);
  // Wrapped, so that the same function may wait twice.
  const entry = (): void => task();
  waiting.add(entry);
  return () => {
    if (!waiting.delete(entry) || waiting.size > 0 || listeners.get(signal) !== waiting) return;
    listeners.delete(signal);
    signal.removeEventListener('abort', runAll);
  };
};

const listen = (signal: AbortSignal): Set<() => void> => {
  const waiting = new Set<() => void>();
  listeners.set(signal, waiting);
  signal.addEventListener('abort', runAll, { once: true });
  return waiting;
};

function runAll(this: AbortSignal): void {
  const waiting = listeners.get(this);
  listeners.delete(this);
  // An entry may take others back while they wait for their turn.
  for (const task of [...(waiting ?? [])]) if (waiting?.delete(task)) task();
}

/** Aborted as soon as one of them is. The first may be left out. */
export const either = (one: AbortSignal | undefined, other: AbortSignal): AbortSignal =>
  one === undefined ? other : AbortSignal.any([one, other]);

/** Waits for a promise that others may share. An aborted signal ends the wait of this caller alone. */
export const abortable = <T>(promise: Promise<T>, signal: AbortSignal, doing: string): Promise<T> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {});
      reject(abortedError(signal, doing));
      return;
    }
    const release = onAbort(signal, () => reject(abortedError(signal, doing)));
    promise.then(resolve, reject).finally(release);
  });
