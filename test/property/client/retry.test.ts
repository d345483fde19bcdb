/** Retries: how long the waits are, that no attempt begins after the deadline, and that an ignored signal holds nobody. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoff, type RetryPolicy, retry } from '../../../src/client/retry.ts';
import { LinkError } from '../../../src/errors.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const policy: fc.Arbitrary<RetryPolicy> = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 60_000 }))
  .map(([backoffMs, maxBackoffMs]) => ({ backoffMs, maxBackoffMs }));
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempts = fc.integer({ min: 1, max: 2_000 });

describe('backoff', () => {
  it('lies within 20 % of a doubling that ends at the maximum, and never above the maximum', () => {
    fc.assert(
      fc.property(policy, attempts, chance, (given, attempt, random) => {
        const wait = backoff(given, attempt, () => random);
        // The reference doubles step by step, as a reader of KIP-580 would.
        let base = given.backoffMs;
        for (let i = 1; i < attempt && base < given.maxBackoffMs; i++) base *= 2;
        base = Math.min(base, given.maxBackoffMs);
        expect(wait).toBeGreaterThanOrEqual(base * 0.8 * (1 - 1e-9));
        expect(wait).toBeLessThanOrEqual(Math.min(base * 1.2 * (1 + 1e-9), given.maxBackoffMs));
      }),
    );
  });

  it('uses the whole spread', () => {
    const given = { backoffMs: 100, maxBackoffMs: 10_000 };
    expect(backoff(given, 3, () => 0)).toBeCloseTo(320);
    expect(backoff(given, 3, () => 0.5)).toBeCloseTo(400);
    expect(backoff(given, 3, () => 0.999_999)).toBeCloseTo(480, 2);
  });
});

describe('retry', () => {
  it('makes its last attempt before the deadline, is over by the deadline, and leaves no timer', async () => {
    await fc.assert(
      fc.asyncProperty(
        policy,
        fc.integer({ min: 1, max: 30_000 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 10 }),
        chance,
        async (given, timeoutMs, durations, random) => {
          const clock = new ManualClock();
          const began = clock.now();
          const starts: number[] = [];
          let endedAt = Number.NaN;
          const outcome = retry(
            { clock, random: () => random, policy: given, timeoutMs, signals: [], doing: 'The test' },
            (count) =>
              new Promise((_, reject) => {
                starts.push(clock.now() - began);
                const fail = (): void => reject(new LinkError('KLINK_CONNECT', `failure ${count}`, { retriable: true }));
                clock.schedule(durations[(count - 1) % durations.length] as number, fail);
              }),
          ).catch((error: unknown) => {
            endedAt = clock.now() - began;
            return error;
          });
          // Cut into few steps: the number of attempts is what it is, with waits of a millisecond too.
          await clock.advance(timeoutMs);
          const error = await outcome;
          expect(endedAt).toBeLessThanOrEqual(timeoutMs);
          for (const start of starts) expect(start).toBeLessThan(timeoutMs);
          for (let i = 1; i < starts.length; i++) {
            const gap = (starts[i] as number) - (starts[i - 1] as number) - (durations[(i - 1) % durations.length] as number);
            expect(gap).toBeCloseTo(
              backoff(given, i, () => random),
              6,
            );
          }
          // Either the time was over during an attempt, or the last attempt tells its own failure.
          if (LinkError.is(error, 'KLINK_TIMEOUT')) expect(endedAt).toBe(timeoutMs);
          else expect(error).toMatchObject({ code: 'KLINK_CONNECT', message: `failure ${starts.length}` });
          // The attempt that was left behind may still wait; retry itself does not.
          await clock.advance(3_000);
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
