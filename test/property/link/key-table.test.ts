/** The table of keys against a Map, over keys that collide in their slots. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Side } from '../../../src/link/verify/comparison-rules.ts';
import { type KeyHash, type KeyState, KeyTable, type LastRecord } from '../../../src/link/verify/key-table.ts';

/** Few low words, so that many keys want the same slot. */
const hash: fc.Arbitrary<KeyHash> = fc.record({
  high: fc.nat(2 ** 32 - 1),
  low: fc.oneof(fc.constantFrom(0, 1, 1023, 1024), fc.nat(2 ** 32 - 1)),
});
const entry = fc.record({
  hash,
  side: fc.constantFrom<Side>('source', 'destination'),
  last: fc.record({ offset: fc.maxSafeNat(), isTombstone: fc.boolean() }),
});

const nameOf = ({ high, low }: KeyHash): string => `${high}/${low}`;
const textOf = ({ source, destination }: KeyState): string => JSON.stringify([source, destination]);

describe('a table of keys', () => {
  it('knows the last record of each key and side, as a Map does', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 3_000, size: 'max' }), fc.array(hash, { maxLength: 50 }), (entries, others) => {
        const table = new KeyTable(10_000);
        const expected = new Map<string, Record<Side, LastRecord | null>>();
        for (const { hash, side, last } of entries) {
          table.set(hash, side, last);
          const known = expected.get(nameOf(hash)) ?? { source: null, destination: null };
          expected.set(nameOf(hash), { ...known, [side]: last });
        }
        expect(table.size).toBe(expected.size);
        expect(table.mark(() => true)).toBe(expected.size);
        for (const absent of others) if (!expected.has(nameOf(absent))) table.unmark(absent, () => true);
        expect([...table.marked()].map(textOf).sort()).toEqual([...expected.values()].map(textOf).sort());
        for (const { hash, side } of entries.slice(0, 100)) {
          if (side === 'source') table.unmark(hash, ({ source }) => source !== null);
          expected.delete(side === 'source' ? nameOf(hash) : '');
        }
        expect([...table.marked()].map(textOf).sort()).toEqual([...expected.values()].map(textOf).sort());
      }),
      { numRuns: 30 },
    );
  });

  it('takes as many keys as it may, and no more; known ones go on', () => {
    const table = new KeyTable(3);
    const last = { offset: 1, isTombstone: false };
    for (const low of [1, 2, 3]) table.set({ high: 0, low }, 'source', last);
    expect(() => table.set({ high: 0, low: 4 }, 'source', last)).toThrow('more than 3 keys: raise maxKeys');
    table.set({ high: 0, low: 3 }, 'destination', last);
    expect(table.size).toBe(3);
  });
});
