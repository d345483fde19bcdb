/** The three syncs between real brokers: Kafka's own consumers go on where they were, its authorizers and its configs say the same on both sides. */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/client/clock.ts';
import type { Cluster } from '../../src/client/cluster.ts';
import { fetchPartition } from '../../src/client/fetch-partition.ts';
import { batchesOf, readRecords } from '../../src/codec/index.ts';
import { OffsetLookup } from '../../src/link/replication/offset-lookup.ts';
import { AclSync } from '../../src/link/tasks/acl-sync.ts';
import { DEFAULT_CONFIG_SYNC_INCLUDE } from '../../src/link/tasks/config-classes.ts';
import { ConsumerOffsetSync, type OffsetSyncMode } from '../../src/link/tasks/consumer-offset-sync.ts';
import { ListedMirrorLogs } from '../../src/link/tasks/mirror-logs.ts';
import { decodeOffsetCommit } from '../../src/link/tasks/offset-commit-record.ts';
import type { Task } from '../../src/link/tasks/task.ts';
import { TopicConfigsSync } from '../../src/link/tasks/topic-configs-sync.ts';
import { mirrorTopicConfigs } from '../../src/link/topic-configs.ts';
import { DescribeAcls } from '../../src/protocol/messages/describe-acls.ts';
import { connect, never } from '../integration/link/tasks/bench.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { consoleTool } from '../support/kafka/console-tools.ts';
import { GROUP_MEMBERS, GROUP_READERS } from '../support/kafka/group-readers.ts';
import { type JavaClient, startJavaClient } from '../support/kafka/java-client.ts';
import { ACLS } from '../support/kafka/properties.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const RECORDS = 60;
const COMMITS = '__consumer_offsets';
const PATIENCE = { timeout: 30_000, interval: 20 };

type Client = keyof typeof GROUP_READERS;
const consume = (client: Client, kafka: KafkaCluster, topic: string, group: string, count: number): Promise<readonly string[]> =>
  GROUP_READERS[client]({ bootstrap: kafka.bootstrap, topic, group, count });

const nameOf = (client: Client): string => client.replace(/\W+/g, '-').toLowerCase();

/** What Kafka's own tool says a group has committed: offsets by topic and partition. */
const committed = async (kafka: KafkaCluster, group: string): Promise<Readonly<Record<string, number>>> => {
  const lines = await consoleTool('consumer-groups', ['--bootstrap-server', kafka.bootstrap.join(','), '--describe', '--group', group]);
  const rows = lines.map((line) => line.trim().split(/\s+/)).filter(([name]) => name === group);
  return Object.fromEntries(rows.map(([, topic, partition, offset]) => [`${topic}/${partition}`, Number(offset)]));
};

