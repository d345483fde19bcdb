/** Properties of every message in every version: round trip, truncation, mutation, unknown tags. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/bytes/malformed.ts';
import { Reader } from '../../../src/bytes/reader.ts';
import { Writer } from '../../../src/bytes/writer.ts';
import { bodyCodec, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../../../src/protocol/frame.ts';
import { APIS } from '../../../src/protocol/messages/index.ts';
import { type Fields, isFlexible } from '../../../src/protocol/schema.ts';
import { type UnknownTag, type UnknownTags, unknownTags } from '../../../src/protocol/tags.ts';
import { arbitraryValue, type Case, casesOf, sampleValue, type Value } from '../../support/protocol/sample-values.ts';

const encode = ({ api, version, side }: Case, value: unknown, unknown?: UnknownTags): Buffer => {
  const writer = new Writer();
  bodyCodec(api, side, version, unknown).encode(writer, value);
  return Buffer.concat(writer.finish());
};

/** Decodes a whole body: bytes left over are malformed, as in a frame. */
const decode = ({ api, version, side }: Case, reader: Reader, unknown?: UnknownTags): Value => {
  const value = bodyCodec(api, side, version, unknown).decode(reader);
  if (reader.remaining > 0) throw reader.malformed('bytes left over');
  return value;
};

const frameOf = ({ api, version, side }: Case, value: Value): Buffer =>
  Buffer.concat((side === 'request' ? encodeRequest(api, version, 1, 'c', value) : encodeResponse(api, version, 1, value)).chunks).subarray(
    4,
  );
const readFrame = ({ api, version, side }: Case, frame: Buffer): unknown =>
  side === 'request' ? decodeRequest(api, version, frame) : decodeResponse(api, version, frame);

const cases = casesOf(APIS).map((one) => [`${one.api.name} v${one.version} ${one.side}`, one] as const);

/**
 * Notices the spellings that Kafka reads although it never writes them: a boolean that is neither 0 nor 1, bytes that are no UTF-8
 * (read as U+FFFD), an over-long varint. Only these may come back as other bytes; beside them, a tagged field given its default.
 */
class Proofreader extends Reader {
  otherSpelling = false;

  override bool(): boolean {
    if (this.buffer[this.pos] !== 0 && this.buffer[this.pos] !== 1) this.otherSpelling = true;
    return super.bool();
  }

  override uvarint(): number {
    const from = this.pos;
    const value = super.uvarint();
    if (this.pos - from > 1 && this.buffer[this.pos - 1] === 0) this.otherSpelling = true;
    return value;
  }

  override nullableString(): string | null {
    return this.#check(super.nullableString());
  }

  override compactNullableString(): string | null {
    return this.#check(super.compactNullableString());
  }

  #check(text: string | null): string | null {
    if (text?.includes('\uFFFD')) this.otherSpelling = true;
    return text;
  }
}

const hasTaggedFields = (fields: Fields): boolean =>
  Object.values(fields).some(({ spec }) => spec.tag !== undefined || hasTaggedFields(spec.of?.spec.fields ?? spec.fields ?? {}));

describe.each(cases)('%s', (name, one) => {
  const full = sampleValue(one, 'full');

  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(arbitraryValue(one), (value) => {
        expect(decode(one, new Reader(encode(one, value)))).toEqual(value);
      }),
      { numRuns: 20 },
    );
  });

  it('refuses a frame cut at any byte, and names the message', () => {
    const frame = frameOf(one, full);
    for (let length = 0; length < frame.length; length++) {
      const cut = frame.subarray(0, length);
      expect(() => readFrame(one, cut), `cut at byte ${length}`).toThrow(MalformedError);
      expect(() => readFrame(one, cut), `cut at byte ${length}`).toThrow(name.replace(/(v\d+) (\w+)/, '$2 $1'));
    }
  });

  it('refuses a frame with bytes behind its end', () => {
    expect(() => readFrame(one, Buffer.concat([frameOf(one, full), Buffer.from([0])]))).toThrow(/1 bytes follow the end/);
  });

  it('reads changed bytes as an error, or as a value that is written and read as itself', () => {
    const body = encode(one, full);
    if (body.length === 0) return;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(body.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }), (changes) => {
        const changed = Buffer.from(body);
        for (const [at, byte] of changes) changed[at] = byte;
        const reader = new Proofreader(changed);
        let value: Value;
        try {
          value = decode(one, reader, 'keep');
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
          return;
        }
        const again = encode(one, value, 'keep');
        expect(decode(one, new Reader(again), 'keep')).toEqual(value);
        const mayDiffer = reader.otherSpelling || (isFlexible(one.api, one.version) && hasTaggedFields(one.api[one.side]));
        if (!mayDiffer) expect(again.toString('hex')).toBe(changed.toString('hex'));
      }),
      { numRuns: 60 },
    );
  });
});

describe('unknown tags', () => {
  const flexible = cases.filter(([, one]) => isFlexible(one.api, one.version));
  const tags = fc.uniqueArray(
    fc.record({ tag: fc.integer({ min: 100, max: 2 ** 31 }), bytes: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)) }),
    { selector: ({ tag }) => tag, minLength: 1, maxLength: 4 },
  );

  it.each(flexible)('of %s are skipped, or kept and written again', (_, one) => {
    fc.assert(
      fc.property(arbitraryValue(one), tags, (value, unknown) => {
        const inOrder: UnknownTag[] = [...unknown].sort((a, b) => a.tag - b.tag);
        const bytes = encode(one, { ...value, [unknownTags]: unknown });
        expect(decode(one, new Reader(bytes), 'skip')).toEqual(value);
        const kept = decode(one, new Reader(bytes), 'keep');
        expect(kept).toEqual({ ...value, [unknownTags]: inOrder });
        expect(encode(one, kept)).toEqual(bytes);
      }),
      { numRuns: 5 },
    );
  });
});
