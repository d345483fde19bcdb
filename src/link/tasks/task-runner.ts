/** Runs a task now and then: one run at a time, on demand too, paused or held as its link wants, with what it says of itself kept. */
import { abortable, abortedError } from '../../client/abort.ts';
import { type Clock, limit } from '../../client/clock.ts';
import { LinkError } from '../../errors.ts';
import {
  keepErrors,
  type Task,
  type TaskListener,
  type TaskResult,
  type TaskRun,
  type TaskState,
  type TaskStatus,
  taskError,
} from './task.ts';

/** Why the link keeps a task from running. */
export type TaskHold = Extract<TaskState, 'NOT_CONFIGURED' | 'LINK_FAILED' | 'LINK_UNAVAILABLE' | 'LINK_PAUSED'>;

export interface TaskRunnerOptions {
  readonly task: Task;
  readonly clock: Clock;
  /** Milliseconds from the start of a run to the start of the next. A run that takes longer skips beats. */
  readonly intervalMs: number;
  /** Milliseconds a run may take before its signal is aborted. */
  readonly runTimeoutMs: number;
  readonly listener?: TaskListener;
}

interface Asked {
  readonly run: Promise<TaskRun>;
  readonly resolve: (run: TaskRun) => void;
  readonly reject: (error: LinkError) => void;
}

const HOLD_REASONS: Readonly<Record<TaskHold, string>> = {
  NOT_CONFIGURED: 'it is not configured: switch it on first',
  LINK_FAILED: 'its link has failed',
  LINK_UNAVAILABLE: 'the source cannot be reached at the moment',
  LINK_PAUSED: 'its link is paused: resume the link first',
};

export class TaskRunner {
  readonly #task: Task;
  readonly #clock: Clock;
  readonly #listener: TaskListener;
  readonly #closing = new AbortController();
  #intervalMs: number;
  #runTimeoutMs: number;
  #isStarted = false;
  #isPaused = false;
  #hold: TaskHold | null = null;
  /** A run that was asked for and has not begun: everybody who asks meanwhile shares it. */
  #asked: Asked | null = null;
  /** Runs and suspensions, one after the other. Never rejects. */
  #turns: Promise<void> = Promise.resolve();
  #cancel: () => void = () => {};
  #lastStart = 0;
  #lastRun: TaskRun | null = null;
  #lastError: TaskStatus['lastError'] = null;
  #runs = 0;
  #failedRuns = 0;
  #errorCount = 0;
  readonly #totals: Record<string, number> = {};
  #told: TaskState = 'UNKNOWN';

  constructor({ task, clock, intervalMs, runTimeoutMs, listener = {} }: TaskRunnerOptions) {
    this.#task = task;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#runTimeoutMs = runTimeoutMs;
    this.#listener = listener;
  }

