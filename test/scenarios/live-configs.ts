/** Scenarios of configs that change under load: every one that can, and every value that cannot be. */
import { expect } from 'vitest';
import { type ClusterLink, type ConfigChange, describeLink, LinkConfigError } from '../../src/index.ts';
import { CONFIG_OPTIONS, type ConfigOption, rowOf } from '../../src/link/configs/link-configs.ts';
import { SECURITY_CONFIGS } from '../../src/link/configs/security-configs.ts';
import { BackgroundWriter } from './background-writer.ts';
import { inState, type Scenario } from './stage.ts';

const TOO_LONG = 'x'.repeat(40_000);
const NAME_FILTER = { name: 'no-such', patternType: 'LITERAL', filterType: 'INCLUDE' };
const FILTERS = {
  topicFilters: JSON.stringify({ topicFilters: [NAME_FILTER] }),
  groupFilters: JSON.stringify({ groupFilters: [NAME_FILTER] }),
  aclFilters: JSON.stringify({
    aclFilters: [
      {
        resourceFilter: { resourceType: 'topic', patternType: 'literal', name: 'no-such' },
        accessFilter: { principal: 'User:no-such', operation: 'any', permissionType: 'any', host: '*' },
      },
    ],
  }),
} as const;
/** What a row's definition does not say: values that mean something, and times with which a slow machine can still work. */
const VALUES: Readonly<Partial<Record<ConfigOption, readonly string[]>>> = {
  startOffset: ['latest', '2026-01-01T00:00:00Z'],
  topicConfigSyncInclude: [`${rowOf('topicConfigSyncInclude').default},min.insync.replicas`],
  tasksPaused: ['TopicConfigsSync,AvailabilityCheck'],
  requestTimeoutMs: ['10000', '2147483647'],
  connectTimeoutMs: ['5000', '2147483647'],
};
/** Filters without which these cannot be switched on. */
const NEEDED: Readonly<Partial<Record<ConfigOption, ConfigOption>>> = {
  autoCreateMirrorTopicsEnable: 'autoCreateMirrorTopicsFilters',
  consumerOffsetSyncEnable: 'consumerOffsetGroupFilters',
  aclSyncEnable: 'aclFilters',
};

/** How the source is spoken to securely is another subject; where it is, too. */
export const CHANGEABLE = CONFIG_OPTIONS.filter(
  (option) => rowOf(option).dynamic && !Object.hasOwn(SECURITY_CONFIGS, option) && option !== 'bootstrapServers',
);

/** From one end of what a config can be to the other. */
const valuesOf = (option: ConfigOption): readonly string[] => {
  const row = rowOf(option);
  const given = VALUES[option];
  if (given !== undefined) return given;
  switch (row.type) {
    case 'boolean':
      return [String(!row.default)];
    case 'int':
    case 'long':
      return [String(row.min), String(row.max)].filter((value) => value !== String(row.default));
    case 'enum':
      return row.values.filter((value) => value !== row.default);
    case 'topicFilters':
    case 'groupFilters':
    case 'aclFilters':
      return [FILTERS[row.type]];
    default:
      throw new Error(`${row.key} needs values to be changed to`);
  }
};

/** What no config of this kind can be; of free text, its length. */
const invalidOf = (option: ConfigOption): string => {
  const row = rowOf(option);
  switch (row.type) {
    case 'boolean':
      return 'maybe';
    case 'int':
    case 'long':
      return String(row.min - 1);
    case 'enum':
      return 'no-such-word';
    case 'list':
      return 'no such item';
    case 'string':
    case 'password':
      return row.check('§') === null ? TOO_LONG : '§';
    default:
      return '{';
  }
};

const set = (option: ConfigOption, value: string): ConfigChange => ({ op: 'SET', name: rowOf(option).key, value });
const reset = (option: ConfigOption): ConfigChange => ({ op: 'DELETE', name: rowOf(option).key });

