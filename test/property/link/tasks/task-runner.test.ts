/** A runner under everything that can be asked of it at once: never two runs, never a wait that does not end, nothing left behind. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Task, TaskResult, TaskRun } from '../../../../src/link/tasks/task.ts';
import { type TaskHold, TaskRunner } from '../../../../src/link/tasks/task-runner.ts';
import { ManualClock, settled } from '../../../support/manual-clock.ts';

const INTERVAL_MS = 100;
const TIMEOUT_MS = 250;

type Step =
  | { readonly does: 'start' | 'pause' | 'resume' | 'runNow' | 'wake' }
  | { readonly does: 'hold'; readonly reason: TaskHold | null }
  | { readonly does: 'pass'; readonly ms: number }
  | { readonly does: 'configure'; readonly intervalMs: number }
  | { readonly does: 'end'; readonly errors: number; readonly fails: boolean };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ does: fc.constantFrom('start', 'pause', 'resume', 'runNow', 'wake') }),
    fc.record({ does: fc.constant('hold'), reason: fc.constantFrom(null, 'LINK_PAUSED', 'NOT_CONFIGURED') }),
    fc.record({ does: fc.constant('pass'), ms: fc.nat(300) }),
    fc.record({ does: fc.constant('configure'), intervalMs: fc.constantFrom(50, 100, 400) }),
    fc.record({ does: fc.constant('end'), errors: fc.nat(2), fails: fc.boolean() }),
  ) as fc.Arbitrary<Step>,
  { maxLength: 40, size: 'max' },
);

class World {
  readonly clock = new ManualClock();
  readonly ran: TaskRun[] = [];
  readonly waits: Promise<unknown>[] = [];
  running = 0;
  suspended = true;
  begun = 0;
  isPaused = false;
  hold: TaskHold | null = null;
  #wake: () => void = () => {};
  #end: ((result: TaskResult) => void) | null = null;
  #fail: ((error: Error) => void) | null = null;
  readonly runner: TaskRunner;

  constructor() {
    const task: Task = {
      name: 'ConsumerOffsetSync',
      run: ({ signal, wake }) => {
        expect(++this.running, 'runs at once').toBe(1);
        this.begun++;
        this.suspended = false;
        this.#wake = wake;
        return new Promise<TaskResult>((resolve, reject) => {
          const over =
            <T>(settle: (value: T) => void) =>
            (value: T): void => {
              if (this.#end === null) return;
              this.#end = null;
              this.running--;
              settle(value);
            };
          this.#end = over(resolve);
          this.#fail = over(reject);
          signal.addEventListener('abort', () => this.#fail?.(signal.reason));
        });
      },
      suspend: async () => {
        this.suspended = true;
      },
    };
    this.runner = new TaskRunner({
      task,
      clock: this.clock,
      intervalMs: INTERVAL_MS,
      runTimeoutMs: TIMEOUT_MS,
      listener: { ran: (_, run) => this.ran.push(run) },
    });
  }

  async do(step: Step): Promise<void> {
    const { runner } = this;
    if (step.does === 'start') runner.start();
    else if (step.does === 'pause') {
      this.isPaused = true;
      this.waits.push(runner.pause());
    } else if (step.does === 'resume') {
      this.isPaused = false;
      runner.resume();
    } else if (step.does === 'hold') {
      this.hold = step.reason;
      this.waits.push(runner.hold(step.reason));
    } else if (step.does === 'runNow') this.waits.push(runner.runNow().catch((error) => error));
    else if (step.does === 'wake') this.#wake();
    else if (step.does === 'pass') await this.clock.advance(step.ms);
    else if (step.does === 'configure') runner.configure({ intervalMs: step.intervalMs });
    else if (step.does === 'end') this.#over(step.errors, step.fails);
    await settled();
  }

  #over(errors: number, fails: boolean): void {
    if (fails) this.#fail?.(new Error('a defect'));
    else {
      const one = { code: 'UNKNOWN', subject: null, message: '', error: new Error() as never } as const;
      this.#end?.({ counts: { done: 1 }, errors: Array.from({ length: errors }, () => one) });
    }
  }
}

it('never runs twice at once, and does what was asked last', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const world = new World();
      for (const step of list) await world.do(step);
      const { runner } = world;
      // Whoever waits is answered once the run is over.
      for (let i = 0; i < 4; i++) await world.do({ does: 'end', errors: 0, fails: false });
      await Promise.all(world.waits);
      const status = runner.status();
      expect(status.runs).toBe(world.ran.length);
      expect(status.errorCount).toBe(world.ran.reduce((sum, { errors }) => sum + errors.length, 0));
      expect(status.totals['done'] ?? 0).toBe(world.ran.filter(({ completed }) => completed).length);
      const isQuiet = world.isPaused || world.hold !== null;
      if (world.hold !== null) expect(status.state).toBe(world.hold);
      else if (world.isPaused) expect(status.state).toBe('PAUSED');
      if (isQuiet) expect(world.suspended, 'nothing goes on between runs').toBe(true);

      const before = world.begun;
      runner.start();
      await world.clock.advance(1_000);
      if (isQuiet) expect(world.begun, 'nothing begins by itself').toBe(before);
      else expect(world.begun, 'it begins by itself').toBeGreaterThan(before);

      const closed = runner.close();
      await closed;
      expect([world.running, world.clock.pending, world.suspended]).toEqual([0, 0, true]);
      await expect(runner.runNow()).rejects.toMatchObject({ code: 'KLINK_CLOSED' });
    }),
    { numRuns: 300 },
  );
});
