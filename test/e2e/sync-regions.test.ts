/** What the syncs of a running link reach on real brokers, and when; and that everything else is what it was, by full listings before and after. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClusterLink, createLink, type LinkOptions, type TaskName } from '../../src/index.ts';
import { CreateAcls } from '../../src/protocol/messages/create-acls.ts';
import { DeleteGroups } from '../../src/protocol/messages/delete-groups.ts';
import { DescribeAcls } from '../../src/protocol/messages/describe-acls.ts';
import type { ClusterControl } from '../scenarios/environment.ts';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { sampleBatches } from '../scenarios/sample-batches.ts';
import { consoleTool } from '../support/kafka/console-tools.ts';
import { ACLS } from '../support/kafka/properties.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const INTERVAL_MS = 5_000;
const ORDERS = 'shop.orders';
/** How often it is looked after the fact whether a broker has heard of it. */
const SOON = { timeout: 10_000, interval: 50 };

let kafka: RealEnvironment;
let link: ClusterLink | undefined;
const optionsOf = (name: string, topics: readonly string[], settings: LinkOptions['settings']): LinkOptions => ({
  name,
  source: { bootstrap: kafka.source.bootstrap },
  destination: { bootstrap: kafka.destination.bootstrap },
  topics,
  settings: {
    consumerOffsetSyncEnable: true,
    consumerOffsetSyncMs: INTERVAL_MS,
    consumerOffsetGroupFilters: [{ name: 'app-', patternType: 'PREFIXED', filterType: 'INCLUDE' }],
    ...settings,
  },
});

beforeAll(async () => {
  kafka = await realEnvironment({
    source: { version: KAFKA_39, config: ACLS },
    destination: { version: KAFKA_NEWEST, config: ACLS },
  });
});
afterAll(async () => {
  await link?.close();
  await kafka?.[Symbol.asyncDispose]();
});

const aclsOf = async ({ bench }: ClusterControl): Promise<readonly string[]> => {
  const everything = { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null };
  const { resources } = await bench.cluster.send(DescribeAcls, { ...everything, operation: 1, permissionType: 1 }, 'any');
  return resources.flatMap(({ acls, ...of }) => acls.map((acl) => JSON.stringify({ ...of, ...acl }))).sort();
};
/** Every config of every topic, defaults included, as Java's client lists them. */
const configsOf = async ({
  bench,
  bootstrap,
}: ClusterControl): Promise<Readonly<Record<string, Readonly<Record<string, string | null>>>>> =>
  Object.fromEntries(
    await Promise.all(
      (await bench.topics()).map(async (topic) => [topic, await kafka.java.describeConfigs(bootstrap, { topic })] as const),
    ),
  );
/** Of every group, as Kafka's tool lists them. */
const offsetsOf = async ({ bootstrap }: ClusterControl): Promise<readonly string[]> => {
  const lines = await consoleTool('consumer-groups', ['--bootstrap-server', bootstrap.join(','), '--describe', '--all-groups']);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , partition]) => /^\d+$/.test(partition ?? ''))
    .map(([group, topic, partition, offset]) => `${group} ${topic}/${partition} ${offset}`)
    .sort();
};
const everythingOf = async (side: ClusterControl) => ({
  acls: await aclsOf(side),
  configs: await configsOf(side),
  offsets: await offsetsOf(side),
});
/** Resolves with the first run of a task that begins after now, when it is over. */
const nextRun = async (of: ClusterLink, name: TaskName): Promise<{ readonly waitedMs: number; readonly errors: readonly unknown[] }> => {
  const now = Date.now();
  const lastRun = () => of.tasks().find((task) => task.name === name)?.lastRun ?? null;
  await expect.poll(() => (lastRun()?.startedAt.getTime() ?? 0) >= now, PATIENCE).toBe(true);
  return { waitedMs: (lastRun()?.startedAt.getTime() ?? 0) - now, errors: lastRun()?.errors ?? [] };
};
const topicFields = (topic: string): string => `"resourceType":2,"resourceName":"${topic}","patternType":3`;

