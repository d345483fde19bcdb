/** Options are checked before anything is contacted: every problem is named, at once, and what comes out has nothing open. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../src/errors.ts';
import { SETTINGS } from '../../../src/link/config.ts';
import { type LinkOptions, type ParsedOptions, parseOptions } from '../../../src/link/options.ts';

const GOOD: LinkOptions = {
  name: 'west',
  source: { bootstrap: ['a:9092'] },
  destination: { bootstrap: ['b:9092'] },
  topics: ['orders'],
};

/** What a program without types may hand over. */
const parse = (changes: Readonly<Record<string, unknown>>): ParsedOptions =>
  parseOptions({ ...GOOD, ...changes } as unknown as LinkOptions);

const problemsOf = (act: () => unknown): readonly string[] => {
  try {
    act();
  } catch (error) {
    if (!LinkError.is(error, 'KLINK_CONFIG')) throw error;
    return error.message
      .split('\n')
      .filter((line) => line.startsWith('- '))
      .map((line) => line.slice(2));
  }
  return [];
};

describe('good options', () => {
  it('are filled up with defaults and frozen', () => {
    const parsed = parseOptions(GOOD);
    expect(parsed).toMatchObject({
      name: 'west',
      source: { bootstrap: [{ host: 'a', port: 9092 }], clientId: 'kafka-link-west' },
      topics: ['orders'],
      replicationFactor: -1,
      store: null,
    });
    expect(parsed.settings.acks).toBe('all');
    for (const [name, { default: fallback }] of Object.entries(SETTINGS)) expect(parsed.settings).toHaveProperty(name, fallback);
    for (const part of [parsed, parsed.settings, parsed.topics, parsed.topicConfigs]) expect(Object.isFrozen(part)).toBe(true);
  });

  it('do not change when the caller changes what was handed over', () => {
    const topics = ['orders'];
    const topicConfigs: Record<string, string> = { 'min.insync.replicas': '2' };
    const parsed = parse({ topics, topicConfigs });
    topics.push('payments');
    topicConfigs['min.insync.replicas'] = '1';
    expect(parsed.topics).toEqual(['orders']);
    expect(parsed.topicConfigs).toEqual({ 'min.insync.replicas': '2' });
  });

  it.each([
    ['broker-1.example.org:9092', { host: 'broker-1.example.org', port: 9092 }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['[fe80::1]:9092', { host: 'fe80::1', port: 9092 }],
  ])('may name the address %s', (address, endpoint) => {
    expect(parse({ source: { bootstrap: [address] } }).source.bootstrap).toEqual([endpoint]);
  });

  it('may have every setting at both ends of its range', () => {
    for (const end of ['min', 'max'] as const) {
      const settings = Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => [name, setting[end]]));
      expect(parse({ settings }).settings).toMatchObject(settings);
    }
  });

  it('may be spelled as Cluster Linking does, and follow the link while it runs', () => {
    const parsed = parse({ configs: { 'consumer.offset.sync.ms': '7000' }, settings: { acks: 'leader' } });
    expect(parsed.settings).toMatchObject({ consumerOffsetSyncMs: 7_000, acks: 'leader' });
    parsed.live.replace(parse({ settings: { acks: 'all' } }).given);
    expect(parsed.settings).toMatchObject({ consumerOffsetSyncMs: 30_000, acks: 'all' });
  });
});

