/** Log starts moved on embedded clusters: how many requests it takes, what becomes of refusals, and a follower that goes through with it. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/client/clock.ts';
import type { Cluster } from '../../../../src/client/cluster.ts';
import type { LinkError } from '../../../../src/errors.ts';
import { RecordDeletion } from '../../../../src/link/log-start/delete-records.ts';
import { LogStartFollower } from '../../../../src/link/log-start/log-start-follower.ts';
import { OffsetLookup } from '../../../../src/link/replication/offset-lookup.ts';
import { DeleteRecords } from '../../../../src/protocol/messages/delete-records.ts';
import { startCluster, type TestCluster, type TestClusterOptions } from '../../../../src/testing/index.ts';
import { Rights } from '../../../scenarios/rights.ts';
import { failure } from '../../client/open-connection.ts';
import { connectTo } from './open.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const open = async (options: TestClusterOptions): Promise<{ kafka: TestCluster; cluster: Cluster; deletion: RecordDeletion }> => {
  const kafka = await startCluster(options);
  endings.push(() => kafka.stop());
  const cluster = await connectTo(kafka.bootstrap);
  endings.push(() => cluster.close());
  await cluster.refreshMetadata(kafka.topics);
  return { kafka, cluster, deletion: new RecordDeletion(cluster) };
};

const fill = async (kafka: TestCluster, topic: string, partition = 0): Promise<void> => {
  for (let i = 0; i < 10; i++) await kafka.log(topic, partition).append([{ value: 'a' }, { value: 'b' }]);
};

describe('deleting records', () => {
  it('takes one request per leader, however many partitions there are', async () => {
    const { kafka, deletion } = await open({ brokers: 3, topics: { orders: { partitions: 6 }, audit: { partitions: 3 } } });
    const asked: number[] = [];
    kafka.intercept(DeleteRecords, (_request, proceed, { brokerId }) => {
      asked.push(brokerId);
      return proceed();
    });
    const all = kafka.topics.flatMap((topic) =>
      Array.from({ length: kafka.partitionCount(topic) }, (_, partition) => ({ topic, partition, offset: 3 + partition })),
    );
    await Promise.all(all.map(({ topic, partition }) => fill(kafka, topic, partition)));
    const starts = await Promise.all(all.map(({ topic, partition, offset }) => deletion.deleteBefore(topic, partition, offset)));
    expect(starts).toEqual(all.map(({ offset }) => offset));
    expect(all.map(({ topic, partition }) => Number(kafka.log(topic, partition).startOffset))).toEqual(starts);
    expect(asked.sort()).toEqual([1, 2, 3]);
  });

  it('below the start changes nothing, and twice in one turn goes as far as the farther one', async () => {
    const { kafka, deletion } = await open({ topics: { orders: {} } });
    await fill(kafka, 'orders');
    expect(await Promise.all([3, 7, 5].map((offset) => deletion.deleteBefore('orders', 0, offset)))).toEqual([3, 7, 7]);
    expect(await deletion.deleteBefore('orders', 0, 2)).toBe(7);
    expect(kafka.log('orders').startOffset).toBe(7n);
  });

  it('without the right to says how to grant it', async () => {
    const { kafka, cluster, deletion } = await open({
      topics: { orders: {} },
      authorizer: { allowEveryoneIfNoAclFound: true, superUsers: ['User:root'] },
    });
    const root = await connectTo(kafka.bootstrap, { clientId: 'root' });
    endings.push(() => root.close());
    await new Rights(root).reserveTopic('orders');
    const error = await failure(deletion.deleteBefore('orders', 0, 1));
    expect(error).toMatchObject({ code: 'KLINK_AUTH', brokerName: 'TOPIC_AUTHORIZATION_FAILED', retriable: false });
    const [address] = kafka.bootstrap;
    expect(error.message).toContain(
      `kafka-acls --bootstrap-server ${address} --add --allow-principal 'User:<of the link>' --operation Delete --topic 'orders'`,
    );
    expect(cluster.signal.aborted).toBe(false);
  });

  it('of a topic that is only compacted says what it lacks', async () => {
    const { kafka, deletion } = await open({ topics: { orders: { configs: { 'cleanup.policy': 'compact' } } } });
    await kafka.log('orders').append([{ key: 'a', value: 'a' }]);
    const error = await failure(deletion.deleteBefore('orders', 0, 1));
    expect(error).toMatchObject({ code: 'KLINK_BROKER', brokerName: 'POLICY_VIOLATION', retriable: false });
    expect(error.message).toContain("--topic 'orders' --add-config 'cleanup.policy=[compact,delete]'");
  });

  it('beyond what is replicated is worth another try', async () => {
    const { kafka, deletion } = await open({ topics: { orders: {} } });
    kafka.log('orders').holdHighWatermark();
    await fill(kafka, 'orders');
    const error = await failure(deletion.deleteBefore('orders', 0, 5));
    expect(error).toMatchObject({ code: 'KLINK_STATE', retriable: true });
    expect(error.message).toContain('OFFSET_OUT_OF_RANGE');
    kafka.log('orders').releaseHighWatermark();
    expect(await deletion.deleteBefore('orders', 0, 5)).toBe(5);
  });

  it('is waited for no longer than the caller wants, and can fail for one partition alone', async () => {
    const { kafka, deletion } = await open({ topics: { orders: { partitions: 2 } } });
    await Promise.all([fill(kafka, 'orders', 0), fill(kafka, 'orders', 1)]);
    const enough = new AbortController();
    kafka.fail({ api: DeleteRecords, error: 'NOT_LEADER_OR_FOLLOWER', topic: 'orders', partition: 1 });
    const given = ['a signal', 'none'].map((who, partition) =>
      deletion.deleteBefore('orders', partition, 4, who === 'none' ? undefined : enough.signal).catch((error: LinkError) => error.code),
    );
    enough.abort();
    expect(await Promise.all(given)).toEqual(['KLINK_ABORTED', 'KLINK_BROKER']);
  });

  it('without a leader, and by a broker that does not do what it says, fails for now', async () => {
    const { kafka, deletion } = await open({ topics: { orders: {} } });
    expect(await failure(deletion.deleteBefore('nowhere', 0, 4))).toMatchObject({ brokerName: 'LEADER_NOT_AVAILABLE', retriable: true });
    kafka.intercept(DeleteRecords, () => ({
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: 0, lowWatermark: 3n }] }],
    }));
    expect(await failure(deletion.deleteBefore('orders', 0, 4))).toMatchObject({ code: 'KLINK_MALFORMED', retriable: true });
  });
});

describe('a follower on a cluster', () => {
  it('gets over moving leaders and dying brokers, and ends where the source starts', async () => {
    const topics = { orders: { assignments: [[1, 2, 3]], configs: { 'min.insync.replicas': '1' } } };
    const { kafka, cluster, deletion } = await open({ brokers: 3, topics });
    const offsets = new OffsetLookup(cluster, 'consumer');
    const troubles: LinkError[] = [];
    const follower = new LogStartFollower({
      clock: systemClock,
      random: Math.random,
      retry: cluster.settings.retry,
      times: { pauseMs: 1, recheckMs: 20, rareRetryMs: 60_000 },
      deleteBefore: (topic, partition, offset, signal) => deletion.deleteBefore(topic, partition, offset, signal),
      mirrorStart: (topic, partition) => offsets.find(topic, partition, 'earliest'),
      refresh: (topic, signal) => cluster.refreshMetadata([topic], signal),
      onTrouble: (error) => troubles.push(error),
    });
    endings.push(async () => follower.close());
    const log = kafka.log('orders');
    await fill(kafka, 'orders');
    const observe = (sourceStart: number): void =>
      follower.observe({ topic: 'orders', partition: 0, sourceStart, ackedOffset: Number(log.endOffset) });
    observe(4);
    await log.until(({ startOffset }) => startOffset === 4n);
    kafka.moveLeader('orders', 0, 2);
    observe(6);
    await log.until(({ startOffset }) => startOffset === 6n);
    kafka.loseAnswer({ api: DeleteRecords });
    observe(8);
    await log.until(({ startOffset }) => startOffset === 8n);
    await kafka.kill(2);
    observe(100);
    await log.until(({ startOffset }) => startOffset === 20n);
    await expect.poll(() => follower.status('orders', 0)).toEqual({ mirrorStart: 20, target: 20, error: null, isSettled: true });
    expect(troubles).toEqual([]);
  });
});
