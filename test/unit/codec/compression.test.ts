/** Compression: every framing that is met in logs, and payloads that claim what they do not hold. */
import { gzipSync } from 'node:zlib';
import zstd from '@mongodb-js/zstd';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { describe, expect, it } from 'vitest';
import { compress, DEFAULT_MAX_OUTPUT_BYTES, decompress } from '../../../src/codec/compression.ts';
import { COMPRESSION_IDS, type Compression } from '../../../src/codec/record-batch.ts';
import { xxhash32 } from '../../../src/codec/xxhash32.ts';
import { boundZstd } from '../../../src/codec/zstd-bound.ts';

const codecs = Object.keys(COMPRESSION_IDS) as Compression[];
const corrupt = (message: RegExp) => expect.objectContaining({ code: 'KLINK_CORRUPT_BATCH', message: expect.stringMatching(message) });
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const text = Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(5000));
const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (Math.imul(i, 2654435761) ^ Math.imul(i, i)) >>> 13));

describe.each(codecs)('%s', (codec) => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['text', text],
    ['noise', noise],
    ['exactly one LZ4 block', text.subarray(0, 65536)],
    ['one byte more', text.subarray(0, 65537)],
    ['exactly one snappy chunk', noise.subarray(0, 32768)],
  ])('round trip of %s', async (_, bytes) => {
    expect((await decompress(codec, await compress(codec, bytes))).equals(bytes)).toBe(true);
  });

  it('takes output up to the limit, and not a byte more', async () => {
    const packed = await compress(codec, text);
    // The stream compressor of zstd does not state the size: its blocks count in full.
    const limit = codec === 'zstd' ? Math.ceil(text.length / 131_072) * 131_072 : text.length;
    expect(await decompress(codec, packed, { maxOutput: limit })).toHaveLength(text.length);
    await expect(decompress(codec, packed, { maxOutput: limit - 1 })).rejects.toThrow(corrupt(/raise maxOutput/));
  });

  it('refuses a payload cut anywhere in its head and tail, or leaves it shorter when it has no framing', async () => {
    const packed = await compress(codec, noise.subarray(0, 70_000));
    const cuts = [...Array.from({ length: Math.min(40, packed.length) }, (_, i) => i), packed.length - 1, packed.length - 5];
    for (const cut of cuts) {
      const result = decompress(codec, packed.subarray(0, cut));
      if (codec === 'none' || (codec === 'snappy' && cut === 16)) await expect(result).resolves.toBeInstanceOf(Buffer);
      else await expect(result, `cut at ${cut}`).rejects.toThrow(corrupt(/./));
    }
  });
});

describe('snappy', () => {
  it('reads raw blocks, as librdkafka writes them', async () => {
    expect((await decompress('snappy', snappy.compressSync(text))).equals(text)).toBe(true);
  });

  it.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /cannot hold the length/],
    ['a preamble of 4 GiB over three bytes', hex('ff ff ff ff 0f 00 00 00'), /cannot hold/],
    ['a preamble without end', hex('ff ff ff ff ff ff ff'), /cannot hold/],
    ['a stream header cut short', hex('82 53 4e 41 50 50 59 00 00 00 00 01'), /inside its header/],
    ['a negative chunk length', hex('82534e4150505900 00000001 00000001 ffffffff 00'), /chunk of -1 bytes/],
    ['a chunk length of zero', hex('82534e4150505900 00000001 00000001 00000000'), /chunk of 0 bytes/],
    ['a chunk beyond the payload', hex('82534e4150505900 00000001 00000001 00000005 0100'), /chunk of 5 bytes/],
    ['a copy from before the start', hex('04 01 05'), /cannot be decompressed/],
  ])('refuses %s', async (_, payload, message) => {
    await expect(decompress('snappy', payload)).rejects.toThrow(corrupt(message));
  });

  it('adds up the chunks of a stream before opening the first', async () => {
    // Each chunk claims 64 bytes from 4, and is nonsense inside: opening one would say so.
    const chunk = hex('00000004 40 ffffff');
    const stream = Buffer.concat([hex('82534e4150505900 00000001 00000001'), ...Array.from({ length: 100 }, () => chunk)]);
    await expect(decompress('snappy', stream, { maxOutput: 6399 })).rejects.toThrow(corrupt(/6400/));
    await expect(decompress('snappy', stream, { maxOutput: 6400 })).rejects.toThrow(corrupt(/cannot be decompressed/));
  });
});

