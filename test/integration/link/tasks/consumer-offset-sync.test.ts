/** The task `ConsumerOffsetSync` between embedded clusters, asking at intervals. */
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/client/clock.ts';
import { clampOffsets } from '../../../../src/link/tasks/clamp-offsets.ts';
import { ConsumerOffsetSync, type ConsumerOffsetSyncOptions } from '../../../../src/link/tasks/consumer-offset-sync.ts';
import { GroupAdmin } from '../../../../src/link/tasks/group-admin.ts';
import { ListedMirrorLogs } from '../../../../src/link/tasks/mirror-logs.ts';
import { CreateAcls } from '../../../../src/protocol/messages/create-acls.ts';
import { DeleteGroups } from '../../../../src/protocol/messages/delete-groups.ts';
import { OffsetCommit } from '../../../../src/protocol/messages/offset-commit.ts';
import { OffsetDelete } from '../../../../src/protocol/messages/offset-delete.ts';
import { OffsetFetch } from '../../../../src/protocol/messages/offset-fetch.ts';
import { RELEASES, type TestCluster, type TestClusterOptions } from '../../../../src/testing/index.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { Bench, never } from './bench.ts';

const ORDERS: TestClusterOptions = { topics: { orders: { partitions: 2 }, other: {} } };

const syncOf = (bench: Bench, options: Partial<ConsumerOffsetSyncOptions> = {}): ConsumerOffsetSync =>
  new ConsumerOffsetSync({
    source: bench.source,
    destination: bench.destination,
    clock: systemClock,
    random: Math.random,
    selects: () => true,
    topics: () => [{ sourceTopic: 'orders', topic: 'orders' }],
    logs: new ListedMirrorLogs(bench.destination),
    ...options,
  });

/** Both clusters, with a mirror of 100 records that is complete. */
const open = async (source: TestClusterOptions = {}, destination: TestClusterOptions = {}): Promise<Bench> => {
  const bench = await Bench.open({ source: { ...ORDERS, ...source }, destination: { ...ORDERS, ...destination } });
  await bench.fill('destination', 'orders', 100);
  await bench.fill('destination', 'orders', 100, 1);
  return bench;
};

/** A consumer that has joined its group, as kafkajs does it. */
const join = async (cluster: TestCluster, groupId: string, topic = 'orders'): Promise<{ readonly leave: () => Promise<void> }> => {
  const kafka = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 20 });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({ autoCommit: false, eachMessage: async () => {} });
  await joined;
  return { leave: () => consumer.disconnect() };
};

describe.each(RELEASES)('from and to %s', (release) => {
  it('positions arrive exactly, with their metadata and without an epoch, and equal ones are not written again', async () => {
    await using bench = await open({ release, brokers: 2 }, { release, brokers: 2 });
    await bench.commit('source', 'a', { offset: 10, metadata: 'kept' }, { partition: 1, offset: 0 });
    await bench.commit('source', 'b', { partition: 1, offset: 100 });
    await bench.commit('source', 'c', { topic: 'other', offset: 0 });
    const sync = syncOf(bench);
    const first = await bench.run(sync);
    expect(first).toEqual({ counts: { groups: 3, committed: 3, refreshed: 0, deleted: 0, waiting: 0, inUse: 0 }, errors: [] });
    expect(bench.committed('a')).toEqual({ 0: 10, 1: 0 });
    expect(bench.committed('b')).toEqual({ 1: 100 });
    expect(bench.committed('c', 'other')).toEqual({});
    const stored = await new GroupAdmin(bench.root.destination).offsets(['a'], never);
    expect((stored.get('a') as ReadonlyMap<string, unknown>).get('orders')).toEqual(
      new Map([
        [0, { offset: 10n, metadata: 'kept', leaderEpoch: -1 }],
        [1, { offset: 0n, metadata: '', leaderEpoch: -1 }],
      ]),
    );

    await bench.commit('source', 'b', { partition: 1, offset: 99 });
    const commits = await bench.count('destination', OffsetCommit, async () => {
      expect((await bench.run(sync)).counts).toMatchObject({ committed: 1 });
    });
    expect(commits).toBe(1);
    expect(bench.committed('b')).toEqual({ 1: 99 });
    expect(sync.status).toMatchObject({ mode: 'periodic', followError: null, groups: 2, waiting: 0 });
    expect(sync.status.ageMs).toBeLessThan(60_000);
  });
});

