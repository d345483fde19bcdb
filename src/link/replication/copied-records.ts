/** Whether a batch of the mirror holds what a consumer of the source finds at its offsets: for the last batch of a mirror, when it is not the same bytes. */

import { verifyCrc } from '../../codec/batch-crc.ts';
import { corruptBatch } from '../../codec/corrupt-batch.ts';
import type { RecordBatch } from '../../codec/record-batch.ts';
import { isFiller, openBatch, sameRecord, type VisibleRecord } from '../verify/visible-records.ts';
import { isPaddingBatch } from './filler-batch.ts';
import { isCopiedProducer, isMappedId } from './mapped-producer.ts';

/** A batch of the source. */
export interface SourceBatch {
  readonly batch: RecordBatch;
  /** Its transaction was aborted: nothing of it is to be seen. */
  readonly isAborted: boolean;
}

type Records = ReadonlyMap<number, VisibleRecord>;

/**
 * Opens both batches and compares what is to be seen of them, offset by offset. What compaction has taken from `original` since it was copied may still
 * be in `copy`; what is in `original` must be. Everything else are fillers, of which those that are to be seen may be only where `mayShowFiller` says so.
 *
 * Throws `KLINK_CORRUPT_BATCH` when one of the two is damaged.
 */
export const isCopyOf = async (copy: RecordBatch, original: SourceBatch, mayShowFiller: (offset: number) => boolean): Promise<boolean> => {
  const { batch } = original;
  const isMapped = isMappedId(copy.producerId);
  if (isMapped && !isCopiedProducer(batch, copy)) return false;
  // What was copied with its transaction is there whatever became of that.
  const isAborted = original.isAborted && !isMapped;
  const [found, wanted] = await Promise.all([recordsOf(copy), committedRecordsOf({ batch, isAborted })]);
  const isPadding = isPaddingBatch(copy) && [...found.values()].every(isFiller);
  const mayHaveLost = (offset: number): boolean =>
    !batch.isDense && !batch.isControl && !isAborted && offset >= batch.baseOffsetNumber && offset < batch.nextOffsetNumber;
  for (let offset = copy.baseOffsetNumber; offset < copy.nextOffsetNumber; offset++) {
    const [record, due] = [found.get(offset), wanted.get(offset)];
    const isRight =
      due !== undefined
        ? record !== undefined && sameRecord(record, due)
        : record === undefined || (mayHaveLost(offset) && !isPadding) || (isFiller(record) && mayShowFiller(offset));
    if (!isRight) return false;
  }
  return true;
};

/**
 * What two batches say where both have records: `none` when they have no offset in common, be it that compaction took what was there from one of them.
 * Throws as {@link isCopyOf}.
 */
export const compareCommonRecords = async (copy: RecordBatch, original: SourceBatch): Promise<'same' | 'different' | 'none'> => {
  const [found, wanted] = await Promise.all([recordsOf(copy), committedRecordsOf(original)]);
  const common = [...wanted].flatMap(([offset, due]) => {
    const record = found.get(offset);
    return record === undefined ? [] : [sameRecord(record, due)];
  });
  if (common.length === 0) return 'none';
  return common.every((isSame) => isSame) ? 'same' : 'different';
};

/** Whether a consumer of the source finds nothing at this offset. Throws as {@link isCopyOf}. */
export const isEmptyAt = async (original: SourceBatch, offset: number): Promise<boolean> =>
  !(await committedRecordsOf(original)).has(offset);

/** Whether it is a filler that no consumer sees. Throws as {@link isCopyOf}. */
export const isUnseen = async (copy: RecordBatch): Promise<boolean> => copy.recordsCount > 0 && (await recordsOf(copy)).size === 0;

const committedRecordsOf = async ({ batch, isAborted }: SourceBatch): Promise<Records> => (isAborted ? new Map() : recordsOf(batch));

const recordsOf = async (batch: RecordBatch): Promise<Records> => {
  if (batch.isControl) return new Map();
  if (!verifyCrc(batch))
    throw corruptBatch(`The batch at offsets ${batch.baseOffset} to ${batch.lastOffset} is damaged: its checksum is wrong`);
  return new Map((await openBatch(batch)).records.map((record) => [record.offset, record]));
};
