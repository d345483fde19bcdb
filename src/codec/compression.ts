/** Compression of record payloads as Kafka's Java client frames it, with the output bounded before it is allocated. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import zstd from '@mongodb-js/zstd';
import { LinkError } from '../errors.ts';
import { corruptBatch, outputTooLarge } from './corrupt-batch.ts';
import { compressLz4, decompressLz4 } from './lz4-frame.ts';
import type { Compression } from './record-batch.ts';
import { compressSnappy, decompressSnappy } from './snappy-framing.ts';
import { boundZstd } from './zstd-bound.ts';

/** Output limit when the caller names none: 128 MiB, some hundred times what a batch holds at default broker settings. */
export const DEFAULT_MAX_OUTPUT_BYTES: number = 128 * 1024 * 1024;

interface Codec {
  readonly compress: (bytes: Buffer) => Promise<Buffer> | Buffer;
  /** Throws before it takes more than `maxOutput`. */
  readonly decompress: (bytes: Buffer, maxOutput: number) => Promise<Buffer> | Buffer;
}

const gzipAsync = promisify(gzip);
const gunzipAsync: (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer> = promisify(gunzip);

const codecs: Readonly<Record<Compression, Codec>> = {
  none: {
    compress: (bytes) => bytes,
    decompress: (bytes, maxOutput) => {
      if (bytes.length > maxOutput) throw outputTooLarge(bytes.length, maxOutput);
      return bytes;
    },
  },
  gzip: {
    compress: (bytes) => gzipAsync(bytes),
    // zlib grows its output chunk by chunk and stops at the limit.
    decompress: (bytes, maxOutput) => gunzipAsync(bytes, { maxOutputLength: Math.max(1, maxOutput) }),
  },
  snappy: { compress: compressSnappy, decompress: decompressSnappy },
  lz4: { compress: compressLz4, decompress: decompressLz4 },
  zstd: {
    compress: (bytes) => zstd.compress(bytes),
    decompress: (bytes, maxOutput) => {
      boundZstd(bytes, maxOutput);
      return zstd.decompress(bytes);
    },
  },
};

export interface DecompressOptions {
  /** Most bytes the output may have (default 128 MiB). For zstd frames that do not state their size, every block counts as 128 KiB. */
  readonly maxOutput?: number;
}

/** Compresses `bytes` as a Java client would. `none` returns them as they are. */
export const compress = async (compression: Compression, bytes: Buffer): Promise<Buffer> => codecs[compression].compress(bytes);

/**
 * Decompresses a payload. Throws `KLINK_CORRUPT_BATCH` for bytes the codec refuses and for output beyond `maxOutput`. The limit is held before
 * memory is taken: from the sizes in headers and blocks, or (gzip, which has none) chunk by chunk.
 */
export const decompress = async (compression: Compression, bytes: Buffer, options: DecompressOptions = {}): Promise<Buffer> => {
  const maxOutput = options.maxOutput ?? DEFAULT_MAX_OUTPUT_BYTES;
  try {
    return await codecs[compression].decompress(bytes, maxOutput);
  } catch (cause) {
    if (LinkError.is(cause)) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw outputTooLarge(undefined, maxOutput, cause);
    throw corruptBatch(`The ${compression} payload cannot be decompressed: ${message}`, cause);
  }
};
