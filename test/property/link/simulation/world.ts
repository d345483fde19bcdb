/** A world without time or chance of its own: one seed decides what happens next, and nothing happens unless it is told to. */
import type { Clock, Random } from '../../../../src/client/clock.ts';

/** Something that may happen now or later. */
export interface Happening {
  readonly name: string;
  /** Whether it may happen now. */
  enabled(): boolean;
  /** When it becomes enabled by itself, by the world's clock; undefined when only something else can enable it. */
  dueAt?(): number | undefined;
  /** Time does not pass beyond this before it has run. */
  deadline?(): number;
  run(): void;
}

interface Timer {
  readonly at: number;
  readonly task: () => void;
}

/** Microtasks, and the two turns of the event loop in which lookups and appends are gathered. */
const TURNS = 3;
/** For so long at a time something that could happen does not. */
const LONGEST_DELAY_MS = 1_000;

export class World {
  readonly random: Random;
  readonly trace: string[] = [];
  #now = 0;
  readonly #timers = new Set<Timer>();
  readonly #happenings = new Set<Happening>();

  constructor(seed: number) {
    this.random = mulberry32(seed);
  }

  readonly clock: Clock = {
    now: () => this.#now,
    wallTime: () => 1_700_000_000_000 + this.#now,
    schedule: (ms, task) => {
      const timer = { at: this.#now + ms, task };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    },
  };

  /** Timers that were neither run nor cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  add(happening: Happening): void {
    this.#happenings.add(happening);
  }

  remove(happening: Happening): void {
    this.#happenings.delete(happening);
  }

  /** A promise that the world resolves at a moment of its choice. */
  sometime<T>(name: string, answer: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const happening: Happening = {
        name,
        enabled: () => true,
        run: () => {
          this.remove(happening);
          try {
            resolve(answer());
          } catch (error) {
            reject(error as Error);
          }
        },
      };
      this.add(happening);
    });
  }

  /** One thing happens; time passes when nothing else can, and sometimes although something could. */
  async step(): Promise<void> {
    const enabled = [...this.#happenings].filter((happening) => happening.enabled());
    const chosen = this.pick(enabled);
    if (chosen === undefined) this.#advance(Number.POSITIVE_INFINITY);
    else if (this.chance(0.02)) this.#advance(LONGEST_DELAY_MS);
    else this.#run(chosen);
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  note(what: string): void {
    this.trace.push(`${this.#now.toFixed(0)} ${what}`);
    if (this.trace.length > 400) this.trace.shift();
  }

  #run(happening: Happening): void {
    this.note(happening.name);
    happening.run();
  }

  /** Time goes on to the next timer or deadline, unless that is further away than `limit`. */
  #advance(limit: number): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#timers) next = Math.min(next, at);
    for (const happening of this.#happenings) {
      const due = happening.dueAt?.();
      if (due !== undefined && due > this.#now) next = Math.min(next, due);
    }
    const [pressing] = [...this.#happenings].filter((happening) => (happening.deadline?.() ?? Number.POSITIVE_INFINITY) <= next);
    if (pressing?.enabled()) {
      this.#run(pressing);
      return;
    }
    if (next === Number.POSITIVE_INFINITY || next > this.#now + limit) return;
    this.#now = Math.max(this.#now, next);
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      this.note('timer');
      timer.task();
    }
  }
}

/** A small generator with a full period of 2^32: good enough to shuffle, the same everywhere. */
const mulberry32 = (seed: number): Random => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
