/** Random records and batch options, as any client might make them. */
import fc from 'fast-check';
import type { BatchOptions, NewRecord } from '../../../src/codec/batch-builder.ts';
import { COMPRESSION_IDS, type Compression } from '../../../src/codec/record-batch.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const int16 = fc.integer({ min: -0x8000, max: 0x7fff });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const field = fc.option(bytes, { nil: null });
/** Mostly the present, now and then far off: deltas of every varint length. */
const timestamp = fc.oneof(fc.bigInt({ min: 1_700_000_000_000n, max: 1_700_000_100_000n }), fc.bigInt({ min: -1n, max: 2n ** 61n }));

/** One record with everything a record can have. */
export const newRecord = fc.record({
  key: field,
  value: field,
  timestamp,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 20 }), value: field }), { maxLength: 4 }),
}) satisfies fc.Arbitrary<NewRecord>;

export const compression: fc.Arbitrary<Compression> = fc.constantFrom(...(Object.keys(COMPRESSION_IDS) as Compression[]));

/** Every option but those that must fit the records. */
export const batchOptions = fc.record(
  {
    baseOffset: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    partitionLeaderEpoch: int32,
    compression,
    logAppendTime: timestamp,
    deleteHorizon: fc.bigInt({ min: 0n, max: 2n ** 61n }),
    producerId: int64,
    producerEpoch: int16,
    baseSequence: int32,
    transactional: fc.boolean(),
    control: fc.boolean(),
  },
  { requiredKeys: [] },
) satisfies fc.Arbitrary<BatchOptions>;

/** Header values for a patch, with all the bits an int can have. */
export const headerChanges = fc.record(
  {
    baseOffset: int64,
    partitionLeaderEpoch: int32,
    attributes: int16,
    lastOffsetDelta: int32,
    baseTimestamp: int64,
    maxTimestamp: int64,
    producerId: int64,
    producerEpoch: int16,
    baseSequence: int32,
  },
  { requiredKeys: [] },
);

export { int16, int32 };
