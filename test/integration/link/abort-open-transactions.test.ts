/** Transactions that were copied while they were open are ended at the destination: all of them, and none of anybody else's. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/client/cluster.ts';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { abortOpenTransactions } from '../../../src/link/operations/abort-open-transactions.ts';
import { WriteTxnMarkers } from '../../../src/protocol/messages/write-txn-markers.ts';
import { startCluster, type TestCluster } from '../../../src/testing/index.ts';
import { connectTo } from './log-start/open.ts';

const MAPPED = 2n ** 62n;
const patience = { timeoutMs: 10_000, signal: new AbortController().signal };

let kafka: TestCluster;
let cluster: Cluster;
beforeEach(async () => {
  kafka = await startCluster({ brokers: 2, release: '4.1', topics: { orders: { partitions: 3 } } });
  cluster = await connectTo(kafka.bootstrap);
});
afterEach(async () => {
  await cluster.close();
  await kafka.stop();
});

/** A transaction of one batch, left open. */
const begin = async (partition: number, producerId: bigint, producerEpoch = 0): Promise<void> => {
  const log = kafka.log('orders', partition);
  const where = { baseOffset: log.endOffset, producerId, producerEpoch, baseSequence: 0, transactional: true };
  log.appendRaw(await buildBatch([{ value: 'open', timestamp: 1n }], where));
};
const openIn = (partition: number): bigint[] =>
  kafka
    .log('orders', partition)
    .producers.flatMap(({ producerId, currentTxnFirstOffset }) => (currentTxnFirstOffset === null ? [] : [producerId]));

describe('what is open of copied producers', () => {
  it('is aborted in every partition, and the destination’s own transactions are left alone', async () => {
    await begin(0, MAPPED + 7n);
    await begin(0, MAPPED + 8n, 4);
    await begin(1, MAPPED + 7n);
    await begin(1, 7n);
    const aborted = await abortOpenTransactions(cluster, 'orders', [0, 1, 2], patience);
    expect(aborted).toEqual([
      { partition: 0, producerId: 7n, openSince: 0 },
      { partition: 0, producerId: 8n, openSince: 1 },
      { partition: 1, producerId: 7n, openSince: 0 },
    ]);
    expect([openIn(0), openIn(1), openIn(2)]).toEqual([[], [7n], []]);
    const zero = kafka.log('orders', 0);
    expect(zero.lastStableOffset).toBe(4n);
    expect(
      zero
        .batches()
        .slice(2)
        .map(({ producerId, producerEpoch, isControl }) => [producerId - MAPPED, producerEpoch, isControl]),
    ).toEqual([
      [7n, 0, true],
      [8n, 4, true],
    ]);
    expect(kafka.log('orders', 2).endOffset).toBe(0n);
    // Once is enough.
    expect(await abortOpenTransactions(cluster, 'orders', [0, 1, 2], patience)).toEqual([]);
    expect(zero.endOffset).toBe(4n);
  });

  it('is aborted by a coordinator that is not older than the last one', async () => {
    const producer = { producerId: MAPPED + 9n, producerEpoch: 2 };
    kafka.log('orders', 0).appendMarker({ result: 'commit', coordinatorEpoch: 41 }, producer);
    await begin(0, producer.producerId, 2);
    await abortOpenTransactions(cluster, 'orders', [0], patience);
    expect(openIn(0)).toEqual([]);
  });

  it('is aborted once, also when the answer is lost or the leader moves', async () => {
    await begin(0, MAPPED + 7n);
    await begin(1, MAPPED + 7n);
    kafka.loseAnswer({ api: WriteTxnMarkers });
    const aborted = await abortOpenTransactions(cluster, 'orders', [0, 1], patience);
    expect(aborted.map(({ partition }) => partition).sort()).toEqual([0, 1]);
    expect([0, 1].map((partition) => kafka.log('orders', partition).endOffset)).toEqual([2n, 2n]);
  });

  it('is left as it is without the right, which is named', async () => {
    await begin(0, MAPPED + 7n);
    kafka.fail({ api: WriteTxnMarkers, error: 'CLUSTER_AUTHORIZATION_FAILED', topic: 'orders' });
    await expect(abortOpenTransactions(cluster, 'orders', [0], patience)).rejects.toMatchObject({ code: 'KLINK_AUTH', retriable: false });
    expect(openIn(0)).toEqual([MAPPED + 7n]);
  });
});
