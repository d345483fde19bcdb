/** `kafka-link/codec`: what is inside a `records` field. */
export {
  assembleBatch,
  type BatchHeader,
  type BatchOptions,
  buildBatch,
  buildEndTxnMarker,
  type MarkerOptions,
  type NewRecord,
} from './batch-builder.ts';
export { computeCrc, payloadCrc, verifyCrc } from './batch-crc.ts';
export { compress, DEFAULT_MAX_OUTPUT_BYTES, type DecompressOptions, decompress } from './compression.ts';
export {
  CONTROL_TYPES,
  controlTypeOf,
  controlTypeOfBatch,
  decodeEndTxnMarker,
  type EndTxnMarker,
  encodeEndTxnMarker,
  type TransactionResult,
} from './control-record.ts';
export { crc32c, crc32cShift } from './crc32c.ts';
export { type HeaderChanges, patchBatch, rebaseBatch } from './patch-header.ts';
export { type KafkaRecord, readRecordFrames, readRecords } from './read-records.ts';
export {
  decodeRecordBody,
  decodeRecordFrames,
  encodeRecordBody,
  encodeRecordFrames,
  type RecordContent,
  type RecordFrame,
  type RecordHeader,
} from './record.ts';
export {
  BATCH_ATTRIBUTES,
  BATCH_HEADER_BYTES,
  BATCH_LAYOUT,
  COMPRESSION_IDS,
  type Compression,
  compressionOf,
  LOG_OVERHEAD_BYTES,
  RecordBatch,
} from './record-batch.ts';
export { batchesOf, RecordSetCursor, type WalkStop } from './record-set.ts';
