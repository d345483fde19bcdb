/** A batch may be sent exactly when a broker would take it and put it at its own offset: compared with the broker's rules, not with ours. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assembleBatch } from '../../../src/codec/batch-builder.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { judgeBatch } from '../../../src/link/replication/append-plan.ts';

const header = fc.record({
  base: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 2 ** 32 - 20, max: 2 ** 32 + 20 })),
  lastOffsetDelta: fc.integer({ min: 0, max: 6 }),
  missing: fc.constantFrom(0, 0, 0, 1, 2),
  attributes: fc.oneof(fc.constantFrom(0, 1, 2, 3, 4), fc.nat(0x7f)),
  distance: fc.integer({ min: -8, max: 8 }),
});

/** LogValidator.validateBatch, the verification of transactions and the assignment of offsets, as read in Kafka (broker-facts A.1, A.3, A.5). */
const brokerKeepsIt = (bytes: Buffer, logEnd: number): boolean => {
  const base = bytes.readBigInt64BE(0);
  const attributes = bytes.readInt16BE(21);
  const isTransactional = (attributes >> 4) & 1;
  const isControl = (attributes >> 5) & 1;
  const hasBrokerTime = (attributes >> 3) & 1;
  const isDense = bytes.readInt32BE(23) + 1 === bytes.readInt32BE(57);
  return base === BigInt(logEnd) && !isTransactional && !isControl && !hasBrokerTime && isDense;
};

it('sends what a broker keeps as it is, skips what is there, and has a reason for the rest', () => {
  fc.assert(
    fc.property(header, ({ base, lastOffsetDelta, missing, attributes, distance }) => {
      const logEnd = Math.max(0, base + distance);
      const recordsCount = Math.max(0, lastOffsetDelta + 1 - missing);
      const bytes = assembleBatch(
        { baseOffset: BigInt(base), attributes, lastOffsetDelta, baseTimestamp: 0n, maxTimestamp: 0n, recordsCount },
        Buffer.alloc(9),
      );
      const verdict = judgeBatch(logEnd, RecordBatch.at(bytes));
      expect(verdict === 'append').toBe(brokerKeepsIt(bytes, logEnd));
      expect(verdict === 'skip').toBe(base !== logEnd && base + lastOffsetDelta < logEnd);
    }),
    { numRuns: 2_000 },
  );
});
