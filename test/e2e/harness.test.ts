/** The real-Kafka harness itself: clusters come up, keep their data through a kill, and leave nothing behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CLUSTER_DIRECTORY, type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { consoleTool } from '../support/kafka/console-tools.ts';
import { type JavaClient, startJavaClient } from '../support/kafka/java-client.ts';
import { kcatConsume } from '../support/kafka/kcat.ts';
import { ACLS_WHERE_NAMED } from '../support/kafka/properties.ts';
import { SASL_LISTENER, saslPlainClient, saslPlainListener } from '../support/kafka/sasl.ts';
import { KAFKA_39 } from '../support/kafka/versions.ts';
import { startWireOracle } from '../support/kafka/wire-oracle.ts';

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** The data directories a process has, or left when it was killed. */
const leftovers = (pid: number): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(`${CLUSTER_DIRECTORY}${pid}-`));

let java: JavaClient;
beforeAll(async () => {
  java = await startJavaClient();
});
afterAll(() => java.close());

describe('one broker of the newest release', () => {
  let kafka: KafkaCluster;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.stop());

  it('is read alike by the Java consumer, kcat and the console consumer', async () => {
    await java.createTopic(kafka.bootstrap, 'alike');
    await java.produce(kafka.bootstrap, 'alike', {
      records: [
        { key: 'k', value: 'first', headers: [{ key: 'hé', value: null }], timestamp: 1_700_000_000_000 },
        { key: null, value: null, timestamp: 1_700_000_000_001 },
      ],
    });
    const [first, second] = await java.consume(kafka.bootstrap, 'alike');
    expect(first).toEqual({
      partition: 0,
      offset: 0,
      key: Buffer.from('k'),
      value: Buffer.from('first'),
      headers: [{ key: 'hé', value: null }],
      timestamp: 1_700_000_000_000,
      timestampType: 'CreateTime',
    });
    expect(second).toMatchObject({ offset: 1, key: null, value: null, headers: [] });
    expect(await kcatConsume(kafka.bootstrap, 'alike')).toMatchObject([
      { offset: 0, key: 'k', payload: 'first', headers: ['hé', null], ts: 1_700_000_000_000 },
      { offset: 1, key: null, payload: null },
    ]);
    const printed = await consoleTool('console-consumer', [
      ...['--bootstrap-server', kafka.bootstrap.join(','), '--topic', 'alike', '--from-beginning', '--max-messages', '2'],
      ...['--formatter-property', 'print.offset=true', '--formatter-property', 'print.key=true'],
    ]);
    expect(printed).toEqual(['Offset:0\tk\tfirst', 'Offset:1\tnull\tnull']);
  });

  it('shows committed records only, to whom asks for them', async () => {
    await java.createTopic(kafka.bootstrap, 'transactions', { partitions: 2 });
    await java.produce(kafka.bootstrap, 'transactions', {
      count: 100,
      partitions: 2,
      transaction: { id: 'harness', size: 10, abortEvery: 2 },
    });
    const count = async (isolation: 'read_committed' | 'read_uncommitted'): Promise<number> =>
      (await java.digest(kafka.bootstrap, 'transactions', { isolation })).reduce((sum, partition) => sum + partition.count, 0);
    expect(await count('read_uncommitted')).toBe(100);
    expect(await count('read_committed')).toBe(50);
  });

  it('keeps what it acknowledged through kill -9 and restart, under a producer that goes on', async () => {
    await java.createTopic(kafka.bootstrap, 'killed', { partitions: 3 });
    const live = await java.startLive(kafka.bootstrap, 'killed', { partitions: 3, recordsPerSecond: 2_000 });
    const [broker] = kafka.brokers;
    const before = broker!.pid!;
    await broker!.kill();
    expect(isAlive(before)).toBe(false);
    await broker!.start();
    expect(broker!.pid).not.toBe(before);
    const { acked, failed, error } = await live.stop();
    expect({ failed, error }).toEqual({ failed: 0, error: null });
    const digests = await java.digest(kafka.bootstrap, 'killed');
    expect(digests.reduce((sum, { count }) => sum + count, 0)).toBe(acked);
    expect(acked).toBeGreaterThan(0);
  });

  it('gives equal digests for equal records and others for others', async () => {
    const digest = async (topic: string, seed: number): Promise<string[]> => {
      await java.createTopic(kafka.bootstrap, topic, { partitions: 2 });
      const stream = { seed, count: 1_000, partitions: 2, timestamp: 1_700_000_000_000, headers: 3, keys: 10, nullValueEvery: 7 };
      await java.produce(kafka.bootstrap, topic, stream);
      return (await java.digest(kafka.bootstrap, topic)).map(({ sha256 }) => sha256);
    };
    const reference = await digest('digest-a', 1);
    expect(reference).toHaveLength(2);
    expect(await digest('digest-b', 1)).toEqual(reference);
    expect(await digest('digest-c', 2)).not.toEqual(reference);
  });
});