describe('what is carried over', () => {
  it('is that of selected groups and mirrored topics, under the names they have at the destination', async () => {
    await using bench = await Bench.open({ source: ORDERS, destination: { topics: { 'west.orders': {}, orders: {} } } });
    await bench.fill('destination', 'west.orders', 50);
    await bench.commit('source', 'payments', { offset: 7 }, { topic: 'other', offset: 3 });
    await bench.commit('source', 'internal', { offset: 7 });
    const sync = syncOf(bench, {
      selects: (group) => group !== 'internal',
      topics: () => [{ sourceTopic: 'orders', topic: 'west.orders' }],
      mapGroup: (group) => `west.${group}`,
    });
    await bench.run(sync);
    expect(bench.committed('west.payments', 'west.orders')).toEqual({ 0: 7 });
    for (const group of ['payments', 'internal', 'west.internal']) expect(bench.committed(group, 'west.orders')).toEqual({});
  });

  it('is never beyond the mirror: what is missing follows with the data', async () => {
    await using bench = await Bench.open({ source: ORDERS, destination: ORDERS });
    await bench.commit('source', 'a', { offset: 60 }, { partition: 1, offset: 30 });
    await bench.fill('destination', 'orders', 20);
    const sync = syncOf(bench);
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 2, waiting: 2 });
    expect(bench.committed('a')).toEqual({ 0: 20, 1: 0 });
    expect(sync.waiting()).toEqual([
      { group: 'a', topic: 'orders', partition: 0, sourceOffset: 60n },
      { group: 'a', topic: 'orders', partition: 1, sourceOffset: 30n },
    ]);
    await bench.fill('destination', 'orders', 60);
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 1, waiting: 1 });
    expect(bench.committed('a')).toEqual({ 0: 60, 1: 0 });
    expect(sync.waiting('orders')).toEqual([{ group: 'a', topic: 'orders', partition: 1, sourceOffset: 30n }]);
    expect(sync.waiting('other')).toEqual([]);
  });

  it('is never before its start', async () => {
    await using bench = await open();
    bench.kafka.destination.log('orders').deleteRecords(40n);
    await bench.commit('source', 'a', { offset: 5 });
    await bench.run(syncOf(bench));
    expect(bench.committed('a')).toEqual({ 0: 40 });
  });

  it('waits while nobody knows how far the mirror is', async () => {
    await using bench = await open();
    await bench.commit('source', 'a', { offset: 5 });
    const sync = syncOf(bench, { logs: { ranges: async () => new Map() } });
    const { errors } = await bench.run(sync);
    expect(errors).toMatchObject([{ subject: 'a', error: { code: 'KLINK_STATE', retriable: true } }]);
    expect(bench.committed('a')).toEqual({});
  });
});

