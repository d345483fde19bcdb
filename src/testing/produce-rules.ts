/**
 * What a broker accepts from a producer, in the order in which it looks. Pure: bytes and settings in, a batch or a refusal out.
 *
 * | rule | refusal |
 * |---|---|
 * | exactly one batch for the partition, of magic 2 | INVALID_RECORD |
 * | zstd only from Produce v7 on | UNSUPPORTED_COMPRESSION_TYPE |
 * | baseOffset is 0: the leader assigns offsets | INVALID_RECORD |
 * | the batch as sent is no larger than max.message.bytes | MESSAGE_TOO_LARGE |
 * | the CRC is that of the bytes | CORRUPT_MESSAGE |
 * | lastOffsetDelta + 1 = count > 0 | INVALID_RECORD |
 * | no control batch; a producer id comes with a sequence | INVALID_RECORD |
 * | the payload holds exactly `count` records, to its last byte | INVALID_RECORD |
 * | deltas 0, 1, 2, … inside a compressed batch (of an uncompressed one nobody looks) | UNKNOWN_SERVER_ERROR |
 * | every record of a compacted topic has a key | INVALID_RECORD with record errors |
 * | record times within message.timestamp.before/after.max.ms; no LogAppendTime batch for a LogAppendTime topic | INVALID_TIMESTAMP with record errors |
 *
 * Sequences and transactions come after these, in the log itself (`log/producer-state.ts`).
 */
import { assembleBatch } from '../codec/batch-builder.ts';
import { computeCrc } from '../codec/batch-crc.ts';
import { compress, decompress } from '../codec/compression.ts';
import type { HeaderChanges } from '../codec/patch-header.ts';
import { decodeRecordFrames, encodeRecordFrames, type RecordFrame } from '../codec/record.ts';
import {
  BATCH_ATTRIBUTES,
  BATCH_HEADER_BYTES,
  COMPRESSION_IDS,
  type Compression,
  LOG_OVERHEAD_BYTES,
  RecordBatch,
} from '../codec/record-batch.ts';
import { LinkError } from '../errors.ts';
import type { LogConfig } from './log/log-config.ts';
import type { AcceptedBatch } from './log/partition-log.ts';
import { hasProducerId } from './log/producer-state.ts';
import { type VisitRecord, walkRecords } from './record-walk.ts';
import { type RecordError, Refusal } from './refusal.ts';

/** What the rules depend on besides the bytes. */
export interface ProduceTerms {
  readonly config: LogConfig;
  /** Wall time of the broker. */
  readonly now: bigint;
  /** Since KIP-937 (3.6) a CreateTime topic takes a LogAppendTime batch, and clears its bit. */
  readonly takesLogAppendTime: boolean;
}

/** The smallest message of magic 0: a shorter entry is none. */
const MIN_ENTRY_LENGTH = 14;
const NO_TIMESTAMP = -1n;

const invalidRecord = (message: string): Refusal => new Refusal('INVALID_RECORD', message);

/** The one batch of a `records` field. Bytes behind it that are no whole batch are dropped, as brokers do. */
export const theOneBatch = (records: Buffer | null, apiVersion: number): RecordBatch => {
  const first = records === null ? undefined : batchAt(records, 0);
  if (records === null || first === undefined) {
    throw invalidRecord(`Produce requests with version ${apiVersion} must have exactly one record batch per partition, got none`);
  }
  if (first.magic !== 2) throw invalidRecord(`Produce requests with version ${apiVersion} are only allowed to contain batches of magic 2`);
  if (apiVersion < 7 && (first.attributes & BATCH_ATTRIBUTES.compression) === COMPRESSION_IDS.zstd) {
    throw new Refusal(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `Produce requests with version ${apiVersion} are not allowed to use ZStandard compression`,
    );
  }
  if (batchAt(records, first.sizeInBytes) !== undefined) {
    throw invalidRecord(`Produce requests with version ${apiVersion} must have exactly one record batch per partition, got more`);
  }
  return first;
};

/** The entry at `position`, if a whole one is there. Its counts are not looked at: what is wrong with them is said later, after the CRC. */
const batchAt = (records: Buffer, position: number): RecordBatch | undefined => {
  const available = records.length - position;
  if (available < LOG_OVERHEAD_BYTES + MIN_ENTRY_LENGTH) return undefined;
  const batch = new RecordBatch();
  batch.moveTo(records, position);
  if (batch.batchLength < MIN_ENTRY_LENGTH) throw new Refusal('CORRUPT_MESSAGE', `A record of ${batch.batchLength} bytes is too small`);
  if (batch.sizeInBytes > available) return undefined;
  if (batch.magic === 2 && batch.sizeInBytes < BATCH_HEADER_BYTES) {
    throw new Refusal('CORRUPT_MESSAGE', `A record batch of ${batch.sizeInBytes} bytes is shorter than its header`);
  }
  return batch;
};

