/** The link's memory on an embedded cluster: who is first stays first, for every process and after compaction; what is not understood is left alone. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/client/clock.ts';
import { Cluster } from '../../../src/client/cluster.ts';
import { openTcp } from '../../../src/client/transport.ts';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { LinkError } from '../../../src/errors.ts';
import type { LinkIdentity } from '../../../src/link/store/link-store.ts';
import { STORE_TOPIC } from '../../../src/link/store/store-topic.ts';
import { TopicLinkStore } from '../../../src/link/store/topic-store.ts';
import { InitProducerId } from '../../../src/protocol/messages/init-producer-id.ts';
import { Metadata } from '../../../src/protocol/messages/metadata.ts';
import { Produce } from '../../../src/protocol/messages/produce.ts';
import { startCluster, type TestCluster } from '../../../src/testing/index.ts';
import { makeOldMessage } from '../../property/link/simulation/batches.ts';

const signal = new AbortController().signal;
const MIRROR = { topic: 'orders', sourceTopic: 'orders', sourceTopicId: 'AAAAAAAAAAAAAAAAAAAAAQ', topicId: 'AAAAAAAAAAAAAAAAAAAAAg' };

let kafka: TestCluster;
const open: Cluster[] = [];

beforeEach(async () => {
  kafka = await startCluster({ brokers: 1 });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.close()));
  await kafka.stop();
});

/** A store as one process has it, with connections of its own. */
const storeOf = async (
  link: string,
  target: TestCluster = kafka,
): Promise<{ readonly store: TopicLinkStore; readonly cluster: Cluster }> => {
  const bootstrap = target.bootstrap.map((address) => {
    const [host = '', port = ''] = address.split(':');
    return { host, port: Number(port) };
  });
  const cluster = await Cluster.connect(
    {
      role: 'destination',
      bootstrap,
      clientId: 'test',
      connectTimeoutMs: 2_000,
      requestTimeoutMs: 5_000,
      maxInFlightBytes: 2 ** 20,
      maxFrameBytes: 2 ** 24,
      retry: { backoffMs: 5, maxBackoffMs: 50 },
    },
    { clock: systemClock, random: Math.random, openTransport: openTcp },
    { timeoutMs: 5_000 },
  );
  open.push(cluster);
  return { store: new TopicLinkStore(cluster, link, { clock: systemClock, timeoutMs: 5_000 }), cluster };
};

let made = 0;
const newIdentity = (cluster: Cluster) => async (): Promise<LinkIdentity> => {
  const { producerId, producerEpoch } = await cluster.send(InitProducerId, { transactionalId: null, transactionTimeoutMs: 1_000 }, 'any');
  return { producerId, producerEpoch, linkId: `link-${++made}`, sourceClusterId: 'a source' };
};

const write = async (key: string | null, value: string | null): Promise<void> => {
  await kafka.log(STORE_TOPIC).append([{ key, value }]);
};

