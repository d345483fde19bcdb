/** Timers of any length, sleeping, and limits that clean up after themselves. */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { limit, sleep, systemClock } from '../../../src/client/clock.ts';
import { LinkError } from '../../../src/errors.ts';
import { ManualClock, settled } from '../../support/manual-clock.ts';

describe('the system clock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('schedules and cancels', () => {
    const task = vi.fn();
    const cancelled = vi.fn();
    systemClock.schedule(10, task);
    systemClock.schedule(10, cancelled)();
    vi.advanceTimersByTime(9);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledOnce();
    expect(cancelled).not.toHaveBeenCalled();
  });

  it('waits longer than a Node timer can, instead of firing at once', () => {
    const task = vi.fn();
    const days = 60 * 24 * 3_600_000;
    systemClock.schedule(days, task);
    vi.advanceTimersByTime(days - 1);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledOnce();
  });

  it('never fires after an infinite time, and can still be cancelled in its second stretch', () => {
    const task = vi.fn();
    const cancel = systemClock.schedule(Number.POSITIVE_INFINITY, task);
    vi.advanceTimersByTime(2 ** 31 + 1_000);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
    expect(task).not.toHaveBeenCalled();
  });
});

describe('sleep', () => {
  it('ends after its time and leaves nothing on the signal', async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const done = vi.fn();
    const slept = sleep(clock, 50, signal).then(done);
    await clock.advance(49);
    expect(done).not.toHaveBeenCalled();
    await clock.advance(1);
    await slept;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends with the abort of its signal, and cancels its timer', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const slept = sleep(clock, 50, controller.signal, 'resting');
    controller.abort(new Error('enough'));
    await expect(slept).rejects.toMatchObject({ code: 'KLINK_ABORTED', message: 'Aborted while resting' });
    expect(clock.pending).toBe(0);
    await expect(sleep(clock, 50, controller.signal)).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    expect(clock.pending).toBe(0);
  });
});

describe('limit', () => {
  it('is aborted by any of its signals, for the same reason', () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const { signal } = limit(new ManualClock(), Number.POSITIVE_INFINITY, 'It', [one.signal, undefined, two.signal]);
    const reason = new LinkError('KLINK_CLOSED', 'closed');
    two.abort(reason);
    expect(signal.reason).toBe(reason);
  });

  it('is aborted from the beginning when a signal is, or when there is no time', () => {
    expect(limit(new ManualClock(), 10, 'It', [AbortSignal.abort()]).signal.aborted).toBe(true);
    expect(limit(new ManualClock(), 0, 'It', []).signal.reason).toMatchObject({ code: 'KLINK_TIMEOUT' });
  });

  it('is aborted when its time is over, and says what took how long', async () => {
    const clock = new ManualClock();
    const { signal } = limit(clock, 250, 'Reaching the moon', []);
    await clock.advance(249);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toMatchObject({
      code: 'KLINK_TIMEOUT',
      retriable: true,
      message: 'Reaching the moon took longer than 250 ms',
    });
  });

  it('leaves neither timer nor listener after its end', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const bound = limit(clock, 10, 'It', [controller.signal]);
    bound.end();
    bound.end();
    expect(clock.pending).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort();
    await settled();
    expect(bound.signal.aborted).toBe(false);
  });
});
