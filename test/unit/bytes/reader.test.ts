/** Every primitive against hostile bytes: what is refused, with which words, and what is taken although it is odd. */
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/bytes/malformed.ts';
import { Reader } from '../../../src/bytes/reader.ts';

type Read = (reader: Reader) => unknown;
const hex = (bytes: string): Buffer => Buffer.from(bytes.replaceAll(' ', ''), 'hex');

const fixed: readonly [name: string, size: number, read: Read][] = [
  ['bool', 1, (r) => r.bool()],
  ['int8', 1, (r) => r.int8()],
  ['int16', 2, (r) => r.int16()],
  ['uint16', 2, (r) => r.uint16()],
  ['int32', 4, (r) => r.int32()],
  ['uint32', 4, (r) => r.uint32()],
  ['int64', 8, (r) => r.int64()],
  ['float64', 8, (r) => r.float64()],
  ['uuid', 16, (r) => r.uuid()],
];

const text = 'a\u00e9'; // 3 bytes of UTF-8
const good: readonly [name: string, bytes: string, read: Read, value: unknown][] = [
  ['bool', '00', (r) => r.bool(), false],
  ['bool, any byte but 0', '80', (r) => r.bool(), true],
  ['int8', '80', (r) => r.int8(), -128],
  ['int16', '8000', (r) => r.int16(), -32_768],
  ['uint16', 'ffff', (r) => r.uint16(), 65_535],
  ['int32', '80000000', (r) => r.int32(), -2_147_483_648],
  ['uint32', 'ffffffff', (r) => r.uint32(), 4_294_967_295],
  ['int64', '8000000000000000', (r) => r.int64(), -(2n ** 63n)],
  ['float64', '3ff8000000000000', (r) => r.float64(), 1.5],
  ['uuid, as Kafka prints it', '000102030405060708090a0b0c0d0e0f', (r) => r.uuid(), 'AAECAwQFBgcICQoLDA0ODw'],
  ['uvarint of one byte', '7f', (r) => r.uvarint(), 127],
  ['uvarint of two bytes', '8001', (r) => r.uvarint(), 128],
  ['uvarint, the largest', 'ffffffff0f', (r) => r.uvarint(), 4_294_967_295],
  ['uvarint, over-long as Kafka takes it', '8000', (r) => r.uvarint(), 0],
  ['uvarint, over-long at full length', 'ff80808000', (r) => r.uvarint(), 127],
  ['string', '0003 61c3a9', (r) => r.string(), text],
  ['string, empty', '0000', (r) => r.string(), ''],
  ['nullable string, null', 'ffff', (r) => r.nullableString(), null],
  ['compact string', '04 61c3a9', (r) => r.compactString(), text],
  ['compact nullable string, null', '00', (r) => r.compactNullableString(), null],
  ['string that is no UTF-8, read as Kafka reads it', '0002 61ff', (r) => r.string(), 'a\uFFFD'],
  ['bytes', '00000002 0102', (r) => r.bytes(), hex('0102')],
  ['nullable bytes, null', 'ffffffff', (r) => r.nullableBytes(), null],
  ['compact bytes', '03 0102', (r) => r.compactBytes(), hex('0102')],
  ['compact nullable bytes, null', '00', (r) => r.compactNullableBytes(), null],
  ['array length', '00000002 0000', (r) => r.arrayLength(1), 2],
  ['array length, null', 'ffffffff', (r) => r.arrayLength(1), -1],
  ['compact array length', '03 0000', (r) => r.compactArrayLength(1), 2],
  ['compact array length, null', '00', (r) => r.compactArrayLength(1), -1],
];

