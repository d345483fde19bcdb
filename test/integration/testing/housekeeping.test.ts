/** What brokers do by themselves, done when a test says so: cleaning logs, losing a log start, and giving up on markers. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/error-codes.ts';
import { CreateAcls } from '../../../src/protocol/messages/create-acls.ts';
import { ListOffsets } from '../../../src/protocol/messages/list-offsets.ts';
import { WriteTxnMarkers } from '../../../src/protocol/messages/write-txn-markers.ts';
import { type Release, startCluster, type TestCluster, type TestClusterOptions } from '../../../src/testing/index.ts';
import { ManualClock } from '../../unit/testing/manual-clock.ts';
import { RawClient } from './raw-client.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});
const keep = <T extends AsyncDisposable>(each: T): T => {
  open.push(each);
  return each;
};
const start = async (options: TestClusterOptions = {}): Promise<TestCluster> => keep(await startCluster(options));
const clientOf = async (cluster: TestCluster, clientId = 'raw'): Promise<RawClient> =>
  keep(await RawClient.to(cluster.bootstrap[0]!, clientId));

const markersFor = (topic: string, ...partitionIndexes: number[]) => ({
  markers: [
    { producerId: -2n, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0, topics: [{ name: topic, partitionIndexes }] },
  ],
});
const write = async (client: RawClient, topic: string, ...partitions: number[]): Promise<(number | undefined)[]> => {
  const answer = await client.ask(WriteTxnMarkers, 1, markersFor(topic, ...partitions));
  return answer.markers[0]!.topics[0]!.partitions.map(({ errorCode }) => errorCode);
};

describe('the log cleaner', () => {
  const compacted = { 'cleanup.policy': 'compact', 'delete.retention.ms': '1000' };

  it('goes over compacted topics only, by the clock of the cluster', async () => {
    const clock = new ManualClock();
    const cluster = await start({ clock, topics: { kept: {}, compacted: { configs: compacted } } });
    for (const topic of ['kept', 'compacted']) {
      const log = cluster.log(topic);
      for (const value of ['1', '2', null]) await log.append([{ key: 'k', value }]);
    }
    const offsets = async (topic: string) => (await cluster.log(topic).records()).map(({ offset }) => offset);
    await cluster.cleanLogs({ roll: true });
    expect([await offsets('kept'), await offsets('compacted')]).toEqual([[0n, 1n, 2n], [2n]]);
    expect(cluster.log('compacted').batches()[0]!.baseTimestamp).toBe(BigInt(clock.wallTime()) + 1_000n);
    await cluster.cleanLogs({ force: true });
    expect(await offsets('compacted')).toEqual([2n]);
    clock.advance(1_000);
    await cluster.cleanLogs();
    expect(await offsets('compacted')).toEqual([2n]);
    await cluster.cleanLogs({ force: true });
    expect(await offsets('compacted')).toEqual([]);
    const log = cluster.log('compacted');
    expect([log.startOffset, log.endOffset, log.segments.map(({ baseOffset }) => baseOffset)]).toEqual([0n, 3n, [0n, 3n]]);
    expect(await log.append([{ key: 'k', value: '4' }])).toBe(3n);
  });

  it('by hand also goes over a log of any policy, and says what was dirty', async () => {
    const cluster = await start({ topics: { t: {} } });
    const log = cluster.log('t');
    await log.append([{ key: 'k', value: '1' }, { key: 'k', value: '2' }, { value: 'no key' }]);
    expect(await log.clean()).toBe(null);
    expect(await log.clean({ roll: true })).toEqual({ from: 0n, to: 3n });
    expect((await log.records()).map(({ value }) => value?.toString())).toEqual(['2']);
    expect(log.segments.map(({ baseOffset, size }) => [baseOffset, size > 0])).toEqual([
      [0n, true],
      [3n, false],
    ]);
  });
});

it('a log start that was not written down in time is lost, and can be moved again', async () => {
  const cluster = await start({ topics: { t: {} } });
  const log = cluster.log('t');
  for (let i = 0; i < 5; i++) await log.append([{ value: `${i}` }]);
  log.deleteRecords(4n);
  log.loseStart();
  const client = await clientOf(cluster);
  const { topics } = await client.ask(ListOffsets, 5, {
    replicaId: -1,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -2n }] }],
  });
  expect(topics[0]!.partitions[0]!.offset).toBe(0n);
  expect((await log.records()).length).toBe(5);
  log.deleteRecords(4n);
  expect(log.startOffset).toBe(4n);
});

describe('markers', () => {
  it('wait for every replica in sync, each partition for itself, and give up after request.timeout.ms', async () => {
    const clock = new ManualClock();
    const cluster = await start({ clock, brokers: 3, topics: { t: { assignments: [1, 2, 3].map(() => [1, 2, 3]) } } });
    const client = await clientOf(cluster);
    cluster.log('t', 1).holdHighWatermark();
    const late = write(client, 't', 0, 1, 2);
    await cluster.log('t', 2).until(({ endOffset }) => endOffset === 1n);
    clock.advance(30_000);
    expect(await late).toEqual([ErrorCode.NONE, ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NONE]);
    expect(cluster.log('t', 1).endOffset).toBe(1n);
    cluster.log('t', 1).releaseHighWatermark();
    expect(await write(client, 't', 1)).toEqual([ErrorCode.NONE]);
  });

  it('of a leader that is deposed while they wait are NOT_LEADER_OR_FOLLOWER', async () => {
    const cluster = await start({ brokers: 2, topics: { t: { assignments: [[1, 2]] } } });
    const client = await clientOf(cluster);
    cluster.log('t').holdHighWatermark();
    const late = write(client, 't', 0);
    await cluster.log('t').until(({ endOffset }) => endOffset === 1n);
    cluster.moveLeader('t', 0, 2);
    expect(await late).toEqual([ErrorCode.NOT_LEADER_OR_FOLLOWER]);
  });

  it.each<readonly [Release, 'alter' | 'clusterAction', number]>([
    ['2.8', 'alter', ErrorCode.CLUSTER_AUTHORIZATION_FAILED],
    ['2.8', 'clusterAction', ErrorCode.NONE],
    ['3.9', 'alter', ErrorCode.NONE],
    ['3.9', 'clusterAction', ErrorCode.NONE],
    ['4.4', 'alter', ErrorCode.NONE],
  ])('%s: the right to %s', async (release, right, expected) => {
    const cluster = await start({ release, authorizer: { superUsers: ['User:admin'] }, topics: { t: {} } });
    const app = await clientOf(cluster, 'app');
    expect(await write(app, 't', 0)).toEqual([ErrorCode.CLUSTER_AUTHORIZATION_FAILED]);
    const operation = { alter: 7, clusterAction: 9 }[right];
    const acl = { resourceType: 4, resourceName: 'kafka-cluster', principal: 'User:app', host: '*', operation, permissionType: 3 };
    await (await clientOf(cluster, 'admin')).ask(CreateAcls, 2, { creations: [acl] });
    expect(await write(app, 't', 0)).toEqual([expected]);
  });
});
