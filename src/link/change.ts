/** Waiting for something that changes while others work: checked again whenever anything has happened. */
import { abortedError, type Clock } from '../client/clock.ts';
import { LinkError } from '../errors.ts';

export class Change {
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has happened: everybody who waits looks again. Cheap when nobody does. */
  happened(): void {
    for (const wake of this.#waiters) wake();
  }

  /**
   * Resolves once `done` says so; what it throws ends the wait too.
   *
   * @throws LinkError `KLINK_TIMEOUT` after `deadline` (by the clock), with `missing` saying what was waited for; `KLINK_ABORTED`.
   */
  async until(done: () => boolean, deadline: number, signal: AbortSignal, missing: () => string): Promise<void> {
    while (!done()) {
      if (signal.aborted) throw abortedError(signal, 'waiting');
      const left = deadline - this.#clock.now();
      if (left <= 0) throw new LinkError('KLINK_TIMEOUT', `Time is over: ${missing()}`, { retriable: true });
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          cancel();
          this.#waiters.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const cancel = Number.isFinite(left) ? this.#clock.schedule(left, wake) : () => {};
        this.#waiters.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }
}
