/** Which configs of a mirror are changed, and to what, by example: while it mirrors, and when it is stopped. */
import { describe, expect, it } from 'vitest';
import {
  ALWAYS_SYNCED_CONFIGS,
  checkConfigSyncInclude,
  configClassOf,
  DEFAULT_CONFIG_SYNC_INCLUDE,
} from '../../../../src/link/tasks/config-classes.ts';
import {
  type ConfigEntries,
  type ConfigEntry,
  planTopicConfigs,
  type TopicConfigFacts,
} from '../../../../src/link/tasks/plan-topic-configs.ts';

const LONG_MAX = '9223372036854775807';

/** What an Apache broker of 4.x has when nobody has set anything. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'max.message.bytes': '1048588',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': LONG_MAX,
  'message.timestamp.after.max.ms': '3600000',
  'min.insync.replicas': '1',
  'retention.ms': '604800000',
  'retention.bytes': '-1',
  'segment.bytes': '1073741824',
  'segment.ms': '604800000',
  'flush.ms': LONG_MAX,
};
/** And how a mirror is made. */
const FRESH: Readonly<Record<string, string>> = {
  'compression.type': 'producer',
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': LONG_MAX,
  'message.timestamp.after.max.ms': LONG_MAX,
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': '10485880',
  'segment.bytes': '1073741824',
};

const topic = (set: Readonly<Record<string, string>>, defaults: Readonly<Record<string, string>> = DEFAULTS): ConfigEntries => {
  const names = new Set([...Object.keys(defaults), ...Object.keys(set)]);
  return new Map(
    [...names].map((name): [string, ConfigEntry] => {
      const inherited = defaults[name];
      return [name, { value: set[name] ?? inherited ?? null, isSet: name in set, ...(inherited !== undefined && { inherited }) }];
    }),
  );
};

const plan = (facts: Partial<TopicConfigFacts>) =>
  planTopicConfigs({
    source: topic({}),
    destination: topic(FRESH),
    include: DEFAULT_CONFIG_SYNC_INCLUDE,
    phase: 'mirroring',
    hasCaughtUp: false,
    replicationFactor: 1,
    overrides: new Map(),
    ...facts,
  });
const changes = (facts: Partial<TopicConfigFacts>): string[] =>
  plan(facts).changes.map(({ name, operation, to, reason }) => `${operation} ${name}=${to} (${reason})`);

