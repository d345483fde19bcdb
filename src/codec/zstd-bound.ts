/** How large the content of zstd frames can get, read from frame and block headers without decompressing (RFC 8878). */
import { corruptBatch, outputTooLarge } from './corrupt-batch.ts';

const MAGIC = 0xfd2fb528;
/** Skippable frames have sixteen magics; the low four bits are free. */
const SKIPPABLE_MAGIC = 0x184d2a50;
/** No block holds more, whatever the window. */
const MAX_BLOCK_BYTES = 128 * 1024;

const corrupt = (at: number, what: string): Error => corruptBatch(`Corrupt zstd frame at byte ${at}: ${what}`);

/**
 * An upper bound of the content of all frames in `bytes`. Where a frame states its size (one-shot compressors do) that is what counts, after it has been held
 * against the blocks: the decoder allocates exactly it and refuses more. Where it does not (Java's stream compressor), each compressed block counts as the
 * most a block can hold. Throws `KLINK_CORRUPT_BATCH` for frames that cannot be, and as soon as the bound passes `maxOutput`.
 */
export const boundZstd = (bytes: Buffer, maxOutput: number): number => {
  let total = 0;
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < 8) throw corrupt(at, 'it ends inside a frame header');
    const magic = bytes.readUInt32LE(at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + bytes.readUInt32LE(at + 4);
      if (at > bytes.length) throw corrupt(at, 'a skippable frame goes on beyond the payload');
      continue;
    }
    if (magic !== MAGIC) throw corrupt(at, 'no frame magic');
    const header = readFrameHeader(bytes, at);
    const blocks = walkBlocks(bytes, header.end, header.blockMax, maxOutput);
    const { contentSize } = header;
    if (contentSize !== undefined && (contentSize < blocks.least || contentSize > blocks.most)) {
      throw corrupt(at, `content size ${contentSize}, but the blocks hold ${blocks.least} to ${blocks.most} bytes`);
    }
    total += contentSize ?? blocks.most;
    if (total > maxOutput) throw outputTooLarge(total, maxOutput);
    at = blocks.end + (header.hasChecksum ? 4 : 0);
    if (at > bytes.length) throw corrupt(at, 'it ends inside a checksum');
  }
  return total;
};

interface FrameHeader {
  readonly contentSize: number | undefined;
  readonly blockMax: number;
  readonly hasChecksum: boolean;
  readonly end: number;
}

const readFrameHeader = (bytes: Buffer, start: number): FrameHeader => {
  const descriptor = bytes[start + 4]!;
  if (descriptor & 0x08) throw corrupt(start + 4, 'the reserved bit is set');
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const windowAt = start + 5;
  const dictionaryAt = windowAt + (singleSegment ? 0 : 1);
  const sizeAt = dictionaryAt + dictionaryBytes;
  const end = sizeAt + sizeBytes;
  if (end > bytes.length) throw corrupt(start, 'it ends inside a frame header');
  if (dictionaryBytes > 0 && bytes.readUIntLE(dictionaryAt, dictionaryBytes) !== 0) throw corrupt(dictionaryAt, 'it needs a dictionary');

  const contentSize = readContentSize(bytes, sizeAt, sizeBytes);
  const window = singleSegment ? contentSize! : windowSize(bytes[windowAt]!);
  return { contentSize, blockMax: Math.min(window, MAX_BLOCK_BYTES), hasChecksum: (descriptor & 0x04) !== 0, end };
};

const readContentSize = (bytes: Buffer, at: number, size: number): number | undefined => {
  if (size === 0) return undefined;
  if (size === 8) return Number(bytes.readBigUInt64LE(at));
  // The two-byte form counts from 256, because the one-byte form covers what is below.
  return bytes.readUIntLE(at, size) + (size === 2 ? 256 : 0);
};

const windowSize = (descriptor: number): number => {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
};

/** Type 0 is a raw block, 3 is reserved. */
const BLOCK_REPEATED_BYTE = 1;
const BLOCK_COMPRESSED = 2;

/** Least and most content of the blocks from `start` to the one marked last. */
const walkBlocks = (bytes: Buffer, start: number, blockMax: number, maxOutput: number): { least: number; most: number; end: number } => {
  let at = start;
  let least = 0;
  let most = 0;
  for (let last = false; !last; ) {
    if (bytes.length - at < 3) throw corrupt(at, 'it ends before its last block');
    const field = bytes.readUIntLE(at, 3);
    last = (field & 1) !== 0;
    const type = (field >> 1) & 3;
    const size = field >> 3;
    at += 3;
    if (type > BLOCK_COMPRESSED || size > blockMax) throw corrupt(at - 3, `a block of type ${type} and ${size} bytes, ${blockMax} allowed`);
    at += type === BLOCK_REPEATED_BYTE ? 1 : size;
    if (at > bytes.length) throw corrupt(at, 'a block goes on beyond the payload');
    least += type === BLOCK_COMPRESSED ? 0 : size;
    most += type === BLOCK_COMPRESSED ? blockMax : size;
    if (least > maxOutput) throw outputTooLarge(least, maxOutput);
  }
  return { least, most, end: at };
};
