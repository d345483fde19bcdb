/** A verification is compared with the plain comparison of two lists: it says identical exactly when they are, and tells every offset at which they are not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VerifiedPartition } from '../../../src/link/verify/report.ts';
import { type PartitionToVerify, type VerifyRules, verifyPartition } from '../../../src/link/verify/verify-partition.ts';
import { between, seeded } from '../../scenarios/seeded.ts';
import { copyMirror, type Fill, rebuildMirror } from './verify/mirror-model.ts';
import { type ModelRecord, makeSource, newRecord, regions, type View } from './verify/source-model.ts';
import { readerOf, type StoredLog } from './verify/stored-log.ts';

const RULES: VerifyRules = {
  mode: 'exact',
  maxDifferences: 1_000,
  allowFillerRecords: false,
  allowLowerLogStart: false,
  excerptBytes: 8,
  maxKeys: 1_000,
};

const verify = (
  source: StoredLog,
  destination: StoredLog,
  { fetchBytes = 1_000, rules = {}, ...range }: { fetchBytes?: number; rules?: Partial<VerifyRules> } & Partial<PartitionToVerify> = {},
): Promise<VerifiedPartition> =>
  verifyPartition(
    {
      source: readerOf(source, fetchBytes),
      destination: readerOf(destination, fetchBytes + 37),
      rules: { ...RULES, ...rules },
      signal: new AbortController().signal,
      progressed: () => {},
    },
    { topic: 'orders', sourceTopic: 'orders', partition: 0, ...range },
  );

const seed = fc.integer({ min: 1, max: 0x7fff_ffff });
const start = fc.constantFrom(0, 1, 1_000_000_000_000);
const fetchBytes = fc.integer({ min: 1, max: 3_000 });
/** Filler records apart, which consumers see. */
const unseen: fc.Arbitrary<Fill[]> = fc.shuffledSubarray<Fill>(['markers', 'ghosts', 'hole'], { minLength: 1 });

const same = (a: ModelRecord | undefined, b: ModelRecord | undefined): boolean => JSON.stringify(plain(a)) === JSON.stringify(plain(b));
const plain = (record: ModelRecord | undefined): unknown => record && { ...record, timestamp: String(record.timestamp) };

/** Offsets at which two lists differ. */
const differing = (a: View, b: View, to: number): number[] =>
  [...new Set([...a.keys(), ...b.keys()])].filter((offset) => offset < to && !same(a.get(offset), b.get(offset))).sort((x, y) => x - y);

const brief = ({ verdict, differences, error }: VerifiedPartition): object => ({ verdict, differences, error });
const IDENTICAL = { verdict: 'identical', differences: [], error: null };

describe('a faithful mirror', () => {
  it('is identical, however its batches are cut and its holes are filled', async () => {
    await fc.assert(
      fc.asyncProperty(regions, seed, start, unseen, fetchBytes, fc.boolean(), async (list, number, first, fills, bytes, isCopy) => {
        const random = seeded(number);
        const source = await makeSource(list, random, first);
        const { start, end } = source.log;
        const mirror = isCopy ? await copyMirror(source, fills, random) : await rebuildMirror(source.view, { start, end, fills }, random);
        const result = await verify(source.log, mirror, { fetchBytes: bytes });
        expect(brief(result)).toEqual(IDENTICAL);
        expect(result.records).toBe(source.view.size);
        expect(result.position).toBe(BigInt(end));
      }),
      { numRuns: 200 },
    );
  });

  it('has visible filler where it was filled with records, which is told as such, or allowed', async () => {
    await fc.assert(
      fc.asyncProperty(regions, seed, async (list, number) => {
        const random = seeded(number);
        const source = await makeSource(list, random, 0);
        const mirror = await copyMirror(source, ['records'], random);
        const fillers = source.log.end - source.view.size;
        const strict = await verify(source.log, mirror);
        expect(strict.differences.every(({ kind }) => kind === 'filler')).toBe(true);
        expect(strict.differences.reduce((sum, { count }) => sum + count, 0)).toBe(fillers);
        const tolerant = await verify(source.log, mirror, { rules: { allowFillerRecords: true } });
        expect(brief(tolerant)).toEqual(IDENTICAL);
        expect(tolerant.fillerRecords).toBe(fillers);
      }),
      { numRuns: 50 },
    );
  });

  it('is identical in two parts as in one', async () => {
    await fc.assert(
      fc.asyncProperty(regions, seed, unseen, async (list, number, fills) => {
        const random = seeded(number);
        const source = await makeSource(list, random, 0);
        const mirror = await rebuildMirror(source.view, { start: 0, end: source.log.end, fills }, random);
        const cut = between(random, 0, source.log.end);
        const parts = [await verify(source.log, mirror, { to: cut }), await verify(source.log, mirror, { from: cut })];
        expect(parts.map(brief)).toEqual([IDENTICAL, IDENTICAL]);
        expect(parts[0]!.position).toBe(BigInt(cut));
        expect(parts[0]!.records + parts[1]!.records).toBe(source.view.size);
      }),
      { numRuns: 50 },
    );
  });
});

