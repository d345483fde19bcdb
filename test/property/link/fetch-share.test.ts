/** Shares of a fetch answer: bounded by the limits, large enough for the batches, and fair. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fetchShare } from '../../../src/link/replication/fetch-share.ts';

const MIB = 1024 * 1024;
const bytes = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const partitions = fc.integer({ min: 1, max: 100_000 });

it.each([
  ['nothing is known of its batches', 200, 0, MIB],
  ['few are behind', 6, 16_683, MIB],
  ['some are', 15, 16_683, MIB / 2],
  ['many are', 200, 16_683, MIB / 4],
  ['many are, with larger batches', 200, 250_000, MIB / 2],
  ['many are, with batches that need all there is', 200, 900_000, MIB],
])('of 10 MiB, when %s', (_, behind, largestBatch, share) => {
  expect(fetchShare({ responseMaxBytes: 10 * MIB, partitionMaxBytes: MIB }, behind, largestBatch)).toBe(share);
});

it('is never more than a partition may have, and never too little for two of its batches', () => {
  fc.assert(
    fc.property(bytes, bytes, partitions, bytes, (responseMaxBytes, partitionMaxBytes, behind, largestBatch) => {
      const share = fetchShare({ responseMaxBytes, partitionMaxBytes }, behind, largestBatch);
      expect(share).toBeLessThanOrEqual(partitionMaxBytes);
      expect(share).toBeGreaterThanOrEqual(Math.min(partitionMaxBytes, 2 * largestBatch));
      expect(Number.isSafeInteger(share)).toBe(true);
    }),
  );
});

it('grows neither with the number of partitions nor as batches get smaller, and takes few values, since each change is told to the broker', () => {
  fc.assert(
    fc.property(bytes, bytes, partitions, bytes, (responseMaxBytes, partitionMaxBytes, behind, largestBatch) => {
      const limits = { responseMaxBytes, partitionMaxBytes };
      const share = fetchShare(limits, behind, largestBatch);
      expect(fetchShare(limits, behind + 1, largestBatch)).toBeLessThanOrEqual(share);
      expect(fetchShare(limits, behind, Math.ceil(largestBatch / 2))).toBeLessThanOrEqual(share);
      expect(share === partitionMaxBytes || Number.isInteger(Math.log2(share))).toBe(true);
    }),
  );
});
