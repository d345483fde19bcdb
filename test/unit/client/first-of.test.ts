/** The race of several ways: head starts, failures, losers. */
import { describe, expect, it, vi } from 'vitest';
import { type Candidate, firstOf, NoneSucceeded } from '../../../src/client/first-of.ts';
import { LinkError } from '../../../src/errors.ts';
import { ManualClock, settled } from '../../support/manual-clock.ts';

/** A candidate that the test decides about. */
const scripted = () => {
  const state = {
    started: false,
    signal: undefined as AbortSignal | undefined,
    win: (_: string): void => {},
    fail: (_: string): void => {},
  };
  const candidate: Candidate<string> = (signal) =>
    new Promise((resolve, reject) => {
      Object.assign(state, {
        started: true,
        signal,
        win: resolve,
        fail: (message: string) => reject(new LinkError('KLINK_CONNECT', message, { retriable: true })),
      });
    });
  return Object.assign(state, { candidate });
};

const start = (count: number) => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const ways = Array.from({ length: count }, scripted);
  const discard = vi.fn();
  const race = firstOf(
    ways.map(({ candidate }) => candidate),
    { clock, headStartMs: 100, signal: controller.signal, doing: 'racing', discard },
  );
  race.catch(() => {});
  return { clock, controller, ways: ways as [(typeof ways)[0], (typeof ways)[0], (typeof ways)[0]], discard, race };
};

describe('firstOf', () => {
  it('gives every candidate a head start over the next, and takes the first that succeeds', async () => {
    const { clock, ways, discard, race } = start(3);
    expect(ways.map(({ started }) => started)).toEqual([true, false, false]);
    await clock.advance(100);
    expect(ways.map(({ started }) => started)).toEqual([true, true, false]);
    ways[1].win('second');
    await expect(race).resolves.toBe('second');
    // The slow one is told, the one not begun never begins, no timer is left.
    expect(ways[0].signal?.aborted).toBe(true);
    await clock.advance(1_000);
    expect(ways[2].started).toBe(false);
    expect(clock.pending).toBe(0);
    ways[0].win('too late');
    await settled();
    expect(discard).toHaveBeenCalledExactlyOnceWith('too late');
  });

  it('goes on at once when a candidate fails, and starts the head start of the next one afresh', async () => {
    const { clock, ways, race } = start(3);
    await clock.advance(60);
    ways[0].fail('refused');
    await settled();
    expect(ways.map(({ started }) => started)).toEqual([true, true, false]);
    await clock.advance(99);
    expect(ways[2].started).toBe(false);
    await clock.advance(1);
    expect(ways[2].started).toBe(true);
    ways[2].win('third');
    await expect(race).resolves.toBe('third');
  });

  it('fails with all reasons, in the order of the candidates, when the last one has failed', async () => {
    const { clock, ways, race } = start(3);
    await clock.advance(200);
    ways[2].fail('c');
    ways[0].fail('a');
    await settled();
    ways[1].fail('b');
    const error = await race.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoneSucceeded);
    expect((error as NoneSucceeded).errors.map(({ message }) => message)).toEqual(['a', 'b', 'c']);
    expect(clock.pending).toBe(0);
  });

  it('takes what a candidate throws that is not ours for a defect, not for an answer', async () => {
    const race = firstOf([() => Promise.reject(new TypeError('x is not a function'))], {
      clock: new ManualClock(),
      headStartMs: 1,
      signal: new AbortController().signal,
      doing: 'racing',
      discard: () => {},
    });
    await expect(race).rejects.toMatchObject({ errors: [{ code: 'KLINK_INTERNAL' }] });
  });

  it('ends with its signal, and tells those who run', async () => {
    const { clock, controller, ways, discard, race } = start(2);
    const reason = new LinkError('KLINK_CLOSED', 'closed');
    controller.abort(reason);
    await expect(race).rejects.toBe(reason);
    expect(ways[0].signal?.reason).toBe(reason);
    expect(clock.pending).toBe(0);
    ways[0].win('too late');
    await settled();
    expect(discard).toHaveBeenCalledOnce();
  });

  it('does not begin when the signal is aborted, nor when there is nothing to try', async () => {
    const way = scripted();
    const race = { clock: new ManualClock(), headStartMs: 1, doing: 'racing', discard: () => {} };
    await expect(firstOf([way.candidate], { ...race, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    expect(way.started).toBe(false);
    await expect(firstOf([], { ...race, signal: new AbortController().signal })).rejects.toMatchObject({ errors: [] });
  });
});