const checkBytes = (batch: RecordBatch, { maxMessageBytes }: LogConfig): void => {
  if (batch.baseOffset !== 0n) throw invalidRecord(`The baseOffset of the record batch should be 0, but it is ${batch.baseOffset}`);
  if (batch.sizeInBytes > maxMessageBytes) {
    throw new Refusal(
      'MESSAGE_TOO_LARGE',
      `The record batch size is ${batch.sizeInBytes} bytes which exceeds the maximum configured value of ${maxMessageBytes}`,
    );
  }
  if (computeCrc(batch) !== batch.crc) throw new Refusal('CORRUPT_MESSAGE', `Record is corrupt (stored crc = ${batch.crc})`);
};

const checkHeader = ({ lastOffsetDelta, recordsCount, isControl, producerId, baseSequence }: RecordBatch): void => {
  if (lastOffsetDelta < 0) throw invalidRecord(`Batch has an invalid offset range: lastOffsetDelta ${lastOffsetDelta}`);
  if (recordsCount <= 0) throw invalidRecord(`Invalid reported count for record batch: ${recordsCount}`);
  if (lastOffsetDelta + 1 !== recordsCount) {
    throw invalidRecord(`Inconsistent batch offset range [0, ${lastOffsetDelta}] and count of records ${recordsCount}`);
  }
  if (isControl) throw invalidRecord('Clients are not allowed to write control records');
  if (hasProducerId(producerId) && baseSequence < 0) throw invalidRecord(`Invalid sequence number ${baseSequence} in record batch`);
};

/** The payload, uncompressed: brokers open every batch. */
const openPayload = async (batch: RecordBatch): Promise<Buffer> => {
  try {
    return await decompress(batch.compression, batch.payload);
  } catch (error) {
    throw new Refusal('UNKNOWN_SERVER_ERROR', `Failed to decompress record stream: ${(error as Error).message}`);
  }
};

/** What the leader learns from a look at every record. */
interface RecordSurvey {
  /** The newest time, as a consumer would see it. */
  readonly newest: bigint;
  /** The inner offsets are 0, 1, 2, … */
  readonly dense: boolean;
}

const surveyRecords = (batch: RecordBatch, payload: Buffer, terms: ProduceTerms): RecordSurvey => {
  const { baseTimestamp, maxTimestamp } = batch;
  const appended = batch.timestampType === 'LogAppendTime';
  const keyErrors: RecordError[] = [];
  const timeErrors: RecordError[] = [];
  let newest = NO_TIMESTAMP;
  let dense = true;
  const visit: VisitRecord = (batchIndex, timestampDelta, offsetDelta, hasKey) => {
    const timestamp = appended ? maxTimestamp : baseTimestamp + timestampDelta;
    if (timestamp > newest) newest = timestamp;
    if (offsetDelta !== batchIndex) dense = false;
    if (terms.config.compacted && !hasKey) {
      keyErrors.push({ batchIndex, batchIndexErrorMessage: 'Compacted topic cannot accept message without key' });
      return;
    }
    const batchIndexErrorMessage = timeError(timestamp, appended, terms);
    if (batchIndexErrorMessage !== null) timeErrors.push({ batchIndex, batchIndexErrorMessage });
  };
  try {
    walkRecords(payload, batch.recordsCount, visit);
  } catch (error) {
    if (LinkError.is(error, 'KLINK_MALFORMED')) throw invalidRecord(error.message);
    throw error;
  }
  const errors = [...keyErrors, ...timeErrors].sort((a, b) => a.batchIndex - b.batchIndex);
  if (timeErrors.length > 0)
    throw new Refusal('INVALID_TIMESTAMP', 'One or more records have been rejected due to invalid timestamp', errors);
  if (keyErrors.length > 0)
    throw new Refusal('INVALID_RECORD', `One or more records have been rejected due to ${errors.length} record errors`, errors);
  return { newest, dense };
};