  get state(): TaskState {
    if (this.#hold !== null) return this.#hold;
    if (this.#isPaused) return 'PAUSED';
    if (this.#lastRun === null) return 'UNKNOWN';
    return this.#lastRun.errors.length === 0 ? 'ACTIVE' : 'IN_ERROR';
  }

  status(): TaskStatus {
    return {
      name: this.#task.name,
      state: this.state,
      intervalMs: this.#intervalMs,
      lastRun: this.#lastRun,
      errors: this.#lastRun?.errors ?? [],
      lastError: this.#lastError,
      runs: this.#runs,
      failedRuns: this.#failedRuns,
      errorCount: this.#errorCount,
      totals: { ...this.#totals },
    };
  }

  /** Begins with a first run at once, unless the task is paused or held. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#schedule(0);
  }

  /**
   * A whole run that begins after this call: the one under way, if there is one, may have looked too early. Also of a paused task.
   *
   * @throws LinkError `KLINK_STATE` while the task is held, `KLINK_CLOSED`; `KLINK_TIMEOUT` and `KLINK_ABORTED` end the wait, not the run.
   *   A run that fails does not reject: see {@link TaskRun.completed} and its errors.
   */
  async runNow({ signal, timeoutMs = Number.POSITIVE_INFINITY }: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<TaskRun> {
    const { name } = this.#task;
    if (this.#closing.signal.aborted) throw abortedError(this.#closing.signal, `running ${name}`);
    if (this.#hold !== null) throw this.#refusal(this.#hold);
    const { run } = this.#ask();
    const wait = limit(this.#clock, timeoutMs, `Waiting for a run of ${name}`, [signal]);
    try {
      return await abortable(run, wait.signal, `waiting for a run of ${name}`);
    } finally {
      wait.end();
    }
  }

  /** No run begins by itself from now on. Resolves when the one under way is over, and nothing goes on between runs either. */
  pause(): Promise<void> {
    this.#isPaused = true;
    return this.#quieten();
  }

  resume(): void {
    this.#isPaused = false;
    this.#settle();
    this.#schedule(0);
  }

  /** Keeps the task from running for a reason of the link's, or with null lets it run again. Resolves as {@link pause}. */
  hold(reason: TaskHold | null): Promise<void> {
    const before = this.#hold;
    this.#hold = reason;
    if (reason !== null) return this.#quieten();
    this.#settle();
    if (before !== null) this.#schedule(0);
    return Promise.resolve();
  }

  /** Takes effect at once: the next run moves to where the new interval puts it. */
  configure({ intervalMs = this.#intervalMs, runTimeoutMs = this.#runTimeoutMs }: { intervalMs?: number; runTimeoutMs?: number }): void {
    const changed = intervalMs !== this.#intervalMs;
    this.#intervalMs = intervalMs;
    this.#runTimeoutMs = runTimeoutMs;
    if (changed && this.#runs > 0 && this.#asked === null) this.#schedule(this.#untilNextBeat());
  }

  /** Aborts the run under way and waits for its end. Idempotent. */
  close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new LinkError('KLINK_CLOSED', `${this.#task.name} is closed`));
      this.#cancel();
      void this.#turn(() => this.#suspend());
    }
    return this.#turns;
  }

  #schedule(ms: number): void {
    this.#cancel();
    if (!this.#isStarted || this.#isQuiet || this.#closing.signal.aborted) return;
    this.#cancel = this.#clock.schedule(ms, () => {
      this.#ask();
    });
  }

  get #isQuiet(): boolean {
    return this.#isPaused || this.#hold !== null;
  }

  #ask(): Asked {
    if (this.#asked !== null) return this.#asked;
    let resolve!: Asked['resolve'];
    let reject!: Asked['reject'];
    const run = new Promise<TaskRun>((settle, fail) => {
      [resolve, reject] = [settle, fail];
    });
    run.catch(() => {});
    const asked = { run, resolve, reject };
    this.#asked = asked;
    this.#cancel();
    void this.#turn(() => this.#begin(asked));
    return asked;
  }

  #turn(turn: () => Promise<void>): Promise<void> {
    this.#turns = this.#turns.then(turn);
    return this.#turns;
  }

  async #begin({ resolve, reject }: Asked): Promise<void> {
    this.#asked = null;
    const { signal } = this.#closing;
    // It was asked for before the link changed its mind.
    if (this.#hold !== null) {
      reject(this.#refusal(this.#hold));
      return;
    }
    const run = signal.aborted ? null : await this.#run();
    if (run === null || signal.aborted) {
      reject(abortedError(signal, `running ${this.#task.name}`));
      return;
    }
    this.#note(run);
    if (this.#isQuiet) await this.#suspend();
    else if (this.#asked === null) this.#schedule(this.#untilNextBeat());
    resolve(run);
  }

  async #run(): Promise<TaskRun> {
    const startedAt = new Date(this.#clock.wallTime());
    const start = this.#clock.now();
    this.#lastStart = start;
    const { signal, end } = limit(this.#clock, this.#runTimeoutMs, `A run of ${this.#task.name}`, [this.#closing.signal]);
    const over = (result: TaskResult, completed: boolean): TaskRun => ({
      startedAt,
      durationMs: this.#clock.now() - start,
      completed,
      counts: result.counts,
      errors: keepErrors(result.errors),
    });
    try {
      return over(await this.#task.run({ signal, wake: this.#wake }), true);
    } catch (error) {
      return over({ counts: {}, errors: [taskError(error, null)] }, false);
    } finally {
      end();
    }
  }

  readonly #wake = (): void => {
    if (!this.#isQuiet && !this.#closing.signal.aborted) this.#ask();
  };

  #note(run: TaskRun): void {
    this.#lastRun = run;
    this.#runs++;
    this.#errorCount += run.errors.length;
    for (const [name, count] of Object.entries(run.counts)) this.#totals[name] = (this.#totals[name] ?? 0) + count;
    const error = run.errors.at(-1);
    if (error !== undefined) {
      this.#failedRuns++;
      this.#lastError = { error, at: new Date(this.#clock.wallTime()) };
    }
    this.#listener.ran?.(this.#task.name, run);
    this.#settle();
  }

  /** Beats are whole intervals from the start of the last run: a run that has taken longer than one waits for the next. */
  #untilNextBeat(): number {
    return this.#intervalMs - ((this.#clock.now() - this.#lastStart) % this.#intervalMs);
  }

  #quieten(): Promise<void> {
    this.#cancel();
    this.#settle();
    return this.#turn(() => this.#suspend());
  }

  /** Not when the task was resumed meanwhile, and its next run has not begun yet. */
  async #suspend(): Promise<void> {
    if (!this.#isQuiet && !this.#closing.signal.aborted) return;
    await this.#task.suspend?.().catch(() => {});
  }

  #settle(): void {
    const [from, to] = [this.#told, this.state];
    if (from === to) return;
    this.#told = to;
    this.#listener.stateChanged?.(this.#task.name, from, to);
  }

  #refusal(hold: TaskHold): LinkError {
    const retriable = hold === 'LINK_UNAVAILABLE';
    return new LinkError('KLINK_STATE', `${this.#task.name} cannot run now: ${HOLD_REASONS[hold]}`, { retriable });
  }
}