describe('a group that is used at the destination', () => {
  it('is left alone and reported while it has members', async () => {
    await using bench = await open();
    await bench.commit('source', 'a', { offset: 50 });
    await bench.commit('source', 'b', { offset: 50 });
    const member = await join(bench.kafka.destination, 'a');
    const sync = syncOf(bench);
    const { counts, errors } = await bench.run(sync);
    expect(counts).toMatchObject({ committed: 1, inUse: 1 });
    expect(errors).toMatchObject([{ code: 'CONSUMER_GROUP_IN_USE_ERROR', subject: 'a', error: { brokerCode: 25 } }]);
    expect(bench.committed('a')).toEqual({});
    expect(bench.committed('b')).toEqual({ 0: 50 });
    await member.leave();
    expect(await bench.run(sync)).toMatchObject({ counts: { committed: 1, inUse: 0 }, errors: [] });
    expect(bench.committed('a')).toEqual({ 0: 50 });
  });

  it('is found to be in use by the commit itself where brokers do not tell states', async () => {
    await using bench = await open({}, { release: '2.8' });
    await bench.commit('source', 'a', { offset: 50 });
    const member = await join(bench.kafka.destination, 'a');
    const { errors } = await bench.run(syncOf(bench));
    expect(errors).toMatchObject([{ code: 'CONSUMER_GROUP_IN_USE_ERROR', subject: 'a' }]);
    await member.leave();
  });

  it('is never sent back to where it was on the source', async () => {
    await using bench = await open();
    await bench.commit('source', 'a', { offset: 50 });
    const sync = syncOf(bench);
    await bench.run(sync);
    await bench.commit('destination', 'a', { offset: 80 });
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 0 });
    // Neither by a source that moves on behind it, nor by a link that has forgotten everything.
    await bench.commit('source', 'a', { offset: 70 });
    await bench.run(sync);
    await bench.run(syncOf(bench));
    expect(bench.committed('a')).toEqual({ 0: 80 });
    await bench.commit('source', 'a', { offset: 90 });
    await bench.run(sync);
    expect(bench.committed('a')).toEqual({ 0: 90 });
  });

  it('keeps a position that was set back there on purpose, until the source moves on', async () => {
    await using bench = await open();
    await bench.commit('source', 'a', { offset: 50 });
    const sync = syncOf(bench);
    await bench.run(sync);
    await bench.commit('destination', 'a', { offset: 10 });
    await bench.run(sync);
    expect(bench.committed('a')).toEqual({ 0: 10 });
    await bench.commit('source', 'a', { offset: 51 });
    await bench.run(sync);
    expect(bench.committed('a')).toEqual({ 0: 51 });
  });
});

it('a group that is reset on the source is reset here, by a new process too', async () => {
  await using bench = await open();
  await bench.commit('source', 'a', { offset: 50 });
  const sync = syncOf(bench);
  await bench.run(sync);
  await bench.commit('source', 'a', { offset: 20 });
  await bench.run(sync);
  expect(bench.committed('a')).toEqual({ 0: 20 });
  await bench.commit('source', 'a', { offset: 5 });
  await bench.run(syncOf(bench));
  expect(bench.committed('a')).toEqual({ 0: 5 });
});

describe('offsets that the source does not have any more', () => {
  const setUp = async (deletedOffsets: 'keep' | 'delete') => {
    const bench = await open();
    await bench.commit('source', 'a', { offset: 50 }, { partition: 1, offset: 60 });
    await bench.commit('source', 'b', { offset: 50 });
    const clock = new ManualClock();
    const sync = syncOf(bench, { clock, deletedOffsets });
    await bench.run(sync);
    await bench.root.source.send(DeleteGroups, { groupsNames: ['a'] }, { group: 'a' });
    await clock.advance(6_000);
    return { bench, sync, clock };
  };

  it('stay, are not refreshed, and do not come back once they are gone', async () => {
    const { bench, sync, clock } = await setUp('keep');
    await using _ = bench;
    expect(await bench.run(sync)).toMatchObject({ counts: { deleted: 0 }, errors: [] });
    expect(bench.committed('a')).toEqual({ 0: 50, 1: 60 });
    await bench.root.destination.send(DeleteGroups, { groupsNames: ['a'] }, { group: 'a' });
    await clock.advance(30 * 24 * 3_600_000);
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 0, refreshed: 1 });
    expect(bench.committed('a')).toEqual({});
  });

  it('are deleted when that is wanted, and nobody has changed them', async () => {
    const { bench, sync } = await setUp('delete');
    await using _ = bench;
    await bench.commit('destination', 'a', { partition: 1, offset: 70 });
    expect(await bench.run(sync)).toMatchObject({ counts: { deleted: 1 }, errors: [] });
    expect(bench.committed('a')).toEqual({ 1: 70 });
    expect(bench.committed('b')).toEqual({ 0: 50 });
    const deletions = await bench.count('destination', OffsetDelete, () => bench.run(sync));
    expect(deletions).toBe(0);
  });

  it('are not deleted because the link may not see the group any more', async () => {
    const authorizer = { superUsers: ['User:root'], allowEveryoneIfNoAclFound: true };
    await using bench = await open({ authorizer });
    await bench.commit('source', 'a', { offset: 50 });
    const clock = new ManualClock();
    const sync = syncOf(bench, { clock, deletedOffsets: 'delete' });
    await bench.run(sync);
    await clock.advance(6_000);
    const somebody = { principal: 'User:somebody', host: '*', operation: 2, permissionType: 3 };
    const creations = [
      { resourceType: 3, resourceName: 'a', ...somebody },
      { resourceType: 4, resourceName: 'kafka-cluster', ...somebody },
    ];
    await bench.root.source.send(CreateAcls, { creations }, 'controller');
    const { counts, errors } = await bench.run(sync);
    expect(counts).toMatchObject({ deleted: 0 });
    expect(errors).toMatchObject([
      { code: 'AUTHORIZATION_ERROR', subject: 'a', message: expect.stringContaining('DESCRIBE on the group') },
    ]);
    expect(bench.committed('a')).toEqual({ 0: 50 });
  });
});

