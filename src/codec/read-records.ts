/** Opens a batch: decompresses its payload and reads the records in it. */
import { type DecompressOptions, decompress } from './compression.ts';
import { decodeRecordBody, decodeRecordFrames, type RecordContent, type RecordFrame } from './record.ts';
import type { RecordBatch } from './record-batch.ts';

/** A record as a consumer sees it. */
export interface KafkaRecord extends RecordContent {
  readonly offset: bigint;
  /** Milliseconds; the append time of the batch when its timestamp type is LogAppendTime. */
  readonly timestamp: bigint;
}

/**
 * The records of a batch with key, value and headers left encoded. Does not check the CRC: call `verifyCrc` first where the bytes are not trusted.
 * Throws `KLINK_CORRUPT_BATCH` as {@link decompress} and {@link decodeRecordFrames} do.
 */
export const readRecordFrames = async (batch: RecordBatch, options?: DecompressOptions): Promise<RecordFrame[]> => {
  const { recordsCount, payload, compression } = batch;
  return decodeRecordFrames(await decompress(compression, payload, options), recordsCount);
};

/** The records of a batch, control records included. Throws as {@link readRecordFrames}, and for keys, values and headers that do not fit. */
export const readRecords = async (batch: RecordBatch, options?: DecompressOptions): Promise<KafkaRecord[]> => {
  const { baseOffset, baseTimestamp, maxTimestamp, timestampType } = batch;
  const frames = await readRecordFrames(batch, options);
  return frames.map((frame) => ({
    offset: baseOffset + BigInt(frame.offsetDelta),
    timestamp: timestampType === 'LogAppendTime' ? maxTimestamp : baseTimestamp + frame.timestampDelta,
    ...decodeRecordBody(frame.body),
  }));
};