/** What is wrong with the time of a record, or null. */
const timeError = (timestamp: bigint, appended: boolean, { config, now, takesLogAppendTime }: ProduceTerms): string | null => {
  if (appended && (!takesLogAppendTime || config.timestampType === 'LogAppendTime' || timestamp === NO_TIMESTAMP)) {
    return 'Invalid timestamp type: producers should not set timestamp type to LogAppendTime';
  }
  if (config.timestampType === 'LogAppendTime' || timestamp === NO_TIMESTAMP) return null;
  const age = now - timestamp;
  if (age <= config.timestampBeforeMaxMs && -age <= config.timestampAfterMaxMs) return null;
  const limits = `${config.timestampBeforeMaxMs} ms before and ${config.timestampAfterMaxMs} ms after ${now}`;
  return `Timestamp ${timestamp} is out of range: it should be within ${limits}`;
};

/** The time fields a leader writes; none when they are right already, so that the bytes and the CRC stay as sent. */
const timeChanges = (batch: RecordBatch, newest: bigint, { config, now }: ProduceTerms): HeaderChanges => {
  const appendTime = config.timestampType === 'LogAppendTime';
  const maxTimestamp = appendTime ? now : newest;
  const bit = BATCH_ATTRIBUTES.logAppendTime;
  const attributes = appendTime ? batch.attributes | bit : batch.attributes & ~bit;
  return attributes === batch.attributes && maxTimestamp === batch.maxTimestamp ? {} : { attributes, maxTimestamp };
};

/** Records in a batch of the topic's own codec, numbered densely: what a leader makes of a batch whose codec is not the topic's. */
const rebuilt = async (batch: RecordBatch, payload: Buffer, target: Compression, newest: bigint): Promise<Buffer> => {
  const { attributes, baseTimestamp, maxTimestamp, producerId, producerEpoch, baseSequence, recordsCount } = batch;
  const frames = decodeRecordFrames(payload, recordsCount);
  const appended = batch.timestampType === 'LogAppendTime';
  const timeOf = ({ timestampDelta }: RecordFrame): bigint => (appended ? maxTimestamp : baseTimestamp + timestampDelta);
  const firstTime = timeOf(frames[0]!);
  const dense = frames.map((frame, offsetDelta) => ({ ...frame, attributes: 0, offsetDelta, timestampDelta: timeOf(frame) - firstTime }));
  const header = {
    attributes: (attributes & ~BATCH_ATTRIBUTES.compression & ~BATCH_ATTRIBUTES.deleteHorizon) | COMPRESSION_IDS[target],
    lastOffsetDelta: recordsCount - 1,
    baseTimestamp: firstTime,
    maxTimestamp: newest,
    producerId,
    producerEpoch,
    baseSequence,
    recordsCount,
  };
  return assembleBatch(header, await compress(target, encodeRecordFrames(dense)));
};

/** Applies every rule to a batch. Throws its {@link Refusal}. */
export const acceptBatch = async (batch: RecordBatch, terms: ProduceTerms): Promise<AcceptedBatch> => {
  const { config } = terms;
  checkBytes(batch, config);
  checkHeader(batch);
  const payload = await openPayload(batch);
  const { newest, dense } = surveyRecords(batch, payload, terms);
  const logAppendTime = config.timestampType === 'LogAppendTime' ? terms.now : NO_TIMESTAMP;
  const source = batch.compression;
  const target = config.compression === 'producer' ? source : config.compression;
  if (source === target) {
    // Real brokers fail to rebuild such a batch, because they skipped its keys and values ("key is skipped in PartialDefaultRecord").
    if (source !== 'none' && !dense)
      throw new Refusal('UNKNOWN_SERVER_ERROR', 'The inner offsets of a compressed batch must be 0, 1, 2, …');
    return { bytes: batch.bytes, changes: timeChanges(batch, newest, terms), logAppendTime };
  }
  const bytes = await rebuilt(batch, payload, target, newest);
  if (bytes.length > config.maxMessageBytes) {
    throw new Refusal(
      'MESSAGE_TOO_LARGE',
      `Message batch size is ${bytes.length} bytes which exceeds the maximum configured size of ${config.maxMessageBytes}`,
    );
  }
  return { bytes, changes: timeChanges(RecordBatch.at(bytes), newest, terms), logAppendTime };
};

/** The first batch of a `records` field if it has the transactional bit, without judging anything else. */
export const looksTransactional = (records: Buffer | null): RecordBatch | null => {
  if (records === null || records.length < BATCH_HEADER_BYTES) return null;
  const batch = new RecordBatch();
  batch.moveTo(records, 0);
  return batch.magic === 2 && batch.isTransactional ? batch : null;
};
