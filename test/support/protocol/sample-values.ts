/** Values for any message in any version, made from its description: a minimal one, a full one, and arbitrary ones. */
import fc from 'fast-check';
import { type AnyField, type Api, covers, type Fields, type Scalar, ZERO_UUID } from '../../../src/protocol/schema.ts';

export const SIDES = ['request', 'response'] as const;
export type Side = (typeof SIDES)[number];

/** What decoding yields: every field, absent ones with their default. */
export interface Value {
  readonly [field: string]: unknown;
}

/** `minimal`: null or empty wherever that can be. `full`: two elements in every array, every field away from its default. */
export type Sample = 'minimal' | 'full';
export const SAMPLES: readonly Sample[] = ['minimal', 'full'];

/** One API in one version on one side: all that a case of the conformance tests is. */
export interface Case {
  readonly api: Api;
  readonly version: number;
  readonly side: Side;
}

export const casesOf = (apis: readonly Api[]): readonly Case[] =>
  apis.flatMap((api) =>
    Array.from({ length: api.versions.max - api.versions.min + 1 }, (_, i) => api.versions.min + i).flatMap((version) =>
      SIDES.map((side) => ({ api, version, side })),
    ),
  );

const isPresent = ({ spec }: AnyField, version: number, flexible: boolean): boolean =>
  covers(spec.versions, version) && (spec.tag === undefined || flexible);
const isNullable = ({ spec }: AnyField, version: number): boolean =>
  spec.wire === 'records' || (spec.nullable !== undefined && covers(spec.nullable, version));

const flexibleIn = ({ flexible }: Api, version: number): boolean => flexible !== null && covers(flexible, version);

const MINIMAL: Readonly<Record<Scalar, unknown>> = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0n,
  float64: 0,
  uuid: ZERO_UUID,
  string: '',
  bytes: Buffer.alloc(0),
  records: null,
};

/** Distinct values, so that two fields swapped in a message cannot go unnoticed; `n` counts the fields written so far. */
const FULL: Readonly<Record<Scalar, (n: number) => unknown>> = {
  bool: () => true,
  int8: (n) => (n % 120) + 3,
  int16: (n) => 0x1100 + n,
  uint16: (n) => 0xf100 + n,
  int32: (n) => 0x2200_0000 + n,
  uint32: (n) => 0xf200_0000 + n,
  int64: (n) => 0x3300_0000_0000_0000n + BigInt(n),
  float64: (n) => n + 0.5,
  uuid: (n) => Buffer.alloc(16, (n % 255) + 1).toString('base64url'),
  string: (n) => `text-${n}-é`,
  bytes: (n) => Buffer.from(`bytes-${n}`),
  records: (n) => Buffer.from(`records-${n}`),
};

export const sampleValue = ({ api, version, side }: Case, sample: Sample): Value => {
  const flexible = flexibleIn(api, version);
  let written = 0;
  const structValue = (fields: Fields): Value =>
    Object.fromEntries(
      Object.entries(fields).map(([key, field]) => [key, isPresent(field, version, flexible) ? fieldValue(field) : field.spec.fallback]),
    );
  const fieldValue = (field: AnyField): unknown => {
    const { wire, of, fields, tag, fallback } = field.spec;
    // A tagged field is absent when it has its default, whatever the smallest value of its type is.
    if (sample === 'minimal' && tag !== undefined) return fallback;
    if (sample === 'minimal' && isNullable(field, version)) return null;
    if (wire === 'struct') return structValue(fields as Fields);
    if (wire === 'array') return sample === 'minimal' ? [] : [fieldValue(of as AnyField), fieldValue(of as AnyField)];
    return sample === 'minimal' ? MINIMAL[wire] : FULL[wire](++written);
  };
  return structValue(api[side]);
};

/** `value` without the fields that the version lacks: Kafka's JSON converters stumble over some of them. */
export const presentFields = ({ api, version, side }: Case, value: Value): Value => {
  const flexible = flexibleIn(api, version);
  const strip = (field: AnyField, given: unknown): unknown => {
    const { wire, of, fields } = field.spec;
    if (given === null) return null;
    if (wire === 'array') return (given as unknown[]).map((item) => strip(of as AnyField, item));
    return wire === 'struct' ? stripStruct(fields as Fields, given as Value) : given;
  };
  const stripStruct = (fields: Fields, given: Value): Value =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, field]) => isPresent(field, version, flexible))
        .map(([key, field]) => [key, strip(field, given[key])]),
    );
  return stripStruct(api[side], value);
};

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const binary = fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes));
const ARBITRARY: Readonly<Record<Scalar, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -0x80, max: 0x7f }),
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  uint16: fc.integer({ min: 0, max: 0xffff }),
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 0xffff_ffff }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double({ noNaN: true }),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  string: text,
  bytes: binary,
  records: binary,
};

const structArbitrary = (fields: Fields, version: number, flexible: boolean): fc.Arbitrary<Value> =>
  fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([key, field]) => [
        key,
        isPresent(field, version, flexible) ? fieldArbitrary(field, version, flexible) : fc.constant(field.spec.fallback),
      ]),
    ),
    { noNullPrototype: true },
  );

const fieldArbitrary = (field: AnyField, version: number, flexible: boolean): fc.Arbitrary<unknown> => {
  const { wire, of, fields } = field.spec;
  const value =
    wire === 'struct'
      ? structArbitrary(fields as Fields, version, flexible)
      : wire === 'array'
        ? fc.array(fieldArbitrary(of as AnyField, version, flexible), { maxLength: 3 })
        : ARBITRARY[wire];
  const maybeNull = isNullable(field, version) ? fc.option(value, { freq: 4 }) : value;
  return field.spec.tag === undefined ? maybeNull : fc.oneof(fc.constant(field.spec.fallback), maybeNull);
};

/** Values of one side of one API in one version; the descriptions are the source, so a new message is covered without a line. */
export const arbitraryValue = ({ api, version, side }: Case): fc.Arbitrary<Value> =>
  structArbitrary(api[side], version, flexibleIn(api, version));
