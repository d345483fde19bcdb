/** kafkajs, a client that knows nothing of this package, works against the embedded cluster of every release. */
import { type Admin, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { afterEach, describe, expect, it } from 'vitest';
import { RELEASES, startCluster, type TestCluster } from '../../../src/testing/index.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const connected = async <T extends { connect(): Promise<void>; disconnect(): Promise<void> }>(client: T): Promise<T> => {
  await client.connect();
  ends.push(() => client.disconnect());
  return client;
};
const clientOf = (cluster: TestCluster): Kafka =>
  new Kafka({
    clientId: 'js',
    brokers: [...cluster.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, maxRetryTime: 200 },
  });
const start = async (...options: Parameters<typeof startCluster>): Promise<TestCluster> => {
  const cluster = await startCluster(...options);
  ends.push(() => cluster.stop());
  return cluster;
};

/** Consumes until `count` records came; resolves with partition, offset and value of each, sorted. */
const consume = async (kafka: Kafka, groupId: string, topic: string, count: number) => {
  const consumer = await connected(kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 100, maxWaitTimeInMs: 100 }));
  await consumer.subscribe({ topic, fromBeginning: true });
  const seen: [number, string, string | undefined][] = [];
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          seen.push([partition, message.offset, message.value?.toString()]);
          if (seen.length === count) resolve();
        },
      })
      .catch(reject);
  });
  return { consumer, seen: seen.sort() };
};

describe.each(RELEASES)('kafkajs against %s', { timeout: 60_000 }, (release) => {
  it('produces, consumes in a group, commits and goes on after the commit', async () => {
    const cluster = await start({ brokers: 3, release, topics: { t: { partitions: 3, replicationFactor: 3 } } });
    const kafka = clientOf(cluster);
    const producer = await connected(kafka.producer({ idempotent: true }));
    const messages = [0, 1, 2].flatMap((partition) => [0, 1].map((i) => ({ partition, value: `v${partition}${i}`, headers: { h: 'x' } })));
    await producer.send({ topic: 't', compression: CompressionTypes.GZIP, messages });
    const { consumer, seen } = await consume(kafka, 'g', 't', 6);
    expect(seen).toEqual([0, 1, 2].flatMap((partition) => [0, 1].map((i) => [partition, String(i), `v${partition}${i}`])));
    await consumer.disconnect();
    expect(cluster.committed('g', 't')).toEqual(new Map([0, 1, 2].map((partition) => [partition, 2n])));

    await producer.send({ topic: 't', messages: [{ partition: 1, value: 'more' }] });
    const again = await consume(kafka, 'g', 't', 1);
    expect(again.seen).toEqual([[1, '2', 'more']]);
    await again.consumer.disconnect();

    const admin = await connected(kafka.admin());
    expect((await admin.listGroups()).groups).toEqual([{ groupId: 'g', protocolType: 'consumer' }]);
    await admin.deleteGroups(['g']);
    expect((await admin.listGroups()).groups).toEqual([]);
  });

  it('administers topics, offsets and configs', async () => {
    const cluster = await start({ brokers: 2, release });
    const kafka = clientOf(cluster);
    const admin: Admin = await connected(kafka.admin());
    const config = { name: 'retention.ms', value: '1234' };
    await admin.createTopics({ topics: [{ topic: 'a', numPartitions: 2, replicationFactor: 2, configEntries: [config] }] });
    await admin.createPartitions({ topicPartitions: [{ topic: 'a', count: 3 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ['a'] });
    expect(topics[0]!.partitions.map(({ replicas }) => replicas.length)).toEqual([2, 2, 2]);
    const producer = await connected(kafka.producer());
    await producer.send({
      topic: 'a',
      messages: [
        { partition: 0, value: '1' },
        { partition: 0, value: '2' },
      ],
    });
    await admin.deleteTopicRecords({ topic: 'a', partitions: [{ partition: 0, offset: '1' }] });
    expect((await admin.fetchTopicOffsets('a')).find(({ partition }) => partition === 0)).toEqual({
      partition: 0,
      offset: '2',
      high: '2',
      low: '1',
    });
    const { resources } = await admin.describeConfigs({
      resources: [{ type: ConfigResourceTypes.TOPIC, name: 'a', configNames: ['retention.ms'] }],
      includeSynonyms: false,
    });
    expect(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue])).toEqual([['retention.ms', '1234']]);
    await admin.deleteTopics({ topics: ['a'] });
    expect(await admin.listTopics()).toEqual([]);
    expect(cluster.topics).toEqual([]);
  });
});

describe('kafkajs and broken brokers', { timeout: 60_000 }, () => {
  it('goes on producing and consuming when the leader dies', async () => {
    const cluster = await start({ brokers: 3, topics: { t: { replicationFactor: 3 } } });
    const kafka = clientOf(cluster);
    const producer = await connected(kafka.producer({ idempotent: true }));
    await producer.send({ topic: 't', messages: [{ value: 'before' }] });
    await cluster.kill(cluster.log('t').leader);
    await producer.send({ topic: 't', messages: [{ value: 'after' }] });
    expect((await consume(kafka, 'g', 't', 2)).seen).toEqual([
      [0, '0', 'before'],
      [0, '1', 'after'],
    ]);
  });

  it('two members share the partitions, and one takes over from the other', async () => {
    const cluster = await start({ topics: { t: { partitions: 2 } } });
    const kafka = clientOf(cluster);
    const admin = await connected(kafka.admin());
    const one = await connected(kafka.consumer({ groupId: 'g', sessionTimeout: 6_000, heartbeatInterval: 50, maxWaitTimeInMs: 50 }));
    const two = await connected(kafka.consumer({ groupId: 'g', sessionTimeout: 6_000, heartbeatInterval: 50, maxWaitTimeInMs: 50 }));
    const joined = (consumer: typeof one, partitions: number): Promise<void> =>
      new Promise((resolve) => {
        const stop = consumer.on('consumer.group_join', ({ payload }) => {
          if ((payload.memberAssignment['t'] ?? []).length !== partitions) return;
          stop();
          resolve();
        });
      });
    for (const consumer of [one, two]) await consumer.subscribe({ topic: 't' });
    const alone = joined(one, 2);
    await one.run({ eachMessage: async () => undefined });
    await alone;
    const shared = Promise.all([joined(one, 1), joined(two, 1)]);
    await two.run({ eachMessage: async () => undefined });
    await shared;
    expect((await admin.describeGroups(['g'])).groups[0]!.members.length).toBe(2);
    const again = joined(one, 2);
    await two.disconnect();
    await again;
  });
});
