/** A mirror's log as a follower of log starts meets it: it can be slow, refuse, and forget in a crash what it has not written to disk. */
import type { LinkError } from '../../../../src/errors.ts';
import type { LogStartContext } from '../../../../src/link/log-start/log-start-follower.ts';
import type { ManualClock } from '../../../support/manual-clock.ts';

/** A broker's `log.flush.start.offset.checkpoint.interval.ms`. */
const CHECKPOINT_MS = 60_000;

export class TrimmedLog {
  /** Where the log starts now. */
  start = 0;
  /** Its end: no deletion may go beyond. */
  end = 0;
  /** Milliseconds until a request is answered. */
  latencyMs = 5;
  /** What the next requests fail with, in their order. `late` fails after the deletion was carried out. */
  readonly failures: { readonly error: LinkError; readonly isLate?: boolean }[] = [];
  /** What every deletion is refused with, as long as it is set. */
  refusal: LinkError | null = null;
  /** Offsets that deletions were asked for. */
  readonly deletions: number[] = [];
  looks = 0;
  refreshes = 0;
  /** Deletions on their way. */
  underWay = 0;
  readonly #clock: ManualClock;
  readonly #bornAt: number;
  readonly #history: { readonly at: number; readonly start: number }[];

  constructor(clock: ManualClock, start = 0) {
    this.#clock = clock;
    this.#bornAt = clock.now();
    this.start = start;
    this.#history = [{ at: clock.now(), start }];
  }

  /** What is on disk: the start as of the last checkpoint. */
  get durableStart(): number {
    const checkpoint = this.#clock.now() - ((this.#clock.now() - this.#bornAt) % CHECKPOINT_MS);
    return this.#history.findLast(({ at }) => at <= checkpoint)?.start ?? this.start;
  }

  /** Somebody moves the start up, at once. */
  trim(start: number): void {
    this.#moveTo(start);
  }

  /** Kills the broker and brings it back. */
  crash(): void {
    this.#moveTo(this.durableStart);
  }

  deleteBefore(offset: number): Promise<number> {
    this.deletions.push(offset);
    this.underWay++;
    const failure = this.failures.shift();
    return this.#answer(() => {
      this.underWay--;
      if (failure !== undefined && failure.isLate !== true) throw failure.error;
      if (this.refusal !== null) throw this.refusal;
      if (offset > this.end) throw new Error(`deletion before ${offset}, but the log ends at ${this.end}`);
      if (offset > this.start) this.#moveTo(offset);
      if (failure !== undefined) throw failure.error;
      return this.start;
    });
  }

  look(): Promise<number> {
    this.looks++;
    const failure = this.failures.shift();
    return this.#answer(() => {
      if (failure !== undefined) throw failure.error;
      return this.start;
    });
  }

  /** The follower's context, if this log is all there is. */
  ports(): Pick<LogStartContext, 'deleteBefore' | 'mirrorStart' | 'refresh'> {
    return {
      deleteBefore: (_topic, _partition, offset) => this.deleteBefore(offset),
      mirrorStart: () => this.look(),
      refresh: async () => {
        this.refreshes++;
      },
    };
  }

  #moveTo(start: number): void {
    this.start = start;
    this.#history.push({ at: this.#clock.now(), start });
  }

  #answer(carryOut: () => number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#clock.schedule(this.latencyMs, () => {
        try {
          resolve(carryOut());
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