/** Changes one config to everything of {@link valuesOf}, and back. */
export const changeThrough = async (link: ClusterLink, option: ConfigOption, meanwhile: () => Promise<void>): Promise<void> => {
  const needed = NEEDED[option];
  for (const value of valuesOf(option)) {
    const changed = await link.configure([...(needed === undefined ? [] : [set(needed, valuesOf(needed)[0]!)]), set(option, value)]);
    const { key } = rowOf(option);
    expect(changed.map(({ name }) => name)).toContain(key);
    expect(link.configs().find(({ name }) => name === key)).toMatchObject({ is_default: false });
    await meanwhile();
  }
  await link.configure([reset(option), ...(needed === undefined ? [] : [reset(needed)])]);
};

const everyOne: Scenario = {
  name: 'every dynamic config changes under load to the ends of what it can be and back, and not a batch is lost',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 3 });
    const writer = new BackgroundWriter(stage.source.bench, topic, 3);
    const link = await stage.link([topic]);
    // Groups get a prefix only where topics do, and ACLs are synced only where they do not.
    const prefixed = await stage.link([topic], { name: stage.topic('prefixed'), settings: { clusterLinkPrefix: 'p.' } });
    for (const option of CHANGEABLE)
      await changeThrough(option === 'consumerGroupPrefixEnable' ? prefixed : link, option, () => writer.wrote(2));
    await writer.wrote(6);
    await writer.stop();
    await inState(link, topic, 'ACTIVE');
    await stage.expectMirrored(link, topic);
    await prefixed.caughtUp({ timeoutMs: 60_000 });
    expect((await stage.destination.bench.walkAll(`p.${topic}`)).map(({ end }) => end)).toEqual(
      (await stage.source.bench.walkAll(topic)).map(({ end }) => end),
    );
    const remembered = await describeLink(link.name, { destination: { bootstrap: stage.destination.bootstrap } });
    expect(remembered.configs).toEqual(link.configs());
  },
};

const noneOfThese: Scenario = {
  name: 'an invalid value of every config at once: every problem is named, and nothing has changed',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    const writer = new BackgroundWriter(stage.source.bench, topic, 1);
    const link = await stage.link([topic]);
    const at = { destination: { bootstrap: stage.destination.bootstrap } };
    const before = { running: link.configs(), stored: await describeLink(link.name, at) };
    const fine = 'progressIntervalMs';
    const changes = CONFIG_OPTIONS.map((option) => set(option, option === fine ? '77' : invalidOf(option)));
    const names = CONFIG_OPTIONS.filter((option) => option !== fine).map((option) => rowOf(option).key);
    for (const validateOnly of [true, false]) {
      const error = await link.configure(changes, { validateOnly }).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(LinkConfigError);
      expect([...new Set((error as LinkConfigError).problems.map(({ name }) => name))].sort()).toEqual([...names].sort());
    }
    expect(link.configs()).toEqual(before.running);
    const { configs, linkId } = await describeLink(link.name, at);
    expect({ configs, linkId }).toEqual({ configs: before.stored.configs, linkId: before.stored.linkId });
    await writer.wrote(3);
    await writer.stop();
    await stage.expectMirrored(link, topic);
  },
};

const inForce: Scenario = {
  name: 'an interval that was made shorter counts at once, also for the wait that has begun; two changes at once both count',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    const link = await stage.link([topic], { settings: { metadataMaxAgeMs: 3_600_000 } });
    await inState(link, topic, 'ACTIVE');
    await stage.source.bench.growTopic(topic, 2);
    await Promise.all([link.configure([set('metadataMaxAgeMs', '200')]), link.configure([set('progressIntervalMs', '77')])]);
    await expect.poll(() => link.mirror(topic).partitions.length, { timeout: 30_000 }).toBe(2);
    expect(link.configs()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'metadata.max.age.ms', value: '200' }),
        expect.objectContaining({ name: 'kafka.link.progress.interval.ms', value: '77' }),
      ]),
    );
  },
};

export const liveConfigScenarios: readonly Scenario[] = [everyOne, noneOfThese, inForce];
