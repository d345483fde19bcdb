/** The language in which wire messages are described: fields with Kafka's own attributes, and the types inferred from them. */
import { LinkError } from '../errors.ts';

/** "7+" (from 7 on), "0-12" (inclusive) or "3" (exactly 3): the notation of Kafka's own message files. */
export type Versions = `${number}+` | `${number}-${number}` | `${number}`;
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

const LAST = 32_767;
const ALWAYS: VersionRange = { min: 0, max: LAST };

export const parseVersions = (text: Versions): VersionRange => {
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text);
  if (match === null) throw new LinkError('KLINK_CONFIG', `Malformed version range: ${text}`);
  const min = Number(match[1]);
  return { min, max: match[2] === '+' ? LAST : Number(match[3] ?? min) };
};

export const covers = (range: VersionRange, version: number): boolean => version >= range.min && version <= range.max;

export type Scalar =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records';

/** What a field is made of, as data: read by the compiler, by the conformance tests and by the coverage table. */
export interface Spec {
  readonly wire: Scalar | 'array' | 'struct';
  readonly versions: VersionRange;
  readonly nullable?: VersionRange;
  readonly tag?: number;
  readonly ignorable?: boolean;
  /** Value of the field in versions that lack it, or when the caller leaves it out. */
  readonly fallback: unknown;
  /** No range was given: every version has the field, and the caller must give it. */
  readonly required: boolean;
  readonly of?: AnyField;
  readonly fields?: Fields;
}

/** One field. `Out` is what decoding yields, `In` what encoding takes (`undefined` = may be left out). */
export class Field<Out, In = Out> {
  declare readonly $out: Out; // types only
  declare readonly $in: In;
  readonly spec: Spec;

  constructor(spec: Spec) {
    this.spec = spec;
  }

  /** Value used when the field is absent from a version, or left out by the caller. */
  default(fallback: Out): Field<Out, In | undefined> {
    return new Field({ ...this.spec, fallback, required: false });
  }

  /** May be null, in these versions (in all, when no range is given). The default stays what it was: null only after `.default(null)`. */
  nullable(versions?: Versions): Field<Out | null, In | null> {
    return new Field({ ...this.spec, nullable: versions === undefined ? ALWAYS : parseVersions(versions) });
  }

  /** Written in the tag section of flexible versions, and only when it differs from its default (KIP-482). */
  tag(tag: number): Field<Out, In | undefined> {
    return new Field({ ...this.spec, tag, required: false });
  }

