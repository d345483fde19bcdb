/** Retries: what ends them, and what the error then says. The lengths of the waits are held by the property tests. */
import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { type RetryContext, retry } from '../../../src/client/retry.ts';
import { LinkError } from '../../../src/errors.ts';
import { ManualClock, settled } from '../../support/manual-clock.ts';

const flaky = (message: string): LinkError => new LinkError('KLINK_CONNECT', message, { retriable: true });
const contextOf = (clock: ManualClock, more: Partial<RetryContext> = {}): RetryContext => ({
  clock,
  random: () => 0.5,
  policy: { backoffMs: 100, maxBackoffMs: 1_000 },
  timeoutMs: 10_000,
  signals: [],
  doing: 'The errand',
  ...more,
});

describe('retry', () => {
  it('gives the first success, after waits that double', async () => {
    const clock = new ManualClock();
    const attempt = vi.fn(async (count: number) => {
      if (count < 4) throw flaky('not yet');
      return `at ${count}`;
    });
    const done = retry(contextOf(clock), attempt);
    await clock.advance(100 + 200 + 399);
    expect(attempt).toHaveBeenCalledTimes(3);
    await clock.advance(1);
    await expect(done).resolves.toBe('at 4');
    expect(clock.pending).toBe(0);
  });

  it('stops at an error that is not retriable, ours or not', async () => {
    const clock = new ManualClock();
    const fatal = new LinkError('KLINK_AUTH', 'no rights');
    await expect(retry(contextOf(clock), () => Promise.reject(fatal))).rejects.toBe(fatal);
    const foreign = new TypeError('a defect');
    await expect(retry(contextOf(clock), () => Promise.reject(foreign))).rejects.toBe(foreign);
    expect(clock.pending).toBe(0);
  });

  it('gives the last failure when there is no time for another attempt, without waiting for the deadline', async () => {
    const clock = new ManualClock();
    const done = retry(contextOf(clock, { timeoutMs: 350 }), async (count) => {
      throw flaky(`failure ${count}`);
    });
    const outcome = expect(done).rejects.toMatchObject({ code: 'KLINK_CONNECT', message: 'failure 3' });
    await clock.advance(300);
    await outcome;
    expect(clock.pending).toBe(0);
  });

  it('does not wait for an attempt that outlives the deadline, and tells it so on its signal', async () => {
    const clock = new ManualClock();
    let given: AbortSignal | undefined;
    const done = retry(contextOf(clock, { timeoutMs: 500 }), (count, signal) => {
      if (count === 1) return Promise.reject(flaky('connection refused'));
      given = signal;
      return new Promise(() => {});
    });
    const outcome = expect(done).rejects.toMatchObject({
      code: 'KLINK_TIMEOUT',
      retriable: true,
      message: 'The errand took longer than 500 ms; the attempt before it said: connection refused',
      cause: { message: 'connection refused' },
    });
    await clock.advance(499);
    expect(given?.aborted).toBe(false);
    await clock.advance(1);
    await outcome;
    expect(given?.aborted).toBe(true);
  });

  it('swallows the failure of an attempt that was left behind', async () => {
    const clock = new ManualClock();
    let fail = (_: Error): void => {};
    const done = retry(
      contextOf(clock, { timeoutMs: 5 }),
      () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    );
    const outcome = expect(done).rejects.toMatchObject({ code: 'KLINK_TIMEOUT', message: 'The errand took longer than 5 ms' });
    await clock.advance(5);
    await outcome;
    // An unhandled rejection would fail the run.
    fail(new Error('late'));
    await settled();
  });

  it('ends at once when a signal is aborted: before, between and during attempts', async () => {
    const clock = new ManualClock();
    const closed = new LinkError('KLINK_CLOSED', 'closed');
    const attempt = vi.fn(() => Promise.reject(flaky('no')));
    await expect(retry(contextOf(clock, { signals: [AbortSignal.abort(closed)] }), attempt)).rejects.toBe(closed);
    expect(attempt).not.toHaveBeenCalled();

    const between = new AbortController();
    const waiting = retry(contextOf(clock, { signals: [undefined, between.signal] }), attempt);
    await clock.timers(2);
    between.abort(closed);
    await expect(waiting).rejects.toBe(closed);
    expect(attempt).toHaveBeenCalledOnce();
    expect(getEventListeners(between.signal, 'abort')).toHaveLength(0);

    const during = new AbortController();
    const busy = retry(contextOf(clock, { signals: [during.signal] }), () => new Promise(() => {}));
    during.abort();
    await expect(busy).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    expect(clock.pending).toBe(0);
  });

  it('needs no timer for an infinite time', async () => {
    const clock = new ManualClock();
    let finish = (): void => {};
    const done = retry(
      contextOf(clock, { timeoutMs: Number.POSITIVE_INFINITY }),
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    expect(clock.pending).toBe(0);
    finish();
    await done;
  });
});
