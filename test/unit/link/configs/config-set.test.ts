/** Configs of a link as a whole: read in two spellings, refused with everything that is wrong, changed as a whole or not at all, listed. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import { LinkConfigError, problemText, refuseProblems } from '../../../../src/link/configs/config-problem.ts';
import {
  applyChanges,
  type ConfigChange,
  type ConfigSet,
  configTexts,
  NO_CONFIGS,
  readConfigOptions,
  readConfigTexts,
} from '../../../../src/link/configs/config-set.ts';
import { describeConfigs } from '../../../../src/link/configs/describe-configs.ts';
import { CONFIG_DEFAULTS, CONFIG_OPTIONS, type LinkConfigOptions, rowOf } from '../../../../src/link/configs/link-configs.ts';

const GROUPS = '{"groupFilters":[{"name":"*","patternType":"LITERAL","filterType":"INCLUDE"}]}';
const ACLS =
  '{"aclFilters":[{"resourceFilter":{"resourceType":"any","patternType":"any"},"accessFilter":{"operation":"any","permissionType":"any"}}]}';
const SECRET = 'org.Plain required username="ann" password="s3cret-of-ann";';

const usable = (texts: Readonly<Record<string, string>>): ConfigSet => {
  const { configs, problems } = readConfigTexts(texts);
  expect(problems).toEqual([]);
  return configs;
};
const problemsOf = (texts: Readonly<Record<string, string>>): string[] => readConfigTexts(texts).problems.map(problemText);
const problemsOfOptions = (options: object): string[] => readConfigOptions(options as LinkConfigOptions).problems.map(problemText);
const set = (name: string, value: string): ConfigChange => ({ op: 'SET', name, value });
const unset = (name: string): ConfigChange => ({ op: 'DELETE', name });

describe('reading', () => {
  it('fills in defaults, keeps what was set apart, and freezes it all', () => {
    const { given, values } = usable({ 'acl.sync.ms': '700', 'cluster.link.prefix': '' });
    expect(given).toEqual({ aclSyncMs: 700, clusterLinkPrefix: null });
    expect(values).toEqual({ ...CONFIG_DEFAULTS, aclSyncMs: 700 });
    for (const part of [given, values, values.topicConfigSyncInclude, CONFIG_DEFAULTS]) expect(Object.isFrozen(part)).toBe(true);
  });

  it('means the same in both spellings', () => {
    const texts = { 'consumer.offset.sync.enable': 'true', 'consumer.offset.group.filters': GROUPS, 'bootstrap.servers': 'a:1,b:2' };
    const options: LinkConfigOptions = {
      consumerOffsetSyncEnable: true,
      consumerOffsetGroupFilters: [{ name: '*', patternType: 'LITERAL', filterType: 'INCLUDE' }],
      bootstrapServers: ['a:1', 'b:2'],
      aclSyncMs: undefined,
    };
    expect(readConfigOptions(options)).toEqual(readConfigTexts(texts));
  });

  it('says everything that is wrong at once, in the spelling of the caller', () => {
    expect(
      problemsOf({
        'acl.sync.ms': '5s',
        'acl.snyc.enable': 'true',
        'link.prefix': 'x',
        aclSyncMs: '5',
        'consumer.offset.group.filters': GROUPS.replace('LITERAL', 'PREFIX'),
        'consumer.group.prefix.enable': 'true',
      }),
    ).toEqual([
      "acl.sync.ms is '5s'; it must be a whole number from 100 to 2147483647",
      "acl.snyc.enable is set; there is no such config; did you mean 'acl.sync.enable'?",
      "link.prefix is set; it only shows the prefix: set 'cluster.link.prefix' when the link is created",
      "aclSyncMs is set; there is no such config; did you mean 'acl.sync.ms'?",
      "consumer.offset.group.filters at groupFilters[0].patternType is 'PREFIX'; it must be LITERAL, PREFIXED or REGEX",
      "consumer.group.prefix.enable is 'true'; it needs cluster.link.prefix, which is what groups get before their names",
    ]);
    expect(
      problemsOfOptions({ aclSyncMs: '5', aclSyncMz: 5, 'acl.sync.ms': 5, consumerGroupPrefixEnable: true, 'local.listener.name': 'x' }),
    ).toEqual([
      "aclSyncMs is '5'; it must be a whole number from 100 to 2147483647",
      "aclSyncMz is set; there is no such option; did you mean 'aclSyncMs'?",
      "acl.sync.ms is set; there is no such option; did you mean 'aclSyncMs'?",
      'local.listener.name is set; it has no meaning here: how the destination is reached is said where the link is opened',
      "consumerGroupPrefixEnable is 'true'; it needs clusterLinkPrefix, which is what groups get before their names",
    ]);
  });

  it.each([
    [
      { 'consumer.offset.sync.enable': 'true' },
      ['consumer.offset.group.filters is empty; with consumer.offset.sync.enable it must include something, or no group is ever synced'],
    ],
    [{ 'acl.sync.enable': 'true' }, ['acl.filters is empty; with acl.sync.enable it must have a filter, or no ACL is ever synced']],
    [
      { 'auto.create.mirror.topics.enable': 'true' },
      [
        'auto.create.mirror.topics.filters is empty; with auto.create.mirror.topics.enable it must include something, or no topic is ever mirrored',
      ],
    ],
    [
      { 'acl.sync.enable': 'true', 'acl.filters': ACLS, 'cluster.link.prefix': 'w.' },
      ["acl.sync.enable is 'true'; it cannot be together with cluster.link.prefix: ACLs name topics without the prefix"],
    ],
    [{ 'security.protocol': 'SASL_SSL' }, ['sasl.mechanism is empty; security.protocol needs one']],
    [
      { 'ssl.keystore.key': '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----' },
      ['ssl.keystore.certificate.chain is empty; the key of ssl.keystore.key needs it'],
    ],
    // What is switched off may be there, and what is broken by itself is not told twice.
    [{ 'consumer.offset.group.filters': GROUPS, 'acl.filters': ACLS }, []],
    [{ 'acl.sync.enable': 'true', 'acl.filters': '{' }, [expect.stringMatching(/^acl.filters is '\{'; it must be JSON such as/)]],
  ])('holds rules about several configs: %j', (texts, expected) => {
    expect(problemsOf(texts as Readonly<Record<string, string>>)).toEqual(expected);
  });

  it('does not take what objects have by descent for configs', () => {
    expect(problemsOf(JSON.parse('{"__proto__":"x","constructor":"y","toString":"z"}'))).toEqual([
      '__proto__ is set; there is no such config',
      'constructor is set; there is no such config',
      'toString is set; there is no such config',
    ]);
  });

  it('is refused as one error that has all problems', () => {
    const { problems } = readConfigTexts({ 'acl.sync.ms': '5s', 'acl.syn.ms': '5' });
    let thrown: unknown;
    try {
      refuseProblems(problems);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(LinkConfigError);
    expect(LinkError.is(thrown, 'KLINK_CONFIG')).toBe(true);
    expect(thrown).toMatchObject({ problems, retriable: false });
    expect((thrown as Error).message.split('\n- ').slice(1)).toEqual(problems.map(problemText));
    expect(() => refuseProblems([])).not.toThrow();
    const many = Array.from({ length: 500 }, (_, i) => ({ name: `n${i}`, path: '', value: 'set', rule: 'no' }));
    expect(new LinkConfigError(many).message.split('\n')).toHaveLength(52);
    expect(new LinkConfigError(many).message).toContain('and 450 more');
  });
});

describe('secrets', () => {
  const TEXTS = {
    'sasl.jaas.config': SECRET,
    'ssl.key.password': 's3cret-key',
    'security.protocol': 'SASL_SSL',
    'sasl.mechanism': 'PLAIN',
  };

  it('are read, and never come out again', () => {
    const configs = usable(TEXTS);
    expect(configs.values.saslJaasConfig).toBe(SECRET);
    expect(configTexts(configs)).toEqual({ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN' });
    expect(JSON.stringify([configTexts(configs), describeConfigs(configs)])).not.toContain('s3cret');
    const { changed } = applyChanges(configs, [set('sasl.jaas.config', SECRET.replace('s3cret', 's3cret2')), unset('ssl.key.password')]);
    expect(changed).toEqual([
      { name: 'sasl.jaas.config', from: null, to: null },
      { name: 'ssl.key.password', from: null, to: null },
    ]);
  });

  it('are not in what is said of them either', () => {
    const told = [
      ...problemsOf({ 'sasl.jaas.config': 's3cret', 'ssl.keystore.key': 's3cret', 'sasl.jaas.confg': 's3cret' }),
      ...problemsOfOptions({ saslJaasConfig: ['s3cret'], sslKeyPassword: { s3cret: 1 } }),
      ...applyChanges(NO_CONFIGS, [set('sasl.jaas.config', 's3cret'), set('sasl.jaas.config', 's3cret')]).problems.map(problemText),
    ];
    expect(told.length).toBeGreaterThan(5);
    expect(told.join()).not.toContain('s3cret');
  });
});

describe('changes', () => {
  const current = usable({ 'acl.sync.ms': '700', 'consumer.offset.sync.enable': 'true', 'consumer.offset.group.filters': GROUPS });

  it('set, and bring back the default', () => {
    const { configs, changed, problems } = applyChanges(current, [
      set('acl.filters', ACLS),
      set('acl.sync.enable', 'true'),
      unset('acl.sync.ms'),
    ]);
    expect(problems).toEqual([]);
    expect(configs.values).toEqual({ ...current.values, aclSyncEnable: true, aclSyncMs: 5_000, aclFilters: configs.values.aclFilters });
    expect(configs.given).not.toHaveProperty('aclSyncMs');
    expect(changed).toEqual([
      { name: 'acl.sync.enable', from: 'false', to: 'true' },
      { name: 'acl.sync.ms', from: '700', to: '5000' },
      { name: 'acl.filters', from: '', to: ACLS },
    ]);
    expect(current.values.aclSyncMs).toBe(700);
  });

  it('of nothing change nothing', () => {
    expect(applyChanges(current, [set('acl.sync.ms', '700'), unset('acl.filters')]).changed).toEqual([]);
    expect(applyChanges(current, []).configs).toEqual(current);
  });

  it('that switch a sync off keep its filters, so that it can be switched on again', () => {
    const off = applyChanges(current, [set('consumer.offset.sync.enable', 'false')]).configs;
    expect(off.values.consumerOffsetGroupFilters).toEqual(current.values.consumerOffsetGroupFilters);
    expect(applyChanges(off, [set('consumer.offset.sync.enable', 'true')]).configs).toEqual(current);
  });

  it('are refused as a whole, with everything that is wrong', () => {
    const { configs, changed, problems } = applyChanges(current, [
      set('acl.sync.ms', '800'),
      set('availability.check.ms', 'soon'),
      set('availability.check.ms', '1000'),
      set('cluster.link.prefix', 'w.'),
      set('acl.sync.enable', 'true'),
      unset('consumer.offset.group.filters'),
      unset('num.cluster.link.fetcher'),
      { op: 'APPEND', name: 'acl.filters', value: '' } as unknown as ConfigChange,
      { op: 'SET', name: 'request.timeout.ms' } as unknown as ConfigChange,
    ]);
    expect([configs, changed]).toEqual([current, []]);
    expect(configs).toBe(current);
    expect(problems.map(problemText)).toEqual([
      "availability.check.ms is 'soon'; it must be a whole number from 50 to 2147483647",
      'availability.check.ms is to be set; there are two changes of it',
      'cluster.link.prefix is to be set; it cannot be changed after the link was created: delete the link and create it anew',
      "num.cluster.link.fetcher is missing; there is no such config; did you mean 'num.cluster.link.fetchers'?",
      "acl.filters is to be changed by 'APPEND'; there are SET and DELETE",
      'request.timeout.ms is missing; it must be text',
      'consumer.offset.group.filters is empty; with consumer.offset.sync.enable it must include something, or no group is ever synced',
    ]);
  });

  it('of what cannot change are fine as long as it stays the same', () => {
    const west = usable({ 'cluster.link.prefix': 'w.' });
    expect(
      applyChanges(west, [set('cluster.link.prefix', 'w.'), set('link.mode', 'DESTINATION'), unset('connection.mode')]).problems,
    ).toEqual([]);
    expect(applyChanges(west, [unset('cluster.link.prefix')]).problems).toHaveLength(1);
    expect(applyChanges(west, [set('cluster.link.prefix', '')]).problems).toHaveLength(1);
  });
});

describe('the listing', () => {
  it("has the product's shape, for every config", () => {
    const listing = describeConfigs(usable({ 'acl.sync.ms': '5000', 'consumer.offset.group.filters': GROUPS, 'sasl.jaas.config': SECRET }));
    expect(listing.map(({ name }) => name)).toEqual(CONFIG_OPTIONS.map((option) => rowOf(option).key));
    const of = (name: string) => listing.find((entry) => entry.name === name);
    expect(of('acl.sync.ms')).toEqual({
      name: 'acl.sync.ms',
      value: '5000',
      is_default: false,
      is_read_only: false,
      is_sensitive: false,
      source: 'DYNAMIC_CLUSTER_LINK_CONFIG',
      synonyms: ['acl.sync.ms'],
    });
    expect(of('cluster.link.prefix')).toMatchObject({ value: null, is_default: true, is_read_only: true, source: 'DEFAULT_CONFIG' });
    expect(of('consumer.offset.group.filters')).toMatchObject({ value: GROUPS });
    expect(of('sasl.jaas.config')).toMatchObject({ value: null, is_default: false, is_sensitive: true });
    expect(of('bootstrap.servers')).toMatchObject({ value: '', is_default: true });
  });
});
