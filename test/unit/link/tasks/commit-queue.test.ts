/** Commits that wait to be carried over: which of them stand for which, and whose turn it is. */
import { describe, expect, it } from 'vitest';
import { CommitQueue, type QueuedCommit } from '../../../../src/link/tasks/commit-queue.ts';

const commit = (offset: number, other: Partial<QueuedCommit> = {}): QueuedCommit => ({
  group: 'a',
  sourceTopic: 'orders',
  topic: 'orders',
  partition: 0,
  position: { offset: BigInt(offset), metadata: '' },
  since: offset,
  toldAt: offset,
  waitsSince: offset,
  isHeld: false,
  lookAt: Number.NEGATIVE_INFINITY,
  ...other,
});
const always = (): boolean => true;
const offsets = (commits: Iterable<QueuedCommit>): readonly number[] => [...commits].map(({ position }) => Number(position.offset));
const queueOf = (...commits: readonly QueuedCommit[]): CommitQueue => {
  const queue = new CommitQueue(1_000_000);
  for (const one of commits) queue.add(one);
  return queue;
};

describe('the newest commit of a partition', () => {
  it('stands for those before it, and is as late as they are', () => {
    const queue = queueOf(commit(10), commit(20), commit(5, { partition: 1 }));
    expect(queue.size).toBe(2);
    expect([...queue]).toEqual([commit(20, { since: 10, waitsSince: 10 }), commit(5, { partition: 1 })]);
    expect(queue.toldAt('a', 'orders/0')).toBe(20);
    expect(queue.toldAt('a', 'orders/2')).toBeUndefined();
    expect(queue.toldAt('b', 'orders/0')).toBeUndefined();
  });

  it('does not answer for one that was carried over as far as the mirror went', () => {
    expect([...queueOf(commit(10, { isHeld: true }), commit(20))]).toEqual([commit(20)]);
  });

  it('is not replaced by an older one that comes back', () => {
    const queue = queueOf(commit(20));
    queue.putBack(commit(10, { lookAt: 99 }));
    expect([...queue]).toEqual([commit(20, { since: 10, waitsSince: 10 })]);
    queue.putBack(commit(5, { isHeld: true }));
    expect([...queue]).toEqual([commit(20, { since: 10, waitsSince: 10 })]);
  });

  it('can be taken back', () => {
    const queue = queueOf(commit(10));
    expect(queue.drop(commit(0))).toEqual(commit(10));
    expect(queue.drop(commit(0))).toBeUndefined();
    expect(queue.size).toBe(0);
  });
});

describe('a turn', () => {
  it('is of groups that have nothing on their way, and not too soon after the last one', () => {
    const queue = queueOf(commit(10));
    const taken = queue.take(1_000, 9, always);
    expect(offsets(taken)).toEqual([10]);
    expect([queue.size, offsets(queue)]).toEqual([0, [10]]);
    expect(queue.toldAt('a', 'orders/0')).toBe(10);
    queue.add(commit(20));
    queue.add(commit(7, { group: 'b' }));
    expect(offsets(queue.take(5_000, 9, always))).toEqual([7]);
    queue.release(taken);
    expect(offsets(queue)).toEqual([20, 7]);
    expect(offsets(queue.take(1_199, 9, always))).toEqual([]);
    expect(offsets(queue.take(1_200, 9, always))).toEqual([20]);
  });

  it('takes what is ready and leaves the rest', () => {
    const queue = queueOf(commit(10), commit(20, { partition: 1 }), commit(30, { partition: 2, isHeld: true }));
    expect(offsets(queue.held())).toEqual([30]);
    const taken = queue.take(0, 9, ({ partition }) => partition !== 1);
    expect(offsets(taken)).toEqual([10, 30]);
    queue.release(taken);
    expect(offsets(queue)).toEqual([20]);
  });

  it('comes to everybody', () => {
    const queue = queueOf(commit(1, { group: 'a' }), commit(2, { group: 'b' }), commit(3, { group: 'c' }));
    const first = queue.take(0, 2, always);
    expect(offsets(first)).toEqual([1, 2]);
    queue.release(first);
    queue.add(commit(4, { group: 'a' }));
    expect(offsets(queue.take(200, 2, always))).toEqual([3, 4]);
  });
});

it('holds nothing any more when it is too much to hold', () => {
  const queue = new CommitQueue(1_000);
  const added = Array.from({ length: 10 }, (_, partition) => queue.add(commit(1, { partition })));
  expect(added.indexOf(false)).toBe(3);
  expect(queue.size).toBeLessThan(4);
  expect(queue.add(commit(1, { partition: 99 }))).toBe(true);
});
