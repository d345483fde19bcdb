/** A cluster of several brokers over the embedded cluster, on the machine's own clock: routing by real metadata, and brokers that really die. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/client/clock.ts';
import { Cluster, type ClusterSettings } from '../../../src/client/cluster.ts';
import { openTcp } from '../../../src/client/transport.ts';
import { LinkError } from '../../../src/errors.ts';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { DescribeGroups } from '../../../src/protocol/messages/describe-groups.ts';
import { ListOffsets } from '../../../src/protocol/messages/list-offsets.ts';
import { Metadata } from '../../../src/protocol/messages/metadata.ts';
import { RELEASES, startCluster, type TestCluster } from '../../../src/testing/index.ts';
import { failure } from './open-connection.ts';
import { settingsOf } from './scripted-cluster.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const connect = async (test: TestCluster, more: Partial<ClusterSettings> = {}): Promise<Cluster> => {
  const bootstrap = test.bootstrap.map((address) => ({ host: address.split(':')[0] as string, port: Number(address.split(':')[1]) }));
  const client = await Cluster.connect(
    settingsOf(bootstrap, { retry: { backoffMs: 5, maxBackoffMs: 50 }, ...more }),
    { clock: systemClock, random: Math.random, openTransport: openTcp },
    { timeoutMs: 20_000 },
  );
  endings.push(() => client.close());
  return client;
};
const start = async (options: Parameters<typeof startCluster>[0]): Promise<TestCluster> => {
  const test = await startCluster(options);
  endings.push(() => test.stop());
  return test;
};

/** Asks the leader for the log end, and judges the answer as a caller has to: refresh, and again. */
const logEnd = (client: Cluster, topic: string, partition: number): Promise<bigint> =>
  client.retry(
    async (count, signal) => {
      if (count > 1) await client.refreshMetadata([topic], signal);
      const partitions = [{ partitionIndex: partition, timestamp: -1n }];
      const target = { leader: { topic, partition } };
      const response = await client.send(ListOffsets, { replicaId: -1, topics: [{ name: topic, partitions }] }, target, { signal });
      const answer = response.topics[0]?.partitions[0];
      if (answer?.errorCode === ErrorCode.NONE) return answer.offset;
      throw new LinkError('KLINK_BROKER', `error ${answer?.errorCode}`, { retriable: true });
    },
    { timeoutMs: 20_000 },
  );

describe('over an embedded cluster', () => {
  it.each(RELEASES)('of Kafka %s, finds every leader, the topics and the coordinators', async (release) => {
    const test = await start({ brokers: 3, release, topics: { orders: { partitions: 6 } } });
    const client = await connect(test);
    await client.refreshMetadata(['orders']);
    expect(client.metadata.clusterId).toBe(test.clusterId);
    expect([...client.metadata.brokers.keys()].sort()).toEqual([...test.brokerIds].sort());
    expect(await client.listTopics()).toEqual([{ name: 'orders', isInternal: false }]);
    const leaders = new Set(client.metadata.topic('orders')?.partitions.map(({ leaderId }) => leaderId));
    expect(leaders.size).toBe(3);
    for (let partition = 0; partition < 6; partition++) expect(await logEnd(client, 'orders', partition)).toBe(0n);
    const groups = ['a', 'b', 'c', 'd'];
    for (const group of groups) {
      const { groups: described } = await client.send(DescribeGroups, { groups: [group] }, { group });
      // Another broker than the coordinator would answer NOT_COORDINATOR.
      expect(described[0]?.errorCode).not.toBe(ErrorCode.NOT_COORDINATOR);
    }
  });

  it('follows a leader that moves, and brokers that die and come back', async () => {
    const test = await start({ brokers: 3, topics: { orders: { partitions: 1, replicationFactor: 3 } } });
    const client = await connect(test);
    await client.refreshMetadata(['orders']);
    const first = client.metadata.partition('orders', 0);
    const next = test.brokerIds.find((broker) => broker !== first?.leaderId) as number;
    test.moveLeader('orders', 0, next);
    expect(await logEnd(client, 'orders', 0)).toBe(0n);
    expect(client.metadata.partition('orders', 0)?.leaderId).toBe(next);
    expect(client.metadata.partition('orders', 0)?.leaderEpoch).toBeGreaterThan(first?.leaderEpoch as number);

    await test.kill(next);
    expect(await logEnd(client, 'orders', 0)).toBe(0n);
    expect(client.metadata.partition('orders', 0)?.leaderId).not.toBe(next);
    await test.restart(next);
    test.moveLeader('orders', 0, next);
    expect(await logEnd(client, 'orders', 0)).toBe(0n);
    expect(client.metadata.partition('orders', 0)?.leaderId).toBe(next);
  });

  it('survives a restart of every broker, one after the other and all at once', async () => {
    const test = await start({ brokers: 3, topics: { orders: { partitions: 3, replicationFactor: 3 } } });
    const client = await connect(test);
    await client.refreshMetadata(['orders']);
    for (const broker of test.brokerIds) {
      await test.kill(broker);
      await test.restart(broker);
      for (let partition = 0; partition < 3; partition++) expect(await logEnd(client, 'orders', partition)).toBe(0n);
    }
    await Promise.all(test.brokerIds.map((broker) => test.kill(broker)));
    expect(await failure(client.send(Metadata, { topics: [] }, 'any'))).toMatchObject({ retriable: true });
    await Promise.all(test.brokerIds.map((broker) => test.restart(broker)));
    for (let partition = 0; partition < 3; partition++) expect(await logEnd(client, 'orders', partition)).toBe(0n);
  });

  it('is held up by a broker that stalls no longer than its requests may last', async () => {
    const test = await start({ brokers: 2, topics: { orders: { partitions: 2 } } });
    const client = await connect(test, { requestTimeoutMs: 300, connectTimeoutMs: 300 });
    await client.refreshMetadata(['orders']);
    // The connection is open: it is the answer that will be missing.
    await logEnd(client, 'orders', 0);
    const partition = client.metadata.topic('orders')?.partitions[0];
    test.stall(partition?.leaderId as number);
    const asked = client.send(
      ListOffsets,
      { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1n }] }] },
      { leader: { topic: 'orders', partition: 0 } },
    );
    expect(await failure(asked)).toMatchObject({ code: 'KLINK_TIMEOUT', retriable: true });
    test.resume(partition?.leaderId as number);
    expect(await logEnd(client, 'orders', 0)).toBe(0n);
  });

  it('leaves no connection behind', async () => {
    const test = await start({ brokers: 2 });
    const client = await connect(test);
    await Promise.all(test.brokerIds.flatMap((broker) => ['a', 'b', 'c'].map((lane) => client.connection(broker, lane))));
    await client.close();
    await expect.poll(() => test.brokerIds.map((broker) => test.connections(broker))).toEqual([0, 0]);
  });
});
