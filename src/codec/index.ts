/** `kafka-link/codec`: what is inside a `records` field. */
export { computeCrc, payloadCrc, verifyCrc } from './batch-crc.ts';
export { crc32c, crc32cShift } from './crc32c.ts';
export { type HeaderChanges, patchBatch, rebaseBatch } from './patch-header.ts';
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
