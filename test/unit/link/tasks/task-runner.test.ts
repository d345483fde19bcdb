/** When a task runs, and what is told of it: on a clock that stands still, with runs that end when the test lets them. */
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../../src/client/broker-error.ts';
import { LinkError } from '../../../../src/errors.ts';
import {
  keepErrors,
  type Task,
  type TaskContext,
  type TaskResult,
  type TaskRun,
  type TaskState,
  taskError,
} from '../../../../src/link/tasks/task.ts';
import { TaskRunner } from '../../../../src/link/tasks/task-runner.ts';
import { ManualClock, settled } from '../../../support/manual-clock.ts';

const NOTHING: TaskResult = { counts: {}, errors: [] };

interface Begun {
  readonly context: TaskContext;
  readonly end: (result?: TaskResult) => Promise<void>;
  readonly fail: (error: unknown) => Promise<void>;
}

class Bench {
  readonly clock = new ManualClock();
  readonly begun: Begun[] = [];
  readonly states: (readonly [TaskState, TaskState])[] = [];
  readonly ran: TaskRun[] = [];
  suspended = 0;
  readonly runner: TaskRunner;

  constructor({ intervalMs = 1_000, runTimeoutMs = 60_000 } = {}) {
    const task: Task = {
      name: 'AclSync',
      run: (context) =>
        new Promise((resolve, reject) => {
          this.begun.push({
            context,
            end: (result = NOTHING) => this.#after(() => resolve(result)),
            fail: (error) => this.#after(() => reject(error)),
          });
        }),
      suspend: async () => {
        this.suspended++;
      },
    };
    const listener = {
      stateChanged: (_: string, from: TaskState, to: TaskState) => this.states.push([from, to]),
      ran: (_: string, run: TaskRun) => this.ran.push(run),
    };
    this.runner = new TaskRunner({ task, clock: this.clock, intervalMs, runTimeoutMs, listener });
  }

  get last(): Begun {
    return this.begun.at(-1)!;
  }

  async started(): Promise<this> {
    this.runner.start();
    await this.clock.advance(0);
    return this;
  }

  async #after(act: () => void): Promise<void> {
    act();
    await settled();
  }
}

const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  let over = false;
  const done = (): void => {
    over = true;
  };
  promise.then(done, done);
  await settled();
  return over;
};

describe('beats', () => {
  it('begin with the start and follow each other from start to start', async () => {
    const bench = await new Bench().started();
    expect(bench.begun).toHaveLength(1);
    await bench.clock.advance(400);
    await bench.last.end();
    await bench.clock.advance(599);
    expect(bench.begun).toHaveLength(1);
    await bench.clock.advance(1);
    expect(bench.begun).toHaveLength(2);
  });

  it('are skipped while a run takes longer than they are apart', async () => {
    const bench = await new Bench().started();
    await bench.clock.advance(2_300);
    expect(bench.begun).toHaveLength(1);
    await bench.last.end();
    await bench.clock.advance(699);
    expect(bench.begun).toHaveLength(1);
    await bench.clock.advance(1);
    expect(bench.begun).toHaveLength(2);
  });

  it('do not begin before the start, and starting twice is starting once', async () => {
    const bench = new Bench();
    await bench.clock.advance(10_000);
    expect(bench.begun).toHaveLength(0);
    bench.runner.start();
    await bench.started();
    await bench.last.end();
    await bench.clock.advance(1_000);
    expect(bench.begun).toHaveLength(2);
  });

  it('move when the interval is changed', async () => {
    const bench = await new Bench({ intervalMs: 100_000 }).started();
    await bench.last.end();
    await bench.clock.advance(300);
    bench.runner.configure({ intervalMs: 1_000 });
    await bench.clock.advance(699);
    expect(bench.begun).toHaveLength(1);
    await bench.clock.advance(1);
    expect(bench.begun).toHaveLength(2);
    expect(bench.runner.status().intervalMs).toBe(1_000);
  });
});

