/** Stands in for src/codec/compression.ts: gzip under every name, at once instead of on a thread, since a thread is done when it likes. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Compression } from '../../../../src/codec/record-batch.ts';

export const DEFAULT_MAX_OUTPUT_BYTES: number = 128 * 1024 * 1024;

export const compress = async (compression: Compression, bytes: Buffer): Promise<Buffer> =>
  compression === 'none' ? bytes : gzipSync(bytes, { level: 1 });

export const decompress = async (compression: Compression, bytes: Buffer): Promise<Buffer> =>
  compression === 'none' ? bytes : gunzipSync(bytes);
