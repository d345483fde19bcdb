/** The task `TopicConfigsSync` between embedded clusters. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG_SYNC_INCLUDE } from '../../../../src/link/tasks/config-classes.ts';
import type { ConfigEntries } from '../../../../src/link/tasks/plan-topic-configs.ts';
import { type ConfigSyncTopic, TopicConfigsSync } from '../../../../src/link/tasks/topic-configs-sync.ts';
import { mirrorTopicConfigs } from '../../../../src/link/topic-configs.ts';
import { CreateAcls } from '../../../../src/protocol/messages/create-acls.ts';
import { DescribeConfigs } from '../../../../src/protocol/messages/describe-configs.ts';
import { IncrementalAlterConfigs } from '../../../../src/protocol/messages/incremental-alter-configs.ts';
import type { Release, TestClusterOptions } from '../../../../src/testing/index.ts';
import { Bench, never } from './bench.ts';

const FRESH = mirrorTopicConfigs(new Map());
const LONG_MAX = '9223372036854775807';

const mirrorOf = (name: string, facts: Partial<ConfigSyncTopic> = {}): ConfigSyncTopic => ({
  sourceTopic: name,
  topic: name,
  hasCaughtUp: false,
  replicationFactor: 1,
  overrides: new Map(),
  ...facts,
});

const syncOf = (
  bench: Bench,
  topics: readonly ConfigSyncTopic[],
  include = DEFAULT_CONFIG_SYNC_INCLUDE,
  seen = new Map<string, ConfigEntries>(),
) =>
  new TopicConfigsSync({
    source: bench.source,
    destination: bench.destination,
    topics: () => topics,
    include: () => include,
    seen: (topic, configs) => void seen.set(topic, configs),
  });

const alter = (bench: Bench, side: 'source' | 'destination', topic: string, configs: Readonly<Record<string, string | null>>) =>
  bench.root[side].send(
    IncrementalAlterConfigs,
    {
      resources: [
        {
          resourceType: 2,
          resourceName: topic,
          configs: Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: value === null ? 1 : 0 })),
        },
      ],
      validateOnly: false,
    },
    'controller',
  );
const configsOf = (bench: Bench, topic: string): Readonly<Record<string, string>> =>
  Object.fromEntries(bench.kafka.destination.topicConfigs(topic));

const orders = (configs: Readonly<Record<string, string>>, more: TestClusterOptions = {}): TestClusterOptions => ({
  ...more,
  topics: { orders: { configs } },
});

/** Newer brokers have a limit for times that are ahead (KIP-1030), and the mirror has what its source has. */
describe.each<[Release, Release, string | undefined]>([
  ['2.8', '4.4', LONG_MAX],
  ['3.9', '3.9', undefined],
  ['4.1', '4.4', undefined],
  ['4.4', '3.9', '3600000'],
])('from %s to %s', (from, to, timestampAfterMax) => {
  it('what is set, changed and unset on the source is so on the mirror, and then there is nothing to do', async () => {
    await using bench = await Bench.open({
      source: orders({ 'segment.ms': '5000', 'retention.ms': '1000' }, { release: from }),
      destination: orders(FRESH, { release: to }),
    });
    const sync = syncOf(bench, [mirrorOf('orders')]);
    expect((await bench.run(sync)).errors).toEqual([]);
    const first = configsOf(bench, 'orders');
    expect(first).toMatchObject({ ...FRESH, 'segment.ms': '5000' });

    await alter(bench, 'source', 'orders', { 'segment.ms': null, 'flush.messages': '77' });
    expect((await bench.run(sync)).counts).toEqual({ topics: 1, updates: 2 });
    const { 'segment.ms': _, ...rest } = first;
    expect(configsOf(bench, 'orders')).toEqual({ ...rest, 'flush.messages': '77' });

    const changes = await bench.count('destination', IncrementalAlterConfigs, async () => {
      expect(await bench.run(sync)).toEqual({ counts: { topics: 1, updates: 0 }, errors: [] });
    });
    expect(changes).toBe(0);
  });

  it('becomes what its source is when it is stopped', async () => {
    await using bench = await Bench.open({
      source: orders({ 'cleanup.policy': 'compact', 'retention.ms': '1000', 'max.message.bytes': '2000' }, { release: from }),
      destination: orders(FRESH, { release: to }),
    });
    const sync = syncOf(bench, []);
    await sync.stop(mirrorOf('orders'), never);
    expect(configsOf(bench, 'orders')).toMatchObject({ 'cleanup.policy': 'compact', 'retention.ms': '1000', 'max.message.bytes': '2000' });
    expect(configsOf(bench, 'orders')).not.toHaveProperty('retention.bytes');
    expect((await sync.stop(mirrorOf('orders'), never)).changes).toEqual([]);
    expect(configsOf(bench, 'orders')['message.timestamp.after.max.ms']).toBe(timestampAfterMax);
  });
});