describe('a run on demand', () => {
  it('begins at once when none is under way', async () => {
    const bench = await new Bench().started();
    await bench.last.end();
    const run = bench.runner.runNow();
    await settled();
    expect(bench.begun).toHaveLength(2);
    await bench.last.end({ counts: { added: 3 }, errors: [] });
    expect(await run).toMatchObject({ completed: true, counts: { added: 3 }, errors: [] });
  });

  it('is a run of its own when one is under way: that one may have looked before', async () => {
    const bench = await new Bench().started();
    const run = bench.runner.runNow();
    expect(await isSettled(run)).toBe(false);
    expect(bench.begun).toHaveLength(1);
    await bench.last.end();
    expect(bench.begun).toHaveLength(2);
    expect(await isSettled(run)).toBe(false);
    await bench.last.end();
    expect(await isSettled(run)).toBe(true);
  });

  it('is shared by all who ask before it begins', async () => {
    const bench = await new Bench().started();
    const runs = [bench.runner.runNow(), bench.runner.runNow(), bench.runner.runNow()];
    await bench.last.end();
    await bench.last.end();
    expect(new Set(await Promise.all(runs)).size).toBe(1);
    expect(bench.begun).toHaveLength(2);
  });

  it('takes the place of the next beat', async () => {
    const bench = await new Bench().started();
    await bench.last.end();
    await bench.clock.advance(900);
    void bench.runner.runNow();
    await settled();
    await bench.last.end();
    await bench.clock.advance(999);
    expect(bench.begun).toHaveLength(2);
    await bench.clock.advance(1);
    expect(bench.begun).toHaveLength(3);
  });

  it('does not reject when it fails', async () => {
    const bench = await new Bench().started();
    await bench.last.end();
    const run = bench.runner.runNow();
    await settled();
    await bench.last.fail(new LinkError('KLINK_AUTH', 'no rights'));
    expect(await run).toMatchObject({ completed: false, errors: [{ code: 'AUTHORIZATION_ERROR', subject: null, message: 'no rights' }] });
  });

  it('may be waited for with an end: the run itself goes on', async () => {
    const bench = await new Bench().started();
    await bench.last.end();
    const late = bench.runner.runNow({ timeoutMs: 50 });
    const controller = new AbortController();
    const aborted = bench.runner.runNow({ signal: controller.signal });
    late.catch(() => {});
    aborted.catch(() => {});
    controller.abort();
    await bench.clock.advance(50);
    await expect(late).rejects.toMatchObject({ code: 'KLINK_TIMEOUT' });
    await expect(aborted).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    expect(bench.last.context.signal.aborted).toBe(false);
    await bench.last.end();
    expect(bench.ran).toHaveLength(2);
  });

  it('can be asked for by what goes on between runs', async () => {
    const bench = await new Bench().started();
    const { wake } = bench.last.context;
    await bench.last.end();
    wake();
    wake();
    await settled();
    expect(bench.begun).toHaveLength(2);
    await bench.last.end();
    expect(bench.begun).toHaveLength(2);
    await bench.runner.pause();
    wake();
    await settled();
    expect(bench.begun).toHaveLength(2);
  });
});

describe('a run that takes too long', () => {
  it('is told to end, and no other begins before it has', async () => {
    const bench = await new Bench({ intervalMs: 100, runTimeoutMs: 250 }).started();
    await bench.clock.advance(249);
    expect(bench.last.context.signal.aborted).toBe(false);
    await bench.clock.advance(1);
    expect(bench.last.context.signal.aborted).toBe(true);
    await bench.clock.advance(1_000);
    expect(bench.begun).toHaveLength(1);
    await bench.last.fail(bench.last.context.signal.reason);
    expect(bench.ran[0]).toMatchObject({
      completed: false,
      durationMs: 1_250,
      errors: [{ error: { code: 'KLINK_TIMEOUT', retriable: true } }],
    });
    await bench.clock.advance(100);
    expect(bench.begun).toHaveLength(2);
  });
});

