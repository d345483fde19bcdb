/** Duties come again after their interval, also when it changes while they wait. */
import { describe, expect, it } from 'vitest';
import { Duties } from '../../../src/link/duties.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('a duty', () => {
  const begin = () => {
    const clock = new ManualClock({ startMs: 0 });
    const closing = new AbortController();
    const duties = new Duties(clock, closing.signal);
    const world = { ms: 1_000, times: [] as number[] };
    duties.every(
      () => world.ms,
      async () => void world.times.push(clock.now()),
    );
    return { clock, closing, duties, world };
  };

  it('is done after each interval', async () => {
    const { clock, world } = begin();
    await clock.advance(2_500);
    expect(world.times).toEqual([1_000, 2_000]);
  });

  it('does not wait for the end of an interval that was made shorter, and waits on when it was made longer', async () => {
    const { clock, duties, world } = begin();
    world.ms = 10_000_000;
    duties.changed();
    await clock.advance(5_000);
    expect(world.times).toEqual([]);
    world.ms = 6_000;
    duties.changed();
    await clock.advance(1_000);
    expect(world.times).toEqual([6_000]);
  });

  it('is over when the signal says so, also in the middle of a wait', async () => {
    const { closing, duties } = begin();
    closing.abort();
    await duties.over;
  });
});
