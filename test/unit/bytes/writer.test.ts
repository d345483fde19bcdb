/** Writing primitives: what does not fit its type is refused, small buffers are copied, large ones linked, and chunks keep their order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/bytes/malformed.ts';
import { Reader } from '../../../src/bytes/reader.ts';
import { Writer } from '../../../src/bytes/writer.ts';

type Write = (writer: Writer) => void;
const hex = (write: Write): string => {
  const writer = new Writer(16);
  write(writer);
  return Buffer.concat(writer.finish()).toString('hex');
};

const good: readonly [name: string, write: Write, bytes: string][] = [
  ['bool', (w) => w.bool(true), '01'],
  ['int8', (w) => w.int8(-128), '80'],
  ['int16', (w) => w.int16(-2), 'fffe'],
  ['uint16', (w) => w.uint16(65_535), 'ffff'],
  ['int32', (w) => w.int32(-2_147_483_648), '80000000'],
  ['uint32', (w) => w.uint32(4_294_967_295), 'ffffffff'],
  ['int64', (w) => w.int64(-(2n ** 63n)), '8000000000000000'],
  ['float64', (w) => w.float64(1.5), '3ff8000000000000'],
  ['uuid', (w) => w.uuid('AAECAwQFBgcICQoLDA0ODw'), '000102030405060708090a0b0c0d0e0f'],
  ['uvarint of one byte', (w) => w.uvarint(127), '7f'],
  ['uvarint of two bytes', (w) => w.uvarint(128), '8001'],
  ['uvarint of three bytes', (w) => w.uvarint(0x4000), '808001'],
  ['uvarint of four bytes', (w) => w.uvarint(0x20_0000), '80808001'],
  ['uvarint of five bytes', (w) => w.uvarint(4_294_967_295), 'ffffffff0f'],
  ['string', (w) => w.string('aé'), '000361c3a9'],
  ['null string', (w) => w.nullableString(null), 'ffff'],
  ['compact string', (w) => w.compactString('aé'), '0461c3a9'],
  ['null compact string', (w) => w.compactNullableString(null), '00'],
  ['a character of four bytes', (w) => w.string('😀'), '0004f09f9880'],
  ['bytes', (w) => w.bytes(Buffer.from([1, 2])), '000000020102'],
  ['null bytes', (w) => w.nullableBytes(null), 'ffffffff'],
  ['compact bytes', (w) => w.compactBytes(Buffer.from([1, 2])), '030102'],
  ['null compact bytes', (w) => w.compactNullableBytes(null), '00'],
  ['array length', (w) => w.arrayLength(2), '00000002'],
  ['null array', (w) => w.arrayLength(-1), 'ffffffff'],
  ['compact array length', (w) => w.compactArrayLength(2), '03'],
  ['null compact array', (w) => w.compactArrayLength(-1), '00'],
];

const refused: readonly [name: string, write: Write, message: RegExp][] = [
  ['int8 above its range', (w) => w.int8(128), /128 is not an int8/],
  ['int8 below its range', (w) => w.int8(-129), /-129 is not an int8/],
  ['int16 above its range', (w) => w.int16(32_768), /32768 is not an int16/],
  ['uint16 below zero', (w) => w.uint16(-1), /-1 is not an uint16/],
  ['int32 above its range', (w) => w.int32(2 ** 31), /2147483648 is not an int32/],
  ['int32 with a fraction', (w) => w.int32(0.5), /0\.5 is not an int32/],
  ['int32 that is not a number', (w) => w.int32(Number.NaN), /NaN is not an int32/],
  ['uint32 above its range', (w) => w.uint32(2 ** 32), /4294967296 is not an uint32/],
  ['int64 above its range', (w) => w.int64(2n ** 63n), /9223372036854775808 is not an int64/],
  ['int64 given as a number', (w) => w.int64(1 as unknown as bigint), /1 is not a bigint/],
  ['uvarint below zero', (w) => w.uvarint(-1), /-1 is not an unsigned varint/],
  ['uvarint above its range', (w) => w.uvarint(2 ** 32), /4294967296 is not an unsigned varint/],
  ['uuid too short', (w) => w.uuid('AAECAwQFBgcICQoLDA0OD'), /is not a uuid/],
  ['uuid with a foreign character', (w) => w.uuid('AAECAwQFBgcICQoLDA0O.w'), /is not a uuid/],
  ['uuid in the other notation', (w) => w.uuid('00010203-0405-0607-0809-0a0b0c0d0e0f'), /is not a uuid/],
  ['string too long for Kafka', (w) => w.string('a'.repeat(32_768)), /string of 32768 bytes is longer than 32767/],
  ['compact string too long for Kafka', (w) => w.compactString('é'.repeat(16_384)), /string of 32768 bytes is longer than 32767/],
  ['half a surrogate pair', (w) => w.string('a\ud83d'), /half a surrogate pair/],
  ['null where a string must be', (w) => w.string(null as unknown as string), /null is not a string/],
  ['a string where bytes must be', (w) => w.bytes('text' as unknown as Buffer), /text is not a Buffer/],
  ['null where bytes must be', (w) => w.compactBytes(null as unknown as Buffer), /null is not a Buffer/],
];

describe('a writer', () => {
  it.each(good)('writes %s', (_, write, bytes) => {
    expect(hex(write)).toBe(bytes);
  });

  it.each(refused)('refuses %s', (_, write, message) => {
    expect(() => hex(write)).toThrow(MalformedError);
    expect(() => hex(write)).toThrow(message);
  });

  it('links large buffers and copies small ones', () => {
    const large = Buffer.alloc(1024, 1);
    const small = Buffer.alloc(1023, 2);
    const writer = new Writer();
    writer.int8(7);
    writer.raw(large);
    writer.raw(small);
    const chunks = writer.finish();
    expect(chunks.map((chunk) => chunk.length)).toEqual([1, 1024, 1023]);
    expect(chunks[1]).toBe(large);
    expect(chunks[2]?.buffer).not.toBe(small.buffer);
  });

  it('keeps order, size and every byte, whatever is written into chunks of whatever size', () => {
    const step = fc.oneof(
      fc.integer().map((value) => ({ write: (w: Writer) => w.int32(value), read: (r: Reader) => [r.int32(), value] })),
      fc.nat().map((value) => ({ write: (w: Writer) => w.uvarint(value), read: (r: Reader) => [r.uvarint(), value] })),
      fc
        .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
        .map((value) => ({ write: (w: Writer) => w.int64(value), read: (r: Reader) => [r.int64(), value] })),
      fc
        .string({ unit: 'grapheme' })
        .map((value) => ({ write: (w: Writer) => w.compactString(value), read: (r: Reader) => [r.compactString(), value] })),
      fc.integer({ min: 0, max: 3_000 }).map((size) => {
        const value = Buffer.alloc(size, size);
        return { write: (w: Writer) => w.bytes(value), read: (r: Reader) => [r.bytes(), value] };
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 600 }), (steps, capacity) => {
        const writer = new Writer(capacity);
        for (const { write } of steps) write(writer);
        const size = writer.size;
        const bytes = Buffer.concat(writer.finish());
        expect(bytes.length).toBe(size);
        const reader = new Reader(bytes);
        for (const { read } of steps) {
          const [got, expected] = read(reader);
          expect(got).toEqual(expected);
        }
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it('keeps to its own memory, however many write at the same time', () => {
    const writers = Array.from({ length: 600 }, (_, i) => ({ i, writer: new Writer(256) }));
    for (let round = 0; round < 10; round++) for (const { i, writer } of writers) writer.bytes(Buffer.alloc(90, i % 251));
    for (const { i, writer } of writers) {
      const reader = new Reader(Buffer.concat(writer.finish()));
      for (let round = 0; round < 10; round++) expect(reader.bytes()).toEqual(Buffer.alloc(90, i % 251));
      expect(reader.remaining).toBe(0);
    }
  });

  it('takes more than a slab at once', () => {
    const writer = new Writer(16);
    const long = 'é'.repeat(16_000);
    for (let i = 0; i < 3; i++) writer.string(long);
    const big = new Writer(100_000);
    big.int32(7);
    const reader = new Reader(Buffer.concat(writer.finish()));
    for (let i = 0; i < 3; i++) expect(reader.string()).toBe(long);
    expect(Buffer.concat(big.finish()).toString('hex')).toBe('00000007');
  });

  it('goes on after its chunks were taken', () => {
    const writer = new Writer();
    writer.int8(1);
    writer.finish();
    writer.int8(2);
    expect(Buffer.concat(writer.finish()).toString('hex')).toBe('0102');
    expect(writer.size).toBe(2);
  });
});
