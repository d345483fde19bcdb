/**
 * Whatever a source log looks like, the steps give equal visible records at equal offsets: carried out on a leader's rules, with deaths in between, and
 * compared with what Java's consumer shows of the source.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembleBatch } from '../../../src/codec/batch-builder.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { judgeBatch } from '../../../src/link/replication/plan.ts';
import { consumeAll, NO_CONTENT, type Shown } from './planning/consumer.ts';
import { copy } from './planning/copy.ts';
import { MirrorLog } from './planning/mirror-log.ts';
import { type Deed, type Random, SourceLog } from './planning/source-log.ts';

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      transactional: fc.boolean(),
      records: fc.integer({ min: 1, max: 6 }),
      time: fc.constantFrom('producer', 'producer', 'producer', 'broker, equal', 'broker'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), result: fc.constantFrom('commit', 'abort') }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'unknown control' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hole' as const), offsets: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clean' as const), share: fc.constantFrom(0.2, 0.6, 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), share: fc.constantFrom(0.1, 0.3, 0.5, 1) }) },
);
const life = fc.array(deed, { maxLength: 40 });

const story = fc.record({
  seed: fc.nat(),
  // The last one lets sequences wrap in the middle.
  start: fc.constantFrom(0, 0, 5, 2 ** 31 - 9),
  before: life,
  /** What happens to the source between one life of the link and the next, and how long each of them lasts. */
  lives: fc.array(fc.record({ lifetime: fc.integer({ min: 1, max: 12 }), meanwhile: fc.oneof(fc.constant([]), life) }), { maxLength: 8 }),
  maxBytes: fc.constantFrom(100, 1_000_000),
});

/** Reproducible, and good enough (mulberry32). */
const randomFrom = (seed: number): Random => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const byOffset = (shown: readonly Shown[]): Map<number, Shown> => new Map(shown.map((record) => [record[0], record]));

describe.each(['markers', 'ghosts', 'records'] as const)('a copy with %s', (fill) => {
  it('shows the records of the source at their offsets, however often the link dies', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ seed, start, before, lives, maxBytes }) => {
        const random = randomFrom(seed);
        const source = new SourceLog(random, start);
        // A small start is padded; a large one is where the mirror was padded to already.
        const mirror = new MirrorLog(start < 100 ? 0 : start);
        const ever = new Map<number, Shown>();
        const options = { fill, transactions: 'committed' as const, random, maxBytes };
        for (const event of before) await source.do(event);
        for (const { lifetime, meanwhile } of lives) {
          for (const [offset, shown] of byOffset(await consumeAll(source, 'read_committed'))) ever.set(offset, shown);
          await copy(source, mirror, lifetime, options);
          if (random() < 0.1) mirror.forgetProducers();
          for (const event of meanwhile) await source.do(event);
        }
        source.endAll();
        const expected = byOffset(await consumeAll(source, 'read_committed'));
        for (const [offset, shown] of expected) ever.set(offset, shown);
        let lost = 0;
        while ((await copy(source, mirror, 1_000, options)) === 'died') if (++lost > 100) throw new Error('it never catches up');
        mirror.deleteBefore(source.start);

        expect(mirror.end).toBe(source.readableEnd('read_committed'));
        for (const isolation of ['read_committed', 'read_uncommitted'] as const) {
          const seen = byOffset(await consumeAll(mirror, isolation));
          for (const [offset, shown] of expected) expect(seen.get(offset)).toEqual(shown);
          for (const [offset, shown] of seen) {
            const isFiller = fill === 'records' && shown[2] === NO_CONTENT;
            if (isFiller) continue;
            // What the cleaner took while the link was at it may have been copied before.
            expect((lives.length === 0 ? expected : ever).get(offset), `offset ${offset}`).toEqual(shown);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** No cleaner takes a marker before delete.retention.ms have passed: a day. */
const growth = life.map((deeds) => deeds.filter(({ kind }) => kind !== 'clean'));

it('a copy of exact transactions shows both kinds of consumers what the source shows them, while they are open and after', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      story,
      fc.array(growth, { maxLength: 8 }),
      fc.constantFrom('markers' as const, 'ghosts' as const),
      async ({ seed, start, before, lives, maxBytes }, later, fill) => {
        const random = randomFrom(seed);
        const source = new SourceLog(random, start);
        const mirror = new MirrorLog(start < 100 ? 0 : start);
        const options = { fill, transactions: 'exact' as const, random, maxBytes };
        for (const event of before) await source.do(event);
        for (const [index, meanwhile] of later.entries()) {
          await copy(source, mirror, lives[index]?.lifetime ?? 5, options);
          if (random() < 0.1) mirror.forgetProducers();
          for (const event of meanwhile) await source.do(event);
        }
        if (random() < 0.5) source.endAll();
        for (let lost = 0; (await copy(source, mirror, 1_000, options)) === 'died'; )
          if (++lost > 100) throw new Error('it never catches up');
        mirror.deleteBefore(source.start);

        expect(mirror.end).toBe(source.readableEnd('read_uncommitted'));
        expect(mirror.lastStableOffset).toBe(Math.min(source.lastStableOffset, mirror.end));
        for (const isolation of ['read_committed', 'read_uncommitted'] as const) {
          expect(await consumeAll(mirror, isolation)).toEqual(await consumeAll(source, isolation));
        }
      },
    ),
    { numRuns: 150 },
  );
});

const CODEC = 0x07;
const ZSTD = 4;
const header = fc.record({
  base: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 2 ** 32 - 20, max: 2 ** 32 + 20 })),
  lastOffsetDelta: fc.integer({ min: 0, max: 6 }),
  missing: fc.constantFrom(0, 0, 0, 1, 2),
  attributes: fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 16), fc.nat(0x7f)).filter((attributes) => (attributes & CODEC) <= ZSTD),
  distance: fc.integer({ min: -8, max: 8 }),
});

/** LogValidator.validateBatch and the assignment of offsets, as read in Kafka (broker-facts A.1, A.5): what a header patch can make acceptable is. */
const brokerKeepsIt = (bytes: Buffer, logEnd: number): boolean => {
  const base = bytes.readBigInt64BE(0);
  const attributes = bytes.readInt16BE(21);
  const isControl = (attributes >> 5) & 1;
  const hasBrokerTime = (attributes >> 3) & 1;
  const isDense = bytes.readInt32BE(23) + 1 === bytes.readInt32BE(57);
  return base >= BigInt(logEnd) && !isControl && !hasBrokerTime && isDense;
};

it('a batch goes as it is exactly when a broker keeps it with a patched header, and is skipped when it is there', () => {
  fc.assert(
    fc.property(header, fc.boolean(), ({ base, lastOffsetDelta, missing, attributes, distance }, isAborted) => {
      const logEnd = Math.max(0, base + distance);
      const recordsCount = Math.max(0, lastOffsetDelta + 1 - missing);
      // No record begins with these bytes: the times of a LogAppendTime batch are not to be had from the header.
      const bytes = assembleBatch(
        { baseOffset: BigInt(base), attributes, lastOffsetDelta, baseTimestamp: 0n, maxTimestamp: 0n, recordsCount },
        Buffer.alloc(9, 0xff),
      );
      const verdict = judgeBatch(logEnd, RecordBatch.at(bytes), isAborted);
      expect(verdict === 'append').toBe(!isAborted && brokerKeepsIt(bytes, logEnd));
      expect(verdict === 'skip').toBe(base + lastOffsetDelta < logEnd);
      if (isAborted && verdict !== 'skip') expect(verdict).toBe('fill');
    }),
    { numRuns: 2_000 },
  );
});
