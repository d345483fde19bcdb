/** Waiting for something that changes while others work: checked again whenever anything has happened. */
import { abortedError, onAbort } from '../client/abort.ts';
import type { Clock } from '../client/clock.ts';
import { LinkError } from '../errors.ts';

export class Change {
  readonly #clock: Clock;
  readonly #looks = new Set<() => void>();
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has happened: everybody who waits looks again, once per turn of the event loop however much happens in it. */
  happened(): void {
    if (this.#scheduled || this.#looks.size === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const look of this.#looks) look();
    });
  }

  /**
   * Resolves once `done` says so; what it throws ends the wait too.
   *
   * @throws LinkError `KLINK_TIMEOUT` after `deadline` (by the clock), with `missing` saying what was waited for; `KLINK_ABORTED`.
   */
  until(done: () => boolean, deadline: number, signal: AbortSignal, missing: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = deadline - this.#clock.now();
      let late = left <= 0;
      const end = (): void => {
        cancel();
        this.#looks.delete(look);
        release();
      };
      const isOver = (): boolean => {
        if (done()) return true;
        if (signal.aborted) throw abortedError(signal, 'waiting');
        if (late) throw new LinkError('KLINK_TIMEOUT', `Time is over: ${missing()}`, { retriable: true });
        return false;
      };
      const look = (): void => {
        try {
          if (!isOver()) return;
          end();
          resolve();
        } catch (error) {
          end();
          reject(error);
        }
      };
      const expire = (): void => {
        late = true;
        look();
      };
      const cancel = Number.isFinite(left) ? this.#clock.schedule(Math.max(0, left), expire) : () => {};
      this.#looks.add(look);
      const release = onAbort(signal, look);
      look();
    });
  }
}