describe('pausing', () => {
  it('lets the run under way come to its end, and ends what goes on between runs', async () => {
    const bench = await new Bench().started();
    const paused = bench.runner.pause();
    expect(await isSettled(paused)).toBe(false);
    expect(bench.last.context.signal.aborted).toBe(false);
    await bench.last.end();
    await paused;
    expect(bench.suspended).toBeGreaterThan(0);
    await bench.clock.advance(10_000);
    expect(bench.begun).toHaveLength(1);
    expect(bench.runner.state).toBe('PAUSED');
    expect(bench.clock.pending).toBe(0);
  });

  it('ends with a run at once', async () => {
    const bench = await new Bench().started();
    await bench.last.end();
    await bench.runner.pause();
    bench.runner.resume();
    await bench.clock.advance(0);
    expect(bench.begun).toHaveLength(2);
    expect(bench.runner.state).toBe('ACTIVE');
  });

  it('does not forbid a run on demand, after which nothing goes on either', async () => {
    const bench = await new Bench().started();
    await bench.last.end();
    await bench.runner.pause();
    const before = bench.suspended;
    const run = bench.runner.runNow();
    await settled();
    await bench.last.end();
    await run;
    expect(bench.suspended).toBe(before + 1);
    await bench.clock.advance(10_000);
    expect(bench.begun).toHaveLength(2);
    expect(bench.runner.state).toBe('PAUSED');
  });
});

describe('holding', () => {
  it.each(['NOT_CONFIGURED', 'LINK_FAILED', 'LINK_UNAVAILABLE', 'LINK_PAUSED'] as const)(
    '%s is the state, and nothing runs',
    async (reason) => {
      const bench = await new Bench().started();
      await bench.last.end();
      await bench.runner.hold(reason);
      await bench.clock.advance(10_000);
      expect(bench.begun).toHaveLength(1);
      expect(bench.runner.state).toBe(reason);
      await expect(bench.runner.runNow()).rejects.toMatchObject({ code: 'KLINK_STATE', retriable: reason === 'LINK_UNAVAILABLE' });
      await bench.runner.hold(null);
      await bench.clock.advance(0);
      expect(bench.begun).toHaveLength(2);
      expect(bench.runner.state).toBe('ACTIVE');
    },
  );

  it('refuses a run that was asked for and has not begun', async () => {
    const bench = await new Bench().started();
    const run = bench.runner.runNow();
    run.catch(() => {});
    void bench.runner.hold('LINK_PAUSED');
    await bench.last.end();
    await expect(run).rejects.toMatchObject({ code: 'KLINK_STATE' });
    expect(bench.begun).toHaveLength(1);
  });

  it('comes before pausing, which is still there afterwards', async () => {
    const bench = await new Bench().started();
    await bench.last.end();
    await bench.runner.pause();
    await bench.runner.hold('LINK_PAUSED');
    expect(bench.runner.state).toBe('LINK_PAUSED');
    await bench.runner.hold(null);
    await bench.clock.advance(10_000);
    expect(bench.runner.state).toBe('PAUSED');
    expect(bench.begun).toHaveLength(1);
  });

  it('before the start holds the first run back', async () => {
    const bench = new Bench();
    await bench.runner.hold('NOT_CONFIGURED');
    await bench.started();
    expect(bench.begun).toHaveLength(0);
    expect(bench.states).toEqual([['UNKNOWN', 'NOT_CONFIGURED']]);
  });
});

