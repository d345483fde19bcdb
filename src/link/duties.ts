/** What a link does again and again, at intervals that may change while it waits. */
import { onAbort } from '../client/abort.ts';
import type { Clock } from '../client/clock.ts';

export class Duties {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #naps = new Set<() => void>();
  readonly #running: Promise<void>[] = [];

  /** `signal` ends them all. */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Resolves when the last of them is over. Never rejects. */
  get over(): Promise<unknown> {
    return Promise.all(this.#running);
  }

  /** Begins after the first interval. `duty` must not reject. */
  every(ms: () => number, duty: () => Promise<void>): void {
    this.#running.push(this.#repeat(ms, duty));
  }

  /** Intervals have changed: they count from the last time on. */
  changed(): void {
    for (const wake of [...this.#naps]) wake();
  }

  async #repeat(ms: () => number, duty: () => Promise<void>): Promise<void> {
    let last = this.#clock.now();
    while (!this.#signal.aborted) {
      const left = last + ms() - this.#clock.now();
      if (left > 0) {
        await this.#nap(left);
        continue;
      }
      await duty();
      last = this.#clock.now();
    }
  }

  #nap(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#naps.delete(wake);
        release();
        resolve();
      };
      const cancel = this.#clock.schedule(ms, wake);
      this.#naps.add(wake);
      const release = onAbort(this.#signal, wake);
    });
  }
}