describe('the identity of a link', () => {
  it('is not made by looking', async () => {
    const { store } = await storeOf('west');
    expect(await store.load(signal)).toBeNull();
    expect(kafka.topics).toEqual([]);
  });

  it('is kept in a compacted topic and found by the next process', async () => {
    const first = await storeOf('west');
    const identity = await first.store.identity(newIdentity(first.cluster), signal);
    expect(kafka.topicConfigs(STORE_TOPIC).get('cleanup.policy')).toBe('compact');
    const second = await storeOf('west');
    expect(await second.store.load(signal)).toEqual(identity);
    const never = (): Promise<never> => Promise.reject(new Error('there is one already'));
    expect(await second.store.identity(never, signal)).toEqual(identity);
  });

  it('is the same for many processes that start at once', async () => {
    const processes = await Promise.all(Array.from({ length: 6 }, () => storeOf('west')));
    const identities = await Promise.all(processes.map(({ store, cluster }) => store.identity(newIdentity(cluster), signal)));
    expect(new Set(identities.map(({ linkId }) => linkId)).size).toBe(1);
    const later = await storeOf('west');
    expect(await later.store.load(signal)).toEqual(identities[0]);
  });

  it('is that of the link of this name alone', async () => {
    const [west, westEnd] = [await storeOf('west'), await storeOf('west-end')];
    const one = await west.store.identity(newIdentity(west.cluster), signal);
    const other = await westEnd.store.identity(newIdentity(westEnd.cluster), signal);
    expect(one.linkId).not.toBe(other.linkId);
    expect(await (await storeOf('west')).store.load(signal)).toEqual(one);
    expect(await (await storeOf('we')).store.load(signal)).toBeNull();
  });

  it('is stored once, also when the answer to the write was lost', async () => {
    kafka.loseAnswer({ api: Produce });
    const { store, cluster } = await storeOf('west');
    const identity = await store.identity(newIdentity(cluster), signal);
    expect((await kafka.log(STORE_TOPIC).records()).length).toBe(1);
    expect(await (await storeOf('west')).store.load(signal)).toEqual(identity);
  });

  it('stays the same when the topic is compacted', async () => {
    const processes = await Promise.all(Array.from({ length: 4 }, () => storeOf('west')));
    const [identity] = await Promise.all(processes.map(({ store, cluster }) => store.identity(newIdentity(cluster), signal)));
    for (const { store } of processes) for (let n = 0; n < 3; n++) await store.saveMirror(MIRROR, signal);
    // The cleaner keeps the last record of every key, where it was.
    const records = await kafka.log(STORE_TOPIC).records();
    const last = new Map(records.map((record) => [record.key?.toString(), record]));
    expect(last.size).toBeLessThan(records.length);
    await using compacted = await startCluster({ brokers: 1, topics: { [STORE_TOPIC]: { configs: { 'cleanup.policy': 'compact' } } } });
    for (const { key, value, timestamp, offset } of records.filter((record) => last.get(record.key?.toString()) === record))
      compacted.log(STORE_TOPIC).appendRaw(await buildBatch([{ key, value, timestamp }], { baseOffset: offset }));
    const { store, cluster } = await storeOf('west', compacted);
    expect(await store.load(signal)).toEqual(identity);
    expect(store.mirror('orders')).toEqual(MIRROR);
    await cluster.close();
  });
});

it('a topic that may not be seen is not made anew', async () => {
  await kafka.createTopic(STORE_TOPIC, { configs: { 'cleanup.policy': 'compact' } });
  kafka.fail({ api: Metadata, error: 'TOPIC_AUTHORIZATION_FAILED', topic: STORE_TOPIC, times: 100 });
  const { store, cluster } = await storeOf('west');
  for (const attempt of [() => store.load(signal), () => store.identity(newIdentity(cluster), signal)]) {
    await expect(attempt()).rejects.toMatchObject({ code: 'KLINK_AUTH', message: expect.stringMatching(/READ and WRITE/) });
  }
});

describe('a mirror', () => {
  it('is remembered with the ids of both its topics', async () => {
    const { store, cluster } = await storeOf('west');
    await store.identity(newIdentity(cluster), signal);
    await store.saveMirror({ ...MIRROR, topicId: null }, signal);
    await store.saveMirror(MIRROR, signal);
    const again = await storeOf('west');
    await again.store.load(signal);
    expect(again.store.mirror('orders')).toEqual(MIRROR);
    expect(again.store.mirror('payments')).toBeUndefined();
    const other = await storeOf('east');
    await other.store.load(signal);
    expect(other.store.mirror('orders')).toBeUndefined();
  });
});

describe('the errors of a mirror on its way to another state', () => {
  const error = { verb: 'PROMOTE', step: 'copy', code: 'UNKNOWN', linkErrorCode: 'KLINK_TIMEOUT', message: 'too long', at: 5 } as const;

  it('are remembered', async () => {
    const { store, cluster } = await storeOf('west');
    await store.identity(newIdentity(cluster), signal);
    await store.saveMirror({ ...MIRROR, transitionErrors: [error] }, signal);
    const again = await storeOf('west');
    await again.store.load(signal);
    expect(again.store.mirror('orders')).toEqual({ ...MIRROR, transitionErrors: [error] });
  });

  it.each([{ verb: 'PAUSE' }, { code: 'NO_SUCH' }, { at: -1 }, { message: null }])('are not believed with %j', async (change) => {
    await kafka.createTopic(STORE_TOPIC, { configs: { 'cleanup.policy': 'compact' } });
    await write('mirror/west/orders', JSON.stringify({ version: 1, ...MIRROR, transitionErrors: [{ ...error, ...change }] }));
    await expectUntouched();
  });
});