describe('LZ4', () => {
  const header = '04224d18 60 40 82';
  const end = '00000000';

  it.each([
    ['with content checksum', { contentChecksum: true }],
    ['with block checksums', { blockChecksums: true }],
    ['with both', { contentChecksum: true, blockChecksums: true }],
  ])('reads frames of larger blocks %s', async (_, options) => {
    const frame = lz4.compressFrameSync(text, options);
    expect((await decompress('lz4', frame)).equals(text)).toBe(true);
    await expect(decompress('lz4', frame, { maxOutput: text.length - 1 })).rejects.toThrow(corrupt(/raise maxOutput/));
    const damaged = Buffer.from(frame);
    damaged[damaged.length - 9]! ^= 1;
    await expect(decompress('lz4', damaged)).rejects.toThrow(corrupt(/./));
  });

  it('reads a content size, and holds the blocks against it', async () => {
    const withSize = (size: bigint): Buffer => {
      const descriptor = Buffer.concat([hex('68 40'), Buffer.alloc(8)]);
      descriptor.writeBigUInt64LE(size, 2);
      return Buffer.concat([hex('04224d18'), descriptor, Buffer.from([xxhash32(descriptor) >>> 8]), hex('02000080 6869'), hex(end)]);
    };
    expect(await decompress('lz4', withSize(2n))).toEqual(Buffer.from('hi'));
    await expect(decompress('lz4', withSize(3n))).rejects.toThrow(corrupt(/content size 3, but the blocks hold 2/));
    await expect(decompress('lz4', withSize(2n ** 64n - 1n))).rejects.toThrow(corrupt(/content size/));
  });

  it('takes the header checksum that Kafka computed over the magic too, and no other', async () => {
    const frame = (checksum: string): Buffer => hex(`04224d18 60 40 ${checksum} 02000080 6869 ${end}`);
    expect(await decompress('lz4', frame('82'))).toEqual(Buffer.from('hi'));
    expect(await decompress('lz4', frame('1a'))).toEqual(Buffer.from('hi'));
    await expect(decompress('lz4', frame('83'))).rejects.toThrow(corrupt(/cannot be decompressed/));
  });

  it.each<[string, string, RegExp]>([
    ['nothing', '', /no frame magic/],
    ['another magic', `05224d18 60 40 82 ${end}`, /no frame magic/],
    ['version 2', `04224d18 a0 40 82 ${end}`, /flags 0xa0/],
    ['a dictionary', `04224d18 61 40 82 00000000 ${end}`, /dictionary/],
    ['a block size of no meaning', `04224d18 60 30 82 ${end}`, /block descriptor/],
    ['no end mark', header, /ends before its end mark/],
    ['bytes behind the end mark', `${header} ${end} 00`, /but the frame ends at/],
    ['a stored block beyond the payload', `${header} 07000080 6869 ${end}`, /a block of 7 bytes/],
    ['a block larger than blocks may be', `${header} 01000180 ${'00'.repeat(65537)} ${end}`, /65536 allowed/],
    [
      'a block that grows beyond its size',
      `${header} 08010000 1f 61 0100 ${'ff'.repeat(258)} 00 00 ${end}`,
      /a block of 65810 bytes, 65536 allowed/,
    ],
    ['a block that ends in a match', `${header} 04000000 10 61 0100 ${end}`, /does not end with literals/],
    ['literals beyond their block', `${header} 02000000 f0 ff ${end}`, /does not end with literals/],
    ['a match from before the start', `${header} 06000000 10 61 0900 10 62 ${end}`, /cannot be decompressed/],
  ])('refuses %s', async (_, payload, message) => {
    await expect(decompress('lz4', hex(payload))).rejects.toThrow(corrupt(message));
  });

  it('measures a bomb without building it', async () => {
    // One literal, then a match of 19 + 255 · 255 bytes: 65,044 bytes from 263, in block after block.
    const block = Buffer.concat([hex('1f 61 0100'), Buffer.alloc(255, 0xff), hex('00 10 62')]);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    const bomb = Buffer.concat([hex(header), ...Array.from({ length: 10_000 }, () => Buffer.concat([size, block])), hex(end)]);
    await expect(decompress('lz4', bomb)).rejects.toThrow(corrupt(new RegExp(`more than the ${DEFAULT_MAX_OUTPUT_BYTES}`)));
    const two = Buffer.concat([hex(header), size, block, size, block, hex(end)]);
    expect(await decompress('lz4', two, { maxOutput: 2 * 65_046 })).toHaveLength(2 * 65_046);
    await expect(decompress('lz4', two, { maxOutput: 2 * 65_046 - 1 })).rejects.toThrow(corrupt(/130092/));
  });
});

describe('gzip', () => {
  it('stops a bomb at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    await expect(decompress('gzip', bomb, { maxOutput: 1_000_000 })).rejects.toThrow(corrupt(/more than the 1000000/));
  });

  it('refuses a wrong checksum', async () => {
    const damaged = gzipSync(text);
    damaged[damaged.length - 8]! ^= 1;
    await expect(decompress('gzip', damaged)).rejects.toThrow(corrupt(/incorrect data check/));
  });
});