const bad: readonly (readonly [changes: Readonly<Record<string, unknown>>, problem: RegExp])[] = [
  [{ name: '' }, /^name is ''/],
  [{ name: 'a/b' }, /^name is 'a\/b'/],
  [{ name: '..' }, /^name is/],
  [{ name: undefined }, /^name is 'undefined'/],
  [{ name: 'x'.repeat(250) }, /^name is/],
  [{ source: { bootstrap: [] } }, /^source\.bootstrap needs/],
  [{ configs: { 'bootstrap.servers': 'b:1' } }, /^source\.bootstrap is also set as the config bootstrap\.servers/],
  [{ source: undefined, configs: { 'bootstrap.servers': '' } }, /^bootstrap\.servers is empty/],
  [{ destination: { bootstrap: [] } }, /^destination\.bootstrap needs/],
  [{ destination: { bootstrap: 'b:9092' } }, /^destination\.bootstrap needs/],
  [{ source: { bootstrap: ['kafka://a:9092'] } }, /^source\.bootstrap has 'kafka:\/\/a:9092'/],
  [{ source: { bootstrap: ['a'] } }, /^source\.bootstrap has 'a'/],
  [{ source: { bootstrap: ['a:0'] } }, /^source\.bootstrap has 'a:0'/],
  [{ source: { bootstrap: ['a:65536'] } }, /^source\.bootstrap has 'a:65536'/],
  [{ source: { bootstrap: ['::1:9092'] } }, /^source\.bootstrap has/],
  [{ source: { bootstrap: [9092] } }, /^source\.bootstrap has '9092'/],
  [{ source: { bootstrap: ['a:1'], clientId: 7 } }, /^source\.clientId is '7'/],
  [{ topics: 'orders' }, /^topics must be a list/],
  [{ topics: ['a b'] }, /^topics has 'a b'/],
  [{ topics: [/orders/] }, /^topics has '\/orders\/'/],
  [{ topics: ['a', 'a'] }, /twice/],
  [{ replicationFactor: 0 }, /^replicationFactor is 0/],
  [{ replicationFactor: 1.5 }, /^replicationFactor is 1\.5/],
  [{ replicationFactor: 40_000 }, /^replicationFactor is 40000/],
  [{ replicationFactor: '3' }, /^replicationFactor is 3/],
  [{ topicConfigs: { 'compression.type': 'lz4' } }, /^topicConfigs has 'compression\.type'/],
  [{ topicConfigs: { 'min.insync.replicas': 2 } }, /^topicConfigs has 'min\.insync\.replicas' with 2/],
  [{ settings: { acks: 0 } }, /^settings\.acks is/],
  [{ acks: 'all' }, /^'acks' is not an option/],
  [{ settings: { securityProtocol: 'SSL' } }, /^security\.protocol is SSL/],
  [{ settings: { acks: 'all' }, configs: { 'kafka.link.acks': 'leader' } }, /set it once/],
  [{ settings: { bufferBytes: 0 } }, /^settings\.bufferBytes is 0/],
  [{ settings: { requestTimeoutMs: Number.NaN } }, /^settings\.requestTimeoutMs is NaN/],
  [{ settings: { requestTimeoutMs: '30s' } }, /^settings\.requestTimeoutMs is '30s'/],
  [{ settings: { requestTimeout: 1 } }, /^settings\.requestTimeout is .*there is no such option; did you mean 'requestTimeoutMs'/],
  [{ settings: { toString: 1 } }, /^settings\.toString is .*there is no such option/],
  [{ logger: console.log }, /^logger has no function 'debug'/],
  [{ logger: { debug() {}, info() {}, warn() {} } }, /^logger has no function 'error'/],
  [{ topic: ['orders'] }, /^'topic' is not an option/],
];

describe('bad options', () => {
  it.each(bad)('%j', (changes, problem) => {
    const problems = problemsOf(() => parse(changes));
    expect(problems.filter((line) => problem.test(line)).length).toBeGreaterThanOrEqual(1);
  });

  it('are all named at once', () => {
    const problems = problemsOf(() =>
      parse({
        name: '',
        source: { bootstrap: [] },
        destination: { bootstrap: ['b'] },
        topics: [''],
        settings: { acks: 'some', bufferBytes: -1 },
      }),
    );
    for (const start of ['name', 'source.bootstrap', 'destination.bootstrap', 'topics', 'settings.acks', 'settings.bufferBytes'])
      expect(problems.filter((line) => line.startsWith(start)).length).toBe(1);
  });

  it.each([undefined, null, 'west', 5])('that are %s are refused as such', (options) => {
    expect(() => parseOptions(options as unknown as LinkOptions)).toThrow(expect.objectContaining({ code: 'KLINK_CONFIG' }));
  });

  it('say nothing of good ones', () => {
    expect(problemsOf(() => parse({}))).toEqual([]);
    expect(problemsOf(() => parse({ settings: undefined, topicConfigs: undefined }))).toEqual([]);
  });
});
