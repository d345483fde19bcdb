/** One partition read once, from brokers that know topic ids and from one that does not: limits, isolation, and refusals as errors. */
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/client/broker-error.ts';
import { systemClock } from '../../../src/client/clock.ts';
import { Cluster } from '../../../src/client/cluster.ts';
import { fetchPartition } from '../../../src/client/fetch-partition.ts';
import { openTcp } from '../../../src/client/transport.ts';
import { batchesOf } from '../../../src/codec/index.ts';
import { Fetch } from '../../../src/protocol/messages/fetch.ts';
import { type Release, startCluster, type TestCluster } from '../../../src/testing/index.ts';
import { failure } from './open-connection.ts';
import { settingsOf } from './scripted-cluster.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const open = async (release: Release): Promise<{ readonly kafka: TestCluster; readonly cluster: Cluster }> => {
  const kafka = await startCluster({ release, topics: { orders: {} } });
  endings.push(() => kafka.stop());
  const bootstrap = kafka.bootstrap.map((address) => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) }));
  const ports = { clock: systemClock, random: Math.random, openTransport: openTcp };
  const cluster = await Cluster.connect(settingsOf(bootstrap), ports, { timeoutMs: 20_000 });
  endings.push(() => cluster.close());
  await cluster.refreshMetadata(['orders']);
  return { kafka, cluster };
};

const ORDERS = { topic: 'orders', partition: 0, maxBytes: 1_000_000, maxWaitMs: 0 };
const offsetsIn = (records: Buffer | null): bigint[] => [...batchesOf(records ?? Buffer.alloc(0))].map(({ baseOffset }) => baseOffset);

describe.each(['2.8', '4.1'] satisfies Release[])('from Kafka %s', (release) => {
  it('reads up to the high watermark, or up to the last stable offset with the aborted transactions', async () => {
    const { kafka, cluster } = await open(release);
    const log = kafka.log('orders');
    await log.append([{ value: 'plain' }]);
    const transaction = { transactional: true, producerEpoch: 0, baseSequence: 0 } as const;
    await log.append([{ value: 'aborted' }], { ...transaction, producerId: 7n });
    log.appendMarker({ result: 'abort', coordinatorEpoch: 0 }, { producerId: 7n, producerEpoch: 0 });
    await log.append([{ value: 'open' }], { ...transaction, producerId: 8n });

    const uncommitted = await fetchPartition(cluster, { ...ORDERS, offset: 0 });
    expect(offsetsIn(uncommitted.records)).toEqual([0n, 1n, 2n, 3n]);
    expect({ ...uncommitted, records: null }).toEqual({
      records: null,
      highWatermark: 4,
      lastStableOffset: 3,
      logStartOffset: 0,
      abortedTransactions: [],
    });
    const committed = await fetchPartition(cluster, { ...ORDERS, offset: 0, isolationLevel: 'read_committed' });
    expect(offsetsIn(committed.records)).toEqual([0n, 1n, 2n]);
    expect(committed.abortedTransactions).toEqual([{ producerId: 7n, firstOffset: 1n }]);
  });

  it('brings the first batch whole, whatever the limit, and nothing at the end', async () => {
    const { kafka, cluster } = await open(release);
    for (const value of ['one', 'two']) await kafka.log('orders').append([{ value: value.repeat(1_000) }]);
    const { records } = await fetchPartition(cluster, { ...ORDERS, offset: 1, maxBytes: 1 });
    expect(offsetsIn(records)).toEqual([1n]);
    expect((await fetchPartition(cluster, { ...ORDERS, offset: 2 })).records ?? []).toHaveLength(0);
  });

  it('says which refusal it was, of which offset, and what to do', async () => {
    const { cluster } = await open(release);
    const error = await failure(fetchPartition(cluster, { ...ORDERS, offset: 9, advice: 'Ask for less' }));
    expect(error).toBeInstanceOf(BrokerError);
    expect((error as BrokerError).brokerName).toBe('OFFSET_OUT_OF_RANGE');
    expect(error.message).toMatch(/^Cannot read offset 9 of orders-0 on the \w+ cluster: .*\. Ask for less$/);
  });

  it('takes a refusal of the whole request for one of the partition', async () => {
    const { kafka, cluster } = await open(release);
    kafka.fail({ api: Fetch, error: 'KAFKA_STORAGE_ERROR' });
    expect(await failure(fetchPartition(cluster, { ...ORDERS, offset: 0 }))).toMatchObject({ brokerName: 'KAFKA_STORAGE_ERROR' });
  });
});
