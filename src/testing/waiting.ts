/** Waits that end when something happens to one of several partitions: the purgatory of a broker, without polling. */
import type { Clock } from './clock.ts';
import type { Partition } from './partition.ts';

/** How long a wait may take. */
export interface Patience {
  readonly clock: Clock;
  readonly ms: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Resolves with true as soon as `done` is, asked now and after every change of a partition; with false when time or the caller's patience is over. */
export const waitUntil = (partitions: Iterable<Partition>, done: () => boolean, { clock, ms, signal }: Patience): Promise<boolean> => {
  if (done()) return Promise.resolve(true);
  if (ms <= 0 || signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (happened: boolean): void => {
      cancel();
      for (const unwatch of unwatchers) unwatch();
      signal.removeEventListener('abort', giveUp);
      resolve(happened);
    };
    const giveUp = (): void => end(false);
    const cancel = clock.schedule(ms, giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    const unwatchers = [...partitions].map((partition) =>
      partition.watch(() => {
        if (done()) end(true);
      }),
    );
  });
};

/** Resolves when nobody waits any more. */
export const gone = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Resolves when the time is over, or nobody waits any more. */
export const pause = async (patience: Patience): Promise<void> => {
  await waitUntil([], () => false, patience);
};