describe('while it mirrors', () => {
  it('a fresh mirror of a plain topic needs nothing', () => {
    expect(changes({})).toEqual([]);
  });

  it('what is set on the source is set here, even where the value is the default here too', () => {
    const source = topic({ 'segment.ms': '1000', 'flush.ms': LONG_MAX });
    expect(changes({ source })).toEqual([`SET segment.ms=1000 (source)`, `SET flush.ms=${LONG_MAX} (source)`].reverse());
  });

  it('what is not set on the source any more is not set here', () => {
    expect(changes({ destination: topic({ ...FRESH, 'segment.ms': '1000' }) })).toEqual(['DELETE segment.ms=604800000 (source)']);
  });

  it('where the defaults differ, the default of the source is set here, and stays', () => {
    const source = topic({}, { ...DEFAULTS, 'segment.ms': '3600000' });
    expect(changes({ source })).toEqual(['SET segment.ms=3600000 (source)']);
    expect(changes({ source, destination: topic({ ...FRESH, 'segment.ms': '3600000' }) })).toEqual([]);
    expect(changes({ source, destination: topic({ ...FRESH, 'segment.ms': '1' }) })).toEqual(['SET segment.ms=3600000 (source)']);
  });

  it('is taken back when the defaults do not differ any more', () => {
    expect(changes({ destination: topic({ ...FRESH, 'segment.ms': '604800000' }) })).toEqual(['DELETE segment.ms=604800000 (source)']);
  });

  it('a broker that does not say what it would inherit is judged by the value alone', () => {
    const destination = (value: string): ConfigEntries => new Map([...topic(FRESH), ['segment.ms', { value, isSet: true }]]);
    expect(changes({ destination: destination('604800000') })).toEqual([]);
    expect(changes({ destination: destination('5') })).toEqual(['SET segment.ms=604800000 (source)']);
  });

  it('what exactness needs comes before what the source has', () => {
    const source = topic({
      'retention.ms': '1000',
      'compression.type': 'zstd',
      'message.timestamp.type': 'LogAppendTime',
      'message.timestamp.before.max.ms': '5',
      'max.message.bytes': '1000',
      'segment.bytes': '1048576',
    });
    expect(changes({ source })).toEqual([]);
  });

  it('drift from what exactness needs is corrected', () => {
    const drifted = {
      ...FRESH,
      'retention.ms': '1000',
      'compression.type': 'gzip',
      'cleanup.policy': 'compact',
      'max.message.bytes': '1000',
    };
    expect(changes({ destination: topic(drifted) }).sort()).toEqual([
      'SET cleanup.policy=delete (exactness)',
      'SET compression.type=producer (exactness)',
      'SET max.message.bytes=10485880 (exactness)',
      'SET retention.ms=-1 (exactness)',
    ]);
  });

  it('limits may be wider than needed, but not narrower', () => {
    const destination = topic({ ...FRESH, 'max.message.bytes': '99999999' });
    expect(changes({ destination })).toEqual([]);
    expect(changes({ destination, source: topic({ 'max.message.bytes': '100000000' }) })).toEqual([
      'SET max.message.bytes=100000000 (exactness)',
    ]);
  });

  it('segments are as large as those of the source, as long as every batch fits', () => {
    expect(changes({ source: topic({ 'segment.bytes': '500000000' }) })).toEqual(['SET segment.bytes=500000000 (exactness)']);
    expect(changes({ source: topic({ 'segment.bytes': '1048576' }) })).toEqual([]);
    const without = DEFAULT_CONFIG_SYNC_INCLUDE.filter((name) => name !== 'segment.bytes');
    expect(changes({ source: topic({ 'segment.bytes': '500000000' }), include: without })).toEqual([]);
  });

  it('a compacted topic is compacted here once the copy has caught up', () => {
    const source = topic({ 'cleanup.policy': 'compact' });
    expect(changes({ source })).toEqual([]);
    expect(changes({ source, hasCaughtUp: true })).toEqual(['SET cleanup.policy=compact (source)']);
    expect(changes({ source, destination: topic({ ...FRESH, 'cleanup.policy': 'compact' }), hasCaughtUp: true })).toEqual([]);
  });

  it('the order of a list does not matter', () => {
    const source = topic({ 'cleanup.policy': 'compact,delete' });
    const destination = topic({ ...FRESH, 'cleanup.policy': 'delete, compact' });
    expect(changes({ source, destination, hasCaughtUp: true })).toEqual([]);
  });

  it('what is not in the include list is left alone', () => {
    const destination = topic({ ...FRESH, 'segment.ms': '77', 'flush.ms': '5' });
    expect(changes({ destination, include: ALWAYS_SYNCED_CONFIGS })).toEqual([]);
  });

  it('the number of replicas a write needs is never more than there are', () => {
    const facts = { source: topic({ 'min.insync.replicas': '2' }), include: [...DEFAULT_CONFIG_SYNC_INCLUDE, 'min.insync.replicas'] };
    expect(plan({ ...facts, replicationFactor: 1 })).toEqual({
      changes: [],
      withheld: [{ name: 'min.insync.replicas', value: '2', reason: 'replicas' }],
    });
    expect(changes({ ...facts, replicationFactor: 3 })).toEqual(['SET min.insync.replicas=2 (source)']);
    expect(changes({ source: facts.source })).toEqual([]);
  });

  it('a config that the destination does not know is told of when somebody has set it', () => {
    const source = topic({ 'compression.zstd.level': '5' });
    expect(plan({ source }).withheld).toEqual([{ name: 'compression.zstd.level', value: '5', reason: 'unknown' }]);
    expect(plan({ source: topic({}, { ...DEFAULTS, 'compression.zstd.level': '3' }) }).withheld).toEqual([]);
  });

  it('the old time limit is held open where the destination has it', () => {
    const defaults = { ...DEFAULTS, 'message.timestamp.difference.max.ms': '1000' };
    expect(changes({ source: topic({}, defaults), destination: topic(FRESH, defaults) })).toEqual([
      `SET message.timestamp.difference.max.ms=${LONG_MAX} (exactness)`,
    ]);
  });
});

