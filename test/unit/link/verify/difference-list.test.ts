/** Differences become runs, only the first are kept, and where the first without room was is known. */
import { describe, expect, it } from 'vitest';
import { DIFFERENCE_KINDS, type DifferenceKind, DifferenceList } from '../../../../src/link/verify/difference.ts';

const found = (kind: DifferenceKind, offset: number, more: { readonly lastOffset?: number; readonly shift?: number } = {}) => ({
  kind,
  offset,
  ...more,
  tell: () => ({ source: `s${offset}`, destination: null, detail: `${kind} at ${offset}` }),
});

const brief = (list: DifferenceList): unknown[] =>
  list.differences.map(({ kind, offset, lastOffset, count }) => [kind, Number(offset), Number(lastOffset), count]);

describe('differences', () => {
  it('of one kind that follow each other are one run, told by its first', () => {
    const list = new DifferenceList(10);
    for (const offset of [5, 6, 9]) list.add(found('value', offset));
    expect(list.differences).toEqual([
      { kind: 'value', offset: 5n, lastOffset: 9n, count: 3, source: 's5', destination: null, detail: 'value at 5' },
    ]);
  });

  it('are apart where the logs were the same in between, of another kind, or moved by another distance', () => {
    const list = new DifferenceList(10);
    list.add(found('value', 1));
    list.settle();
    list.add(found('value', 3));
    list.add(found('key', 4));
    list.add(found('shifted', 5, { shift: 1 }));
    list.add(found('shifted', 6, { shift: 1 }));
    list.add(found('shifted', 7, { shift: 2 }));
    expect(brief(list)).toEqual([
      ['value', 1, 1, 1],
      ['value', 3, 3, 1],
      ['key', 4, 4, 1],
      ['shifted', 5, 6, 2],
      ['shifted', 7, 7, 1],
    ]);
  });

  it('beyond the limit are left out, and the place is remembered', () => {
    const list = new DifferenceList(2);
    list.add(found('value', 1));
    list.add(found('key', 2));
    list.add(found('key', 3));
    expect([list.fullAt, list.room]).toEqual([null, 1]);
    list.add(found('value', 4));
    list.add(found('key', 5));
    expect(list.fullAt).toBe(4);
    expect(brief(list)).toEqual([
      ['value', 1, 1, 1],
      ['key', 2, 3, 2],
    ]);
  });

  it('that do not end are told by their beginning', () => {
    const list = new DifferenceList(2);
    list.add(found('missing', 0, { lastOffset: 9_999 }));
    expect(list.fullAt).toBeNull();
    list.add(found('missing', 10_000));
    expect(list.fullAt).toBe(10_000);
    expect(list.offsets).toBe(10_000);
  });

  it('are not told before they are needed', () => {
    const list = new DifferenceList(1);
    const asked: number[] = [];
    for (const offset of [1, 2, 3]) {
      list.add({
        kind: 'extra',
        offset,
        tell: () => {
          asked.push(offset);
          return { source: null, destination: null, detail: '' };
        },
      });
    }
    expect(asked).toEqual([1]);
  });

  it('are something else than notes, of which there is one for each kind', () => {
    const list = new DifferenceList(1);
    list.note(found('compression', 1, { lastOffset: 4 }));
    list.note(found('compression', 8));
    list.note(found('filler', 9));
    expect(list.differences).toEqual([]);
    expect(list.notes.map(({ kind, offset, lastOffset, count }) => [kind, offset, lastOffset, count])).toEqual([
      ['compression', 1n, 8n, 5],
      ['filler', 9n, 9n, 1],
    ]);
  });

  it('have kinds that say what they mean', () => {
    expect(Object.values(DIFFERENCE_KINDS).every((meaning) => /^[A-Z].*\.$/.test(meaning))).toBe(true);
  });
});
