/** A view over the header of one record batch (magic 2, KIP-98): getters over the fetched bytes, nothing parsed ahead, nothing copied. */
import { corruptBatch } from './corrupt-batch.ts';

/** Where each header field of a v2 batch lies. The CRC covers `attributes` to the end; `baseOffset` … `crc` are outside it. */
export const BATCH_LAYOUT = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordsCount: 57,
  records: 61,
} as const;
/** Bytes of a v2 header. */
export const BATCH_HEADER_BYTES: number = BATCH_LAYOUT.records;
/** Bytes before the ones `batchLength` counts. */
export const LOG_OVERHEAD_BYTES = 12;

/** Bits of the `attributes` field. Bits 7–15 are unused; brokers neither check nor clear them. */
export const BATCH_ATTRIBUTES = {
  /** Mask of the compression codec. */
  compression: 0x07,
  /** Set: every record has the time of `maxTimestamp`, given by the broker (LogAppendTime). Clear: CreateTime. */
  logAppendTime: 0x08,
  transactional: 0x10,
  /** The one record is a control record, e.g. the end of a transaction; hidden from applications. */
  control: 0x20,
  /** `baseTimestamp` is the wall-clock time from which the log cleaner may drop tombstones (KIP-534); deltas are relative to it all the same. */
  deleteHorizon: 0x40,
} as const;

/** Values of the compression bits of `attributes`. */
export const COMPRESSION_IDS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
/** Names as in Kafka's `compression.type`. */
export type Compression = keyof typeof COMPRESSION_IDS;
const compressionNames = Object.keys(COMPRESSION_IDS) as Compression[];

/** The codec of a batch with these attributes. Throws `KLINK_CORRUPT_BATCH` for ids 5–7, which no Kafka version writes. */
export const compressionOf = (attributes: number): Compression => {
  const name = compressionNames[attributes & BATCH_ATTRIBUTES.compression];
  if (name === undefined) throw corruptBatch(`Unknown compression id ${attributes & BATCH_ATTRIBUTES.compression} in batch attributes`);
  return name;
};

const emptyBytes = Buffer.alloc(0);
const emptyView = new DataView(new ArrayBuffer(0));

/**
 * One v2 batch inside a Buffer. The object is reusable: a {@link RecordSetCursor} moves a single one over millions of batches, so keep what you need from it,
 * not the view itself.
 *
 * Offsets come twice. The plain getters are `bigint`, right for every int64 a broker can send. The `…Number` getters are for loops over many batches, where
 * a bigint per batch is an allocation per batch: they read two 32-bit halves and throw `KLINK_CORRUPT_BATCH` beyond ±2^53, which no log has ever reached.
 */
export class RecordBatch {
  /** The bytes the batch lies in. */
  buffer: Buffer = emptyBytes;
  /** Where in {@link buffer} the batch begins. */
  position = 0;
  /** @internal Over the whole ArrayBuffer, because all record sets of a response share one; 10 × faster than Buffer's readers. */
  view: DataView = emptyView;
  /** @internal Where in {@link view} the batch begins. */
  start = 0;

  /** A view of the batch at `position`. Throws `KLINK_CORRUPT_BATCH` unless a whole, well-formed v2 batch is there. */
  static at(buffer: Buffer, position = 0): RecordBatch {
    const available = buffer.length - position;
    if (available < BATCH_HEADER_BYTES) {
      throw corruptBatch(`No record batch at byte ${position}: ${available} bytes left, a header takes ${BATCH_HEADER_BYTES}`);
    }
    const batch = new RecordBatch();
    batch.moveTo(buffer, position);
    if (batch.magic !== 2) throw corruptBatch(`No record batch at byte ${position}: magic is ${batch.magic}, not 2`);
    batch.check(available);
    return batch;
  }

  /** @internal Points the view at another batch without looking at it. */
  moveTo(buffer: Buffer, position: number): void {
    if (this.view.buffer !== buffer.buffer) this.view = new DataView(buffer.buffer);
    this.buffer = buffer;
    this.position = position;
    this.start = buffer.byteOffset + position;
  }

  /**
   * @internal Refuses a header that would lead a reader astray: sizes outside the bytes at hand, an offset range that goes backwards, more records than offsets.
   */
  check(available: number): void {
    const { batchLength, lastOffsetDelta, recordsCount, position } = this;
    if (batchLength < BATCH_HEADER_BYTES - LOG_OVERHEAD_BYTES || batchLength + LOG_OVERHEAD_BYTES > available) {
      throw corruptBatch(`Corrupt record batch at byte ${position}: batchLength ${batchLength} with ${available} bytes at hand`);
    }
    if (lastOffsetDelta < 0 || recordsCount < 0 || recordsCount > lastOffsetDelta + 1) {
      throw corruptBatch(
        `Corrupt record batch at byte ${position}: recordsCount ${recordsCount} does not fit lastOffsetDelta ${lastOffsetDelta}`,
      );
    }
  }