describe('before they expire, equal positions are committed again', () => {
  it('at half of the time for which the destination keeps them', async () => {
    await using bench = await open();
    await bench.commit('source', 'a', { offset: 50 });
    const clock = new ManualClock();
    const sync = syncOf(bench, { clock });
    await bench.run(sync);
    const half = 7 * 12 * 3_600_000;
    await clock.advance(half - 1);
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 0, refreshed: 0 });
    await clock.advance(1);
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 0, refreshed: 1 });
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 0, refreshed: 0 });
  });

  it('by a process that did not write them, an hour after its start', async () => {
    await using bench = await open();
    await bench.commit('source', 'a', { offset: 50 });
    await bench.run(syncOf(bench));
    const clock = new ManualClock();
    const sync = syncOf(bench, { clock });
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 0, refreshed: 0 });
    await clock.advance(3_600_000);
    expect((await bench.run(sync)).counts).toMatchObject({ committed: 0, refreshed: 1 });
  });
});

describe('trouble', () => {
  it('with a coordinator that has moved is over in the same run', async () => {
    await using bench = await open({ brokers: 3 }, { brokers: 3 });
    for (const group of ['a', 'b', 'c', 'd']) await bench.commit('source', group, { offset: 50 });
    const sync = syncOf(bench);
    await bench.run(sync);
    for (const side of ['source', 'destination'] as const) await bench.kafka[side].kill(await bench.coordinatorOf(side, 'a'));
    for (const group of ['a', 'b', 'c', 'd']) await bench.commit('source', group, { offset: 60 });
    await bench.destination.refreshMetadata(['orders']);
    const { errors } = await bench.run(sync);
    expect(errors.filter(({ subject }) => subject !== null)).toEqual([]);
    for (const group of ['a', 'b', 'c', 'd']) expect(bench.committed(group)).toEqual({ 0: 60 });
  });

  it('with one group is that group\u2019s alone', async () => {
    const authorizer = { superUsers: ['User:root'], allowEveryoneIfNoAclFound: true };
    await using bench = await open({}, { authorizer });
    for (const group of ['a', 'b']) await bench.commit('source', group, { offset: 50 });
    const mayDescribe = { resourceType: 3, resourceName: 'a', principal: 'User:kafka-link', host: '*', operation: 8, permissionType: 3 };
    await bench.root.destination.send(CreateAcls, { creations: [mayDescribe] }, 'controller');
    const { errors, counts } = await bench.run(syncOf(bench));
    expect(counts).toMatchObject({ committed: 1 });
    expect(errors).toMatchObject([
      { code: 'AUTHORIZATION_ERROR', subject: 'a', message: expect.stringContaining('READ on the groups it syncs') },
    ]);
    expect(bench.committed('b')).toEqual({ 0: 50 });
  });

  it('with metadata that is too long says what to raise', async () => {
    await using bench = await open({}, { brokerConfig: { 'offset.metadata.max.bytes': '10' } });
    await bench.commit('source', 'a', { offset: 50, metadata: 'x'.repeat(11) });
    const { errors } = await bench.run(syncOf(bench));
    expect(errors).toMatchObject([
      { code: 'INVALID_REQUEST_ERROR', subject: 'a', message: expect.stringContaining('offset.metadata.max.bytes') },
    ]);
  });

  it('with a mirror topic that was deleted is told', async () => {
    await using bench = await open();
    await bench.commit('source', 'a', { offset: 50 });
    await bench.kafka.destination.deleteTopic('orders');
    const { errors } = await bench.run(syncOf(bench));
    expect(errors).toMatchObject([{ subject: 'a' }]);
  });

  it('with a run that is aborted ends it at once', async () => {
    await using bench = await open();
    await bench.commit('source', 'a', { offset: 50 });
    bench.kafka.destination.stall(1);
    const controller = new AbortController();
    const running = bench.run(syncOf(bench), controller.signal);
    running.catch(() => {});
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'KLINK_ABORTED' });
    bench.kafka.destination.resume(1);
  });
});

