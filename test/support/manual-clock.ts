/** A clock that stands still until the test moves it. */
import type { Clock } from '../../src/client/clock.ts';

interface Timer {
  readonly at: number;
  readonly task: () => void;
}

/** Implements the client's {@link Clock}. Time passes only in {@link ManualClock.advance}; timers run in the order of their times. */
export class ManualClock implements Clock {
  #now: number;
  readonly #epoch: number;
  #timers: Timer[] = [];
  readonly #watchers: (() => void)[] = [];

  /** `startMs` is arbitrary on purpose: nothing may rely on where a monotonic clock begins. */
  constructor({ startMs = 7_000, wallTime = Date.UTC(2026, 0, 1) }: { readonly startMs?: number; readonly wallTime?: number } = {}) {
    this.#now = startMs;
    this.#epoch = wallTime - startMs;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#epoch + this.#now;
  }

  schedule(ms: number, task: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), task };
    this.#timers.push(timer);
    this.#timers.sort((a, b) => a.at - b.at);
    for (const wake of this.#watchers.splice(0)) wake();
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many timers are set: 0 when nothing waits for time any more. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Resolves as soon as so many timers are set: what is under test has come to the point where it waits. */
  async timers(count: number): Promise<void> {
    while (this.#timers.length < count) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  /** Lets time pass: every timer that is due runs at its own time, and what it sets going by promises is done before the next one. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = this.#timers;
      if (next === undefined || next.at > end) break;
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.at);
      next.task();
    }
    this.#now = end;
    await settled();
  }

  /** Lets time pass in small steps until the promise is settled. For what needs some time, and the test does not care how much. */
  async passUntil<T>(promise: Promise<T>, stepMs = 10): Promise<T> {
    let over = false;
    const done = (): void => {
      over = true;
    };
    promise.then(done, done);
    await settled();
    while (!over) await this.advance(stepMs);
    return promise;
  }
}

/** Everything that promises alone can bring about has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for what sockets bring about, one turn of the event loop after the other. The time limit of the test is the limit. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await settled();
};