describe('zstd', () => {
  const magic = '28b52ffd';
  const block = (last: boolean, type: 0 | 1 | 2 | 3, size: number): string => {
    const field = Buffer.alloc(3);
    field.writeUIntLE((size << 3) | (type << 1) | (last ? 1 : 0), 0, 3);
    return field.toString('hex');
  };
  /** No content size, window of 128 KiB. */
  const stream = `${magic} 00 38`;

  it('reads several frames and skips the skippable', async () => {
    const [a, b] = await Promise.all([zstd.compress(text), zstd.compress(noise)]);
    const skippable = hex('502a4d18 03000000 aabbcc');
    const joined = await decompress('zstd', Buffer.concat([a, skippable, b]));
    expect(joined.equals(Buffer.concat([text, noise]))).toBe(true);
  });

  it('reads frames that do not state their size, each compressed block counted as full', async () => {
    const frame = hex(`${stream} ${block(false, 1, 131072)} 61 ${block(false, 0, 2)} 6869 ${block(true, 1, 3)} 62`);
    expect(boundZstd(frame, 1e9)).toBe(131072 + 2 + 3);
    const plain = await decompress('zstd', frame);
    expect(plain).toHaveLength(131077);
    expect(plain.subarray(131071).toString()).toBe('ahibbb');
  });

  it('refuses a bomb that does not state its size from its block headers', async () => {
    const blocks = Array.from({ length: 5000 }, () => `${block(false, 1, 131072)} 61`).join('');
    const bomb = hex(`${stream} ${blocks} ${block(true, 0, 0)}`);
    await expect(decompress('zstd', bomb)).rejects.toThrow(corrupt(/more than the 134217728/));
  });

  /** The frame with a content size of four bytes put into its header. */
  const stating = (size: number, frame: Buffer): Buffer => {
    const stated = Buffer.concat([frame.subarray(0, 6), Buffer.alloc(4), frame.subarray(6)]);
    stated[4] = stated[4]! | 0x80;
    stated.writeUInt32LE(size, 6);
    return stated;
  };

  it('goes by the size a frame states', async () => {
    const frame = stating(text.length, await zstd.compress(text));
    expect((await decompress('zstd', frame, { maxOutput: text.length })).equals(text)).toBe(true);
    await expect(decompress('zstd', frame, { maxOutput: text.length - 1 })).rejects.toThrow(corrupt(/raise maxOutput/));
  });

  it('refuses a size that the blocks belie', async () => {
    const packed = await zstd.compress(Buffer.alloc(10_000_000, text.subarray(0, 97)));
    await expect(decompress('zstd', stating(1000, packed))).rejects.toThrow(corrupt(/cannot be decompressed/));
    await expect(decompress('zstd', stating(0xfffffff0, packed))).rejects.toThrow(corrupt(/content size 4294967280, but the blocks hold/));
    const repeated = hex(`${stream} ${block(true, 1, 5)} 61`);
    expect((await decompress('zstd', stating(5, repeated))).toString()).toBe('aaaaa');
    await expect(decompress('zstd', stating(4, repeated))).rejects.toThrow(corrupt(/content size 4, but the blocks hold 5 to 5/));
  });

  it.each<[string, string, RegExp]>([
    ['nothing at all but a few bytes', '28b52f', /inside a frame header/],
    ['another magic', '28b52ffc 00 38 010000', /no frame magic/],
    ['the reserved bit', `${magic} 08 38 ${block(true, 0, 0)}`, /reserved bit/],
    ['a dictionary', `${magic} 01 38 05 ${block(true, 0, 0)}`, /dictionary/],
    ['a header cut short', `${magic} c0 38 0000`, /inside a frame header/],
    ['no last block', `${stream} ${block(false, 1, 5)} 61`, /before its last block/],
    ['a block of reserved type', `${stream} ${block(true, 3, 1)} 00`, /type 3/],
    ['a block larger than the window', `${magic} 00 00 ${block(true, 1, 1025)} 61`, /1025 bytes, 1024 allowed/],
    ['a block beyond the payload', `${stream} ${block(true, 0, 5)} 61`, /beyond the payload/],
    ['a skippable frame beyond the payload', '502a4d18 ffffffff 00', /beyond the payload/],
    ['no checksum where one is announced', `${magic} 04 38 ${block(true, 0, 0)} 00`, /inside a checksum/],
    ['a size of 2^64 − 1', `${magic} e0 ffffffffffffffff ${block(true, 1, 1)} 61`, /content size/],
    ['garbage in a compressed block', `${stream} ${block(true, 2, 4)} ffffffff`, /cannot be decompressed/],
  ])('refuses %s', async (_, payload, message) => {
    await expect(decompress('zstd', hex(payload))).rejects.toThrow(corrupt(message));
  });
});
