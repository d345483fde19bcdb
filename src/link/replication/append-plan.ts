/** What to do with the next batch of the source, decided from its header and the destination's log end alone. */
import { BATCH_ATTRIBUTES, type RecordBatch } from '../../codec/record-batch.ts';
import type { MirrorTopicError } from '../mirror-failure.ts';

/** `append`: send it as it is; `skip`: its offsets are at the destination already; else the reason why it cannot go as it is. */
export type AppendVerdict = 'append' | 'skip' | MirrorTopicError;

const SEQUENCES = 2 ** 31;

/** The sequence under which the batch of `offset` is sent: it wraps as a broker's does. So a batch of the link tells which offset it was made for. */
export const sequenceOf = (offset: number): number => offset % SEQUENCES;

const NOT_PRODUCIBLE = BATCH_ATTRIBUTES.control | BATCH_ATTRIBUTES.transactional | BATCH_ATTRIBUTES.logAppendTime;

/**
 * Pure. `expected` is the destination's log end once everything before this batch is appended: a Produce puts a batch there and
 * nowhere else, so a batch may go only if it begins there and fills every offset of its range (broker rule: lastOffsetDelta + 1 = count).
 */
export const judgeBatch = (expected: number, batch: RecordBatch): AppendVerdict => {
  const base = batch.baseOffsetNumber;
  if (base !== expected) {
    if (batch.nextOffsetNumber <= expected) return 'skip';
    // Mirrors grow by whole source batches, so a log that ends inside one was written by somebody else.
    return base < expected ? 'DESTINATION_DIVERGED' : 'UNSUPPORTED_OFFSET_GAP';
  }
  const { attributes } = batch;
  if ((attributes & NOT_PRODUCIBLE) !== 0) {
    return (attributes & (BATCH_ATTRIBUTES.control | BATCH_ATTRIBUTES.transactional)) !== 0
      ? 'UNSUPPORTED_TRANSACTION'
      : 'UNSUPPORTED_TIMESTAMP_TYPE';
  }
  return batch.isDense ? 'append' : 'UNSUPPORTED_SPARSE_BATCH';
};

/** What stands at `expected` instead of an appendable batch, for people. */
export const describeVerdict = (verdict: MirrorTopicError, expected: number, batch: RecordBatch): string => {
  const range = `the source batch at offsets ${batch.baseOffset} to ${batch.lastOffset}`;
  switch (verdict) {
    case 'DESTINATION_DIVERGED':
      return `the mirror ends at ${expected}, in the middle of ${range}: it was not written by a link. Delete the mirror topic to copy it anew`;
    case 'UNSUPPORTED_OFFSET_GAP':
      return `the source has no records from offset ${expected} to ${batch.baseOffset - 1n} (compacted, or markers of transactions); such gaps are not filled`;
    case 'UNSUPPORTED_TRANSACTION':
      return `${range} belongs to a transaction; topics with transactions are not mirrored`;
    case 'UNSUPPORTED_TIMESTAMP_TYPE':
      return `${range} has LogAppendTime; a destination broker would change its timestamps`;
    default:
      return `${range} holds ${batch.recordsCount} records for ${batch.lastOffsetDelta + 1} offsets (compacted); such batches are not mirrored`;
  }
};