it('a topic that is not mirrored any more is not synced any more', async () => {
  await using bench = await open();
  await bench.commit('source', 'a', { offset: 50 });
  const mirrored = [{ sourceTopic: 'orders', topic: 'orders' }];
  const sync = syncOf(bench, { topics: () => mirrored, deletedOffsets: 'delete' });
  await bench.run(sync);
  mirrored.pop();
  await sync.topicsChanged();
  await bench.commit('source', 'a', { offset: 60 });
  expect((await bench.run(sync)).counts).toMatchObject({ committed: 0, deleted: 0 });
  expect(bench.committed('a')).toEqual({ 0: 50 });
  expect(sync.status.groups).toBe(0);
});

it('a thousand groups take few requests', async () => {
  await using bench = await open();
  const groups = Array.from({ length: 1_000 }, (_, i) => `group-${i}`);
  await Promise.all(groups.map((group, i) => bench.commit('source', group, { offset: i % 100 })));
  const sync = syncOf(bench);
  const first = await bench.count('source', OffsetFetch, async () => {
    expect((await bench.run(sync)).counts).toMatchObject({ groups: 1_000, committed: 1_000 });
  });
  const second = await bench.count('destination', OffsetFetch, async () => {
    const commits = await bench.count('destination', OffsetCommit, () => bench.run(sync));
    expect(commits).toBe(0);
  });
  expect([first, second]).toEqual([10, 10]);
  expect(bench.committed('group-357')).toEqual({ 0: 57 });
});

it('a failover sets back what is beyond the end, and nothing else', async () => {
  await using bench = await open();
  await bench.commit('destination', 'a', { offset: 150, metadata: 'kept' }, { partition: 1, offset: 100 });
  await bench.commit('destination', 'b', { topic: 'other', offset: 150 });
  await bench.commit('destination', 'used', { offset: 150 });
  // Of another topic: kafkajs commits at once where it finds that it is beyond the end.
  const member = await join(bench.kafka.destination, 'used', 'other');
  const logs = new ListedMirrorLogs(bench.destination);
  const { clamped, errors } = await clampOffsets(new GroupAdmin(bench.destination), logs, new Set(['orders']), never);
  expect(clamped).toBe(1);
  expect(errors).toMatchObject([{ code: 'CONSUMER_GROUP_IN_USE_ERROR', subject: 'used' }]);
  expect(bench.committed('a')).toEqual({ 0: 100, 1: 100 });
  expect(bench.committed('b', 'other')).toEqual({ 0: 150 });
  await member.leave();
});
