/** CRC-32C and xxHash32 against published vectors. */
import { describe, expect, it } from 'vitest';
import { crc32c, crc32cShift } from '../../../src/codec/crc32c.ts';
import { xxhash32 } from '../../../src/codec/xxhash32.ts';

describe('CRC-32C', () => {
  const ascending = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  it.each([
    ['the check value', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros (RFC 3720 B.4)', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones (RFC 3720 B.4)', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['ascending (RFC 3720 B.4)', ascending, 0x46dd794e],
    ['descending (RFC 3720 B.4)', Buffer.from(ascending).reverse(), 0x113fdb5c],
    ['nothing', Buffer.alloc(0), 0],
  ])('%s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('goes on over linked parts', () => {
    expect(crc32c(Buffer.from('56789'), crc32c(Buffer.from('1234')))).toBe(0xe3069283);
  });

  it('shifts over as many bytes as an int32 length can say', () => {
    // The order of x modulo the Castagnoli polynomial is 2^31 − 1, so a shift over that many bytes is none at all.
    const remainder = 0x1234abcd;
    expect(crc32cShift(remainder, 0x7fffffff)).toBe(remainder);
    expect(crc32cShift(remainder, 0)).toBe(remainder);
  });
});

describe('xxHash32', () => {
  it.each([
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
  ])('of "%s"', (text, expected) => {
    expect(xxhash32(Buffer.from(text))).toBe(expected);
  });

  it('gives the checksum every LZ4 frame of the Java client carries', () => {
    expect((xxhash32(Buffer.from([0x60, 0x40])) >>> 8) & 0xff).toBe(0x82);
  });
});
