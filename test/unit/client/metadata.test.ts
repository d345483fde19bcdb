/** What is kept of metadata answers, and which news is older than what is known (KIP-320). */
import { describe, expect, it } from 'vitest';
import { MetadataCache } from '../../../src/client/metadata.ts';
import type { MetadataResponse } from '../../../src/protocol/messages/metadata.ts';
import { ZERO_UUID } from '../../../src/protocol/schema.ts';

const ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg';

type Partition = MetadataResponse['topics'][number]['partitions'][number];
const partition = (partitionIndex: number, leaderId: number, leaderEpoch: number, errorCode = 0): Partition => ({
  errorCode,
  partitionIndex,
  leaderId,
  leaderEpoch,
  replicaNodes: [1, 2],
  isrNodes: [1],
  offlineReplicas: [],
});
const response = (
  partitions: readonly Partition[],
  { topicId = ID, errorCode = 0, name = 'orders' as string | null } = {},
): MetadataResponse => ({
  throttleTimeMs: 0,
  brokers: [
    { nodeId: 1, host: 'one', port: 9092, rack: null },
    { nodeId: 2, host: 'two', port: 9093, rack: 'b' },
  ],
  clusterId: 'c-1',
  controllerId: 2,
  topics: [{ errorCode, name, topicId, isInternal: false, partitions: [...partitions], topicAuthorizedOperations: -2147483648 }],
  clusterAuthorizedOperations: -2147483648,
});
const known = (...answers: readonly Parameters<MetadataCache['apply']>[]): MetadataCache => {
  const cache = new MetadataCache();
  for (const answer of answers) cache.apply(...answer);
  return cache;
};
const leader = (cache: MetadataCache, index = 0): readonly [number, number] | undefined => {
  const found = cache.partition('orders', index);
  return found && [found.leaderId, found.leaderEpoch];
};

describe('the metadata cache', () => {
  it('knows brokers, controller, cluster and topics', () => {
    const cache = known([response([partition(0, 1, 4)])]);
    expect(cache.clusterId).toBe('c-1');
    expect(cache.controllerId).toBe(2);
    expect([...cache.brokers]).toEqual([
      [1, { host: 'one', port: 9092 }],
      [2, { host: 'two', port: 9093 }],
    ]);
    expect(cache.topic('orders')).toEqual({
      name: 'orders',
      topicId: ID,
      errorCode: 0,
      partitions: [{ partition: 0, leaderId: 1, leaderEpoch: 4, replicas: [1, 2], isr: [1] }],
    });
    expect(cache.topic('other')).toBeUndefined();
    expect(cache.partition('other', 0)).toBeUndefined();
  });

  it('has brokers as the last answer tells them, and topics it does not speak of as they were', () => {
    const cache = known(
      [response([partition(0, 1, 4)])],
      [{ ...response([]), topics: [], brokers: [{ nodeId: 3, host: 'three', port: 1, rack: null }] }],
    );
    expect([...cache.brokers.keys()]).toEqual([3]);
    expect(leader(cache)).toEqual([1, 4]);
  });

  it('does not go back to an older leader epoch', () => {
    expect(leader(known([response([partition(0, 1, 4)])], [response([partition(0, 2, 3)])]))).toEqual([1, 4]);
    expect(leader(known([response([partition(0, 1, 4)])], [response([partition(0, 2, 4)])]))).toEqual([2, 4]);
    expect(leader(known([response([partition(0, 1, 4)])], [response([partition(0, -1, 5, 5)])]))).toEqual([-1, 5]);
  });

  it('takes the epoch of a topic that was created anew as it is, by its id or after its absence', () => {
    expect(leader(known([response([partition(0, 1, 4)])], [response([partition(0, 2, 0)], { topicId: OTHER_ID })]))).toEqual([2, 0]);
    const without = { topicId: ZERO_UUID };
    const cache = known([response([partition(0, 1, 4)], without)], [response([], { ...without, errorCode: 3 })]);
    expect(cache.topic('orders')).toMatchObject({ errorCode: 3, topicId: null, partitions: [] });
    cache.apply(response([partition(0, 2, 0)], without));
    expect(leader(cache)).toEqual([2, 0]);
  });

  it('believes no epoch of brokers before 2.4, and does not let one hold back a leader', () => {
    expect(leader(known([response([partition(0, 1, 4)]), 8]))).toEqual([1, -1]);
    expect(leader(known([response([partition(0, 1, 4)]), 9], [response([partition(0, 2, 3)]), 8]))).toEqual([2, -1]);
    expect(leader(known([response([partition(0, 1, 4)]), 8], [response([partition(0, 2, 3)]), 9]))).toEqual([2, 3]);
  });

  it('finds partitions by number, whatever their order and whichever are missing', () => {
    const cache = known([response([partition(3, 2, 1), partition(0, 1, 1), partition(1_000_000_000, 1, 2)])]);
    expect(leader(cache, 0)).toEqual([1, 1]);
    expect(leader(cache, 3)).toEqual([2, 1]);
    expect(leader(cache, 1_000_000_000)).toEqual([1, 2]);
    expect(leader(cache, 1)).toBeUndefined();
    expect(cache.topic('orders')?.partitions.map((found) => found.partition)).toEqual([0, 3, 1_000_000_000]);
  });

  it('has no leader where the broker names none, and none where it names nonsense', () => {
    expect(leader(known([response([partition(0, -1, 4, 5)])]))).toEqual([-1, 4]);
    expect(leader(known([response([partition(0, -7, 4)])]))).toEqual([-1, 4]);
    // REPLICA_NOT_AVAILABLE is told beside a leader that is well.
    expect(leader(known([response([partition(0, 1, 4, 9)])]))).toEqual([1, 4]);
  });

  it('says why there is no leader: a right that is missing does not come back by itself', () => {
    expect(known([response([], { errorCode: 29 })]).noLeaderCode('orders')).toBe(29);
    expect(known([response([], { errorCode: 3 })]).noLeaderCode('orders')).toBe(5);
    expect(known([response([partition(0, -1, 4, 5)])]).noLeaderCode('orders')).toBe(5);
    expect(known([response([])]).noLeaderCode('payments')).toBe(5);
  });

  it('skips topics that are told without a name', () => {
    expect(known([response([], { name: null, errorCode: 100 })]).topic('orders')).toBeUndefined();
  });

  it('keeps the cluster id when an answer does not tell it', () => {
    expect(known([response([])], [{ ...response([]), clusterId: null }]).clusterId).toBe('c-1');
  });
});