it('three brokers replicate, move a leader, elect another when one dies, and leave nothing behind', async () => {
  await using kafka = await startKafka({ version: KAFKA_39, brokers: 3 });
  const { partitions } = await java.createTopic(kafka.bootstrap, 'moved', { replicas: [[1, 2, 3]] });
  expect(partitions).toEqual([{ partition: 0, leader: 1, replicas: [1, 2, 3], isr: [1, 2, 3] }]);
  await java.moveLeader(kafka.bootstrap, 'moved', 0, 3);
  const live = await java.startLive(kafka.bootstrap, 'moved', { recordsPerSecond: 1_000 });
  await kafka.broker(3).kill();
  await vi.waitFor(async () => expect((await java.describeTopic(kafka.bootstrap, 'moved')).partitions[0]!.leader).not.toBe(3), 60_000);
  await kafka.broker(3).start();
  await kafka.awaitReady();
  const { acked, failed } = await live.stop();
  expect(failed).toBe(0);
  expect(await java.digest(kafka.bootstrap, 'moved')).toMatchObject([{ partition: 0, count: acked }]);
  const pids = kafka.brokers.map(({ pid }) => pid!);
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  await kafka.stop();
  expect(pids.map(isAlive)).toEqual([false, false, false]);
  expect(leftovers(process.pid)).toEqual([]);
});

it('enforces the rights it was told to, on whoever comes through which listener', async () => {
  await using kafka = await startKafka({ config: ACLS_WHERE_NAMED, listeners: [saslPlainListener({ alice: 'secret', bob: 'secret' })] });
  await java.createTopic(kafka.bootstrap, 'guarded');
  await java.allow(kafka.bootstrap, 'User:alice', ['WRITE', 'DESCRIBE'], 'topic', 'guarded');
  const records = [{ value: 'v' }];
  const through = kafka.bootstrapOf(SASL_LISTENER);
  const alice = await java.produce(through, 'guarded', { records, config: saslPlainClient('alice', 'secret') });
  expect(alice.offsets).toEqual([{ partition: 0, offset: 0 }]);
  const refused = { type: 'TopicAuthorizationException' };
  await expect(java.produce(through, 'guarded', { records, config: saslPlainClient('bob', 'secret') })).rejects.toMatchObject(refused);
  await expect(java.produce(kafka.bootstrap, 'guarded', { records })).rejects.toMatchObject(refused);
});

it('leaves no process when the test process itself is killed', async () => {
  // Other tests that start clusters would clear up here before it is looked at.
  const elsewhere = mkdtempSync(join(tmpdir(), 'kafka-link-harness-'));
  vi.stubEnv('TMPDIR', elsewhere);
  const script = fileURLToPath(new URL('../support/kafka/hold-cluster.ts', import.meta.url));
  const holder = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: holder.stdout }), 'line');
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  holder.kill('SIGKILL');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 10_000);
  // Its data stays until the next start removes what dead processes left.
  expect(leftovers(holder.pid!)).toHaveLength(1);
  await (await startKafka()).stop();
  expect(leftovers(holder.pid!)).toEqual([]);
  vi.unstubAllEnvs();
  rmSync(elsewhere, { recursive: true });
});

it('a start that is aborted ends, with the reason, and cleans up', async () => {
  const abort = new AbortController();
  const starting = startKafka({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(starting).rejects.toThrow('enough');
  expect(leftovers(process.pid)).toEqual([]);
});

it('the message oracle writes and reads what Kafka does', async () => {
  await using oracle = await startWireOracle();
  const metadata = await oracle.encode(3, 'request', 2, { topics: [] }, { correlationId: 7, clientId: null });
  expect(metadata.toString('hex')).toBe('0003000200000007ffff00000000');
  const produce = {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.from('0102', 'hex') }] }],
  };
  const frame = await oracle.encode(0, 'request', 9, produce, { correlationId: 1, clientId: 'c' });
  expect(await oracle.decodeFrame(0, 'request', 9, frame)).toEqual({ header: { correlationId: 1, clientId: 'c' }, value: produce });
  await expect(oracle.decode(3, 'request', 2, Buffer.from('00000000ff', 'hex'))).rejects.toThrow('1 bytes are left');
});
