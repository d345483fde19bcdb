/** Snappy payloads: raw blocks as librdkafka writes them, and the stream of snappy-java ("xerial") that Java clients write. */
import snappy from 'snappy';
import { corruptBatch, outputTooLarge } from './corrupt-batch.ts';

/** Magic, then version 1 and lowest compatible version 1. Each chunk after it: int32 length, raw snappy block. */
const STREAM_HEADER = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0, 0, 0, 0, 1, 0, 0, 0, 1]);
const MAGIC_BYTES = 8;
/** Input per chunk, snappy-java's default; its reader takes any size. */
const CHUNK_BYTES = 32 * 1024;
/** The densest a raw block can be: 64 bytes from a copy element of three. A preamble that claims more is a lie. */
const MAX_RATIO = 64 / 3;

/** As `SnappyOutputStream` of snappy-java writes it. */
export const compressSnappy = (bytes: Buffer): Buffer => {
  const parts: Buffer[] = [STREAM_HEADER];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const block = snappy.compressSync(bytes.subarray(at, at + CHUNK_BYTES));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
};

/** Reads either framing. All preambles are summed, and held against `maxOutput`, before the first block is opened. */
export const decompressSnappy = (bytes: Buffer, maxOutput: number): Buffer => {
  const blocks = isStream(bytes) ? streamBlocks(bytes) : [bytes];
  let total = 0;
  for (const block of blocks) {
    total += announced(block);
    if (total > maxOutput) throw outputTooLarge(total, maxOutput);
  }
  const [only] = blocks;
  if (only !== undefined && blocks.length === 1) return uncompress(only);
  return Buffer.concat(blocks.map(uncompress), total);
};

const uncompress = (block: Buffer): Buffer => snappy.uncompressSync(block, { asBuffer: true }) as Buffer;

const isStream = (bytes: Buffer): boolean =>
  bytes.length >= MAGIC_BYTES && bytes.compare(STREAM_HEADER, 0, MAGIC_BYTES, 0, MAGIC_BYTES) === 0;

const streamBlocks = (bytes: Buffer): Buffer[] => {
  if (bytes.length < STREAM_HEADER.length) throw corruptBatch('Corrupt snappy stream: it ends inside its header');
  const blocks: Buffer[] = [];
  for (let at = STREAM_HEADER.length; at < bytes.length; ) {
    if (bytes.length - at < 4) throw corruptBatch(`Corrupt snappy stream: it ends inside a chunk length at byte ${at}`);
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length <= 0 || length > bytes.length - at) {
      throw corruptBatch(`Corrupt snappy stream at byte ${at - 4}: a chunk of ${length} bytes, ${bytes.length - at} are left`);
    }
    blocks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return blocks;
};

/** The uncompressed length in a raw block's preamble (a 32-bit varint), if the block can hold that much. */
const announced = (block: Buffer): number => {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    if (length > block.length * MAX_RATIO) break;
    return length;
  }
  throw corruptBatch(`Corrupt snappy block: ${block.length} bytes cannot hold the length it announces`);
};