it('drift is corrected, local changes of what does not follow are left', async () => {
  await using bench = await Bench.open({ source: orders({}), destination: orders(FRESH) });
  const sync = syncOf(bench, [mirrorOf('orders')]);
  await alter(bench, 'destination', 'orders', { 'retention.ms': '5', 'segment.ms': '9', 'min.insync.replicas': '1' });
  expect((await bench.run(sync)).errors).toEqual([]);
  expect(configsOf(bench, 'orders')).toEqual({ ...FRESH, 'min.insync.replicas': '1' });
});

it('where the brokers of the two clusters have other defaults, the mirror has those of its source', async () => {
  await using bench = await Bench.open({
    source: orders({}, { brokerConfig: { 'log.roll.ms': '1234', 'log.cleaner.delete.retention.ms': '99' } }),
    destination: orders(FRESH, { brokerConfig: { 'log.cleaner.delete.retention.ms': '99', 'log.flush.interval.ms': '7' } }),
  });
  await bench.run(syncOf(bench, [mirrorOf('orders')]));
  expect(configsOf(bench, 'orders')).toEqual({ ...FRESH, 'segment.ms': '1234', 'flush.ms': LONG_MAX });
});

it('a plan changes nothing and says what a run would', async () => {
  await using bench = await Bench.open({ source: orders({ 'segment.ms': '5000' }), destination: orders(FRESH) });
  const sync = syncOf(bench, [mirrorOf('orders')]);
  expect(await sync.diff(never)).toEqual([
    {
      topic: 'orders',
      sourceTopic: 'orders',
      changes: [{ name: 'segment.ms', operation: 'SET', from: '604800000', to: '5000', reason: 'source' }],
      withheld: [],
      error: null,
    },
  ]);
  expect(configsOf(bench, 'orders')).toEqual(FRESH);
});

it('a compacted topic is compacted once it has caught up', async () => {
  await using bench = await Bench.open({ source: orders({ 'cleanup.policy': 'compact,delete' }), destination: orders(FRESH) });
  await bench.run(syncOf(bench, [mirrorOf('orders')]));
  expect(configsOf(bench, 'orders')).toEqual(FRESH);
  await bench.run(syncOf(bench, [mirrorOf('orders', { hasCaughtUp: true })]));
  expect(configsOf(bench, 'orders')).toEqual({ ...FRESH, 'cleanup.policy': 'compact,delete' });
});

it('one value that the destination refuses keeps no other from being set', async () => {
  // Segments below 1 MiB are not legal any more since Kafka 4.0.
  await using bench = await Bench.open({
    source: orders({ 'segment.bytes': '20000', 'retention.ms': '5', 'flush.ms': '3' }, { release: '2.8' }),
    destination: orders(FRESH, { release: '4.4' }),
  });
  const stopped = syncOf(bench, []).stop(mirrorOf('orders'), never);
  await expect(stopped).rejects.toMatchObject({
    brokerName: 'INVALID_CONFIG',
    message: expect.stringMatching(/segment\.bytes to 20000 of topic 'orders'/),
  });
  expect(configsOf(bench, 'orders')).toMatchObject({ 'retention.ms': '5', 'flush.ms': '3' });
});