describe('when it is stopped', () => {
  const stopped = (facts: Partial<TopicConfigFacts>): string[] => changes({ phase: 'stopped', ...facts }).sort();

  it('it becomes what its source is', () => {
    const source = topic({ 'retention.ms': '1000', 'compression.type': 'zstd', 'cleanup.policy': 'compact', 'max.message.bytes': '2000' });
    expect(stopped({ source })).toEqual([
      'DELETE message.timestamp.after.max.ms=3600000 (source)',
      `DELETE message.timestamp.before.max.ms=${LONG_MAX} (source)`,
      'DELETE message.timestamp.type=CreateTime (source)',
      'DELETE retention.bytes=-1 (source)',
      'DELETE segment.bytes=1073741824 (source)',
      'SET cleanup.policy=compact (source)',
      'SET compression.type=zstd (source)',
      'SET max.message.bytes=2000 (source)',
      'SET retention.ms=1000 (source)',
    ]);
  });

  it('what only the copy needed, and does not follow the source, goes back to what the mirror has by itself', () => {
    const facts = { include: ALWAYS_SYNCED_CONFIGS, overrides: new Map([['retention.ms', '5000']]) };
    const found = stopped(facts);
    expect(found).toContain('SET retention.ms=5000 (own)');
    expect(found).toContain('DELETE retention.bytes=-1 (own)');
    expect(found).toContain('DELETE compression.type=producer (own)');
    expect(stopped({ ...facts, destination: topic({ 'retention.ms': '5000', 'segment.ms': '77' }) })).toEqual([]);
  });

  it('the one time limit of an old source is both limits of a new destination', () => {
    const { 'message.timestamp.before.max.ms': _, 'message.timestamp.after.max.ms': __, ...old } = DEFAULTS;
    const source = topic({}, { ...old, 'message.timestamp.difference.max.ms': LONG_MAX });
    const found = stopped({ source, destination: topic({ ...DEFAULTS }) });
    expect(found.filter((line) => line.includes('timestamp.'))).toEqual([
      `DELETE message.timestamp.before.max.ms=${LONG_MAX} (source)`,
      'DELETE message.timestamp.type=CreateTime (source)',
      `SET message.timestamp.after.max.ms=${LONG_MAX} (source)`,
    ]);
    const limited = stopped({ source: topic({ 'message.timestamp.difference.max.ms': '9' }, old), destination: topic({}), include: [] });
    expect(limited).toEqual(['SET message.timestamp.after.max.ms=9 (source)', 'SET message.timestamp.before.max.ms=9 (source)']);
  });
});

describe('the include list', () => {
  it('by default is all that can follow, but for what the destination decides', () => {
    expect(checkConfigSyncInclude(DEFAULT_CONFIG_SYNC_INCLUDE)).toEqual([]);
    expect(DEFAULT_CONFIG_SYNC_INCLUDE).toContain('retention.ms');
    expect(DEFAULT_CONFIG_SYNC_INCLUDE).not.toContain('min.insync.replicas');
    expect(DEFAULT_CONFIG_SYNC_INCLUDE).not.toContain('unclean.leader.election.enable');
  });

  it('is told all that is wrong with it', () => {
    expect(checkConfigSyncInclude(['cleanup.policy', 'max.message.bytes', 'remote.storage.enable', 'retention'])).toEqual([
      "'message.timestamp.type' is missing; it follows the source in any case and has to be listed",
      "'remote.storage.enable' never follows the source: set it on the destination",
      "'retention' is no topic config",
    ]);
  });

  it.each([
    ['cleanup.policy', 'always'],
    ['segment.jitter.ms', 'configurable'],
    ['leader.replication.throttled.replicas', 'independent'],
    ['confluent.tier.local.hotset.ms', 'independent'],
    ['no.such.config', null],
  ])('%s is %s', (name, of) => {
    expect(configClassOf(name)).toBe(of);
  });
});
