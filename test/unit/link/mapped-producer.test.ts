/** Ids of producers on their way from cluster to cluster: no two ever meet. */
import { expect, it } from 'vitest';
import {
  isCopiedProducer,
  isMappedId,
  mapProducerId,
  originalProducerId,
  sameProducer,
} from '../../../src/link/replication/mapped-producer.ts';

const FIRST = 4_611_686_018_427_387_904n;

it('moves ids of the source to 2^62 and above', () => {
  expect([0n, 1n, 4_000n, 2n ** 56n - 1n].map(mapProducerId)).toEqual([FIRST, FIRST + 1n, FIRST + 4_000n, FIRST + 2n ** 56n - 1n]);
  expect([FIRST, 2n ** 63n - 1n].map(isMappedId)).toEqual([true, true]);
  expect([-2n, -1n, 0n, 2n ** 40n, FIRST - 1n].map(isMappedId)).toEqual([false, false, false, false, false]);
});

it('has no place for ids that nobody hands out', () => {
  expect([-1n, -2n, -(2n ** 63n), 2n ** 56n, FIRST - 1n].map(mapProducerId)).toEqual([null, null, null, null, null]);
});

it('keeps producers apart over mirrors of mirrors, until there is no room', () => {
  const seen = new Map<bigint, string>();
  let ids = [0n, 1n, 999n, 2n ** 56n - 1n];
  let hops = 0;
  for (;;) {
    const next = ids.map(mapProducerId);
    if (next.includes(null)) break;
    hops++;
    const found = next as bigint[];
    for (const [index, id] of found.entries()) {
      expect(seen.get(id)).toBeUndefined();
      seen.set(id, `${index} after ${hops}`);
      expect(originalProducerId(id)).toBe(ids[index]);
      expect(isMappedId(id) && id < 2n ** 63n).toBe(true);
    }
    ids = found;
  }
  expect(hops).toBe(64);
  expect(ids.map(mapProducerId)).toEqual([null, null, null, null]);
});

it('tells copies and epochs apart', () => {
  const [one, other] = [
    { producerId: 7n, producerEpoch: 1 },
    { producerId: 7n, producerEpoch: 2 },
  ];
  expect([sameProducer(one, { ...one }), sameProducer(one, other), sameProducer(null, one), sameProducer(null, null)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  const copy = { producerId: FIRST + 7n, producerEpoch: 1 };
  expect([isCopiedProducer(one, copy), isCopiedProducer(other, copy), isCopiedProducer(copy, copy)]).toEqual([true, false, false]);
});
