/** Scenarios of how links and mirrors are made and set up: what is refused before anything is changed, and what a later change of configs reaches. */
import { expect } from 'vitest';
import { createLink, listLinks } from '../../src/index.ts';
import { sampleBatches } from './sample-batches.ts';
import { inState, type Scenario, type Stage } from './stage.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
const PATIENCE_MS = 60_000;

const filled = async (stage: Stage, what: string, seed = 1): Promise<string> => {
  const topic = stage.topic(what);
  await stage.source.bench.createTopic(topic);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed, batches: 3 }));
  return topic;
};

const include = (name: string): string => JSON.stringify({ topicFilters: [{ name, patternType: 'PREFIXED', filterType: 'INCLUDE' }] });

/** Configs that cannot be, with what the refusal says. */
const REFUSED: readonly (readonly [configs: Readonly<Record<string, string>>, says: RegExp])[] = [
  [{ 'link.mode': 'SOURCE' }, /link\.mode is 'SOURCE'; it must be DESTINATION/],
  [{ 'link.mode': 'BIDIRECTIONAL' }, /link\.mode/],
  [{ 'connection.mode': 'INBOUND' }, /connection\.mode/],
  [{ 'remote.link.connection.mode': 'INBOUND' }, /one process opens the connections to both clusters/],
  [{ 'local.listener.name': 'INTERNAL' }, /how the destination is reached is said where the link is opened/],
  [{ 'confluent.cluster.link.enable': 'true' }, /a setting of brokers, not of links/],
  [{ 'cluster.link.prefix': 'thirteen-long' }, /1 to 12 of the characters/],
  [{ 'cluster.link.prefix': 'a b' }, /1 to 12 of the characters/],
  [{ 'acl.sync.enable': 'true', 'acl.filters': '{"aclFilters":[]}' }, /must have a filter/],
  [{ 'consumer.offset.sync.enable': 'true' }, /must include something, or no group is ever synced/],
  [{ 'auto.create.mirror.topics.enable': 'true' }, /must include something, or no topic is ever mirrored/],
  [{ 'auto.create.mirror.topics.filters': include('__consumer_') }, /is internal/],
  [{ 'auto.create.mirror.topics.filters': include('x').padEnd(32_768) }, /at most 32767/],
  [{ 'consumer.group.prefix.enable': 'true' }, /needs cluster\.link\.prefix|needs clusterLinkPrefix/],
  [{ 'topic.config.sync.include': 'retention.ms' }, /'cleanup\.policy' is missing/],
  [{ 'topic.config.sync.include': 'no.such' }, /'no\.such' is no topic config/],
  [{ 'mirror.start.offset.spec': 'yesterday' }, /mirror\.start\.offset\.spec/],
  [{ 'consumer.offset.sync.ms': '5' }, /from 100 to/],
];

const refusedConfigs: Scenario = {
  name: 'configs that cannot be are refused when a link is made, with the reason, and no link is there afterwards',
  play: async (stage) => {
    const topic = await filled(stage, 'topic');
    const { destination, ...options } = stage.options([topic]);
    const acls = '{"aclFilters":[{"resourceFilter":{"resourceType":"any"},"accessFilter":{"operation":"any","permissionType":"any"}}]}';
    const withPrefix = { 'acl.sync.enable': 'true', 'acl.filters': acls, 'cluster.link.prefix': 'acls.' };
    for (const [configs, says] of [...REFUSED, [withPrefix, /ACLs name topics without the prefix/] as const]) {
      const refused = createLink({ ...options, destination, configs });
      await expect(refused, JSON.stringify(configs)).rejects.toMatchObject({ code: 'KLINK_CONFIG', message: expect.stringMatching(says) });
    }
    expect(await listLinks({ destination })).not.toContain(options.name);
    expect(await stage.destination.bench.topics()).not.toContain(topic);
  },
};

const switchedOff: Scenario = {
  name: 'a sync or discovery that is switched off keeps its filters, and is switched on again by one word; without filters it is refused',
  play: async (stage) => {
    const topic = stage.topic();
    const link = await stage.link([], { settings: { metadataMaxAgeMs: 200, consumerOffsetSyncMs: 200, aclSyncMs: 200 } });
    const switches = {
      'auto.create.mirror.topics': ['enable', 'filters', include(`${topic}-`), 'AutoCreateMirror'],
      'consumer.offset': ['sync.enable', 'group.filters', include(topic).replace('topicFilters', 'groupFilters'), 'ConsumerOffsetSync'],
      acl: [
        'sync.enable',
        'filters',
        `{"aclFilters":[{"resourceFilter":{"resourceType":"topic","name":"${topic}"},"accessFilter":{"operation":"any","permissionType":"any"}}]}`,
        'AclSync',
      ],
    } as const;
    for (const [part, [enable, filters, value, task]] of Object.entries(switches)) {
      const set = (name: string, to: string) => ({ op: 'SET', name: `${part}.${name}`, value: to }) as const;
      const stateOf = () => link.tasks().find(({ name }) => name === task)?.state;
      const filtersNow = () => link.configs().find(({ name }) => name === `${part}.${filters}`)?.value;
      await expect(link.configure([set(enable, 'true')])).rejects.toMatchObject({ code: 'KLINK_CONFIG' });
      await link.configure([set(filters, value), set(enable, 'true')]);
      await expect.poll(stateOf, PATIENCE).toBe('ACTIVE');
      const kept = filtersNow();
      await link.configure([set(enable, 'false')]);
      await expect.poll(stateOf, PATIENCE).toBe('NOT_CONFIGURED');
      expect(filtersNow()).toBe(kept);
      await link.configure([set(enable, 'true')]);
      await expect.poll(stateOf, PATIENCE).toBe('ACTIVE');
    }
    const found = await filled(stage, 'topic-found');
    await expect.poll(() => link.mirrors().map(({ topic: name }) => name), PATIENCE).toEqual([found]);
    // What is selected no more keeps its mirror, which goes on.
    await link.configure([{ op: 'SET', name: 'auto.create.mirror.topics.filters', value: include(`${topic}-other`) }]);
    await stage.source.bench.append(found, 0, await sampleBatches({ seed: 2, batches: 2 }));
    await stage.expectMirrored(link, found);
    await filled(stage, 'topic-late');
    const other = await filled(stage, 'topic-other');
    await expect.poll(() => link.mirrors().map(({ topic: name }) => name), PATIENCE).toEqual([found, other]);
  },
};