it('more replicas than there are would stop the mirror: that is told, and the rest is done', async () => {
  await using bench = await Bench.open({ source: orders({ 'min.insync.replicas': '2', 'flush.ms': '3' }), destination: orders(FRESH) });
  const { errors } = await bench.run(syncOf(bench, [mirrorOf('orders')], [...DEFAULT_CONFIG_SYNC_INCLUDE, 'min.insync.replicas']));
  expect(errors).toMatchObject([{ code: 'MISCONFIGURATION_ERROR', subject: 'orders' }]);
  expect(configsOf(bench, 'orders')).toEqual({ ...FRESH, 'flush.ms': '3' });
});

it('a failover knows what the source had, without asking it', async () => {
  await using bench = await Bench.open({ source: orders({ 'retention.ms': '1000' }), destination: orders(FRESH) });
  const seen = new Map<string, ConfigEntries>();
  await bench.run(syncOf(bench, [mirrorOf('orders')], DEFAULT_CONFIG_SYNC_INCLUDE, seen));
  const requests = await bench.count('source', DescribeConfigs, () =>
    syncOf(bench, []).stop(mirrorOf('orders'), never, seen.get('orders') as ConfigEntries),
  );
  expect(requests).toBe(0);
  expect(configsOf(bench, 'orders')).toEqual({ 'retention.ms': '1000' });
});

it('a topic that is gone, or that may not be described, keeps no other from being synced', async () => {
  const topics = { orders: { configs: { 'flush.ms': '3' } }, carts: {}, secret: {} };
  const mirrors = { orders: { configs: FRESH }, carts: { configs: FRESH }, secret: { configs: FRESH } };
  const authorizer = { superUsers: ['User:root'], allowEveryoneIfNoAclFound: true };
  await using bench = await Bench.open({ source: { topics, authorizer }, destination: { topics: mirrors } });
  await bench.kafka.source.deleteTopic('carts');
  const somebody = { principal: 'User:somebody', host: '*', operation: 2, permissionType: 3 };
  await bench.root.source.send(CreateAcls, { creations: [{ resourceType: 2, resourceName: 'secret', ...somebody }] }, 'controller');
  const { errors, counts } = await bench.run(
    syncOf(
      bench,
      ['carts', 'secret', 'orders'].map((name) => mirrorOf(name)),
    ),
  );
  expect(errors).toMatchObject([
    { code: 'UNKNOWN_TOPIC_OR_PARTITION_ERROR', subject: 'carts' },
    { code: 'AUTHORIZATION_ERROR', subject: 'secret', message: expect.stringMatching(/DESCRIBE_CONFIGS on the topics of the source/) },
  ]);
  expect(counts).toEqual({ topics: 3, updates: 1 });
  expect(configsOf(bench, 'orders')).toEqual({ ...FRESH, 'flush.ms': '3' });
});

it('many topics take few requests', async () => {
  const names = Array.from({ length: 250 }, (_, i) => `topic-${i}`);
  const all = (configs: Readonly<Record<string, string>>) => ({ topics: Object.fromEntries(names.map((name) => [name, { configs }])) });
  await using bench = await Bench.open({ source: all({ 'flush.ms': '3' }), destination: all(FRESH) });
  const sync = syncOf(
    bench,
    names.map((name) => mirrorOf(name)),
  );
  const reads = await bench.count('source', DescribeConfigs, async () => {
    const writes = await bench.count('destination', IncrementalAlterConfigs, async () => {
      expect(await bench.run(sync)).toEqual({ counts: { topics: 250, updates: 250 }, errors: [] });
    });
    expect(writes).toBe(3);
  });
  expect(reads).toBe(3);
});
