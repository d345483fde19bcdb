/** The table of link configs: every name of the product, under its rules, and what is told of names that have no meaning here. */
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../../../src/link/config.ts';
import { readText, readTyped } from '../../../../src/link/configs/config-value.ts';
import { adviceForKey, CONFIG_OPTIONS, CONFIG_PARTS, optionOfKey, rowOf } from '../../../../src/link/configs/link-configs.ts';
import { nearest } from '../../../../src/link/configs/nearest.ts';

/** Names and defaults as the product lists them (product-spec 1.1, 1.2). */
const PRODUCT: Readonly<Record<string, unknown>> = {
  'link.mode': 'DESTINATION',
  'connection.mode': 'OUTBOUND',
  'bootstrap.servers': [],
  'cluster.link.prefix': null,
  'consumer.group.prefix.enable': false,
  'mirror.start.offset.spec': 'earliest',
  'auto.create.mirror.topics.enable': false,
  'auto.create.mirror.topics.filters': [],
  'consumer.offset.sync.enable': false,
  'consumer.offset.sync.ms': 30_000,
  'consumer.offset.group.filters': [],
  'acl.sync.enable': false,
  'acl.sync.ms': 5_000,
  'acl.filters': [],
  'topic.config.sync.ms': 5_000,
  'cluster.link.paused': false,
  'cluster.link.retry.timeout.ms': 300_000,
  'availability.check.ms': 60_000,
  'availability.check.consecutive.failure.threshold': 5,
  'num.cluster.link.fetchers': 1,
  'security.protocol': 'PLAINTEXT',
  'sasl.jaas.config': null,
  'sasl.oauthbearer.token.endpoint.url': null,
  'ssl.truststore.location': null,
  'ssl.truststore.password': null,
  'ssl.truststore.certificates': null,
  'ssl.keystore.location': null,
  'ssl.keystore.password': null,
  'ssl.keystore.key': null,
  'ssl.keystore.certificate.chain': null,
  'ssl.key.password': null,
  'ssl.endpoint.identification.algorithm': 'https',
  'request.timeout.ms': 30_000,
  'retry.backoff.ms': 100,
  'replica.fetch.max.bytes': 1_048_576,
  'replica.fetch.response.max.bytes': 10_485_760,
  'replica.fetch.min.bytes': 1,
  'replica.fetch.wait.max.ms': 500,
};
/** Where this package has another default than the product, for a reason. */
const OTHER_DEFAULTS = [
  // Not known of the product.
  'topic.config.sync.include',
  // The same look finds foreign writes.
  'metadata.max.age.ms',
  // Kafka's GSSAPI does not exist here.
  'sasl.mechanism',
  // Kafka's JKS neither.
  'ssl.truststore.type',
  'ssl.keystore.type',
];
const KEYS = CONFIG_OPTIONS.map((option) => rowOf(option).key);

describe('the table', () => {
  it.each(Object.entries(PRODUCT))("has the product's %s with its default", (key, fallback) => {
    const option = optionOfKey(key);
    expect(option).toBeDefined();
    if (option !== undefined) expect(rowOf(option).default).toEqual(fallback);
  });

  it('has no other names but those of Kafka with another default, and our own', () => {
    const known = new Set([...Object.keys(PRODUCT), ...OTHER_DEFAULTS, 'socket.connection.setup.timeout.ms', 'retry.backoff.max.ms']);
    expect(KEYS.filter((key) => !known.has(key) && !key.startsWith('kafka.link.'))).toEqual([]);
    expect(OTHER_DEFAULTS.filter((key) => !KEYS.includes(key))).toEqual([]);
  });

  it('has every setting of the engine, with its range', () => {
    for (const [name, { key, min, max }] of Object.entries(SETTINGS)) {
      expect(optionOfKey(key)).toBe(name);
      expect(rowOf(name as keyof typeof SETTINGS)).toMatchObject({ min, max });
    }
  });

  it('names everything once, and is listed as a whole by its parts', () => {
    expect(new Set(KEYS).size).toBe(KEYS.length);
    expect(CONFIG_PARTS.flatMap(([, rows]) => Object.keys(rows))).toEqual(CONFIG_OPTIONS);
    expect(KEYS.filter((key) => adviceForKey(key) !== undefined)).toEqual([]);
  });

  it('has defaults that its own rules take, in both spellings', () => {
    for (const option of CONFIG_OPTIONS) {
      const row = rowOf(option);
      expect(readTyped(row, row.default)).toEqual({ value: row.default, problems: [] });
    }
  });

  it('keeps exactly the secrets of Kafka secret', () => {
    expect(CONFIG_OPTIONS.map(rowOf).flatMap(({ type, key }) => (type === 'password' ? [key] : []))).toEqual([
      'sasl.jaas.config',
      'ssl.truststore.password',
      'ssl.keystore.password',
      'ssl.keystore.key',
      'ssl.key.password',
    ]);
  });

  it('lets everything change while the link runs, except what a mirror is made of', () => {
    expect(CONFIG_OPTIONS.map(rowOf).flatMap(({ dynamic, key }) => (dynamic ? [] : [key]))).toEqual([
      'link.mode',
      'connection.mode',
      'cluster.link.prefix',
      'kafka.link.transactions',
    ]);
  });
});

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB-not-really\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE\n-----END RSA PRIVATE KEY-----';

