/** Turns the description of a struct into closures for one version: every version question is answered once, here. */
import { MalformedError } from '../bytes/malformed.ts';
import type { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import { LinkError } from '../errors.ts';
import { type AnyField, covers, type Decoded, type Encodable, type Fields, type Scalar, ZERO_UUID } from './schema.ts';

// biome-ignore-start lint/suspicious/noExplicitAny: the compiled closures are typed once, by `compile`
type Decode = (reader: Reader) => any;
type Encode = (writer: Writer, value: any) => void;

/** Both directions of one struct in one version. */
export interface Codec<Out = any, In = any> {
  readonly decode: (reader: Reader) => Out;
  readonly encode: (writer: Writer, value: In) => void;
  /** The least number of bytes a value takes: what makes an array length believable. */
  readonly minimumSize: number;
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above

/** What to do with tags that the description does not know: `skip` them, or `keep` them under {@link unknownTags} so that they are written again. */
export type UnknownTags = 'skip' | 'keep';

/** Key under which a decoded struct keeps the tags it does not know, in rising order. */
export const unknownTags: unique symbol = Symbol('unknown tags');
export interface UnknownTag {
  readonly tag: number;
  readonly bytes: Buffer;
}

/** More unknown tags than this in one struct are not a newer broker's, but nonsense. */
const MAX_UNKNOWN_TAGS = 256;

/** What a struct is compiled for. */
export interface Target {
  readonly version: number;
  readonly flexible: boolean;
  readonly unknown: UnknownTags;
  /** Names the message in errors, as in `Fetch request v12`. */
  readonly subject: string;
}

/** Compiles `fields` for one version. Cache the result: compiling is slow, using it is fast. */
export const compile = <const F extends Fields>(fields: F, target: Target): Codec<Decoded<F>, Encodable<F>> =>
  structCodec(fields, target, '');

const codecOf = (field: AnyField, target: Target, path: string): Codec => {
  const { wire, of, fields, nullable } = field.spec;
  const maybeNull = nullable !== undefined && covers(nullable, target.version);
  if (wire === 'array') return arrayCodec(codecOf(of as AnyField, target, `${path}[]`), target.flexible, maybeNull);
  if (wire === 'struct') {
    const codec = structCodec(fields as Fields, target, `${path}.`);
    return maybeNull ? nullableCodec(codec) : codec;
  }
  return (target.flexible ? compactCodecs : plainCodecs)[maybeNull ? 'nullable' : 'plain'][wire];
};

interface Tagged {
  readonly key: string;
  readonly tag: number;
  readonly codec: Codec;
  readonly isDefault: (value: unknown) => boolean;
}

/** A field that this version lacks: it may be left out or have its default, but a value must not be lost in silence. */
interface Absent {
  readonly key: string;
  readonly path: string;
  readonly isDefault: (value: unknown) => boolean;
}

const refuseAbsent = (what: string, { subject }: Target): never => {
  throw new LinkError('KLINK_VERSION', `${subject} has no ${what}: leave it out, or talk to a broker that speaks a version with it`);
};

const structCodec = (fields: Fields, target: Target, prefix: string): Codec => {
  const { version, flexible } = target;
  const keys: string[] = [];
  const decoders: Decode[] = [];
  const written: { key: string; encode: Encode; fallback: unknown; required: boolean }[] = [];
  const tagged: Tagged[] = [];
  const absent: Absent[] = [];
  let minimumSize = flexible ? 1 : 0;
  for (const [key, field] of Object.entries(fields)) {
    const { versions, tag, fallback, ignorable, required } = field.spec;
    const present = covers(versions, version) && (tag === undefined || flexible);
    // Every version yields the same keys in the same order: one hidden class for all who read the value.
    keys.push(key);
    if (!present || tag !== undefined) {
      decoders.push(() => fallback);
      if (present) tagged.push({ key, tag: tag as number, codec: codecOf(field, target, prefix + key), isDefault: sameAs(field) });
      else if (ignorable !== true) absent.push({ key, path: prefix + key, isDefault: sameAs(field) });
      continue;
    }
    const codec = codecOf(field, target, prefix + key);
    minimumSize += codec.minimumSize;
    decoders.push(codec.decode);
    written.push({ key, encode: codec.encode, fallback, required });
  }
  tagged.sort((a, b) => a.tag - b.tag);
  const count = keys.length;

  const decode: Decode = (reader) => {
    const value: Record<string, unknown> = {};
    let i = 0;
    try {
      for (; i < count; i++) value[keys[i]!] = decoders[i]!(reader);
      if (flexible) decodeTags(reader, value, tagged, target.unknown);
      return value;
    } catch (error) {
      throw i < count && error instanceof MalformedError ? error.within(keys[i]!) : error;
    }
  };

  const encode: Encode = (writer, value) => {
    if (typeof value !== 'object' || value === null) throw new MalformedError(`${value} is not a struct`, -1);
    for (const { key, path, isDefault } of absent) {
      const given = value[key];
      if (given !== undefined && !isDefault(given)) refuseAbsent(`field ${path}`, target);
    }
    if (!flexible && value[unknownTags] !== undefined) refuseAbsent('tagged fields', target);
    let i = 0;
    try {
      for (; i < written.length; i++) {
        const { key, encode: encodeField, fallback, required } = written[i]!;
        const given = value[key];
        if (given === undefined && required) throw new MalformedError('is required', -1);
        encodeField(writer, given === undefined ? fallback : given);
      }
      if (flexible) encodeTags(writer, value, tagged);
    } catch (error) {
      throw i < written.length && error instanceof MalformedError ? error.within(written[i]!.key) : error;
    }
  };
  return { decode, encode, minimumSize };
};

/**
 * Reads a tag section (KIP-482) into `value`. Tags must rise, so that none comes twice; a known tag must fill its size exactly.
 * What is not known is skipped or kept, as `unknown` says.
 */
export const decodeTags = (
  reader: Reader,
  value: Record<string | symbol, unknown>,
  tagged: readonly Tagged[],
  unknown: UnknownTags,
): void => {
  let previous = -1;
  let unknownCount = 0;
  for (let left = reader.uvarint(); left > 0; left--) {
    const tag = reader.uvarint();
    if (tag <= previous) throw reader.malformed(`tag ${tag} after tag ${previous}: tags must rise`);
    previous = tag;
    const size = reader.uvarint();
    const from = reader.span(size);
    const known = tagged.find((candidate) => candidate.tag === tag);
    if (known !== undefined) decodeTag(reader, value, known, from, size);
    else if (++unknownCount > MAX_UNKNOWN_TAGS) throw reader.malformed(`more than ${MAX_UNKNOWN_TAGS} unknown tags`);
    else if (unknown === 'keep') {
      const kept = (value[unknownTags] ?? []) as UnknownTag[];
      kept.push({ tag, bytes: reader.buffer.subarray(from, from + size) });
      value[unknownTags] = kept;
    }
  }
};

/** A tagged field may neither read beyond its size nor leave bytes of it unread. */
const decodeTag = (reader: Reader, value: Record<string, unknown>, { key, codec }: Tagged, from: number, size: number): void => {
  const { end } = reader;
  reader.pos = from;
  reader.end = from + size;
  try {
    value[key] = codec.decode(reader);
    if (reader.remaining !== 0) throw reader.malformed(`${reader.remaining} bytes of the tag are left over`);
  } catch (error) {
    throw error instanceof MalformedError ? error.within(key) : error;
  }
  reader.end = end;
};

const encodeTags = (writer: Writer, value: Record<string | symbol, unknown>, tagged: readonly Tagged[]): void => {
  const kept = value[unknownTags] as readonly UnknownTag[] | undefined;
  const sections: UnknownTag[] = kept === undefined ? [] : [...kept];
  for (const { key, tag, codec, isDefault } of tagged) {
    const given = value[key];
    if (given === undefined || isDefault(given)) continue;
    const body = new Writer(64);
    try {
      codec.encode(body, given);
    } catch (error) {
      throw error instanceof MalformedError ? error.within(key) : error;
    }
    sections.push({ tag, bytes: Buffer.concat(body.finish()) });
  }
  if (sections.length > 1) sections.sort((a, b) => a.tag - b.tag);
  writer.uvarint(sections.length);
  let previous = -1;
  for (const { tag, bytes } of sections) {
    if (tag === previous) throw new MalformedError(`tag ${tag} is given twice`, -1);
    previous = tag;
    writer.uvarint(tag);
    writer.uvarint(bytes.length);
    writer.raw(bytes);
  }
};

/** Tells whether a value is a field's default, by content: structs field by field, arrays and bytes when empty. */
const sameAs = (field: AnyField): ((value: unknown) => boolean) => {
  const { fallback, fields, wire } = field.spec;
  if (fallback === null) return (value) => value === null;
  if (wire === 'array') return (value) => Array.isArray(value) && value.length === 0;
  if (wire === 'bytes') return (value) => Buffer.isBuffer(value) && value.length === 0;
  if (wire === 'struct') {
    const members = Object.entries(fields as Fields).map(([key, member]) => [key, sameAs(member)] as const);
    return (value) =>
      typeof value === 'object' &&
      value !== null &&
      !(unknownTags in value) &&
      members.every(
        ([key, same]) => (value as Record<string, unknown>)[key] === undefined || same((value as Record<string, unknown>)[key]),
      );
  }
  if (wire === 'uuid') return (value) => value === (fallback ?? ZERO_UUID);
  return (value) => value === fallback;
};

/** Elements for which an array is allocated before they are read; more are appended one by one. */
const MAX_PREALLOCATED = 4096;

const arrayCodec = (element: Codec, flexible: boolean, maybeNull: boolean): Codec => {
  const minimum = Math.max(1, element.minimumSize);
  return {
    minimumSize: flexible ? 1 : 4,
    decode: (reader) => {
      const count = flexible ? reader.compactArrayLength(minimum) : reader.arrayLength(minimum);
      if (count < 0) {
        if (maybeNull) return null;
        throw reader.malformed('null array where none is allowed');
      }
      // A count is only believed as far as its elements come in: a claim of millions must not allocate for them.
      const items = new Array(Math.min(count, MAX_PREALLOCATED));
      let i = 0;
      try {
        for (; i < count; i++) items[i] = element.decode(reader);
      } catch (error) {
        throw error instanceof MalformedError ? error.within(`[${i}]`) : error;
      }
      return items;
    },
    encode: (writer, items) => {
      if (items === null && !maybeNull) throw new MalformedError('null array where none is allowed', -1);
      if (items !== null && !Array.isArray(items)) throw new MalformedError(`${items} is not an array`, -1);
      const count = items === null ? -1 : items.length;
      if (flexible) writer.compactArrayLength(count);
      else writer.arrayLength(count);
      let i = 0;
      try {
        for (; i < count; i++) element.encode(writer, items[i]);
      } catch (error) {
        throw error instanceof MalformedError ? error.within(`[${i}]`) : error;
      }
    },
  };
};

/** A struct that may be null is led by one byte: -1 for null, 1 for a value. */
const nullableCodec = ({ decode, encode }: Codec): Codec => ({
  minimumSize: 1,
  decode: (reader) => {
    const mark = reader.int8();
    if (mark === -1) return null;
    if (mark !== 1) throw reader.malformed(`mark ${mark} before a nullable struct is neither -1 nor 1`);
    return decode(reader);
  },
  encode: (writer, value) => {
    writer.int8(value === null ? -1 : 1);
    if (value !== null) encode(writer, value);
  },
});

type ScalarCodecs = Readonly<Record<Scalar, Codec>>;
const codec = <T>(minimumSize: number, decode: (reader: Reader) => T, encode: (writer: Writer, value: T) => void): Codec<T, T> => ({
  decode,
  encode,
  minimumSize,
});

const fixed = {
  bool: codec(
    1,
    (r) => r.bool(),
    (w, x) => w.bool(x),
  ),
  int8: codec(
    1,
    (r) => r.int8(),
    (w, x) => w.int8(x),
  ),
  int16: codec(
    2,
    (r) => r.int16(),
    (w, x) => w.int16(x),
  ),
  uint16: codec(
    2,
    (r) => r.uint16(),
    (w, x) => w.uint16(x),
  ),
  int32: codec(
    4,
    (r) => r.int32(),
    (w, x) => w.int32(x),
  ),
  uint32: codec(
    4,
    (r) => r.uint32(),
    (w, x) => w.uint32(x),
  ),
  int64: codec(
    8,
    (r) => r.int64(),
    (w, x) => w.int64(x),
  ),
  float64: codec(
    8,
    (r) => r.float64(),
    (w, x) => w.float64(x),
  ),
  uuid: codec(
    16,
    (r) => r.uuid(),
    (w, x) => w.uuid(x),
  ),
};
const nullableBytes = codec(
  4,
  (r) => r.nullableBytes(),
  (w, x) => w.nullableBytes(x),
);
const compactNullableBytes = codec(
  1,
  (r) => r.compactNullableBytes(),
  (w, x) => w.compactNullableBytes(x),
);

// A record set may always be null: Kafka's generator treats `records` so, whatever the definition says.
const plainCodecs: Readonly<Record<'plain' | 'nullable', ScalarCodecs>> = {
  plain: {
    ...fixed,
    string: codec(
      2,
      (r) => r.string(),
      (w, x) => w.string(x),
    ),
    bytes: codec(
      4,
      (r) => r.bytes(),
      (w, x) => w.bytes(x),
    ),
    records: nullableBytes,
  },
  nullable: {
    ...fixed,
    string: codec(
      2,
      (r) => r.nullableString(),
      (w, x) => w.nullableString(x),
    ),
    bytes: nullableBytes,
    records: nullableBytes,
  },
};
const compactCodecs: Readonly<Record<'plain' | 'nullable', ScalarCodecs>> = {
  plain: {
    ...fixed,
    string: codec(
      1,
      (r) => r.compactString(),
      (w, x) => w.compactString(x),
    ),
    bytes: codec(
      1,
      (r) => r.compactBytes(),
      (w, x) => w.compactBytes(x),
    ),
    records: compactNullableBytes,
  },
  nullable: {
    ...fixed,
    string: codec(
      1,
      (r) => r.compactNullableString(),
      (w, x) => w.compactNullableString(x),
    ),
    bytes: compactNullableBytes,
    records: compactNullableBytes,
  },
};
