/** Makes v2 batches: from a header and a ready payload, or from records. */
import { LinkError } from '../errors.ts';
import { compress } from './compression.ts';
import { type EndTxnMarker, encodeEndTxnMarker } from './control-record.ts';
import { crc32c } from './crc32c.ts';
import { encodeRecordBody, encodeRecordFrames, type RecordHeader } from './record.ts';
import {
  BATCH_ATTRIBUTES,
  BATCH_HEADER_BYTES,
  BATCH_LAYOUT,
  COMPRESSION_IDS,
  type Compression,
  LOG_OVERHEAD_BYTES,
} from './record-batch.ts';

/** Header fields of a batch under their wire names. Those left out mean "none": offset 0, everything else −1. */
export interface BatchHeader {
  readonly baseOffset?: bigint;
  readonly partitionLeaderEpoch?: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly recordsCount: number;
}

/** Header, CRC and payload as one Buffer. The payload must be what the header says: encoded records, compressed as the attributes tell. */
export const assembleBatch = (header: BatchHeader, payload: Buffer): Buffer => {
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + payload.length);
  batch.writeBigInt64BE(header.baseOffset ?? 0n, BATCH_LAYOUT.baseOffset);
  batch.writeInt32BE(batch.length - LOG_OVERHEAD_BYTES, BATCH_LAYOUT.batchLength);
  batch.writeInt32BE(header.partitionLeaderEpoch ?? -1, BATCH_LAYOUT.partitionLeaderEpoch);
  batch.writeInt8(2, BATCH_LAYOUT.magic);
  batch.writeInt16BE(header.attributes, BATCH_LAYOUT.attributes);
  batch.writeInt32BE(header.lastOffsetDelta, BATCH_LAYOUT.lastOffsetDelta);
  batch.writeBigInt64BE(header.baseTimestamp, BATCH_LAYOUT.baseTimestamp);
  batch.writeBigInt64BE(header.maxTimestamp, BATCH_LAYOUT.maxTimestamp);
  batch.writeBigInt64BE(header.producerId ?? -1n, BATCH_LAYOUT.producerId);
  batch.writeInt16BE(header.producerEpoch ?? -1, BATCH_LAYOUT.producerEpoch);
  batch.writeInt32BE(header.baseSequence ?? -1, BATCH_LAYOUT.baseSequence);
  batch.writeInt32BE(header.recordsCount, BATCH_LAYOUT.recordsCount);
  payload.copy(batch, BATCH_LAYOUT.records);
  batch.writeUInt32BE(crc32c(batch.subarray(BATCH_LAYOUT.attributes)), BATCH_LAYOUT.crc);
  return batch;
};

/** A record to be written. */
export interface NewRecord {
  readonly key?: Buffer | string | null;
  readonly value?: Buffer | string | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds. */
  readonly timestamp: bigint;
  /** Relative to the base offset; by default one more than the record before. Gaps are what compaction leaves. */
  readonly offsetDelta?: number;
}

/** How records become a batch. */
export interface BatchOptions {
  /** Default 0, as every producer sends it. */
  readonly baseOffset?: bigint;
  readonly partitionLeaderEpoch?: number;
  /** Default `none`. */
  readonly compression?: Compression;
  /** Makes a LogAppendTime batch of this time; the records keep their own in the deltas, as brokers leave it. */
  readonly logAppendTime?: bigint;
  /** Sets the delete horizon bit and its time, as the log cleaner does (KIP-534). */
  readonly deleteHorizon?: bigint;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
  /** Default: that of the last record. More when compaction removed the last ones. */
  readonly lastOffsetDelta?: number;
}

/**
 * A batch of `records`, as Java's `MemoryRecordsBuilder` makes it: base timestamp of the first record, maximum of all.
 * Throws `KLINK_MALFORMED` without records (a batch emptied by compaction is made with {@link assembleBatch}).
 */
export const buildBatch = async (records: readonly NewRecord[], options: BatchOptions = {}): Promise<Buffer> => {
  const [first] = records;
  if (first === undefined) throw new LinkError('KLINK_MALFORMED', 'A batch needs at least one record');
  const { compression = 'none', deleteHorizon, logAppendTime, ...rest } = options;
  const baseTimestamp = deleteHorizon ?? first.timestamp;
  let maxTimestamp = first.timestamp;
  let offsetDelta = -1;
  const frames = records.map(({ key, value, headers, timestamp, ...record }) => {
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    offsetDelta = record.offsetDelta ?? offsetDelta + 1;
    const body = encodeRecordBody({ key: bytesOf(key), value: bytesOf(value), headers: headers ?? [] });
    return { attributes: 0, timestampDelta: timestamp - baseTimestamp, offsetDelta, body };
  });
  const attributes =
    COMPRESSION_IDS[compression] |
    (logAppendTime === undefined ? 0 : BATCH_ATTRIBUTES.logAppendTime) |
    (options.transactional ? BATCH_ATTRIBUTES.transactional : 0) |
    (options.control ? BATCH_ATTRIBUTES.control : 0) |
    (deleteHorizon === undefined ? 0 : BATCH_ATTRIBUTES.deleteHorizon);
  return assembleBatch(
    {
      lastOffsetDelta: offsetDelta,
      ...rest,
      attributes,
      baseTimestamp,
      maxTimestamp: logAppendTime ?? maxTimestamp,
      recordsCount: records.length,
    },
    await compress(compression, encodeRecordFrames(frames)),
  );
};

const bytesOf = (field: Buffer | string | null | undefined): Buffer | null =>
  typeof field === 'string' ? Buffer.from(field) : (field ?? null);

/** Where and under which producer an end-of-transaction marker stands. */
export interface MarkerOptions {
  readonly baseOffset?: bigint;
  readonly partitionLeaderEpoch?: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Milliseconds. */
  readonly timestamp: bigint;
}

/** The control batch of one record with which a broker ends a transaction in a partition: 78 bytes, one offset, no sequence. */
export const buildEndTxnMarker = (marker: EndTxnMarker, { timestamp, ...options }: MarkerOptions): Buffer => {
  const body = encodeRecordBody(encodeEndTxnMarker(marker));
  return assembleBatch(
    {
      ...options,
      attributes: BATCH_ATTRIBUTES.transactional | BATCH_ATTRIBUTES.control,
      lastOffsetDelta: 0,
      baseTimestamp: timestamp,
      maxTimestamp: timestamp,
      recordsCount: 1,
    },
    encodeRecordFrames([{ attributes: 0, timestampDelta: 0n, offsetDelta: 0, body }]),
  );
};
