/** Reading is held to its rate over all who share it, and an abort ends the wait. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import { ByteRate } from '../../../../src/link/verify/byte-rate.ts';
import { ManualClock, settled } from '../../../support/manual-clock.ts';

const never = new AbortController().signal;

/** When each of these amounts, spent at once, lets its caller go on: milliseconds from now. */
const releases = async (clock: ManualClock, rate: ByteRate, amounts: readonly number[]): Promise<number[]> => {
  const start = clock.now();
  return clock.passUntil(
    Promise.all(
      amounts.map(async (bytes) => {
        await rate.spend(bytes, never);
        return clock.now() - start;
      }),
    ),
    1,
  );
};

describe('a byte rate', () => {
  it('lets nobody go on before the bytes of all have had their time', async () => {
    const clock = new ManualClock();
    expect(await releases(clock, new ByteRate(clock, 1_000), [100, 50, 0])).toEqual([100, 150, 150]);
  });

  it('does not save up what was not used', async () => {
    const clock = new ManualClock();
    const rate = new ByteRate(clock, 1_000);
    await clock.advance(60_000);
    expect(await releases(clock, rate, [500])).toEqual([500]);
    await clock.advance(60_000);
    expect(await releases(clock, rate, [500])).toEqual([500]);
  });

  it('without a limit sets no timer', async () => {
    const clock = new ManualClock();
    await new ByteRate(clock, Number.POSITIVE_INFINITY).spend(1e12, never);
    expect(clock.pending).toBe(0);
  });

  it('ends with the signal, and leaves no timer behind', async () => {
    const clock = new ManualClock();
    const stopping = new AbortController();
    const waiting = new ByteRate(clock, 1).spend(1_000_000, stopping.signal).catch((error: unknown) => error);
    await settled();
    stopping.abort();
    expect(LinkError.is(await waiting, 'KLINK_ABORTED')).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