it('a run later what is selected is as the source has it, and nothing else has changed', async () => {
  const { java, source, destination } = kafka;
  for (const side of [source, destination]) await side.bench.createTopic('elsewhere', { configs: { 'segment.ms': '7000000' } });
  await destination.bench.createTopic('local', { configs: { 'retention.bytes': '1000000000', 'cleanup.policy': 'compact' } });
  await source.bench.createTopic(ORDERS, { partitions: 2 });
  for (const partition of [0, 1]) await source.bench.append(ORDERS, partition, await sampleBatches({ seed: partition + 1, batches: 2 }));
  await source.bench.commit('app-1', ORDERS, 0, 3);
  await source.bench.commit('app-1', 'elsewhere', 0, 0);
  await source.bench.commit('not-1', ORDERS, 0, 5);
  await destination.bench.commit('app-of-here', 'elsewhere', 0, 0);
  await destination.bench.commit('local', 'local', 0, 0);
  await java.allow(source.bootstrap, 'User:ann', ['READ'], 'topic', ORDERS);
  await java.allow(source.bootstrap, 'User:ann', ['READ'], 'group', 'app-1');
  await java.allow(source.bootstrap, 'User:bob', ['READ'], 'group', 'app-1');
  await java.allow(source.bootstrap, 'User:ann', ['READ'], 'topic', 'elsewhere');
  await java.allow(source.bootstrap, 'User:link', ['DESCRIBE'], 'cluster', 'kafka-cluster');
  await java.allow(destination.bootstrap, 'User:eve', ['READ'], 'topic', ORDERS);
  await java.allow(destination.bootstrap, 'User:eve', ['READ'], 'topic', 'elsewhere');
  await java.allow(destination.bootstrap, 'User:bob', ['READ'], 'group', 'local');
  await java.allow(destination.bootstrap, 'User:carl', ['ALTER'], 'cluster', 'kafka-cluster');
  await java.allow(destination.bootstrap, 'User:dora', ['WRITE'], 'transactional_id', 'payments');
  const [PREFIXED, DENY, READ, TOPIC] = [4, 2, 3, 2];
  const denied = { resourceType: TOPIC, resourceName: 'shop.', resourcePatternType: PREFIXED, principal: 'User:mallory', host: '*' };
  await destination.bench.cluster.send(CreateAcls, { creations: [{ ...denied, operation: READ, permissionType: DENY }] }, 'controller');
  await expect.poll(async () => [(await aclsOf(source)).length, (await aclsOf(destination)).length], SOON).toEqual([5, 6]);
  const before = await everythingOf(destination);
  expect(Object.keys(before.configs).sort()).toEqual(['__consumer_offsets', 'elsewhere', 'local']);

  link = await createLink(
    optionsOf('regions', [ORDERS], {
      topicConfigSyncMs: INTERVAL_MS,
      aclSyncEnable: true,
      aclSyncMs: INTERVAL_MS,
      aclFilters: [
        {
          resourceFilter: { resourceType: 'topic', name: ORDERS, patternType: 'literal' },
          accessFilter: { operation: 'any', permissionType: 'any' },
        },
        { resourceFilter: { resourceType: 'group' }, accessFilter: { principal: 'User:ann', operation: 'any', permissionType: 'any' } },
      ],
    }),
  );
  await link.caughtUp({ timeoutMs: 60_000 });
  for (const name of ['ConsumerOffsetSync', 'AclSync', 'TopicConfigsSync'] as const) await nextRun(link, name);

  const ann = (acls: readonly string[], ...fields: readonly string[]) =>
    acls.filter((acl) => acl.includes('User:ann') && fields.some((field) => acl.includes(field)));
  const region = async (): Promise<readonly string[]> => ann(await aclsOf(source), topicFields(ORDERS), '"resourceName":"app-1"');
  const expected = async () => ({
    acls: [...before.acls.filter((acl) => !acl.includes(topicFields(ORDERS))), ...(await region())].sort(),
    configs: before.configs,
    offsets: (position: number) => [...before.offsets, `app-1 ${ORDERS}/0 ${position}`].sort(),
  });
  expect(await region()).toHaveLength(2);
  const outside = async () => {
    const { [ORDERS]: _mirror, __kafka_link: _memory, ...configs } = await configsOf(destination);
    return configs;
  };
  await expect.poll(() => aclsOf(destination), SOON).toEqual((await expected()).acls);
  expect(await offsetsOf(destination)).toEqual((await expected()).offsets(3));
  expect(await outside()).toEqual(before.configs);
  const mirror = (await configsOf(destination))[ORDERS];

  await java.alterConfigs(source.bootstrap, { topic: ORDERS }, { 'segment.index.bytes': '100000' });
  await java.allow(source.bootstrap, 'User:ann', ['DESCRIBE'], 'topic', ORDERS);
  await source.bench.commit('app-1', ORDERS, 0, 6);
  await expect.poll(region, SOON).toHaveLength(3);
  await expect.poll(async () => (await configsOf(source))[ORDERS], SOON).toMatchObject({ 'segment.index.bytes': '100000' });
  const running = link;
  const runs = await Promise.all((['ConsumerOffsetSync', 'AclSync', 'TopicConfigsSync'] as const).map((name) => nextRun(running, name)));
  for (const { waitedMs, errors } of runs) {
    expect(errors).toEqual([]);
    // A beat may come late on a machine with other work; it is not left out.
    expect(waitedMs).toBeLessThan(1.5 * INTERVAL_MS);
  }
  await expect.poll(() => aclsOf(destination), SOON).toEqual((await expected()).acls);
  await expect.poll(async () => (await configsOf(destination))[ORDERS], SOON).toEqual({ ...mirror, 'segment.index.bytes': '100000' });
  expect(await outside()).toEqual(before.configs);
  expect(await offsetsOf(destination)).toEqual((await expected()).offsets(6));
});