describe('the links beside this one', () => {
  const save = async (name: string, configs: Readonly<Record<string, string>>): Promise<void> =>
    (await storeOf(name)).store.saveLink({ configs }, signal);
  const seenBy = async (name: string): Promise<readonly (readonly [string, object])[]> => {
    const { store } = await storeOf(name);
    await store.load(signal);
    return [...store.links()];
  };

  it('are known with their configs, in the order in which they came, whatever was changed since', async () => {
    const { store, cluster } = await storeOf('west');
    await store.identity(newIdentity(cluster), signal);
    await save('west', { 'cluster.link.prefix': 'a.' });
    await save('east', { 'cluster.link.prefix': 'b.' });
    await save('west', { 'cluster.link.prefix': 'a.', 'acl.sync.ms': '700' });
    expect(await seenBy('north')).toEqual([
      ['west', { configs: { 'cluster.link.prefix': 'a.', 'acl.sync.ms': '700' } }],
      ['east', { configs: { 'cluster.link.prefix': 'b.' } }],
    ]);
  });

  it('are forgotten when they are deleted, and disturb nobody when they are not understood', async () => {
    const { store, cluster } = await storeOf('west');
    await store.identity(newIdentity(cluster), signal);
    await save('west', { 'cluster.link.prefix': 'a.' });
    await write('link/later', '{"version":2}');
    await store.forgetLink(signal);
    expect(await seenBy('north')).toEqual([['later', { configs: {} }]]);
  });
});

const prefix = 'producer/west/';
const damaged: readonly (readonly [what: string, key: string, value: string])[] = [
  ['no JSON', `${prefix}7`, '{'],
  ['another kind of JSON', `${prefix}7`, '[]'],
  ['a version of the future', `${prefix}7`, '{"version":2,"producerId":"7","producerEpoch":0,"linkId":"x"}'],
  ['an identity without a producer', `${prefix}7`, '{"version":1,"linkId":"x"}'],
  ['a producer id beyond int64', `${prefix}7`, '{"version":1,"producerId":"9223372036854775808","producerEpoch":0,"linkId":"x"}'],
  ['an epoch beyond int16', `${prefix}7`, '{"version":1,"producerId":"7","producerEpoch":40000,"linkId":"x"}'],
  ['a mirror without a topic', 'mirror/west/orders', '{"version":1}'],
];

describe('what is not understood', () => {
  beforeEach(async () => {
    await kafka.createTopic(STORE_TOPIC, { configs: { 'cleanup.policy': 'compact' } });
  });

  it.each(damaged)('%s: nothing is overwritten', async (_, key, value) => {
    await write(key, value);
    await expectUntouched();
  });

  it('a batch that is damaged', async () => {
    const batch = await buildBatch([{ key: `${prefix}7`, value: 'x', timestamp: 1n }]);
    batch[70] = (batch[70] ?? 0) ^ 0xff;
    kafka.log(STORE_TOPIC).appendRaw(batch);
    await expectUntouched();
  });

  it('messages of an old format', async () => {
    kafka.log(STORE_TOPIC).appendRaw(makeOldMessage(0));
    await expectUntouched();
  });

  it('records of others, and deleted ones, are no concern', async () => {
    await write('somebody/else', 'not JSON at all');
    await write(`${prefix}7`, null);
    const { store, cluster } = await storeOf('west');
    expect(await store.load(signal)).toBeNull();
    expect(await store.identity(newIdentity(cluster), signal)).toMatchObject({ producerEpoch: 0 });
  });
});

const expectUntouched = async (): Promise<void> => {
  const before = kafka.log(STORE_TOPIC).endOffset;
  const { store, cluster } = await storeOf('west');
  for (const attempt of [() => store.load(signal), () => store.identity(newIdentity(cluster), signal)]) {
    const error: unknown = await attempt().catch((thrown: unknown) => thrown);
    expect(LinkError.is(error) ? error.code : error).toBe('KLINK_STORE');
    expect((error as LinkError).message).toContain(STORE_TOPIC);
  }
  expect(kafka.log(STORE_TOPIC).endOffset).toBe(before);
};
