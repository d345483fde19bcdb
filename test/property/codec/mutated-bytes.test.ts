/** Damaged bytes: a clear refusal, or a CRC that tells, or bytes the CRC does not cover. Never another error, never more memory than allowed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyCrc } from '../../../src/codec/batch-crc.ts';
import { decompress } from '../../../src/codec/compression.ts';
import { readRecords } from '../../../src/codec/read-records.ts';
import { decodeRecordBody, decodeRecordFrames } from '../../../src/codec/record.ts';
import { BATCH_LAYOUT, type Compression } from '../../../src/codec/record-batch.ts';
import { batchesOf, RecordSetCursor } from '../../../src/codec/record-set.ts';
import { LinkError } from '../../../src/errors.ts';
import { batchGoldens, describeRecordSet, goldens } from '../../conformance/codec/golden.ts';

const MAX_OUTPUT = 1 << 20;
const small = batchGoldens().filter(({ bytes }) => bytes.length < 10_000);

/** Overwrites, cuts and insertions, at places given as shares of the length. */
const mutations = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    kind: fc.constantFrom('set', 'flip', 'cut', 'insert'),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)),
  }),
  { minLength: 1, maxLength: 4 },
);

const mutate = (bytes: Buffer, changes: readonly { at: number; kind: string; byte: number }[]): Buffer => {
  let mutated = Buffer.from(bytes);
  for (const { at, kind, byte } of changes) {
    const place = Math.floor(at * mutated.length);
    if (kind === 'cut') mutated = Buffer.concat([mutated.subarray(0, place), mutated.subarray(place + 1 + (byte & 7))]);
    else if (kind === 'insert') mutated = Buffer.concat([mutated.subarray(0, place), Buffer.from([byte]), mutated.subarray(place)]);
    else if (mutated.length > 0) mutated[place] = kind === 'set' ? byte : mutated[place]! ^ (1 << (byte & 7));
  }
  return mutated;
};

const refusal = (error: unknown): null => {
  if (LinkError.is(error, 'KLINK_CORRUPT_BATCH')) return null;
  throw error;
};
const attempt = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch (error) {
    return refusal(error);
  }
};

describe.each(small)('$name', ({ bytes, lines }) => {
  it('is refused when damaged, or shows it', async () => {
    await fc.assert(
      fc.asyncProperty(mutations, async (changes) => {
        const mutated = mutate(bytes, changes);
        const batches = attempt(() => [...batchesOf(mutated)]) ?? [];
        for (const batch of batches) {
          const trusted = verifyCrc(batch);
          const records = await readRecords(batch, { maxOutput: MAX_OUTPUT }).catch(refusal);
          if (!trusted) continue;
          // The CRC holds: these are bytes the Java client wrote, up to what the CRC does not cover.
          const original = [...batchesOf(bytes)].find((candidate) => candidate.crc === batch.crc)!;
          const protectedFrom = BATCH_LAYOUT.attributes;
          expect(batch.bytes.subarray(protectedFrom).equals(original.bytes.subarray(protectedFrom))).toBe(true);
          expect(records).toHaveLength(original.recordsCount);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is read in full or not at all when only the uncovered bytes change', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: 0n, max: 2n ** 40n }), fc.integer(), async (baseOffset, leaderEpoch) => {
        const [first] = batchesOf(bytes);
        const moved = Buffer.from(first!.bytes);
        moved.writeBigInt64BE(baseOffset, BATCH_LAYOUT.baseOffset);
        moved.writeInt32BE(leaderEpoch, BATCH_LAYOUT.partitionLeaderEpoch);
        const described = await describeRecordSet(moved);
        const values = (of: readonly string[]): string[] =>
          of.filter((line) => line.startsWith('record')).map((line) => line.replace(/record \d+/, 'record'));
        expect(values(described)).toEqual(values(lines).slice(0, first!.recordsCount));
      }),
      { numRuns: 10 },
    );
  });

  it('without its CRC is still read within bounds', async () => {
    for (const batch of batchesOf(bytes)) {
      const { compression, recordsCount, payload } = batch;
      const plain = await decompress(compression, payload);
      fc.assert(
        fc.property(mutations, fc.integer({ min: 0, max: 0x7fffffff }), fc.boolean(), (changes, otherCount, lie) => {
          const frames = attempt(() => decodeRecordFrames(mutate(plain, changes), lie ? otherCount : recordsCount)) ?? [];
          for (const { body } of frames) attempt(() => decodeRecordBody(body));
        }),
        { numRuns: 60 },
      );
    }
  });
});

describe.each(['gzip', 'snappy', 'lz4', 'zstd'] as Compression[])('a damaged %s payload', (codec) => {
  const payloads = goldens(new RegExp(`^${codec}-(mixed|large|append-time)`)).flatMap(({ bytes }) =>
    [...batchesOf(bytes)].map((batch) => batch.payload),
  );

  it('is refused or opens within its limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...payloads), mutations, async (payload, changes) => {
        const opened = await decompress(codec, mutate(payload, changes), { maxOutput: MAX_OUTPUT }).catch(refusal);
        expect(opened?.length ?? 0).toBeLessThanOrEqual(MAX_OUTPUT);
      }),
      { numRuns: 300 },
    );
  });

  it('of random bytes behind a true beginning is refused or opens within its limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(40), fc.uint8Array({ maxLength: 200 }), async (keep, tail) => {
        const opened = await decompress(codec, Buffer.concat([payloads[0]!.subarray(0, keep), tail]), { maxOutput: MAX_OUTPUT }).catch(
          refusal,
        );
        expect(opened?.length ?? 0).toBeLessThanOrEqual(MAX_OUTPUT);
      }),
      { numRuns: 300 },
    );
  });
});

it('a walk over any bytes ends, forwards, or is refused', () => {
  fc.assert(
    fc.property(fc.constantFrom(...goldens(/./)), mutations, fc.uint8Array({ maxLength: 100 }), ({ bytes }, changes, tail) => {
      const cursor = new RecordSetCursor(MAX_OUTPUT).open(Buffer.concat([mutate(bytes, changes), tail]));
      attempt(() => {
        for (let last = 0; cursor.next(); last = cursor.position) {
          expect(cursor.position).toBeGreaterThanOrEqual(last + 61);
          expect(cursor.batch.nextOffset).toBeGreaterThan(cursor.batch.baseOffset);
        }
      });
    }),
    { numRuns: 500 },
  );
});
