/** The compiler's rules on small structs: presence, defaults, nulls, tags, bounds, and errors that say where. */
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/bytes/malformed.ts';
import { Reader } from '../../../src/bytes/reader.ts';
import { Writer } from '../../../src/bytes/writer.ts';
import { compile } from '../../../src/protocol/compile.ts';
import {
  array,
  bool,
  bytes,
  type Fields,
  float64,
  int8,
  int16,
  int32,
  int64,
  records,
  string,
  struct,
  uint16,
  uint32,
  uuid,
} from '../../../src/protocol/schema.ts';
import { type UnknownTags, unknownTags } from '../../../src/protocol/tags.ts';

interface Of {
  readonly version?: number;
  readonly flexible?: boolean;
  readonly unknown?: UnknownTags;
}
const codec = (fields: Fields, { version = 0, flexible = false, unknown = 'skip' }: Of = {}) =>
  compile(fields, { version, flexible, unknown, subject: `Test v${version}` });
const encode = (fields: Fields, value: object, of?: Of): string => {
  const writer = new Writer();
  codec(fields, of).encode(writer, value);
  return Buffer.concat(writer.finish()).toString('hex');
};
const decode = (fields: Fields, hex: string, of?: Of): unknown =>
  codec(fields, of).decode(new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex')));

describe('every type', () => {
  const fields = {
    a: bool(),
    b: int8(),
    c: int16(),
    d: uint16(),
    e: int32(),
    f: uint32(),
    g: int64(),
    h: float64(),
    i: uuid(),
    j: string(),
    k: bytes(),
    l: records(),
    m: array(int8()),
    n: struct({ o: int8() }),
  };
  const value = {
    a: true,
    b: -1,
    c: -2,
    d: 65_535,
    e: -3,
    f: 4_294_967_295,
    g: -4n,
    h: 0.5,
    i: 'AAECAwQFBgcICQoLDA0ODw',
    j: 'é',
    k: Buffer.from([1]),
    l: Buffer.from([2]),
    m: [5],
    n: { o: 6 },
  };
  const head = '01 ff fffe ffff fffffffd ffffffff fffffffffffffffc 3fe0000000000000 000102030405060708090a0b0c0d0e0f';

  it('has its plain form', () => {
    const hex = `${head} 0002c3a9 0000000101 0000000102 0000000105 06`;
    expect(encode(fields, value)).toBe(hex.replaceAll(' ', ''));
    expect(decode(fields, hex)).toEqual(value);
  });

  it('has its compact form, with a tag section behind every struct', () => {
    const hex = `${head} 03c3a9 0201 0202 0205 0600 00`;
    expect(encode(fields, value, { flexible: true })).toBe(hex.replaceAll(' ', ''));
    expect(decode(fields, hex, { flexible: true })).toEqual(value);
  });
});

describe('presence', () => {
  const fields = { always: int8(), early: int8('0-1').ignorable(), late: int8('2+').default(7), only: string('3') };

  it('follows the versions, in the order of the fields', () => {
    const value = { always: 1, early: 2, late: 3 };
    expect(encode(fields, { always: 1, early: 2 }, { version: 1 })).toBe('0102');
    expect(encode(fields, value, { version: 2 })).toBe('0103');
    expect(encode(fields, { ...value, only: 'x' }, { version: 3 })).toBe('0103000178');
  });

  it('gives absent fields their default, and every version the same keys in the same order', () => {
    const values = [decode(fields, '0102', { version: 1 }), decode(fields, '0103', { version: 2 })];
    expect(values).toEqual([
      { always: 1, early: 2, late: 7, only: '' },
      { always: 1, early: 0, late: 3, only: '' },
    ]);
    for (const value of values) expect(Object.keys(value as object)).toEqual(['always', 'early', 'late', 'only']);
  });

  it('writes the default of a field that is left out', () => {
    expect(encode(fields, { always: 1 }, { version: 2 })).toBe('0107');
  });

  it('drops an ignorable field, and takes the default of any other', () => {
    expect(encode(fields, { always: 1, early: 9, late: 7, only: '' }, { version: 2 })).toBe('0107');
  });

  it('refuses a value that the version cannot carry, by name', () => {
    const nested = { topics: array({ note: string('1+') }) };
    expect(() => encode(fields, { always: 1, late: 3 }, { version: 0 })).toThrow(/Test v0 has no field late: leave it out/);
    expect(() => encode(nested, { topics: [{ note: 'x' }] })).toThrow(expect.objectContaining({ code: 'KLINK_VERSION' }));
    expect(() => encode(nested, { topics: [{ note: 'x' }] })).toThrow(/Test v0 has no field topics\[\]\.note/);
  });

  it('refuses to write without a required field', () => {
    expect(() => encode(fields, {}, { version: 0 })).toThrow(/^always: is required$/);
    expect(() => encode(fields, { always: undefined })).toThrow(MalformedError);
  });
});

describe('null', () => {
  const fields = {
    text: string().nullable('1+'),
    list: array(int8()).nullable('1+'),
    inner: struct({ a: int8() }).nullable('1+').default(null),
  };
  const nothing = { text: null, list: null, inner: null };

  it('is written and read where a version allows it', () => {
    expect(encode(fields, nothing, { version: 1 })).toBe('ffffffffffffff');
    expect(decode(fields, 'ffffffffffffff', { version: 1 })).toEqual(nothing);
    expect(encode(fields, nothing, { version: 1, flexible: true })).toBe('0000ff00');
    expect(decode(fields, '0000ff00', { version: 1, flexible: true })).toEqual(nothing);
    expect(encode(fields, { ...nothing, inner: { a: 5 } }, { version: 1 })).toBe('ffffffffffff0105');
  });

  it('is refused elsewhere', () => {
    expect(() => encode(fields, nothing)).toThrow(/^text: null is not a string$/);
    expect(() => encode(fields, { ...nothing, text: '' })).toThrow(/^list: null array where none is allowed$/);
    expect(() => encode(fields, { ...nothing, text: '', list: [] })).toThrow(/^inner: null is not a struct$/);
    expect(() => decode(fields, 'ffff')).toThrow(/^text: null string where none is allowed/);
    expect(() => decode(fields, '0000 ffffffff')).toThrow(/^list: null array where none is allowed/);
  });

  it('of a struct is marked by -1, and a struct by 1', () => {
    expect(() => decode(fields, 'ffff ffffffff 02', { version: 1 })).toThrow(/^inner: mark 2 before a nullable struct/);
  });
});

describe('wrong shapes', () => {
  it.each([
    [{ list: array(int8()) }, { list: 'text' }, /^list: text is not an array$/],
    [{ list: array(int8()) }, { list: { length: 3 } }, /is not an array$/],
    [{ inner: struct({ a: int8() }) }, { inner: 5 }, /^inner: 5 is not a struct$/],
    [{ list: array({ a: int8() }) }, { list: [{ a: 1 }, { a: 300 }] }, /^list\[1\]\.a: 300 is not an int8$/],
  ])('%# are refused, with the path', (fields, value, message) => {
    expect(() => encode(fields, value)).toThrow(MalformedError);
    expect(() => encode(fields, value)).toThrow(message);
  });
});

describe('errors of decoding', () => {
  it('carry path, byte offset and reason', () => {
    const fields = { topics: array({ name: string(), partitions: array({ index: int32() }) }) };
    const error = (() => {
      try {
        return decode(fields, '00000001 0001 74 00000002 00000000 000000');
      } catch (caught) {
        return caught;
      }
    })() as MalformedError;
    expect(error).toBeInstanceOf(MalformedError);
    expect(error).toMatchObject({ code: 'KLINK_MALFORMED', retriable: false, path: 'topics[0].partitions', offset: 11 });
    expect(error.message).toBe('topics[0].partitions: array of 2 elements cannot fit in the 7 bytes left at byte 11');
  });

  it('do not allocate for what a count claims', () => {
    // 48 MiB of zeros behind a count of 33 million strings: the first is null, and that is the end of it.
    const frame = Buffer.alloc(48 << 20);
    frame.write('ffffff0f', 'hex');
    const before = process.memoryUsage();
    expect(() => codec({ names: array(string()) }, { flexible: true }).decode(new Reader(frame))).toThrow(/^names\[0\]: null string/);
    const after = process.memoryUsage();
    expect(after.heapUsed - before.heapUsed).toBeLessThan(8 << 20);
  });

  it('appends the elements beyond the allocated ones', () => {
    const items = Array.from({ length: 10_000 }, (_, i) => i % 100);
    const fields = { list: array(int8()) };
    expect(decode(fields, encode(fields, { list: items }))).toEqual({ list: items });
  });
});

describe('tags', () => {
  const flexible = { flexible: true };
  const fields = {
    a: int8(),
    late: string('1+').tag(1),
    first: int32('0+').default(-1).tag(0),
    inner: struct('0+', { x: int8().default(0), y: array('0+', int8()) }).tag(5),
  };

  it('are written in rising order, and only when they differ from their default', () => {
    expect(encode(fields, { a: 1, first: 2, inner: { x: 3 } }, flexible)).toBe('01 02 00 04 00000002 05 03 03 01 00'.replaceAll(' ', ''));
    expect(encode(fields, { a: 1, late: 'z', first: 2 }, { version: 1, ...flexible })).toBe(
      '01 02 00 04 00000002 01 02 027a'.replaceAll(' ', ''),
    );
    expect(encode(fields, { a: 1, first: -1, inner: { x: 0, y: [] } }, flexible)).toBe('0100');
    expect(encode(fields, { a: 1 }, flexible)).toBe('0100');
  });

  it('are read into their fields, whatever their place in the description', () => {
    expect(decode(fields, '01 02 00 04 00000002 01 02 027a', { version: 1, ...flexible })).toEqual({
      a: 1,
      late: 'z',
      first: 2,
      inner: { x: 0, y: [] },
    });
  });

  it('cannot be carried by versions without a tag section', () => {
    expect(encode(fields, { a: 1, first: -1 })).toBe('01');
    expect(() => encode(fields, { a: 1, first: 2 })).toThrow(/has no field first/);
    expect(() => encode(fields, { a: 1, [unknownTags]: [] })).toThrow(/has no tagged fields/);
  });

  it.each([
    ['falling tags', '01 02 05 03 000100 00 04 00000002', /tag 0 after tag 5: tags must rise/],
    ['a tag twice', '01 02 00 04 00000002 00 04 00000002', /tag 0 after tag 0/],
    ['a tag larger than the frame', '01 01 00 7f 00000002', /needs 127 more bytes, but only 4 are left/],
    ['a tag larger than its field', '01 01 00 05 0000000200', /^first: 1 bytes of the tag are left over/],
    ['a tag smaller than its field', '01 01 00 03 00000002', /^first: needs 4 more bytes, but only 3 are left/],
    ['a field that reads beyond its tag', '01 01 05 02 01 7f', /^inner\.y: array of 126 elements cannot fit in the 0 bytes left/],
    ['an unknown tag larger than the frame', '01 01 09 7f 00', /needs 127 more bytes/],
    ['more tags than bytes', '01 ffffffff0f', /needs 1 more bytes/],
    [
      'thousands of unknown tags',
      `01 ac02 ${Array.from({ length: 300 }, (_, i) => `${tagHex(i + 10)}00`).join('')}`,
      /more than 256 unknown tags/,
    ],
  ])('refuse %s', (_, hex, message) => {
    expect(() => decode(fields, hex, flexible)).toThrow(MalformedError);
    expect(() => decode(fields, hex, flexible)).toThrow(message);
  });

  it('that are unknown are skipped, or kept as views and written again', () => {
    const hex = '01 03 00 04 00000002 09 02 abcd 7f 00'.replaceAll(' ', '');
    const known = { a: 1, late: '', first: 2, inner: { x: 0, y: [] } };
    expect(decode(fields, hex, flexible)).toEqual(known);
    const kept = decode(fields, hex, { ...flexible, unknown: 'keep' }) as object;
    expect(kept).toEqual({
      ...known,
      [unknownTags]: [
        { tag: 9, bytes: Buffer.from('abcd', 'hex') },
        { tag: 127, bytes: Buffer.alloc(0) },
      ],
    });
    expect(encode(fields, kept, flexible)).toBe(hex);
  });

  it('that are unknown inside a tagged struct keep that struct', () => {
    const hex = '01 01 05 05 00 01 01 09 00'.replaceAll(' ', '');
    const kept = decode(fields, hex, { ...flexible, unknown: 'keep' }) as object;
    expect(encode(fields, kept, flexible)).toBe(hex);
  });

  it('cannot be given both as known and as unknown', () => {
    expect(() => encode(fields, { a: 1, first: 2, [unknownTags]: [{ tag: 0, bytes: Buffer.alloc(4) }] }, flexible)).toThrow(
      /tag 0 is given twice/,
    );
  });
});

describe('shared defaults', () => {
  it('cannot be changed by who reads them', () => {
    const fields = { list: array('1+', int8()), inner: struct('1+', { a: int8() }) };
    const value = decode(fields, '') as { list: number[]; inner: { a: number } };
    expect(() => value.list.push(1)).toThrow(TypeError);
    expect(() => {
      value.inner.a = 1;
    }).toThrow(TypeError);
  });
});

function tagHex(tag: number): string {
  return tag < 128 ? tag.toString(16).padStart(2, '0') : `${((tag & 0x7f) | 0x80).toString(16)}0${tag >> 7}`;
}
