/** LZ4 frames: written as Kafka's Java client does, read as any client writes them, measured exactly before they are decompressed. */
import lz4 from 'lz4-napi';
import { corruptBatch, outputTooLarge } from './corrupt-batch.ts';
import { xxhash32 } from './xxhash32.ts';

const MAGIC = 0x184d2204;
/** Version 1, independent blocks, no checksums, blocks of 64 KiB: what `Lz4BlockOutputStream` writes. */
const FRAME_HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
const END_MARK = Buffer.alloc(4);
const BLOCK_BYTES = 64 * 1024;
/** Set in a block's size when the block is stored as it is. */
const STORED = 0x8000_0000;
const MIN_MATCH = 4;

const FLAGS = {
  version: 0xc0,
  versionOne: 0x40,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  reserved: 0x02,
  dictionary: 0x01,
};

/** One frame of independent 64 KiB blocks; a block that would grow is stored. */
export const compressLz4 = (bytes: Buffer): Buffer => {
  const parts: Buffer[] = [FRAME_HEADER];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const plain = bytes.subarray(at, at + BLOCK_BYTES);
    // The package puts the plain length in front of the block; frames do not have it.
    const packed = lz4.compressSync(plain).subarray(4);
    const stored = packed.length >= plain.length;
    const size = Buffer.allocUnsafe(4);
    size.writeUInt32LE(stored ? plain.length + STORED : packed.length);
    parts.push(size, stored ? plain : packed);
  }
  parts.push(END_MARK);
  return Buffer.concat(parts);
};

/**
 * The content of one frame. Walks all blocks first, so the exact output size is known and held against `maxOutput` before anything is allocated.
 * Also takes the frames of magic 0 messages, whose header checksum Kafka computed over the wrong bytes.
 */
export const decompressLz4 = (bytes: Buffer, maxOutput: number): Promise<Buffer> => {
  const total = measureFrame(bytes, maxOutput);
  if (total === 0) return Promise.resolve(Buffer.alloc(0));
  return lz4.decompressFrame(withStandardChecksum(bytes));
};

const corrupt = (at: number, what: string): Error => corruptBatch(`Corrupt LZ4 frame at byte ${at}: ${what}`);

/** Bytes from the flags to before the header checksum. */
const descriptorLength = (flags: number): number => 2 + (flags & FLAGS.contentSize ? 8 : 0);

/** Output bytes of a frame, from the sizes in its blocks alone. */
const measureFrame = (bytes: Buffer, maxOutput: number): number => {
  if (bytes.length < FRAME_HEADER.length || bytes.readUInt32LE(0) !== MAGIC) throw corrupt(0, 'no frame magic');
  const flags = bytes[4]!;
  if ((flags & FLAGS.version) !== FLAGS.versionOne || flags & FLAGS.reserved) throw corrupt(4, `flags 0x${flags.toString(16)}`);
  if (flags & FLAGS.dictionary) throw corrupt(4, 'it needs a dictionary');
  // 4, 5, 6, 7 stand for 64 KiB, 256 KiB, 1 MiB, 4 MiB.
  const blockSizeId = bytes[5]! >> 4;
  if (blockSizeId < 4 || blockSizeId > 7 || bytes[5]! & 0x8f) throw corrupt(5, `block descriptor 0x${bytes[5]!.toString(16)}`);
  const blockMax = 1 << (8 + 2 * blockSizeId);
  const checksumBytes = flags & FLAGS.blockChecksum ? 4 : 0;

  let total = 0;
  for (let at = 4 + descriptorLength(flags) + 1; ; ) {
    if (bytes.length - at < 4) throw corrupt(at, 'it ends before its end mark');
    const field = bytes.readUInt32LE(at);
    at += 4;
    if (field === 0) {
      const end = at + (flags & FLAGS.contentChecksum ? 4 : 0);
      if (end !== bytes.length) throw corrupt(at, `${bytes.length} bytes, but the frame ends at ${end}`);
      break;
    }
    const size = field % STORED;
    if (size > blockMax || size + checksumBytes > bytes.length - at) {
      throw corrupt(at - 4, `a block of ${size} bytes, ${bytes.length - at} are left, ${blockMax} allowed`);
    }
    const output = field >= STORED ? size : measureBlock(bytes, at, at + size);
    if (output > blockMax) throw corrupt(at - 4, `a block of ${output} bytes, ${blockMax} allowed`);
    total += output;
    if (total > maxOutput) throw outputTooLarge(total, maxOutput);
    at += size + checksumBytes;
  }
  if (flags & FLAGS.contentSize && bytes.readBigUInt64LE(6) !== BigInt(total)) {
    throw corrupt(6, `content size ${bytes.readBigUInt64LE(6)}, but the blocks hold ${total}`);
  }
  return total;
};

/** Output bytes of one compressed block: its literal and match lengths added up. */
const measureBlock = (bytes: Buffer, from: number, to: number): number => {
  let output = 0;
  for (let at = from; at < to; ) {
    const token = bytes[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      for (let more = 255; more === 255 && at < to; literals += more) more = bytes[at++]!;
    }
    at += literals;
    output += literals;
    // The last sequence of a block has literals only.
    if (at === to) return output;
    at += 2;
    let match = token & 15;
    if (match === 15) {
      for (let more = 255; more === 255 && at < to; match += more) more = bytes[at++]!;
    }
    output += match + MIN_MATCH;
  }
  throw corrupt(from, 'a block that does not end with literals');
};

/**
 * Kafka before 0.10 hashed the frame magic along with the descriptor, and still does so in magic 0 messages; standard readers refuse that.
 * A checksum that is neither the right one nor that one is left as it is, for the reader to refuse.
 */
const withStandardChecksum = (bytes: Buffer): Buffer => {
  const end = 4 + descriptorLength(bytes[4]!);
  const checksum = (from: number): number => (xxhash32(bytes.subarray(from, end)) >>> 8) & 0xff;
  const right = checksum(4);
  if (bytes[end] === right || bytes[end] !== checksum(0)) return bytes;
  const repaired = Buffer.from(bytes);
  repaired[end] = right;
  return repaired;
};
