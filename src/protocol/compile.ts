/** Turns the description of a struct into closures for one version: every version question is answered once, here. */
import { MalformedError } from '../bytes/malformed.ts';
import type { Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';
import { LinkError } from '../errors.ts';
import { scalarCodec } from './scalar-codecs.ts';
import { type AnyField, covers, type Decoded, type Encodable, type Fields } from './schema.ts';
import { decodeTags, encodeTags, type Tagged, type UnknownTags, unknownTags } from './tags.ts';

// biome-ignore-start lint/suspicious/noExplicitAny: the compiled closures are typed once, by `compile`
/** Both directions of one value in one version. */
export interface Codec<Out = any, In = any> {
  readonly decode: (reader: Reader) => Out;
  readonly encode: (writer: Writer, value: In) => void;
  /** The least number of bytes a value takes: what makes an array length believable. */
  readonly minimumSize: number;
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above

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
  return scalarCodec(wire, target.flexible, maybeNull);
};

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
  const decoders: Codec['decode'][] = [];
  const written: { key: string; encode: Codec['encode']; fallback: unknown; required: boolean }[] = [];
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

  const decode: Codec['decode'] = (reader) => {
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

  const encode: Codec['encode'] = (writer, value) => {
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
