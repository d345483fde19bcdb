/** The schema language: version ranges, what a field's description says, and the types that follow from it. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  api,
  array,
  covers,
  int8,
  int32,
  int64,
  isFlexible,
  parseVersions,
  type ReceivedRequestOf,
  type RequestOf,
  type ResponseOf,
  records,
  type SentResponseOf,
  string,
  struct,
  type Versions,
} from '../../../src/protocol/schema.ts';

describe('a version range', () => {
  it.each([
    ['3', 3, 3],
    ['0-12', 0, 12],
    ['7+', 7, 32_767],
  ] as const)('%s', (text, min, max) => {
    expect(parseVersions(text)).toEqual({ min, max });
  });

  it.each(['', '+', '-3', '1-', 'none', '1.5', ' 1'])('is not %j', (text) => {
    expect(() => parseVersions(text as Versions)).toThrow(expect.objectContaining({ code: 'KLINK_CONFIG' }));
  });

  it('covers its ends', () => {
    const range = parseVersions('2-4');
    expect([1, 2, 3, 4, 5].map((version) => covers(range, version))).toEqual([false, true, true, true, false]);
  });
});

describe('a field', () => {
  it('says what was written down', () => {
    expect(string('2+').nullable('3+').default(null).tag(4).ignorable().spec).toEqual({
      wire: 'string',
      versions: { min: 2, max: 32_767 },
      nullable: { min: 3, max: 32_767 },
      fallback: null,
      tag: 4,
      ignorable: true,
      required: false,
    });
  });

  it.each([
    ['has neither range, default nor tag', int8(), true],
    ['is nullable all the same', int8().nullable(), true],
    ['has a range', int8('0+'), false],
    ['has a default', int8().default(1), false],
    ['has a tag', int8().tag(0), false],
  ])('that %s is required: %#', (_, field, required) => {
    expect(field.spec.required).toBe(required);
  });

  it('keeps no state of another one derived from it', () => {
    const base = int8();
    base.default(5);
    expect(base.spec.fallback).toBe(0);
  });
});

describe('an API', () => {
  const Thing = api(
    7,
    'Thing',
    { versions: '1-3', flexible: '2+' },
    {
      request: { id: int64(), note: string().nullable(), size: int32('2+'), rows: array({ a: int8(), b: int8('2+') }) },
      response: { data: records(), inner: struct('2+', { a: int8() }) },
    },
  );

  it('is flexible from its version on, or never', () => {
    expect([1, 2, 3].map((version) => isFlexible(Thing, version))).toEqual([false, true, true]);
    const never = api(8, 'Never', { versions: '0', flexible: 'none' }, { request: {}, response: {} });
    expect(isFlexible(never, 0)).toBe(false);
  });

  it('has the types that its description says', () => {
    expectTypeOf<RequestOf<typeof Thing>>().toEqualTypeOf<{
      readonly id: bigint;
      readonly note: string | null;
      readonly rows: readonly { readonly a: number; readonly b?: number | undefined }[];
      readonly size?: number | undefined;
    }>();
    expectTypeOf<ReceivedRequestOf<typeof Thing>>().toEqualTypeOf<{
      readonly id: bigint;
      readonly note: string | null;
      readonly size: number;
      readonly rows: { readonly a: number; readonly b: number }[];
    }>();
    expectTypeOf<ResponseOf<typeof Thing>>().toEqualTypeOf<{ readonly data: Buffer | null; readonly inner: { readonly a: number } }>();
    expectTypeOf<SentResponseOf<typeof Thing>>().toEqualTypeOf<{
      readonly data: Buffer | null;
      readonly inner?: { readonly a: number } | undefined;
    }>();
  });
});
