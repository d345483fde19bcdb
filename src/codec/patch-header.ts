/** Rewrites header fields of a batch in place and recombines the CRC from the header alone, in constant time for any payload size. */
import { crc32cFeed16, crc32cFeed32, crc32cShift } from './crc32c.ts';
import { BATCH_LAYOUT, type RecordBatch } from './record-batch.ts';

/** New values for header fields; what is left out stays. Length and record count have no place here: they describe the payload. */
export interface HeaderChanges {
  readonly baseOffset?: bigint;
  readonly partitionLeaderEpoch?: number;
  /** All attribute bits at once: `batch.attributes & ~BATCH_ATTRIBUTES.transactional` clears one. */
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
  readonly baseTimestamp?: bigint;
  readonly maxTimestamp?: bigint;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
}

/** The fields of {@link HeaderChanges} under the CRC, `attributes` to `baseSequence`, are 36 bytes: nine words. */
const PATCHABLE_WORDS = 9;

const rawHeader = (view: DataView, start: number): number => {
  let remainder = 0;
  for (let at = start + BATCH_LAYOUT.attributes, n = PATCHABLE_WORDS; n > 0; n--, at += 4) {
    remainder = crc32cFeed32(remainder, view.getInt32(at, true));
  }
  return remainder;
};

/**
 * Overwrites header fields of `batch` in its own bytes. The payload is not read: the new CRC follows from the old one, the changed bytes and the number of
 * bytes that follow. So a batch that was damaged before stays detectably damaged, by exactly the same CRC difference.
 */
export const patchBatch = (batch: RecordBatch, changes: HeaderChanges): void => {
  const { view, start } = batch;
  const before = rawHeader(view, start);
  if (changes.baseOffset !== undefined) view.setBigInt64(start + BATCH_LAYOUT.baseOffset, changes.baseOffset);
  if (changes.partitionLeaderEpoch !== undefined) view.setInt32(start + BATCH_LAYOUT.partitionLeaderEpoch, changes.partitionLeaderEpoch);
  if (changes.attributes !== undefined) view.setInt16(start + BATCH_LAYOUT.attributes, changes.attributes);
  if (changes.lastOffsetDelta !== undefined) view.setInt32(start + BATCH_LAYOUT.lastOffsetDelta, changes.lastOffsetDelta);
  if (changes.baseTimestamp !== undefined) view.setBigInt64(start + BATCH_LAYOUT.baseTimestamp, changes.baseTimestamp);
  if (changes.maxTimestamp !== undefined) view.setBigInt64(start + BATCH_LAYOUT.maxTimestamp, changes.maxTimestamp);
  if (changes.producerId !== undefined) view.setBigInt64(start + BATCH_LAYOUT.producerId, changes.producerId);
  if (changes.producerEpoch !== undefined) view.setInt16(start + BATCH_LAYOUT.producerEpoch, changes.producerEpoch);
  if (changes.baseSequence !== undefined) view.setInt32(start + BATCH_LAYOUT.baseSequence, changes.baseSequence);
  const difference = before ^ rawHeader(view, start);
  if (difference !== 0) applyDifference(batch, difference);
};

/**
 * The mirror's patch, once per batch: base offset 0 (a leader refuses anything else from a producer) and the link's own producer id, epoch and sequence.
 * The producer id comes as two 32-bit halves so that no bigint is made; nothing is allocated.
 */
export const rebaseBatch = (
  batch: RecordBatch,
  producerIdHigh: number,
  producerIdLow: number,
  producerEpoch: number,
  baseSequence: number,
): void => {
  const { view, start } = batch;
  view.setInt32(start, 0);
  view.setInt32(start + 4, 0);

  // Bytes 43–56 as three words and a half, before and after.
  const at = start + BATCH_LAYOUT.producerId;
  const a = view.getInt32(at, true);
  const b = view.getInt32(at + 4, true);
  const c = view.getInt32(at + 8, true);
  const d = view.getInt16(at + 12, true);
  view.setInt32(at, producerIdHigh);
  view.setInt32(at + 4, producerIdLow);
  view.setInt16(at + 8, producerEpoch);
  view.setInt32(at + 10, baseSequence);

  let difference = crc32cFeed32(0, a ^ view.getInt32(at, true));
  difference = crc32cFeed32(difference, b ^ view.getInt32(at + 4, true));
  difference = crc32cFeed32(difference, c ^ view.getInt32(at + 8, true));
  difference = crc32cFeed16(difference, d ^ view.getInt16(at + 12, true));
  if (difference !== 0) applyDifference(batch, difference);
};

/** Both patches end with `baseSequence`; the record count and the payload follow. */
const applyDifference = (batch: RecordBatch, difference: number): void => {
  const { view, start } = batch;
  const following = batch.sizeInBytes - BATCH_LAYOUT.recordsCount;
  view.setInt32(start + BATCH_LAYOUT.crc, view.getInt32(start + BATCH_LAYOUT.crc) ^ crc32cShift(difference, following));
};