describe('text', () => {
  it.each([
    ['cluster.link.paused', ' True ', true],
    ['acl.sync.ms', ' 700', 700],
    ['acl.sync.ms', '+700', 700],
    ['kafka.link.padding.max.offsets', '9007199254740991', Number.MAX_SAFE_INTEGER],
    ['bootstrap.servers', 'a:9092 , [::1]:1,b.example:65535', ['a:9092', '[::1]:1', 'b.example:65535']],
    ['bootstrap.servers', '', []],
    ['cluster.link.prefix', 'west.', 'west.'],
    ['cluster.link.prefix', '', null],
    ['mirror.start.offset.spec', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z'],
    ['kafka.link.fill.policy', '', null],
    ['kafka.link.fill.policy', 'ghosts', 'ghosts'],
    ['ssl.endpoint.identification.algorithm', '', ''],
    ['kafka.link.tasks.paused', 'AclSync,ConsumerOffsetSync', ['AclSync', 'ConsumerOffsetSync']],
    ['sasl.jaas.config', `org.Plain required username="a" password="x;\\"y" ;`, `org.Plain required username="a" password="x;\\"y" ;`],
    ['sasl.jaas.config', `a.B REQUIRED\n  username = 'a'\n  debug=true;`, `a.B REQUIRED\n  username = 'a'\n  debug=true;`],
    ['ssl.truststore.certificates', PEM, PEM],
    ['ssl.keystore.key', KEY, KEY],
    ['sasl.oauthbearer.token.endpoint.url', 'https://id.example/token', 'https://id.example/token'],
  ])('%s: %j is read', (key, text, value) => {
    const option = optionOfKey(key);
    if (option === undefined) throw new Error(key);
    expect(readText(rowOf(option), text)).toEqual({ value, problems: [] });
  });

  it.each([
    ['cluster.link.paused', 'yes', 'it must be true or false'],
    ['cluster.link.paused', '', 'it must be true or false'],
    ['acl.sync.ms', '5s', 'it must be a whole number from 100 to 2147483647'],
    ['acl.sync.ms', '1e3', 'it must be a whole number from 100 to 2147483647'],
    ['acl.sync.ms', '99', 'it must be a whole number from 100 to 2147483647'],
    ['acl.sync.ms', '2147483648', 'it must be a whole number from 100 to 2147483647'],
    ['kafka.link.padding.max.offsets', '9007199254740993', 'it must be a whole number from 0 to 9007199254740991'],
    ['bootstrap.servers', 'a:9092,https://b:1', "it has 'https://b:1'; addresses are host:port, without a scheme"],
    ['bootstrap.servers', 'a', "it has 'a'; addresses are host:port, without a scheme"],
    ['bootstrap.servers', 'a:70000', "it has 'a:70000'; addresses are host:port, without a scheme"],
    ['bootstrap.servers', 'a:1,a:1', 'it has something twice'],
    ['cluster.link.prefix', 'much-too-long', 'it must have 1 to 12 of the characters a-z A-Z 0-9 . _ -, as names of topics have'],
    ['cluster.link.prefix', 'a b', 'it must have 1 to 12 of the characters a-z A-Z 0-9 . _ -, as names of topics have'],
    [
      'mirror.start.offset.spec',
      'now',
      "it must be 'earliest', 'latest', 'earliest-v2' or an ISO 8601 time such as '2026-03-01T00:00:00Z'",
    ],
    ['mirror.start.offset.spec', '2026-02-30', 'there is no such day or time of day'],
    ['link.mode', 'SOURCE', 'it must be DESTINATION'],
    ['kafka.link.source.trimmed', 'Fill', 'it must be fill or stop'],
    ['ssl.endpoint.identification.algorithm', 'http', 'it must be https or empty'],
    [
      'kafka.link.tasks.paused',
      'AclSink',
      "it has 'AclSink'; there are AclSync, AutoCreateMirror, AvailabilityCheck, ConsumerOffsetSync, TopicConfigsSync",
    ],
    [
      'ssl.truststore.certificates',
      'MIIB',
      'it must be PEM, with its BEGIN and END lines; a file goes into the config that ends in .location',
    ],
    ['ssl.keystore.key', PEM, 'it must be PEM, with its BEGIN and END lines; a file goes into the config that ends in .location'],
    ['sasl.oauthbearer.token.endpoint.url', 'id.example/token', 'it must be an address that begins with https:// or http://'],
    [
      'sasl.jaas.config',
      'username=ann password=x',
      'it must be a JAAS line: module, required, options such as username="…", and a semicolon',
    ],
    ['topic.config.sync.include', 'retention.ms,retention.mss', "'retention.mss' is no topic config"],
    ['acl.filters', '{"aclFilters":[{}]}', 'it must be an object with resourceType, name, patternType'],
  ])('%s: %j is refused', (key, text, rule) => {
    const option = optionOfKey(key);
    if (option === undefined) throw new Error(key);
    const { problems } = readText(rowOf(option), text);
    expect(problems.map((problem) => problem.rule)).toContain(rule);
    if (rowOf(option).type === 'password') for (const { value } of problems) expect(value).toBe('[hidden]');
  });

  it.each([
    ['consumer.offset.group.filters', 'use PREFIXED or REGEX filters instead of long lists of names, or several links'],
    ['acl.filters', 'use filters of patternType match or any instead of one for each ACL, or several links'],
    ['ssl.truststore.certificates', 'shorten it, or name a file where that is possible'],
  ])('%s is not taken longer than 32,767 characters, with advice', (key, advice) => {
    const option = optionOfKey(key);
    if (option === undefined) throw new Error(key);
    const { problems } = readText(rowOf(option), 'x'.repeat(32_768));
    expect(problems).toEqual([{ path: '', value: '32768 characters long', rule: `values have at most 32767: ${advice}` }]);
    expect(readText(rowOf(option), 'x'.repeat(32_767)).problems.map(({ rule }) => rule)).not.toContain(
      `values have at most 32767: ${advice}`,
    );
  });
});

describe('typed values', () => {
  it('are limited by their text too', () => {
    const filter = (i: number) => ({ name: `group-${i}`, patternType: 'LITERAL', filterType: 'INCLUDE' });
    const filters = Array.from({ length: 600 }, (_, i) => filter(i));
    expect(readTyped(rowOf('consumerOffsetGroupFilters'), filters).problems[0]?.rule).toContain('several links');
    expect(readTyped(rowOf('consumerOffsetGroupFilters'), filters.slice(0, 450)).problems).toEqual([]);
  });

  it.each([
    ['clusterLinkPaused', 'true'],
    ['aclSyncMs', '700'],
    ['aclSyncMs', 700.5],
    ['aclSyncMs', Number.NaN],
    ['aclSyncMs', null],
    ['clusterLinkPrefix', 5],
    ['bootstrapServers', 'a:1'],
    ['bootstrapServers', [5]],
    ['aclFilters', '{"aclFilters":[]}'],
    ['consumerOffsetGroupFilters', { groupFilters: [] }],
    ['saslJaasConfig', Symbol('secret')],
  ] as const)('%s: %s is refused', (option, value) => {
    const { problems } = readTyped(rowOf(option), value);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.value).not.toContain('secret');
  });

  it('may be null where nothing is a value', () => {
    expect(readTyped(rowOf('clusterLinkPrefix'), null)).toEqual({ value: null, problems: [] });
    expect(readTyped(rowOf('clusterLinkPrefix'), '')).toEqual({ value: null, problems: [] });
  });
});

