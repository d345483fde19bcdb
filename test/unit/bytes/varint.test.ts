/** Zig-zag varints: known encodings, round trips over the whole range, sizes, and encodings that cannot be meant. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/bytes/malformed.ts';
import { Reader } from '../../../src/bytes/reader.ts';
import { readVarint, readVarlong, varintSize, varlongSize, writeVarint, writeVarlong } from '../../../src/bytes/varint.ts';

const reader = (hex: string): Reader => new Reader(Buffer.from(hex, 'hex'));
const written = (write: (buffer: Buffer) => number): string => {
  const buffer = Buffer.alloc(10);
  return buffer.subarray(0, write(buffer)).toString('hex');
};

/** The same encodings as in the tests of Kafka's ByteUtils. */
const known: readonly [value: number, hex: string][] = [
  [0, '00'],
  [-1, '01'],
  [1, '02'],
  [63, '7e'],
  [-64, '7f'],
  [64, '8001'],
  [-65, '8101'],
  [8191, 'fe7f'],
  [-8192, 'ff7f'],
  [8192, '808001'],
  [2_147_483_647, 'feffffff0f'],
  [-2_147_483_648, 'ffffffff0f'],
];
const knownLong: readonly [value: bigint, hex: string][] = [
  ...known.map(([value, hex]): [bigint, string] => [BigInt(value), hex]),
  [2n ** 31n, '8080808010'],
  [-(2n ** 31n) - 1n, '8180808010'],
  [17_179_869_184n, '808080808001'],
  [2n ** 63n - 1n, 'feffffffffffffffff01'],
  [-(2n ** 63n), 'ffffffffffffffffff01'],
];

describe('varints of 32 bits', () => {
  it.each(known)('%i is %s', (value, hex) => {
    expect(written((buffer) => writeVarint(buffer, 0, value))).toBe(hex);
    expect(readVarint(reader(hex))).toBe(value);
    expect(varintSize(value)).toBe(hex.length / 2);
  });

  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const hex = written((buffer) => writeVarint(buffer, 0, value));
        expect(readVarint(reader(hex))).toBe(value);
        expect(varintSize(value)).toBe(hex.length / 2);
      }),
    );
  });

  it('may be over-long, as Kafka takes them', () => {
    expect(readVarint(reader('fe00'))).toBe(63);
  });

  it.each(['', '80', 'ffffffff', 'ffffffff1f', '808080808001'])('refuse %s', (hex) => {
    expect(() => readVarint(reader(hex))).toThrow(MalformedError);
  });

  it.each([2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN])('cannot hold %d', (value) => {
    expect(() => writeVarint(Buffer.alloc(10), 0, value)).toThrow(/is not an int32/);
  });
});

describe('varints of 64 bits', () => {
  it.each(knownLong)('%i is %s', (value, hex) => {
    expect(written((buffer) => writeVarlong(buffer, 0, value))).toBe(hex);
    expect(readVarlong(reader(hex))).toBe(value);
    expect(varlongSize(value)).toBe(hex.length / 2);
  });

  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const hex = written((buffer) => writeVarlong(buffer, 0, value));
        expect(readVarlong(reader(hex))).toBe(value);
        expect(varlongSize(value)).toBe(hex.length / 2);
      }),
    );
  });

  it.each(['', '80', 'ffffffffffffffffff', 'ffffffffffffffffff03', 'ffffffffffffffffff7f', '8080808080808080808000'])(
    'refuse %s',
    (hex) => {
      expect(() => readVarlong(reader(hex))).toThrow(MalformedError);
    },
  );

  it.each([2n ** 63n, -(2n ** 63n) - 1n])('cannot hold %i', (value) => {
    expect(() => writeVarlong(Buffer.alloc(10), 0, value)).toThrow(/is not an int64/);
  });
});