const hostile: readonly [name: string, bytes: string, read: Read, message: RegExp][] = [
  ['uvarint without an end', 'ff', (r) => r.uvarint(), /needs 1 more bytes, but only 0 are left at byte 1/],
  ['uvarint of 6 bytes', '808080808000', (r) => r.uvarint(), /wider than 32 bits at byte 5/],
  ['uvarint of 33 bits', 'ffffffff1f', (r) => r.uvarint(), /wider than 32 bits at byte 5/],
  ['uvarint of 35 bits', 'ffffffff7f', (r) => r.uvarint(), /wider than 32 bits/],
  ['null string', 'ffff', (r) => r.string(), /null string where none is allowed/],
  ['null compact string', '00', (r) => r.compactString(), /null string where none is allowed/],
  ['string of length -2', 'fffe', (r) => r.string(), /string length -2 is negative/],
  ['nullable string of length -2', 'fffe', (r) => r.nullableString(), /string length -2 is negative/],
  ['string longer than the frame', '7fff 61', (r) => r.string(), /needs 32767 more bytes, but only 1 are left/],
  ['compact string longer than the frame', 'ffff01 61', (r) => r.compactString(), /needs 32766 more bytes, but only 1 are left/],
  ['compact string longer than Kafka allows', `818002${'61'.repeat(32_768)}`, (r) => r.compactString(), /32768 bytes is longer than 32767/],
  ['compact string of 4 GiB', 'ffffffff0f 61', (r) => r.compactString(), /4294967294 bytes is longer/],
  ['null bytes', 'ffffffff', (r) => r.bytes(), /null bytes where none is allowed/],
  ['null compact bytes', '00', (r) => r.compactBytes(), /null bytes where none is allowed/],
  ['bytes of length -2', 'fffffffe', (r) => r.nullableBytes(), /bytes length -2 is negative/],
  ['bytes of 2 GiB', '7fffffff 00', (r) => r.bytes(), /needs 2147483647 more bytes, but only 1 are left/],
  ['compact bytes of 4 GiB', 'ffffffff0f 00', (r) => r.compactNullableBytes(), /needs 4294967294 more bytes, but only 1 are left/],
  ['array length -2', 'fffffffe', (r) => r.arrayLength(1), /array length -2 is negative/],
  ['array of 2 billion', '7fffffff 00', (r) => r.arrayLength(1), /array of 2147483647 elements cannot fit in the 1 bytes left/],
  ['compact array of 4 billion', 'ffffffff0f 00', (r) => r.compactArrayLength(1), /array of 4294967294 elements cannot fit/],
  [
    'array whose elements cannot fit',
    '00000002 00000000000000',
    (r) => r.arrayLength(4),
    /array of 2 elements cannot fit in the 7 bytes left/,
  ],
];

describe('a reader', () => {
  it.each(good)('reads %s', (_, bytes, read, value) => {
    expect(read(new Reader(hex(bytes)))).toEqual(value);
  });

  it.each(hostile)('refuses %s', (_, bytes, read, message) => {
    expect(() => read(new Reader(hex(bytes)))).toThrow(MalformedError);
    expect(() => read(new Reader(hex(bytes)))).toThrow(message);
  });

  it.each(fixed)('refuses %s when one of its bytes is missing, and stays where it was', (_, size, read) => {
    const reader = new Reader(Buffer.alloc(size - 1));
    expect(() => read(reader)).toThrow(new RegExp(`needs ${size} more bytes, but only ${size - 1} are left at byte 0`));
    expect(reader.pos).toBe(0);
  });

  it.each(fixed)('reads %s up to the end and no further', (_, size, read) => {
    const reader = new Reader(Buffer.alloc(size + 1), 0, size);
    read(reader);
    expect(reader.remaining).toBe(0);
    expect(() => read(reader)).toThrow(MalformedError);
  });

  it('reads inside a larger buffer, with offsets of its own', () => {
    const slab = hex('ffff 00000007 ffff');
    const reader = new Reader(slab.subarray(2, 6));
    expect(reader.int32()).toBe(7);
    expect(() => reader.int8()).toThrow(/at byte 4/);
  });

  it('hands out views, not copies', () => {
    const frame = hex('00000002 0102');
    const view = new Reader(frame).bytes();
    expect(view.buffer).toBe(frame.buffer);
    frame[4] = 9;
    expect(view[0]).toBe(9);
  });
});