  /** Offset of the first record, also if compaction has removed that record. */
  get baseOffset(): bigint {
    return this.view.getBigInt64(this.start);
  }
  get baseOffsetNumber(): number {
    const offset = this.view.getInt32(this.start) * 0x1_0000_0000 + this.view.getUint32(this.start + 4);
    if (!Number.isSafeInteger(offset)) {
      throw corruptBatch(`Corrupt record batch at byte ${this.position}: baseOffset ${this.baseOffset} is beyond 2^53`);
    }
    return offset;
  }
  /** Bytes after this field. */
  get batchLength(): number {
    return this.view.getInt32(this.start + BATCH_LAYOUT.batchLength);
  }
  /** Bytes of the whole batch, header included: what brokers compare with `max.message.bytes`. */
  get sizeInBytes(): number {
    return this.batchLength + LOG_OVERHEAD_BYTES;
  }
  /** Epoch of the leader that appended the batch; brokers overwrite what a producer sends. */
  get partitionLeaderEpoch(): number {
    return this.view.getInt32(this.start + BATCH_LAYOUT.partitionLeaderEpoch);
  }
  get magic(): number {
    return this.view.getInt8(this.start + BATCH_LAYOUT.magic);
  }
  /** The stored CRC-32C, unsigned. Not compared with the bytes: see `verifyCrc`. */
  get crc(): number {
    return this.view.getUint32(this.start + BATCH_LAYOUT.crc);
  }
  get attributes(): number {
    return this.view.getInt16(this.start + BATCH_LAYOUT.attributes);
  }
  /** Throws `KLINK_CORRUPT_BATCH` for an id no Kafka version writes. */
  get compression(): Compression {
    return compressionOf(this.attributes);
  }
  get timestampType(): 'CreateTime' | 'LogAppendTime' {
    return this.attributes & BATCH_ATTRIBUTES.logAppendTime ? 'LogAppendTime' : 'CreateTime';
  }
  get isTransactional(): boolean {
    return (this.attributes & BATCH_ATTRIBUTES.transactional) !== 0;
  }
  get isControl(): boolean {
    return (this.attributes & BATCH_ATTRIBUTES.control) !== 0;
  }
  get hasDeleteHorizon(): boolean {
    return (this.attributes & BATCH_ATTRIBUTES.deleteHorizon) !== 0;
  }
  /** Offset of the last record minus {@link baseOffset}; kept by compaction, so also true of batches that lost records. */
  get lastOffsetDelta(): number {
    return this.view.getInt32(this.start + BATCH_LAYOUT.lastOffsetDelta);
  }
  /** Milliseconds; record times are deltas to it. −1 in magic 0 conversions and batches emptied by compaction. */
  get baseTimestamp(): bigint {
    return this.view.getBigInt64(this.start + BATCH_LAYOUT.baseTimestamp);
  }
  /** Milliseconds; with LogAppendTime, the time of every record. */
  get maxTimestamp(): bigint {
    return this.view.getBigInt64(this.start + BATCH_LAYOUT.maxTimestamp);
  }
  /** −1: no producer id. Also −2 and below occur: control batches that leave no producer state. */
  get producerId(): bigint {
    return this.view.getBigInt64(this.start + BATCH_LAYOUT.producerId);
  }
  get producerEpoch(): number {
    return this.view.getInt16(this.start + BATCH_LAYOUT.producerEpoch);
  }
  /** −1 without a producer id and in control batches. */
  get baseSequence(): number {
    return this.view.getInt32(this.start + BATCH_LAYOUT.baseSequence);
  }
  get recordsCount(): number {
    return this.view.getInt32(this.start + BATCH_LAYOUT.recordsCount);
  }
  get lastOffset(): bigint {
    return this.baseOffset + BigInt(this.lastOffsetDelta);
  }
  get lastOffsetNumber(): number {
    return this.baseOffsetNumber + this.lastOffsetDelta;
  }
  /** The offset after the batch: where to fetch next. */
  get nextOffset(): bigint {
    return this.lastOffset + 1n;
  }
  get nextOffsetNumber(): number {
    return this.baseOffsetNumber + this.lastOffsetDelta + 1;
  }
  /** True when every offset of the range carries a record: the only shape a broker accepts from a producer. */
  get isDense(): boolean {
    return this.recordsCount === this.lastOffsetDelta + 1;
  }
  /** The batch's own bytes, as a view. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.position, this.position + this.sizeInBytes);
  }
  /** What follows the header, as a view: records, compressed as {@link compression} says. */
  get payload(): Buffer {
    return this.buffer.subarray(this.position + BATCH_HEADER_BYTES, this.position + this.sizeInBytes);
  }
}
