/** The embedded cluster in front of clients nobody here wrote: kcat (librdkafka), Kafka's console tools and its Java clients. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Produce } from '../../src/protocol/messages/produce.ts';
import { type Release, startCluster, type TestCluster } from '../../src/testing/index.ts';
import { consoleTool } from '../support/kafka/console-tools.ts';
import { type JavaClient, startJavaClient } from '../support/kafka/java-client.ts';
import { kcat, kcatConsume } from '../support/kafka/kcat.ts';

const withCluster = async (options: Parameters<typeof startCluster>[0], use: (cluster: TestCluster) => Promise<void>): Promise<void> => {
  await using cluster = await startCluster(options);
  await use(cluster);
};
const three = (release: Release) => ({ brokers: 3, release, topics: { t: { partitions: 3, replicationFactor: 3 } } });
const bootstrap = (cluster: TestCluster): string[] => ['--bootstrap-server', cluster.bootstrap.join(',')];
const OLDEST_AND_NEWEST = ['2.8', '4.4'] as const;

describe.each(OLDEST_AND_NEWEST)('kcat against %s', (release) => {
  it('lists, produces in every codec, consumes and asks for offsets', () =>
    withCluster(three(release), async (cluster) => {
      const b = ['-b', cluster.bootstrap.join(',')];
      const listed = JSON.parse(await kcat(['-L', '-J', ...b])) as {
        brokers: { name: string }[];
        topics: { topic: string; partitions: object[] }[];
      };
      expect(listed.brokers.map(({ name }) => name).sort()).toEqual([...cluster.bootstrap].sort());
      expect(listed.topics.map(({ topic, partitions }) => [topic, partitions.length])).toEqual([['t', 3]]);
      for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
        await kcat(['-P', ...b, '-t', 't', '-p', '1', '-K', ':', '-H', 'h=x', '-z', codec, '-X', 'acks=all'], { input: `key:${codec}\n` });
      }
      await kcat(['-P', ...b, '-t', 't', '-p', '2', '-X', 'enable.idempotence=true'], { input: 'a\nb\n' });
      const records = await kcatConsume(cluster.bootstrap, 't');
      expect(records.map(({ partition, offset, key, payload, headers }) => [partition, offset, key, payload, headers]).sort()).toEqual(
        [
          ...['none', 'gzip', 'snappy', 'lz4', 'zstd'].map((codec, i) => [1, i, 'key', codec, ['h', 'x']]),
          [2, 0, null, 'a', undefined],
          [2, 1, null, 'b', undefined],
        ].sort(),
      );
      expect((await kcat(['-Q', ...b, '-t', 't:1:-1', '-t', 't:2:-2'])).trim().split('\n').sort()).toEqual([
        't [1] offset 5',
        't [2] offset 0',
      ]);
    }));

  it('consumes in a group and goes on after the commit', () =>
    withCluster(three(release), async (cluster) => {
      const b = ['-b', cluster.bootstrap.join(',')];
      await kcat(['-P', ...b, '-t', 't', '-p', '0'], { input: '1\n2\n' });
      const group = ['-G', 'g', ...b, '-q', '-e', '-X', 'auto.offset.reset=earliest', '-f', '%p %o %s\n', 't'];
      expect((await kcat(group)).trim().split('\n')).toEqual(['0 0 1', '0 1 2']);
      expect(cluster.committed('g', 't').get(0)).toBe(2n);
      await kcat(['-P', ...b, '-t', 't', '-p', '0'], { input: '3\n' });
      expect((await kcat(group)).trim()).toBe('0 2 3');
    }));
});

describe.each(OLDEST_AND_NEWEST)('console tools against %s', (release) => {
  it('topics, producer, consumer, groups, offsets and configs', () =>
    withCluster({ brokers: 3, release }, async (cluster) => {
      const b = bootstrap(cluster);
      await consoleTool('topics', [
        ...b,
        '--create',
        '--topic',
        'j',
        '--partitions',
        '1',
        '--replication-factor',
        '3',
        '--config',
        'retention.ms=-1',
      ]);
      expect(await consoleTool('topics', [...b, '--list'])).toEqual(['j']);
      const described = (await consoleTool('topics', [...b, '--describe', '--topic', 'j'])).join('\n');
      expect(described).toMatch(/PartitionCount: 1\s+ReplicationFactor: 3\s+Configs: .*retention\.ms=-1/);
      await consoleTool('console-producer', [...b, '--topic', 'j'], { input: 'x\ny\nz\n' });
      const read = await consoleTool('console-consumer', [...b, '--topic', 'j', '--from-beginning', '--max-messages', '3', '--group', 'g']);
      expect(read.sort()).toEqual(['x', 'y', 'z']);
      const offsets = (await consoleTool('get-offsets', [...b, '--topic', 'j'])).map((line) => Number(line.split(':')[2]));
      expect(offsets.reduce((sum, end) => sum + end, 0)).toBe(3);
      expect(await consoleTool('consumer-groups', [...b, '--list'])).toEqual(['g']);
      const group = (await consoleTool('consumer-groups', [...b, '--describe', '--group', 'g'])).map((line) => line.split(/\s+/));
      const lags = group.filter(([name]) => name === 'g').map((columns) => columns[5]);
      expect(lags).toEqual(['0']);
      await consoleTool('consumer-groups', [...b, '--group', 'g', '--topic', 'j', '--reset-offsets', '--to-earliest', '--execute']);
      expect([...cluster.committed('g', 'j').values()]).toEqual([0n]);
      const entity = ['--entity-type', 'topics', '--entity-name', 'j'];
      await consoleTool('configs', [...b, '--alter', ...entity, '--add-config', 'segment.ms=4321']);
      expect((await consoleTool('configs', [...b, '--describe', ...entity])).join('\n')).toContain('segment.ms=4321');
      await consoleTool('topics', [...b, '--alter', '--topic', 'j', '--partitions', '4']);
      expect(cluster.partitionCount('j')).toBe(4);
      await consoleTool('consumer-groups', [...b, '--delete', '--group', 'g']);
      await consoleTool('topics', [...b, '--delete', '--topic', 'j']);
      expect(cluster.topics).toEqual([]);
    }));
});

describe('Java clients', () => {
  let java: JavaClient;
  beforeAll(async () => {
    java = await startJavaClient();
  });
  afterAll(() => java?.close());

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('idempotent producer and consumer, %s', (codec) =>
    withCluster(three('4.4'), async ({ bootstrap: addresses }) => {
      const stream = { partitions: 3, valueBytes: 200, keys: 10, headers: 2, nullValueEvery: 7 };
      const config = { 'compression.type': codec, 'batch.size': '5000', 'linger.ms': '5' };
      const produced = await java.produce(addresses, 't', { ...stream, count: 1_500, config });
      expect(produced.partitions.map(({ count, firstOffset, lastOffset }) => [count, firstOffset, lastOffset])).toEqual(
        [0, 1, 2].map(() => [500, 0, 499]),
      );
      for (const isolation of ['read_uncommitted', 'read_committed'] as const) {
        const digests = await java.digest(addresses, 't', { isolation });
        expect(digests.map(({ count, lastOffset }) => [count, lastOffset])).toEqual([0, 1, 2].map(() => [500, 499]));
      }
    }),
  );

  it('a producer loses and doubles nothing while leaders move, connections drop and answers are lost', () =>
    withCluster({ brokers: 3, topics: { t: { replicationFactor: 3 } } }, async (cluster) => {
      const live = await java.startLive(cluster.bootstrap, 't', { valueBytes: 50, config: { 'linger.ms': '0' } });
      const log = cluster.log('t');
      for (let round = 0; round < 6; round++) {
        const goal = log.endOffset + 50n;
        if (round % 3 === 0) cluster.loseAnswer({ api: Produce });
        else if (round % 3 === 1) cluster.moveLeader('t', 0, (log.leader % 3) + 1);
        else cluster.cut(log.leader);
        await log.until(({ endOffset }) => endOffset >= goal, 30_000);
      }
      const { acked, failed } = await live.stop();
      expect(failed).toBe(0);
      expect(log.endOffset).toBe(BigInt(acked));
    }));
});
