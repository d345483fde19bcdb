/** A clock that stands still until a test moves it. */
import type { Clock } from '../../../src/testing/index.ts';

export class ManualClock implements Clock {
  #now = 0;
  readonly #start: number;
  #tasks: { at: number; task: () => void }[] = [];

  constructor(wallTime = 1_700_000_000_000) {
    this.#start = wallTime;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#start + this.#now;
  }

  schedule(ms: number, task: () => void): () => void {
    const entry = { at: this.#now + ms, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  }

  get pending(): number {
    return this.#tasks.length;
  }

  /** Moves time on and runs what is due, in order. */
  advance(ms: number): void {
    const to = this.#now + ms;
    for (;;) {
      const next = this.#tasks.filter(({ at }) => at <= to).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#tasks = this.#tasks.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
    }
    this.#now = to;
  }
}