describe.each([
  { from: KAFKA_NEWEST, clients: ['Java, classic', 'Java, KIP-848', 'kafkajs', 'kcat'] as const },
  // Brokers of that release do not have the protocol of KIP-848 switched on.
  { from: KAFKA_39, clients: ['Java, classic', 'kcat'] as const },
])('from $from', ({ from, clients }) => {
  let [kafka, link]: [{ source: KafkaCluster; destination: KafkaCluster }, { source: Cluster; destination: Cluster }] = [] as never;
  let java: JavaClient;

  beforeAll(async () => {
    java = await startJavaClient();
    const source = await startKafka({ version: from, config: { ...ACLS, 'log.retention.hours': '5', 'log.roll.ms': '3600000' } });
    kafka = { source, destination: await startKafka({ version: KAFKA_NEWEST, config: ACLS }) };
    link = {
      source: await connect(kafka.source.bootstrap, 'source'),
      destination: await connect(kafka.destination.bootstrap, 'destination'),
    };
  });
  afterAll(async () => {
    await Promise.all([link?.source.close(), link?.destination.close()]);
    await Promise.all([java?.close(), kafka?.source.stop(), kafka?.destination.stop()]);
  });

  const run = (task: Task) => task.run({ signal: never, wake: () => {} });
  const offsetSync = (mode: OffsetSyncMode, topics: readonly string[]): ConsumerOffsetSync =>
    new ConsumerOffsetSync({
      ...link,
      clock: systemClock,
      random: Math.random,
      selects: (group) => !group.startsWith('console-'),
      topics: () => topics.map((topic) => ({ sourceTopic: topic, topic })),
      logs: new ListedMirrorLogs(link.destination),
      mode,
    });
  /** The same records at the same offsets on both sides. */
  const mirrored = async (topic: string): Promise<readonly string[]> => {
    const values = Array.from({ length: RECORDS }, (_, i) => `${topic}-${i}`);
    const records = values.map((value, i) => ({ partition: i % 2, value }));
    for (const { bootstrap } of [kafka.source, kafka.destination]) {
      await java.createTopic(bootstrap, topic, { partitions: 2 });
      await java.produce(bootstrap, topic, { records });
    }
    return values;
  };

  it.each(clients)('a group of %s moves: nothing is read twice, nothing is missed', async (client) => {
    const topic = `move-${nameOf(client)}`;
    const values = await mirrored(topic);
    const before = await consume(client, kafka.source, topic, topic, 25);
    expect(before).toHaveLength(25);
    const sync = offsetSync('periodic', [topic]);
    expect((await run(sync)).errors).toEqual([]);
    const there = await committed(kafka.source, topic);
    expect(Object.values(there).reduce((sum, offset) => sum + offset, 0)).toBe(25);
    expect(await committed(kafka.destination, topic)).toEqual(there);

    const after = await consume(client, kafka.destination, topic, topic, RECORDS - 25);
    expect([...before, ...after].sort()).toEqual([...values].sort());
    // It has moved: what the source still says of it is no reason to send it back.
    expect((await run(sync)).counts).toMatchObject({ committed: 0 });
    const ends = Object.fromEntries(
      (await java.offsets(kafka.destination.bootstrap, topic)).map(({ partition, end }) => [`${topic}/${partition}`, end]),
    );
    expect(await committed(kafka.destination, topic)).toEqual(ends);
  });

  const followed = clients.filter((client) => client.startsWith('Java'));
  it.each(followed)('commits of a group of %s are followed', async (client) => {
    const topic = `follow-${nameOf(client)}`;
    await mirrored(topic);
    await consume(client, kafka.source, topic, topic, 5);
    const sync = offsetSync('following', [topic]);
    try {
      expect((await run(sync)).errors).toEqual([]);
      expect(sync.status).toMatchObject({ mode: 'following', followError: null });
      await consume(client, kafka.source, topic, topic, 20);
      const there = await committed(kafka.source, topic);
      expect(Object.values(there).reduce((sum, offset) => sum + offset, 0)).toBe(25);
      await expect.poll(() => committed(kafka.destination, topic), PATIENCE).toEqual(there);
      const admin = new Kafka({ brokers: [...kafka.source.bootstrap], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition: 0, offset: '2' }] });
      await admin.disconnect();
      await expect.poll(() => committed(kafka.destination, topic), PATIENCE).toEqual({ ...there, [`${topic}/0`]: 2 });
      await expect.poll(() => sync.status.ageMs, PATIENCE).toBeLessThan(1_000);
      expect(sync.status.mode).toBe('following');
    } finally {
      await sync.suspend();
    }
  });

  it('offsets that a transaction commits arrive when it does', async () => {
    await mirrored('transactions');
    const sync = offsetSync('following', ['transactions']);
    const client = new Kafka({ brokers: [...kafka.source.bootstrap], logLevel: logLevel.NOTHING });
    // One producer for each: brokers take a moment to end a transaction, and kafkajs does not wait for that.
    const transactionOf = async (
      transactionalId: string,
      offset: string,
    ): Promise<{ readonly end: (how: 'commit' | 'abort') => Promise<void> }> => {
      const producer = client.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.sendOffsets({ consumerGroupId: 'tx', topics: [{ topic: 'transactions', partitions: [{ partition: 0, offset }] }] });
      return { end: (how) => transaction[how]().finally(() => producer.disconnect()) };
    };
    const there = () => committed(kafka.destination, 'tx').catch(() => ({}));
    try {
      const open = await transactionOf('tx-1', '3');
      await run(sync);
      expect(await there()).toEqual({});
      await open.end('commit');
      await expect.poll(there, PATIENCE).toEqual({ 'transactions/0': 3 });
      await (await transactionOf('tx-2', '9')).end('abort');
      await (await transactionOf('tx-3', '4')).end('commit');
      await expect.poll(there, PATIENCE).toEqual({ 'transactions/0': 4 });
      expect(sync.status.mode).toBe('following');
    } finally {
      await sync.suspend();
    }
  });

  it.each(['kafkajs', 'kcat'] as const)('a group with a member of %s at the destination is left alone and reported', async (client) => {
    const topic = `used-by-${client}`;
    await mirrored(topic);
    await consume(client, kafka.source, topic, topic, 10);
    const member = await GROUP_MEMBERS[client]({ bootstrap: kafka.destination.bootstrap, topic, group: topic });
    const sync = offsetSync('periodic', [topic]);
    const { errors, counts } = await run(sync);
    expect(errors).toMatchObject([{ code: 'CONSUMER_GROUP_IN_USE_ERROR', subject: topic }]);
    expect(counts).toMatchObject({ committed: 0, inUse: 1 });
    await member.leave();
    expect((await run(sync)).errors).toEqual([]);
    expect(await committed(kafka.destination, topic)).toEqual(await committed(kafka.source, topic));
  });

  it('every commit in the log of the source is understood, and says what the tool says', async () => {
    await link.source.refreshMetadata([COMMITS]);
    const lookup = new OffsetLookup(link.source, 'consumer');
    const last = new Map<string, bigint | null>();
    let others = 0;
    for (const { partition } of link.source.metadata.topic(COMMITS)?.partitions ?? []) {
      const { start, end } = await lookup.range(COMMITS, partition);
      for (let offset = start; offset < end; ) {
        const { records } = await fetchPartition(link.source, { topic: COMMITS, partition, offset, maxBytes: 1_048_576 });
        for (const batch of batchesOf(records ?? Buffer.alloc(0))) {
          offset = batch.nextOffsetNumber;
          if (batch.isControl || batch.isTransactional) continue;
          for (const { key, value } of await readRecords(batch)) {
            const commit = decodeOffsetCommit(key, value);
            if (commit === null) others++;
            else last.set(`${commit.group} ${commit.topic}/${commit.partition}`, commit.committed?.offset ?? null);
          }
        }
      }
    }
    expect(others, 'records about groups and members').toBeGreaterThan(0);
    const groups = [...clients.map((client) => `move-${nameOf(client)}`), ...followed.map((client) => `follow-${nameOf(client)}`)];
    for (const group of groups) {
      for (const [of, offset] of Object.entries(await committed(kafka.source, group)))
        expect(last.get(`${group} ${of}`)).toBe(BigInt(offset));
    }
  });

  it('ACLs of a region are those of the source, and others are what they were', async () => {
    const listing = async (cluster: Cluster): Promise<readonly string[]> => {
      const everything = { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null };
      const { resources } = await cluster.send(DescribeAcls, { ...everything, operation: 1, permissionType: 1 }, 'any');
      return resources.flatMap(({ acls, ...of }) => acls.map((acl) => JSON.stringify({ ...of, ...acl }))).sort();
    };
    await java.allow(kafka.source.bootstrap, 'User:ann', ['READ', 'DESCRIBE'], 'topic', 'orders');
    await java.allow(kafka.source.bootstrap, 'User:ann', ['READ'], 'group', 'ann');
    await java.allow(kafka.source.bootstrap, 'User:link', ['DESCRIBE'], 'cluster', 'kafka-cluster');
    await java.allow(kafka.destination.bootstrap, 'User:eve', ['WRITE'], 'topic', 'orders');
    await java.allow(kafka.destination.bootstrap, 'User:bob', ['ALTER'], 'cluster', 'kafka-cluster');
    const sync = new AclSync({ ...link, selects: ({ resourceType }) => resourceType !== 4, mode: 'add-and-remove', prefix: null });
    await expect.poll(async () => (await sync.plan(never)).creates.length, PATIENCE).toBe(3);
    const outside = (all: readonly string[]): readonly string[] => all.filter((one) => one.includes('kafka-cluster'));
    const before = outside(await listing(link.destination));
    expect(before).toHaveLength(1);
    expect(await run(sync)).toMatchObject({ counts: { added: 3, deleted: 1 }, errors: [] });
    const wanted = (await listing(link.source)).filter((one) => !one.includes('kafka-cluster'));
    await expect.poll(() => listing(link.destination), PATIENCE).toEqual([...wanted, ...before].sort());
    expect(await run(sync)).toMatchObject({ counts: { added: 0, deleted: 0, same: 3 } });
  });

  it('a mirror has the configs of its source, and its defaults where they differ', async () => {
    const source = { 'cleanup.policy': 'compact', 'segment.index.bytes': '100000', 'retention.bytes': '5000000' };
    await java.createTopic(kafka.source.bootstrap, 'configs', { config: source });
    await java.createTopic(kafka.destination.bootstrap, 'configs', { config: mirrorTopicConfigs(new Map()) });
    const topic = {
      sourceTopic: 'configs',
      topic: 'configs',
      hasCaughtUp: false,
      replicationFactor: 1,
      overrides: new Map<string, string>(),
    };
    const sync = new TopicConfigsSync({ ...link, topics: () => [topic], include: () => DEFAULT_CONFIG_SYNC_INCLUDE });
    const here = () => java.describeConfigs(kafka.destination.bootstrap, { topic: 'configs' });
    expect((await run(sync)).errors).toEqual([]);
    await expect.poll(here, PATIENCE).toMatchObject({
      'segment.index.bytes': '100000',
      'segment.ms': '3600000',
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
    });
    await expect.poll(async () => (await sync.diff(never))[0]?.changes, PATIENCE).toEqual([]);
    await sync.stop(topic, never);
    const theirs = await java.describeConfigs(kafka.source.bootstrap, { topic: 'configs' });
    await expect
      .poll(async () => {
        const configs = await here();
        return DEFAULT_CONFIG_SYNC_INCLUDE.filter((name) => name in configs && name in theirs && configs[name] !== theirs[name]);
      }, PATIENCE)
      .toEqual([]);
    // 5 hours, as its brokers are told in hours.
    expect(await here()).toMatchObject({ 'cleanup.policy': 'compact', 'retention.ms': '18000000', 'retention.bytes': '5000000' });
    await java.alterConfigs(kafka.source.bootstrap, { topic: 'configs' }, { 'segment.index.bytes': null });
    await expect
      .poll(async () => (await sync.diff(never))[0]?.changes.find(({ name }) => name === 'segment.index.bytes'), PATIENCE)
      .toMatchObject({
        operation: 'DELETE',
      });
  });
});