  /** Silently dropped, rather than rejected, when the negotiated version has no such field. */
  ignorable(): Field<Out, In> {
    return new Field({ ...this.spec, ignorable: true });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a field of unknown types has no other spelling
export type AnyField = Field<any, any>;
export type Fields = Readonly<Record<string, AnyField>>;

type Simplify<T> = { [K in keyof T]: T[K] } & {};
type Optional<F extends Fields> = { [K in keyof F]: undefined extends F[K]['$in'] ? K : never }[keyof F];

/** What decoding a struct yields: every field, whatever the version. */
export type Decoded<F extends Fields> = Simplify<{ [K in keyof F]: F[K]['$out'] }>;
/** What encoding a struct takes: fields that have a default may be left out. */
export type Encodable<F extends Fields> = Simplify<
  { readonly [K in Exclude<keyof F, Optional<F>>]: F[K]['$in'] } & { readonly [K in Optional<F>]?: F[K]['$in'] }
>;

interface Constructor<T> {
  /** In every version: the caller must give it. */
  (): Field<T>;
  /** In these versions: elsewhere, or when left out, it has its default. */
  (versions: Versions): Field<T, T | undefined>;
}

const presence = (versions: Versions | undefined): Pick<Spec, 'versions' | 'required'> =>
  versions === undefined ? { versions: ALWAYS, required: true } : { versions: parseVersions(versions), required: false };

const scalar = <T>(wire: Scalar, fallback: T): Constructor<T> =>
  ((versions?: Versions) => new Field({ wire, fallback, ...presence(versions) })) as Constructor<T>;

const EMPTY_BYTES = Buffer.alloc(0);

/** The id that stands for "none": 16 zero bytes. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

export const bool = scalar('bool', false);
export const int8 = scalar('int8', 0);
export const int16 = scalar('int16', 0);
export const uint16 = scalar('uint16', 0);
export const int32 = scalar('int32', 0);
export const uint32 = scalar('uint32', 0);
export const int64 = scalar('int64', 0n);
export const float64 = scalar('float64', 0);
/** 16 bytes, as 22 characters of base64url, the way Kafka's own tools print ids. */
export const uuid = scalar('uuid', ZERO_UUID);
export const string = scalar('string', '');
export const bytes = scalar<Buffer>('bytes', EMPTY_BYTES);
/** A whole record set, passed through as a view of the frame it came in: never parsed, never copied. */
export const records = scalar<Buffer | null>('records', null);

export function struct<const F extends Fields>(fields: F): Field<Decoded<F>, Encodable<F>>;
export function struct<const F extends Fields>(versions: Versions, fields: F): Field<Decoded<F>, Encodable<F> | undefined>;
export function struct(a: Versions | Fields, b?: Fields): AnyField {
  const fields = b ?? (a as Fields);
  // Frozen, because every message that lacks the struct shares this one default.
  const fallback = Object.freeze(Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.spec.fallback])));
  return new Field({ wire: 'struct', fields, fallback, ...presence(b === undefined ? undefined : (a as Versions)) });
}

export function array<O, I>(of: Field<O, I>): Field<O[], readonly I[]>;
export function array<const F extends Fields>(of: F): Field<Decoded<F>[], readonly Encodable<F>[]>;
export function array<O, I>(versions: Versions, of: Field<O, I>): Field<O[], readonly I[] | undefined>;
export function array<const F extends Fields>(versions: Versions, of: F): Field<Decoded<F>[], readonly Encodable<F>[] | undefined>;
export function array(a: Versions | AnyField | Fields, b?: AnyField | Fields): AnyField {
  const of = (b ?? a) as AnyField | Fields;
  const element = of instanceof Field ? of : struct(of);
  return new Field({ wire: 'array', of: element, fallback: Object.freeze([]), ...presence(b === undefined ? undefined : (a as Versions)) });
}

/** One API of the protocol: its key, the versions described here, and the bodies of request and response. */
export interface Api<Req extends Fields = Fields, Res extends Fields = Fields> {
  readonly key: number;
  readonly name: string;
  readonly versions: VersionRange;
  /** Versions with compact lengths and tag sections (KIP-482); null when there is none. */
  readonly flexible: VersionRange | null;
  readonly request: Req;
  readonly response: Res;
}

export const api = <const Req extends Fields, const Res extends Fields>(
  key: number,
  name: string,
  range: { versions: Versions; flexible: Versions | 'none' },
  body: { request: Req; response: Res },
): Api<Req, Res> => ({
  key,
  name,
  versions: parseVersions(range.versions),
  flexible: range.flexible === 'none' ? null : parseVersions(range.flexible),
  ...body,
});

export const isFlexible = (of: Pick<Api, 'flexible'>, version: number): boolean => of.flexible !== null && covers(of.flexible, version);

/** What a caller passes to send this API's request. */
export type RequestOf<A> = A extends { readonly request: infer F extends Fields } ? Encodable<F> : never;
/** What decoding this API's response yields. */
export type ResponseOf<A> = A extends { readonly response: infer F extends Fields } ? Decoded<F> : never;
/** What a server decodes from a request. */
export type ReceivedRequestOf<A> = A extends { readonly request: infer F extends Fields } ? Decoded<F> : never;
/** What a server passes to send a response. */
export type SentResponseOf<A> = A extends { readonly response: infer F extends Fields } ? Encodable<F> : never;
