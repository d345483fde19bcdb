/** The records of a batch as a consumer gets them, and whether two batches need to be opened to know that theirs are the same. */
import { corruptBatch } from '../../codec/corrupt-batch.ts';
import { BATCH_ATTRIBUTES, payloadCrc, type RecordBatch, readRecordFrames, verifyCrc } from '../../codec/index.ts';

export interface VisibleRecord {
  readonly offset: number;
  /** Milliseconds, of whichever timestamp type. */
  readonly timestamp: bigint;
  /** Encoded key, value and headers. */
  readonly body: Buffer;
}

export const sameRecord = (a: VisibleRecord, b: VisibleRecord): boolean => a.timestamp === b.timestamp && a.body.equals(b.body);

/** The body of a record without key, value and headers: two null lengths and a zero. */
const FILLER_BODY = Buffer.from([1, 1, 0]);

/** What fills an offset with the policy `records`; an application might have written it all the same. */
export const isFiller = ({ body }: VisibleRecord): boolean => body.equals(FILLER_BODY);

/** The inner offset of a record that fills an offset unseen (policy `ghosts`): far below any position a consumer can have. */
const GHOST_DELTA = -(2 ** 31);

export interface OpenedBatch {
  /** In the order of their offsets. */
  readonly records: readonly VisibleRecord[];
  /** Records that no consumer is meant to see. */
  readonly ghosts: number;
}

/** Opens a batch whose CRC is right. Throws `KLINK_CORRUPT_BATCH` when it cannot be opened, or when its records are not at rising offsets inside it. */
export const openBatch = async (batch: RecordBatch): Promise<OpenedBatch> => {
  const { recordsCount, baseOffsetNumber, lastOffsetDelta, baseTimestamp, maxTimestamp, timestampType } = batch;
  if (recordsCount === 0) return { records: [], ghosts: 0 };
  const isAppendTime = timestampType === 'LogAppendTime';
  const records: VisibleRecord[] = [];
  let ghosts = 0;
  let last = -1;
  for (const { offsetDelta, timestampDelta, body } of await readRecordFrames(batch)) {
    if (offsetDelta === GHOST_DELTA) {
      ghosts++;
      continue;
    }
    if (offsetDelta <= last || offsetDelta > lastOffsetDelta) {
      throw corruptBatch(`The batch at offset ${baseOffsetNumber} has a record with offset delta ${offsetDelta} behind one with ${last}`);
    }
    last = offsetDelta;
    // Java's sums of 64 bits wrap around.
    const timestamp = isAppendTime ? maxTimestamp : BigInt.asIntN(64, baseTimestamp + timestampDelta);
    records.push({ offset: baseOffsetNumber + offsetDelta, timestamp, body });
  }
  return { records, ghosts };
};

/**
 * Whether two batches are the same to every consumer by their headers and the bytes of their payloads. What a link changes on purpose, and what belongs to
 * a cluster, may differ: producer, CRC, leader epoch, the transactional bit, `maxTimestamp` of CreateTime batches, of which brokers have their own idea.
 * False says nothing: their records have to be compared.
 */
export const sameBytes = (a: RecordBatch, b: RecordBatch): boolean =>
  a.baseOffset === b.baseOffset &&
  a.lastOffsetDelta === b.lastOffsetDelta &&
  a.recordsCount === b.recordsCount &&
  // Not the getter, which throws for unknown codecs: the CRC has not been looked at yet.
  ((a.attributes ^ b.attributes) & BATCH_ATTRIBUTES.compression) === 0 &&
  a.timestampType === b.timestampType &&
  (a.timestampType === 'LogAppendTime' ? a.maxTimestamp === b.maxTimestamp : a.baseTimestamp === b.baseTimestamp) &&
  samePayload(a, b);

export const samePayload = (a: RecordBatch, b: RecordBatch): boolean => a.sizeInBytes === b.sizeInBytes && a.payload.equals(b.payload);

/** Whether the CRCs of two batches with the same payload are right. One pass for both: from a right CRC follows that of every header before the payload. */
export const verifyBothCrcs = (a: RecordBatch, b: RecordBatch): boolean => verifyCrc(a) && payloadCrc(a) === payloadCrc(b);