const discoveryErrors: Scenario = {
  name: 'topics that are selected and cannot be mirrored are told one by one, in the words of the product; the others get their mirrors',
  play: async (stage) => {
    const [good, taken, secret] = [await filled(stage, 'good'), await filled(stage, 'taken'), await filled(stage, 'secret')];
    await stage.destination.bench.createTopic(`t-${taken}`);
    await stage.destination.bench.append(`t-${taken}`, 0, await sampleBatches({ seed: 9, batches: 9 }));
    const long = `${stage.topic('long')}${'x'.repeat(200)}`.padEnd(249, 'y');
    await stage.source.bench.createTopic(long);
    await stage.destination.bench.rights.denyCreation(`t-${secret}`);
    const link = await stage.link([], {
      settings: {
        clusterLinkPrefix: 't-',
        metadataMaxAgeMs: 200,
        autoCreateMirrorTopicsEnable: true,
        autoCreateMirrorTopicsFilters: [{ name: stage.topic(''), patternType: 'PREFIXED', filterType: 'INCLUDE' }],
      },
    });
    const task = () => link.tasks().find(({ name }) => name === 'AutoCreateMirror')!;
    await expect.poll(() => task().state, PATIENCE).toBe('IN_ERROR');
    expect(Object.fromEntries(task().errors.map(({ subject, code }) => [subject, code]))).toEqual({
      [taken]: 'TOPIC_EXISTS_ERROR',
      [secret]: 'AUTHORIZATION_ERROR',
      [long]: 'INVALID_TOPIC',
    });
    expect(link.mirrors().map(({ topic }) => topic)).toEqual([`t-${good}`]);
    await inState(link, `t-${good}`, 'ACTIVE');
    await stage.destination.bench.rights.permitCreation(`t-${secret}`);
    await expect.poll(() => link.mirrors().length, PATIENCE).toBe(2);
  },
};

const oneByOne: Scenario = {
  name: 'a mirror that is asked for is checked first: its name, its source, its replicas, whether it is one already; with validateOnly that is all',
  play: async (stage) => {
    const [one, two] = [await filled(stage, 'one'), await filled(stage, 'two', 2)];
    const link = await stage.link([one]);
    const before = await stage.destination.bench.topics();
    const replicationFactor = stage.destination.brokerIds.length + 1;
    const refusals: readonly (readonly [() => Promise<unknown>, object])[] = [
      [
        () => link.createMirrorTopic(two, { mirrorTopic: `other-${two}` }),
        { code: 'KLINK_CONFIG', message: expect.stringContaining(`it is called '${two}'`) },
      ],
      [() => link.createMirrorTopic('no such'), { code: 'KLINK_CONFIG' }],
      [() => link.createMirrorTopic(stage.topic('missing')), { code: 'KLINK_BROKER', brokerName: 'UNKNOWN_TOPIC_OR_PARTITION' }],
      [() => link.createMirrorTopic(two, { replicationFactor }), { code: 'KLINK_BROKER', brokerName: 'INVALID_REPLICATION_FACTOR' }],
      [
        () => link.createMirrorTopic(one),
        { code: 'KLINK_STATE', message: expect.stringContaining('is a mirror topic of this link already') },
      ],
    ];
    for (const [refused, expected] of refusals) await expect(refused()).rejects.toMatchObject(expected);
    expect(await link.createMirrorTopic(two, { validateOnly: true })).toBe(two);
    expect(await stage.destination.bench.topics()).toEqual(before);
    expect(await link.createMirrorTopic(two, { replicationFactor: 1, topicConfigs: { 'min.insync.replicas': '1' } })).toBe(two);
    await stage.expectMirrored(link, two);
    expect(await stage.destination.bench.configs(two)).toMatchObject({ 'min.insync.replicas': '1' });
  },
};

const laterStart: Scenario = {
  name: 'another start offset counts for mirrors that are made from then on; those that are there go on where they are',
  play: async (stage) => {
    const [first, second, third] = [await filled(stage, 'first'), await filled(stage, 'second'), await filled(stage, 'third')];
    const link = await stage.link([first]);
    await stage.expectMirrored(link, first);
    await link.configure([{ op: 'SET', name: 'mirror.start.offset.spec', value: 'latest' }]);
    await link.createMirrorTopic(second);
    const { end } = await stage.source.bench.range(second, 0);
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await stage.expectMirrorStart(second, 0, end);
    await link.configure([{ op: 'DELETE', name: 'mirror.start.offset.spec' }]);
    await link.createMirrorTopic(third);
    for (const topic of [first, second]) await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 5, batches: 2 }));
    await stage.expectMirrored(link, first);
    await stage.expectEqualLogs(third);
    const { batches } = await stage.source.bench.walk(second, 0);
    expect((await stage.destination.bench.walk(second, 0)).batches).toEqual(batches.filter(({ baseOffset }) => baseOffset >= end));
  },
};

export const creationScenarios: readonly Scenario[] = [refusedConfigs, switchedOff, discoveryErrors, oneByOne, laterStart];