describe('names that are no configs here', () => {
  it.each([
    'dest.cluster.id',
    'link.prefix',
    'remote.link.connection.mode',
    'client.dns.lookup',
    'local.listener.name',
    'local.sasl.jaas.config',
    'confluent.cluster.link.enable',
  ])('%s is explained', (key) => {
    expect(adviceForKey(key)).toMatch(/^it /);
  });

  it('that stand for something else say for what', () => {
    const named = CONFIG_OPTIONS.map((option) => rowOf(option).key);
    for (const key of ['reconnect.backoff.ms', 'replica.socket.timeout.ms', 'replica.fetch.backoff.ms', 'default.api.timeout.ms']) {
      const [, other = ''] = /'([\w.]+)'/.exec(adviceForKey(key) ?? '') ?? [];
      expect(named).toContain(other);
    }
    expect(adviceForKey('constructor')).toBeUndefined();
    expect(adviceForKey('nobody.knows')).toBeUndefined();
  });
});

it.each([
  ['consumer.offset.sync.m', 'consumer.offset.sync.ms'],
  ['Consumer.Offset.Sync.MS', 'consumer.offset.sync.ms'],
  ['acl.snyc.enable', 'acl.sync.enable'],
  ['auto.create.mirror.topic.filters', 'auto.create.mirror.topics.filters'],
  ['topic.filters', undefined],
  ['retention.bytes.and.more', undefined],
  ['', undefined],
])("nearest to '%s' is %s", (name, expected) => {
  expect(nearest(name, KEYS)).toBe(expected);
});

it('nothing is near to a name that is too long to be mistyped', () => {
  expect(nearest('x'.repeat(1_000_000), KEYS)).toBeUndefined();
});
