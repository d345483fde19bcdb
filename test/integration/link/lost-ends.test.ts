/** Transactions that were copied while they were open, and whose ends the source's log cleaner has taken before the link came back: they end all the same. */
import { createLink } from 'kafka-link';
import { CONTROL_TYPES, controlTypeOfBatch } from 'kafka-link/codec';
import { startCluster, type TestCluster } from 'kafka-link/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/client/cluster.ts';
import { lostEnds } from '../../../src/link/replication/lost-ends.ts';
import type { PartitionProducers } from '../../../src/link/replication/producer-lookup.ts';
import { connectTo } from './log-start/open.ts';

const MAPPED = 2n ** 62n;
const never = new AbortController().signal;
const at = (offset: number) => ({ key: `key ${offset}`, value: `value ${offset}` });
const producer = (id: bigint, baseSequence = 0, producerEpoch = 0) => ({
  producerId: id,
  producerEpoch,
  baseSequence,
  transactional: true,
});

let source: TestCluster;
let destination: TestCluster;
beforeEach(async () => {
  // What the cleaner has to keep for a while it keeps no longer than until its next round.
  source = await startCluster({ release: '4.1', topics: { orders: { configs: { 'delete.retention.ms': '0' } } } });
  destination = await startCluster({ release: '4.1' });
});
afterEach(() => Promise.all([source.stop(), destination.stop()]));

const start = () =>
  createLink({
    name: 'dr',
    source: { bootstrap: source.bootstrap },
    destination: { bootstrap: destination.bootstrap },
    topics: ['orders'],
    settings: { transactions: 'exact', transactionVerification: 'disable', fillGraceMs: 10 },
  });
const copyAll = async (): Promise<void> => {
  await using link = await start();
  await link.caughtUp({ timeoutMs: 10_000 });
};
const openAt = (cluster: TestCluster): bigint[] =>
  cluster.log('orders').producers.flatMap(({ producerId, currentTxnFirstOffset }) => (currentTxnFirstOffset === null ? [] : [producerId]));
/** As long as the cleaner finds something. */
const clean = async (): Promise<void> => {
  for (let round = 0; round < 4; round++) await source.log('orders').clean({ roll: round === 0, force: true });
};
const ends = (): readonly string[] =>
  destination
    .log('orders')
    .batches()
    .filter(({ isControl, producerId }) => isControl && producerId >= MAPPED)
    .map(({ baseOffset, producerId }) => `${producerId - MAPPED} at ${baseOffset}`);

it.each(['commit', 'abort'] as const)('a %s that is gone, with everything that it ended', async (result) => {
  const log = source.log('orders');
  await log.append([at(0)]);
  await log.append([at(1), at(2)], producer(9n));
  await log.append([at(3)]);
  await copyAll();
  expect(openAt(destination)).toEqual([MAPPED + 9n]);
  log.appendMarker({ result, coordinatorEpoch: 0 }, { producerId: 9n, producerEpoch: 0 });
  // The same producer goes on in the same epoch: of the batch before nothing has to stay.
  await log.append([at(5)], producer(9n, 2));
  log.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: 9n, producerEpoch: 0 });
  // Newer values of all that the first transaction had written.
  await log.append([at(1), at(2)]);
  await clean();
  expect(log.batches().map(({ baseOffset }) => baseOffset)).toEqual([0n, 3n, 5n, 6n, 7n]);
  await log.append([at(9)]);
  await copyAll();
  expect(openAt(destination)).toEqual([]);
  const mirror = destination.log('orders');
  expect(mirror).toMatchObject({ endOffset: log.endOffset, lastStableOffset: log.endOffset });
  expect(ends()).toEqual(['9 at 4', '9 at 6']);
  // What was copied of the first is nobody's to see, like at the source; the second is.
  expect(
    mirror
      .batches()
      .filter(({ isControl, producerId }) => isControl && producerId >= MAPPED)
      .map(controlTypeOfBatch),
  ).toEqual([CONTROL_TYPES.abort, CONTROL_TYPES.commit]);
  await copyAll();
  expect(ends()).toEqual(['9 at 4', '9 at 6']);
});

it('an end that is there is copied, however much of its transaction is gone', async () => {
  const log = source.log('orders');
  await log.append([at(0), at(1)], producer(9n));
  await log.append([at(2)], producer(9n, 2));
  await copyAll();
  log.appendMarker({ result: 'commit', coordinatorEpoch: 5 }, { producerId: 9n, producerEpoch: 0 });
  await log.append([at(0), at(1)]);
  await clean();
  await copyAll();
  expect(ends()).toEqual(['9 at 3']);
  const [end] = destination.log('orders').producers.filter(({ producerId }) => producerId === MAPPED + 9n);
  expect(end).toMatchObject({ coordinatorEpoch: 5, currentTxnFirstOffset: null });
});

it('a transaction that goes on is not ended before it ends', async () => {
  const log = source.log('orders');
  await log.append([at(0)], producer(9n));
  await copyAll();
  await log.append([at(1)], producer(9n, 1));
  await log.append([at(0)]);
  await clean();
  await copyAll();
  expect(openAt(destination)).toEqual([MAPPED + 9n]);
  log.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: 9n, producerEpoch: 0 });
  await copyAll();
  expect(ends()).toEqual(['9 at 3']);
  expect(destination.log('orders').lastStableOffset).toBe(4n);
});

describe('what is looked for', () => {
  const open = (id: bigint, openSince: number): PartitionProducers['mapped'] =>
    new Map([[MAPPED + id, { producerEpoch: 2, lastSequence: 0, coordinatorEpoch: -1, openSince }]]);
  const find = async (mapped: PartitionProducers['mapped'], end: number, from = 0): Promise<readonly bigint[]> => {
    const cluster: Cluster = await connectTo(source.bootstrap, { role: 'source' });
    try {
      await cluster.refreshMetadata(['orders']);
      const found = await lostEnds(cluster, { topic: 'orders', partition: 0, from, end }, { lastSequence: 'none', mapped }, never);
      for (const each of found) expect(each).toMatchObject({ producerEpoch: 2, commit: false, coordinatorEpoch: 0 });
      return found.map(({ producerId }) => producerId - MAPPED);
    } finally {
      await cluster.close();
    }
  };

  it('is a record of the transaction between its beginning and the end of the mirror', async () => {
    const log = source.log('orders');
    await log.append([at(0)], producer(9n));
    log.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: 9n, producerEpoch: 0 });
    await log.append([at(2)]);
    await log.append([at(3)], producer(9n, 1));
    expect(await find(open(9n, 0), 4)).toEqual([]);
    expect(await find(open(9n, 3), 4)).toEqual([]);
    // Of what lies behind the mirror's end it has nothing.
    expect(await find(open(9n, 1), 3)).toEqual([9n]);
    expect(await find(open(8n, 0), 4)).toEqual([8n]);
    log.deleteRecords(2n);
    expect(await find(open(9n, 0), 3, 2)).toEqual([9n]);
    expect(await find(new Map(), 4)).toEqual([]);
  });
});