describe('closing', () => {
  it('aborts the run under way and refuses the next', async () => {
    const bench = await new Bench().started();
    const next = bench.runner.runNow();
    next.catch(() => {});
    const closed = bench.runner.close();
    expect(bench.last.context.signal.reason).toMatchObject({ code: 'KLINK_CLOSED' });
    expect(await isSettled(closed)).toBe(false);
    await bench.last.fail(bench.last.context.signal.reason);
    await closed;
    await expect(next).rejects.toMatchObject({ code: 'KLINK_CLOSED' });
    await expect(bench.runner.runNow()).rejects.toMatchObject({ code: 'KLINK_CLOSED' });
    expect(bench.suspended).toBe(1);
    expect(bench.clock.pending).toBe(0);
    // What was cut short has not failed.
    expect(bench.runner.status()).toMatchObject({ runs: 0, failedRuns: 0, lastError: null });
    await bench.runner.close();
  });
});

describe('what is kept', () => {
  it('is the last run, the last error, and sums over all runs', async () => {
    const bench = await new Bench().started();
    const refused = taskError(new BrokerError(29, 'read'), 'orders');
    await bench.last.end({ counts: { updates: 2 }, errors: [refused, taskError(new BrokerError(3, 'read'), 'carts')] });
    expect(bench.runner.status()).toMatchObject({
      name: 'AclSync',
      state: 'IN_ERROR',
      errors: [{ code: 'AUTHORIZATION_ERROR', subject: 'orders' }, { code: 'UNKNOWN_TOPIC_OR_PARTITION_ERROR' }],
    });
    await bench.clock.advance(1_000);
    await bench.last.end({ counts: { updates: 5, same: 1 }, errors: [] });
    const status = bench.runner.status();
    expect(status).toMatchObject({ state: 'ACTIVE', errors: [], runs: 2, failedRuns: 1, errorCount: 2, totals: { updates: 7, same: 1 } });
    expect(status.lastError).toMatchObject({ error: { subject: 'carts' }, at: new Date(Date.UTC(2026, 0, 1)) });
    expect(status.lastRun?.startedAt).toEqual(new Date(Date.UTC(2026, 0, 1) + 1_000));
  });

  it('is told when it changes', async () => {
    const bench = await new Bench().started();
    await bench.last.end();
    await bench.clock.advance(1_000);
    await bench.last.fail(new Error('a defect'));
    await bench.clock.advance(1_000);
    await bench.last.end();
    await bench.runner.pause();
    expect(bench.states).toEqual([
      ['UNKNOWN', 'ACTIVE'],
      ['ACTIVE', 'IN_ERROR'],
      ['IN_ERROR', 'ACTIVE'],
      ['ACTIVE', 'PAUSED'],
    ]);
    expect(bench.ran.map(({ errors }) => errors.map(({ code }) => code))).toEqual([[], ['INTERNAL_ERROR'], []]);
  });

  it('of very many errors are the first, and how many more there were', () => {
    const errors = Array.from({ length: 250 }, (_, i) => taskError(new LinkError('KLINK_BROKER', `error ${i}`), `topic-${i}`));
    const kept = keepErrors(errors);
    expect(kept).toHaveLength(101);
    expect(kept.at(-1)).toMatchObject({ code: 'SUPPRESSED_ERRORS', message: '150 more errors; the last one: error 249' });
    expect(keepErrors(errors.slice(0, 100))).toHaveLength(100);
  });
});

it.each([
  [58, 'AUTHENTICATION_ERROR'],
  [29, 'AUTHORIZATION_ERROR'],
  [30, 'AUTHORIZATION_ERROR'],
  [31, 'AUTHORIZATION_ERROR'],
  [54, 'SECURITY_DISABLED_ERROR'],
  [36, 'TOPIC_EXISTS_ERROR'],
  [44, 'POLICY_VIOLATION_ERROR'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION_ERROR'],
  [17, 'INVALID_TOPIC'],
  [42, 'INVALID_REQUEST_ERROR'],
  [16, 'UNKNOWN'],
])("a broker's error %i is %s in the product's words", (code, name) => {
  expect(taskError(new BrokerError(code, 'do it'), null).code).toBe(name);
});