/** Ways in which a mirror can be wrong, as changes of what it shows. */
const MUTATIONS = {
  'a changed value': (view, random) => replace(view, random, (record) => ({ ...record, value: Buffer.from('changed') })),
  'a value that became null': (view, random) => replace(view, random, (record) => ({ ...record, value: null })),
  'a changed key': (view, random) => replace(view, random, (record) => ({ ...record, key: Buffer.from('changed') })),
  'changed headers': (view, random) =>
    replace(view, random, (record) => ({ ...record, headers: [...record.headers, { key: '', value: null }] })),
  'a changed timestamp': (view, random) => replace(view, random, (record) => ({ ...record, timestamp: record.timestamp + 1n })),
  'a missing record': (view, random) => {
    const offset = pick([...view.keys()], random);
    return offset === undefined ? view : without(view, offset);
  },
  'an extra record': (view, random, end) => {
    const free = Array.from({ length: end }, (_, offset) => offset).filter((offset) => !view.has(offset));
    const offset = pick(free, random);
    return offset === undefined ? view : new Map([...view, [offset, { ...newRecord(random, 99_999), value: Buffer.from('extra') }]]);
  },
  'a record one offset too high': (view, random) => {
    const offset = pick(
      [...view.keys()].filter((candidate) => !view.has(candidate + 1)),
      random,
    );
    return offset === undefined ? view : new Map([...without(view, offset), [offset + 1, view.get(offset)!]]);
  },
  'records that are there twice, so that all others lie higher': (view, random, end) => {
    const at = between(random, 0, end - 1);
    const count = between(random, 1, 4);
    return new Map([...view].flatMap(([offset, record]) => moved(offset, record, at, count)));
  },
  'records that were left out, so that all others lie lower': (view, random, end) => {
    const at = between(random, 0, end - 1);
    const count = between(random, 1, 4);
    return new Map(
      [...view].flatMap(([offset, record]) => (offset < at ? [[offset, record]] : offset < at + count ? [] : [[offset - count, record]])),
    );
  },
} satisfies Readonly<Record<string, (view: View, random: () => number, end: number) => View>>;

const moved = (offset: number, record: ModelRecord, at: number, count: number): [number, ModelRecord][] => {
  if (offset < at) return [[offset, record]];
  return offset < at + count
    ? [
        [offset, record],
        [offset + count, record],
      ]
    : [[offset + count, record]];
};

const pick = (offsets: readonly number[], random: () => number): number | undefined => offsets[between(random, 0, offsets.length - 1)];

const without = (view: View, offset: number): View => new Map([...view].filter(([other]) => other !== offset));

const replace = (view: View, random: () => number, change: (record: ModelRecord) => ModelRecord): View => {
  const offset = pick([...view.keys()], random);
  return new Map([...view].map(([other, record]) => [other, other === offset ? change(record) : record]));
};

describe('a mirror with a mistake', () => {
  it.each(Object.entries(MUTATIONS))('%s: is found, at exactly these offsets', async (_, mutate) => {
    await fc.assert(
      fc.asyncProperty(regions, seed, unseen, fetchBytes, async (list, number, fills, bytes) => {
        const random = seeded(number);
        const source = await makeSource(list, random, 0);
        const { end } = source.log;
        const wrong = mutate(source.view, random, end);
        // A mirror that shows nothing beyond the source's end, so that it is about the records alone.
        const mirror = await rebuildMirror(wrong, { start: 0, end, fills }, random);
        const expected = differing(source.view, wrong, end);
        const { verdict, differences } = await verify(source.log, mirror, { fetchBytes: bytes });
        expect(verdict).toBe(expected.length > 0 ? 'different' : 'identical');
        const told = differences.flatMap(({ offset, lastOffset }) =>
          expected.filter((candidate) => candidate >= offset && candidate <= lastOffset),
        );
        expect(told).toEqual(expected);
        expect(differences.reduce((sum, { count }) => sum + count, 0)).toBe(expected.length);
        expect(differences[0]?.offset).toBe(expected[0] === undefined ? undefined : BigInt(expected[0]));
      }),
      { numRuns: 60 },
    );
  });
});

/** Which bytes of a header say nothing: the leader epoch is every cluster's own. */
const isMeaningless = (byte: number): boolean => byte >= 12 && byte < 16;

describe('a flipped bit', () => {
  it.each(['source', 'destination'] as const)('on the %s is found, in whichever byte', async (side) => {
    await fc.assert(
      fc.asyncProperty(regions, seed, unseen, fetchBytes, fc.nat(), fc.nat(), async (list, number, fills, bytes, which, where) => {
        const random = seeded(number);
        const source = await makeSource(list, random, 0);
        const logs = { source: source.log, destination: await copyMirror(source, fills, random) };
        const { batches } = logs[side];
        const hit = batches[which % Math.max(1, batches.length)];
        if (hit === undefined) return;
        const bit = where % (hit.bytes.length * 8);
        const byte = bit >>> 3;
        if (isMeaningless(byte)) return;
        const damaged = Buffer.from(hit.bytes);
        damaged[byte]! ^= 1 << (bit & 7);
        logs[side] = { ...logs[side], batches: batches.map((batch) => (batch === hit ? { ...batch, bytes: damaged } : batch)) };
        const { verdict, differences } = await verify(logs.source, logs.destination, { fetchBytes: bytes });
        // The base offset is not under the checksum: where a batch without visible records has a wrong one, there may be nothing to be seen of it.
        const isSeen = [...source.view.keys()].some((offset) => offset >= hit.base && offset < hit.next);
        if (byte >= 8 || isSeen) expect(verdict).toBe('different');
        // What has a wrong base offset is told where it says that it is.
        if (byte >= 8) expect(differences.some(({ offset, lastOffset }) => offset < hit.next && lastOffset >= hit.base)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
