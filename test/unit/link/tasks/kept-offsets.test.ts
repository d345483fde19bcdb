/** Committed offsets over the deletion of their topic: what is kept of them, and how far they may be put back. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import type { GroupAdmin, GroupOffsets } from '../../../../src/link/tasks/group-admin.ts';
import { highest, limited, MAX_KEPT_BYTES, merged, readCommitted } from '../../../../src/link/tasks/kept-offsets.ts';

const signal = new AbortController().signal;

const answerFor = (committed: Readonly<Record<string, readonly number[]>> | LinkError): GroupOffsets | LinkError =>
  LinkError.is(committed)
    ? committed
    : new Map(
        Object.entries(committed).map(([topic, offsets]) => [
          topic,
          new Map(
            offsets.map((offset, partition) => [
              partition,
              { offset: BigInt(offset), metadata: partition === 1 ? 'm' : '', leaderEpoch: -1 },
            ]),
          ),
        ]),
      );

/** Groups with what they have committed, by topic and partition; or why that cannot be read. */
const groupsOf = (
  groups: Readonly<Record<string, Readonly<Record<string, readonly number[]>> | LinkError>>,
  away: readonly LinkError[] = [],
): GroupAdmin =>
  ({
    list: async () => ({
      groups: new Map(Object.keys(groups).map((group) => [group, { protocolType: '', state: '', type: '' }])),
      errors: away,
    }),
    offsets: async (names: readonly string[]) => new Map(names.map((name) => [name, answerFor(groups[name]!)])),
  }) as unknown as GroupAdmin;

describe('what is kept', () => {
  it('is what all groups have committed for the topic, with its metadata', async () => {
    const groups = groupsOf({ a: { orders: [3, 9], others: [1] }, b: { others: [2] }, c: { orders: [0] } });
    expect(await readCommitted(groups, 'orders', signal)).toEqual({
      a: [
        [0, 3],
        [1, 9, 'm'],
      ],
      c: [[0, 0]],
    });
  });

  it('is all or nothing: what cannot be read would be deleted', async () => {
    const error = new LinkError('KLINK_CONNECT', 'away', { retriable: true });
    await expect(readCommitted(groupsOf({ a: error }), 'orders', signal)).rejects.toBe(error);
    await expect(readCommitted(groupsOf({}, [error]), 'orders', signal)).rejects.toBe(error);
  });

  it('fits into a record of the store, or is refused', async () => {
    const names = Array.from({ length: 4_000 }, (_, n) => `${n}-${'x'.repeat(MAX_KEPT_BYTES / 4_000)}`);
    const groups = groupsOf(Object.fromEntries(names.map((name) => [name, { orders: [1] }])));
    await expect(readCommitted(groups, 'orders', signal)).rejects.toMatchObject({ code: 'KLINK_STATE' });
  });
});

describe('what is put back', () => {
  it('goes no further than the limit of its partition', () => {
    expect(
      limited(
        {
          a: [
            [0, 3],
            [1, 9, 'm'],
          ],
        },
        [2, 20],
      ),
    ).toEqual({
      a: [
        [0, 2],
        [1, 9, 'm'],
      ],
    });
    expect(limited({ a: [[4, 3]] }, [])).toEqual({ a: [[4, 0]] });
  });

  it('is what is there now before what an earlier repair has kept', () => {
    expect(
      merged(
        { a: [[0, 3]] },
        {
          a: [
            [0, 1],
            [1, 5],
          ],
          b: [[0, 2]],
        },
      ),
    ).toEqual({
      a: [
        [0, 3],
        [1, 5],
      ],
      b: [[0, 2]],
    });
  });

  it('waits for the highest of each partition', () => {
    expect([
      ...highest({
        a: [
          [0, 3],
          [1, 9],
        ],
        b: [[0, 7]],
      }),
    ]).toEqual([
      [0, 7],
      [1, 9],
    ]);
  });
});
