/** What the CRC of a batch says: whether its bytes are whole, and which payload it holds. */
import { crc32c, crc32cFeed32, crc32cShift } from './crc32c.ts';
import { BATCH_LAYOUT, type RecordBatch } from './record-batch.ts';

/** CRC-32C over everything a batch's CRC covers, `attributes` to the end. Reads the whole batch. */
export const computeCrc = (batch: RecordBatch): number =>
  crc32c(batch.buffer.subarray(batch.position + BATCH_LAYOUT.attributes, batch.position + batch.sizeInBytes));

/** True when the stored CRC is the CRC of the bytes. Reads the whole batch. */
export const verifyCrc = (batch: RecordBatch): boolean => computeCrc(batch) === batch.crc;

/**
 * CRC-32C of the payload alone (the bytes after the 61 of the header), derived from the stored CRC and the header in constant time.
 * Equal for a source batch and its mirrored copy, whatever header fields were patched; as true as the stored CRC is.
 */
export const payloadCrc = (batch: RecordBatch): number => {
  const { view, start } = batch;
  let header = -1;
  for (let at = start + BATCH_LAYOUT.attributes; at < start + BATCH_LAYOUT.records; at += 4) {
    header = crc32cFeed32(header, view.getInt32(at, true));
  }
  // crc(header ++ payload) = shift(crc(header), payload bytes) ^ crc(payload)
  return (batch.crc ^ crc32cShift(~header, batch.sizeInBytes - BATCH_LAYOUT.records)) >>> 0;
};
