/** What is written by hand agrees with its description: on every value, on every frame, and on what is wrong with those that are none. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../../src/bytes/reader.ts';
import { Writer } from '../../../src/bytes/writer.ts';
import { preferByHand } from '../../../src/protocol/by-hand.ts';
import { type Codec, compile } from '../../../src/protocol/compile.ts';
import { Produce } from '../../../src/protocol/messages/produce.ts';
import { unknownTags } from '../../../src/protocol/tags.ts';
import { arbitraryValue, type Side, sampleValue, type Value } from '../../support/protocol/sample-values.ts';

const VERSIONS = [9, 10, 11] as const;

const codecs = (side: Side, version: number): { readonly described: Codec; readonly byHand: Codec } => {
  const fields = Produce[side];
  const described: Codec = compile(fields, { version, flexible: true, unknown: 'skip', subject: `Produce ${side} v${version}` });
  return { described, byHand: preferByHand(fields, version, described) };
};

/** The bytes, or what was said against the value. */
const written = (codec: Codec, value: unknown): string => {
  const writer = new Writer();
  try {
    codec.encode(writer, value);
  } catch (error) {
    return String(error);
  }
  return Buffer.concat(writer.finish()).toString('hex');
};

/** The value and how many bytes it took, or what was said against them. */
const read = (codec: Codec, bytes: Buffer): unknown => {
  const reader = new Reader(bytes);
  try {
    return [codec.decode(reader), reader.pos];
  } catch (error) {
    return String(error);
  }
};

/** Fails whoever asks: what goes past it was done by hand. */
const unasked: Codec = {
  minimumSize: 0,
  encode: () => expect.fail('the description was asked'),
  decode: () => expect.fail('the description was asked'),
};

const wrong = fc.constantFrom<unknown>(undefined, null, -1, 2 ** 40, 0.5, 'text', 7n, {}, [], [null], new Map(), Buffer.alloc(0), '\ud800');

/** The value with one of its parts, however deep, made into something else. */
const spoilt = (value: unknown, path: readonly number[], by: unknown): unknown => {
  const [at, ...rest] = path;
  if (at === undefined || typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return by;
  const keys = Object.keys(value);
  if (keys.length === 0) return by;
  const key = keys[at % keys.length]!;
  const inner = spoilt((value as Value)[key], rest, by);
  return Array.isArray(value) ? value.map((item, i) => (String(i) === key ? inner : item)) : { ...value, [key]: inner };
};

/** Unknown tags, at any depth, in place of the part at `path`. */
const withTags = (value: unknown, path: readonly number[]): unknown => {
  const [at, ...rest] = path;
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  const keys = Object.keys(value);
  if (Array.isArray(value)) return value.map((item) => withTags(item, path));
  if (at === undefined) return { ...value, [unknownTags]: [{ tag: 1234, bytes: Buffer.from('new') }] };
  const key = keys[at % keys.length]!;
  return { ...value, [key]: withTags((value as Value)[key], rest) };
};

const ordinaryAnswer = {
  responses: [{ name: 'orders', partitionResponses: [{ index: 3, errorCode: 6, baseOffset: -1n, errorMessage: 'not mine' }] }],
};

const path = fc.array(fc.nat(7), { maxLength: 5 });

describe.each(VERSIONS)('Produce v%i', (version) => {
  const request = { api: Produce, version, side: 'request' } as const;
  const response = { api: Produce, version, side: 'response' } as const;

  it('writes requests as described', () => {
    const { described, byHand } = codecs('request', version);
    fc.assert(
      fc.property(arbitraryValue(request), path, (value, where) => {
        expect(written(byHand, value)).toBe(written(described, value));
        const tagged = withTags(value, where);
        expect(written(byHand, tagged)).toBe(written(described, tagged));
      }),
      { numRuns: 300 },
    );
  });

  it('says of what is no request what the description says', () => {
    const { described, byHand } = codecs('request', version);
    const full = sampleValue(request, 'full');
    fc.assert(
      fc.property(path, wrong, (where, by) => {
        const value = spoilt(full, where, by);
        expect(written(byHand, value)).toBe(written(described, value));
      }),
      { numRuns: 1000 },
    );
  });

  it('reads answers as described, whole, cut at any byte and changed', () => {
    const { described, byHand } = codecs('response', version);
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(
        arbitraryValue(response),
        path,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.nat(),
        (value, where, changes, cut) => {
          for (const each of [value, withTags(value, where)]) {
            const bytes = Buffer.from(written(described, each), 'hex');
            expect(read(byHand, bytes)).toEqual(read(described, bytes));
            const short = bytes.subarray(0, cut % bytes.length);
            expect(read(byHand, short)).toEqual(read(described, short));
            for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
            expect(read(byHand, bytes)).toEqual(read(described, bytes));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads an ordinary answer as described, whatever one of its bytes is', () => {
    const { described, byHand } = codecs('response', version);
    const nothing = Buffer.alloc(6);
    expect(read(byHand, nothing)).toEqual(read(described, nothing));
    const bytes = Buffer.from(written(described, ordinaryAnswer), 'hex');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      for (let byte = 0; byte < 256; byte++) {
        changed[at] = byte;
        expect(read(byHand, changed), `byte ${at} is ${byte}`).toEqual(read(described, changed));
      }
    }
  });

  it('asks the description only for what is out of the ordinary', () => {
    const value = {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'orders', partitionData: [{ index: 3, records: Buffer.alloc(61) }] }],
    };
    expect(written(preferByHand(Produce.request, version, unasked), value)).toBe(written(codecs('request', version).described, value));
    const answer = Buffer.from(written(codecs('response', version).described, ordinaryAnswer), 'hex');
    expect(read(preferByHand(Produce.response, version, unasked), answer)).toEqual(read(codecs('response', version).described, answer));
  });
});

it('leaves all other versions and messages to their descriptions', () => {
  for (const version of [3, 8, 12]) {
    expect(preferByHand(Produce.request, version, unasked)).toBe(unasked);
    expect(preferByHand(Produce.response, version, unasked)).toBe(unasked);
  }
});
