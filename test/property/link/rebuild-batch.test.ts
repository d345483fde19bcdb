/** Whatever a batch was and whatever compaction left of it: its runs hold exactly the records that remain, and a leader keeps them as they are. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { verifyCrc } from '../../../src/codec/batch-crc.ts';
import { decompress } from '../../../src/codec/compression.ts';
import { readRecords } from '../../../src/codec/read-records.ts';
import { BATCH_HEADER_BYTES, BATCH_LAYOUT, RecordBatch } from '../../../src/codec/record-batch.ts';
import { LinkError } from '../../../src/errors.ts';
import { type DenseRun, type RebuildOptions, rebuildBatch } from '../../../src/link/replication/rebuild-batch.ts';
import { changesByLeader, withRightCrc } from '../../support/leader.ts';
import { batchOptions, newRecord } from '../codec/arbitraries.ts';

/** A batch of any kind but control, some offsets missing before, between and behind its records. */
const remains = fc
  .record({
    records: fc.array(fc.tuple(newRecord, fc.constantFrom(0, 0, 0, 1, 2, 7)), { minLength: 1, maxLength: 20 }),
    sameTime: fc.boolean(),
    missingAtEnd: fc.constantFrom(0, 0, 1, 5),
    options: batchOptions,
  })
  .map(({ records, sameTime, missingAtEnd, options: { control: _, baseOffset = 0n, ...options } }) => {
    let next = 0;
    const time = records[0]![0].timestamp;
    const written = records.map(([record, missing]) => {
      const offsetDelta = next + missing;
      next = offsetDelta + 1;
      return { ...record, offsetDelta, timestamp: sameTime ? time : record.timestamp };
    });
    return { written, options: { ...options, baseOffset: baseOffset % 2n ** 52n, lastOffsetDelta: next - 1 + missingAtEnd } };
  });

const settings: fc.Arbitrary<RebuildOptions> = fc.record(
  { transactional: fc.boolean(), maxBytes: fc.integer({ min: 62, max: 2_000 }) },
  { requiredKeys: [] },
);

const recordsOf = async (runs: readonly DenseRun[]) => {
  const read = runs.map(async ({ offset, bytes }) =>
    (await readRecords(RecordBatch.at(bytes))).map((record) => ({ ...record, offset: BigInt(offset) + record.offset })),
  );
  return (await Promise.all(read)).flat();
};

it('every remaining record from an offset on, at its offset, with its bytes and the time that a consumer sees', async () => {
  await fc.assert(
    fc.asyncProperty(remains, fc.integer({ min: -3, max: 60 }), settings, async ({ written, options }, distance, rebuildOptions) => {
      const bytes = await buildBatch(written, options);
      const before = Buffer.from(bytes);
      const from = Number(options.baseOffset) + distance;
      const runs = await rebuildBatch(RecordBatch.at(bytes), from, rebuildOptions);
      const expected = written
        .map(({ offsetDelta, timestamp, ...content }) => ({
          ...content,
          offset: options.baseOffset + BigInt(offsetDelta),
          timestamp: options.logAppendTime ?? timestamp,
        }))
        .filter(({ offset }) => offset >= BigInt(from));
      expect(await recordsOf(runs)).toEqual(expected);
      expect(bytes.equals(before)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

it('each run is a batch a leader keeps as it is, no larger than it must be', async () => {
  await fc.assert(
    fc.asyncProperty(remains, settings, async ({ written, options }, rebuildOptions) => {
      const batch = RecordBatch.at(await buildBatch(written, options));
      const { compression = 'none', deleteHorizon, transactional = false } = options;
      const { maxBytes = Number.POSITIVE_INFINITY } = rebuildOptions;
      const runs = await rebuildBatch(batch, 0, rebuildOptions);
      let end = -1;
      for (const { offset, count, bytes } of runs) {
        expect(offset).toBeGreaterThanOrEqual(maxBytes === Number.POSITIVE_INFINITY ? end + 1 : end);
        end = offset + count;
        const run = RecordBatch.at(bytes);
        expect([run.sizeInBytes, run.recordsCount, run.lastOffsetDelta]).toEqual([bytes.length, count, count - 1]);
        expect([run.baseOffset, run.producerId, run.producerEpoch, run.baseSequence]).toEqual([0n, -1n, -1, -1]);
        expect(run.isTransactional).toBe(transactional && rebuildOptions.transactional === true);
        expect([run.hasDeleteHorizon, run.timestampType]).toEqual([deleteHorizon !== undefined, 'CreateTime']);
        if (deleteHorizon !== undefined) expect(run.baseTimestamp).toBe(deleteHorizon);
        expect(['none', compression]).toContain(run.compression);
        expect(count === 1 || bytes.length <= maxBytes).toBe(true);
        const plain = await decompress(run.compression, run.payload);
        expect(run.payload.equals(batch.payload) || bytes.length <= BATCH_HEADER_BYTES + plain.length).toBe(true);
        expect(await changesByLeader(bytes)).toEqual({});
      }
    }),
    { numRuns: 300 },
  );
});

it('damaged bytes are refused, or give records of the range with a CRC that holds', async () => {
  const damage = fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(remains, damage, fc.boolean(), async ({ written, options }, changes, hidden) => {
      const bytes = await buildBatch(written, options);
      const whole = Buffer.from(bytes);
      for (const [place, byte] of changes) {
        // Sizes are checked by whoever makes the view; what lies before the CRC is not covered by it.
        const at = BATCH_LAYOUT.crc + Math.floor(place * (bytes.length - BATCH_LAYOUT.crc));
        bytes[at] = byte;
      }
      const damaged = hidden ? withRightCrc(bytes) : bytes;
      const attempt = async () => rebuildBatch(RecordBatch.at(damaged), 0, { maxOutput: 1 << 20 });
      const runs = await attempt().catch((error: unknown) => {
        if (LinkError.is(error, 'KLINK_CORRUPT_BATCH')) return null;
        throw error;
      });
      if (runs === null) return;
      expect(hidden || damaged.equals(whole)).toBe(true);
      const { baseOffsetNumber, lastOffsetNumber } = RecordBatch.at(damaged);
      for (const { offset, count, bytes: run } of runs) {
        expect(offset).toBeGreaterThanOrEqual(baseOffsetNumber);
        expect(offset + count - 1).toBeLessThanOrEqual(lastOffsetNumber);
        expect(verifyCrc(RecordBatch.at(run))).toBe(true);
        expect(RecordBatch.at(run).isDense).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});
