/** Waiting on signals: one listener however many wait, and the shared work goes on when one of them gives up. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { abortable, abortedError, onAbort } from '../../../src/client/abort.ts';
import { LinkError } from '../../../src/errors.ts';

describe('onAbort', () => {
  it('puts one listener on a signal for any number of tasks, and takes it off with the last of them', () => {
    const { signal } = new AbortController();
    const releases = Array.from({ length: 100 }, () => onAbort(signal, () => {}));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const release of releases) release();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    onAbort(signal, () => {});
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });

  it('runs every task once, in order, except those that were taken back', () => {
    const controller = new AbortController();
    const ran: string[] = [];
    const task = (): void => void ran.push('twice');
    onAbort(controller.signal, () => ran.push('first'));
    const release = onAbort(controller.signal, () => ran.push('taken back'));
    onAbort(controller.signal, task);
    onAbort(controller.signal, task);
    release();
    release();
    controller.abort();
    controller.abort();
    expect(ran).toEqual(['first', 'twice', 'twice']);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('lets a task take another one back while they run', () => {
    const controller = new AbortController();
    const ran: string[] = [];
    onAbort(controller.signal, () => {
      ran.push('first');
      release();
    });
    const release = onAbort(controller.signal, () => ran.push('second'));
    controller.abort();
    expect(ran).toEqual(['first']);
  });

  it('keeps signals apart', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const ran: string[] = [];
    onAbort(one.signal, () => ran.push('one'));
    onAbort(other.signal, () => ran.push('other'));
    other.abort();
    expect(ran).toEqual(['other']);
  });
});

describe('abortedError', () => {
  it('is the reason of the signal when that is one of ours, else KLINK_ABORTED with the reason as cause', () => {
    const reason = new LinkError('KLINK_CLOSED', 'closed');
    expect(abortedError(AbortSignal.abort(reason), 'waiting')).toBe(reason);
    const foreign = new Error('stop');
    const error = abortedError(AbortSignal.abort(foreign), 'waiting for tea');
    expect(error).toMatchObject({ code: 'KLINK_ABORTED', retriable: false, cause: foreign });
    expect(error.message).toContain('waiting for tea');
  });
});

describe('abortable', () => {
  it('passes on the value or the error, and leaves nothing on the signal', async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(7), signal, 'waiting')).resolves.toBe(7);
    await expect(abortable(Promise.reject(new Error('no')), signal, 'waiting')).rejects.toThrow('no');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends the wait of one without ending that of another, and swallows the failure nobody waits for any more', async () => {
    const controller = new AbortController();
    let fail = (_: Error): void => {};
    const shared = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const impatient = abortable(shared, controller.signal, 'waiting');
    const patient = abortable(shared, new AbortController().signal, 'waiting');
    controller.abort();
    await expect(impatient).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    await expect(abortable(shared, controller.signal, 'waiting')).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    fail(new Error('late'));
    await expect(patient).rejects.toThrow('late');
  });
});
