/** Fillers at a rate of their own: how many offsets at once, how long each batch takes, and that nobody waits after the end. */
import { describe, expect, it } from 'vitest';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { batchMaker } from '../../../src/link/replication/batch-maker.ts';
import { ManualClock, settled } from '../../support/manual-clock.ts';

const bench = (rate: number) => {
  const clock = new ManualClock();
  const closing = new AbortController();
  const settings = { rate };
  const maker = batchMaker({ clock, rate: () => settings.rate, signal: closing.signal });
  /** Milliseconds of the clock that a filler takes. Compression takes time that this clock does not know. */
  const timeOf = async (offsets: number): Promise<number> => {
    const start = clock.now();
    const made = maker.filler('records', offsets, 0n);
    await clock.timers(1);
    await clock.passUntil(made, 1);
    return clock.now() - start;
  };
  return { clock, maker, closing, settings, timeOf };
};

describe('fillers', () => {
  it('take up what is wanted, or as much as one batch can', async () => {
    const { maker } = bench(1e9);
    for (const [kind, wanted, count] of [
      ['records', 7, 7],
      ['records', 250_000, 100_000],
      ['ghosts', 70_000, 50_000],
    ] as const) {
      const run = await maker.filler(kind, wanted, 5n);
      expect(run.count).toBe(count);
      expect(RecordBatch.at(run.bytes)).toMatchObject({ recordsCount: count, lastOffsetDelta: count - 1, baseTimestamp: 5n });
    }
  });

  it('of all partitions together keep the rate', async () => {
    const { maker, clock } = bench(1_000);
    const start = clock.now();
    const finished: number[] = [];
    const made = [500, 500, 500, 500].map(async (wanted) => {
      await maker.filler('records', wanted, 0n);
      finished.push(clock.now() - start);
    });
    await clock.timers(4);
    await clock.passUntil(Promise.all(made), 1);
    expect(finished).toEqual([500, 1_000, 1_500, 2_000]);
    expect(clock.pending).toBe(0);
  });

  it('do not save up for later what nobody wanted before', async () => {
    const { clock, timeOf } = bench(1_000);
    await clock.advance(60_000);
    expect(await timeOf(2_000)).toBe(2_000);
  });

  it('go at the rate that is set now', async () => {
    const { settings, timeOf } = bench(1_000);
    expect(await timeOf(100)).toBe(100);
    settings.rate = 10_000;
    expect(await timeOf(1_000)).toBe(100);
  });

  it('cost no timer where they cost no time', async () => {
    const { maker, clock } = bench(1e9);
    await maker.filler('records', 10, 0n);
    expect(clock.pending).toBe(0);
  });

  it('are not waited for after the end', async () => {
    const { maker, clock, closing } = bench(1);
    const waiting = maker.filler('records', 1_000, 0n).catch((error: unknown) => error);
    await clock.timers(1);
    closing.abort(new Error('closed'));
    expect(await waiting).toBeInstanceOf(Error);
    await settled();
    expect(clock.pending).toBe(0);
  });
});