it('a group that was deleted on both sides does not come back, and one that is deleted at the source stays', async () => {
  const { source, destination } = kafka;
  await source.bench.commit('app-2', ORDERS, 1, 2);
  await nextRun(link as ClusterLink, 'ConsumerOffsetSync');
  const all = await offsetsOf(destination);
  expect(all).toContain(`app-2 ${ORDERS}/1 2`);
  for (const group of ['app-1', 'app-2'])
    expect(await source.bench.cluster.send(DeleteGroups, { groupsNames: [group] }, { group })).toMatchObject({
      results: [{ errorCode: 0 }],
    });
  await destination.bench.cluster.send(DeleteGroups, { groupsNames: ['app-2'] }, { group: 'app-2' });
  for (let i = 0; i < 2; i++) expect((await nextRun(link as ClusterLink, 'ConsumerOffsetSync')).errors).toEqual([]);
  expect(await offsetsOf(destination)).toEqual(all.filter((row) => !row.startsWith('app-2 ')));
});

it('groups get the prefix of their link before their names, when that is asked for', async () => {
  const { source, destination } = kafka;
  await source.bench.append('elsewhere', 0, await sampleBatches({ seed: 3, batches: 1 }));
  await source.bench.commit('app-3', 'elsewhere', 0, 1);
  await using prefixed = await createLink(
    optionsOf('prefixed', ['elsewhere'], { clusterLinkPrefix: 'west.', consumerGroupPrefixEnable: true }),
  );
  await prefixed.caughtUp({ timeoutMs: 60_000 });
  await nextRun(prefixed, 'ConsumerOffsetSync');
  const ours = (await offsetsOf(destination)).filter((row) => row.includes('app-3'));
  expect(ours).toEqual(['west.app-3 west.elsewhere/0 1']);
});

it('a failover sets positions back that are beyond the end, and no others', async () => {
  const { destination } = kafka;
  const { end } = await destination.bench.range(ORDERS, 0);
  await destination.bench.commit('beyond', ORDERS, 0, end + 10);
  await destination.bench.commit('within', ORDERS, 0, end - 1);
  await destination.bench.commit('beyond', 'elsewhere', 0, end + 10);
  const before = await offsetsOf(destination);
  expect(await link?.failover([ORDERS])).toMatchObject([{ topic: ORDERS, state: 'STOPPED', error: null }]);
  expect(await offsetsOf(destination)).toEqual(
    before.map((row) => (row === `beyond ${ORDERS}/0 ${end + 10}` ? `beyond ${ORDERS}/0 ${end}` : row)),
  );
});
