/** What filling costs, in words a user can act on. */
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_MAX_PADDING_OFFSETS,
  describeFill,
  estimateFill,
  paddingRefusal,
} from '../../../../src/link/log-start/padding-estimate.ts';

describe('the estimate', () => {
  // Of runs on real brokers: 10^8 offsets took 5.7 s and 58 MB at the peak, 10^9 43 s and 577 MB; 36,000 markers took one second.
  it.each([
    ['padding', 1e8, 5.7, 58e6],
    ['padding', 1e9, 43.4, 577e6],
    ['markers', 36_000, 1, 36_000 * 78],
  ] as const)('of %s, %d offsets, is no more than twice off', (method, offsets, seconds, bytes) => {
    const estimate = estimateFill(method, offsets);
    expect(estimate.offsets).toBe(offsets);
    expect(estimate.seconds / seconds).toBeGreaterThan(0.5);
    expect(estimate.seconds / seconds).toBeLessThan(2);
    expect(estimate.bytes / bytes).toBeGreaterThan(0.5);
    expect(estimate.bytes / bytes).toBeLessThan(2);
  });

  it.each([
    ['padding', 1_000_000_000, '1000000000 offset(s), about 600 MB per replica, about 1.1 minutes'],
    ['padding', 1e12, '1000000000000 offset(s), about 600 GB per replica, about 19 hours'],
    ['padding', 1e14, '100000000000000 offset(s), about 60 TB per replica, about 77 days'],
    ['padding', 7, '7 offset(s), less than 1 kB per replica, less than 1 minute'],
    ['markers', 1_000_000, '1000000 offset(s), about 78 MB per replica, less than 1 minute'],
  ] as const)('of %s, %d offsets, in words', (method, offsets, text) => expect(describeFill(estimateFill(method, offsets))).toBe(text));
});

describe('the limit', () => {
  const limit = DEFAULT_MAX_PADDING_OFFSETS;
  const setting = 'settings.paddingMaxOffsets';

  it('counts what is left to pad', () => {
    expect(paddingRefusal('orders-0', { from: 0, to: limit, limit, setting })).toBeNull();
    expect(paddingRefusal('orders-0', { from: 1e12, to: 1e12 + 5, limit, setting })).toBeNull();
    expect(paddingRefusal('orders-0', { from: 0, to: limit + 1, limit, setting })).not.toBeNull();
  });

  it('is refused with the cost and the way to have it all the same', () => {
    const text = paddingRefusal('orders-0', { from: 0, to: 1e12, limit, setting });
    for (const part of ['orders-0', 'offset 1000000000000', '600 GB', '19 hours', `limit is ${limit}`, `raise ${setting}`]) {
      expect(text).toContain(part);
    }
  });
});
