/** The task `ConsumerOffsetSync` while it follows the commits of an embedded source, whose log of commits these tests write. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../../src/client/clock.ts';
import type { BatchOptions } from '../../../../src/codec/index.ts';
import { ConsumerOffsetSync, type ConsumerOffsetSyncOptions } from '../../../../src/link/tasks/consumer-offset-sync.ts';
import { ListedMirrorLogs } from '../../../../src/link/tasks/mirror-logs.ts';
import type { TaskResult } from '../../../../src/link/tasks/task.ts';
import { CreateAcls } from '../../../../src/protocol/messages/create-acls.ts';
import { DeleteAcls } from '../../../../src/protocol/messages/delete-acls.ts';
import { Fetch } from '../../../../src/protocol/messages/fetch.ts';
import { OffsetCommit } from '../../../../src/protocol/messages/offset-commit.ts';
import { OffsetFetch } from '../../../../src/protocol/messages/offset-fetch.ts';
import type { TestClusterOptions } from '../../../../src/testing/index.ts';
import { Bench, type Commit, never } from './bench.ts';

const COMMITS = '__consumer_offsets';
const PARTITIONS = 4;

/** As Kafka's group coordinators write them: see test/unit/link/tasks/golden. */
const string = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  const size = Buffer.alloc(2);
  size.writeInt16BE(bytes.length);
  return Buffer.concat([size, bytes]);
};
const number = (bytes: 2 | 4 | 8, value: number): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer.subarray(8 - bytes);
};
const keyBytes = (group: string, { topic = 'orders', partition = 0 }: Partial<Commit>): Buffer =>
  Buffer.concat([number(2, 1), string(group), string(topic), number(4, partition)]);
const valueBytes = ({ offset, metadata = '' }: Commit): Buffer =>
  Buffer.concat([number(2, 3), number(8, offset), number(4, -1), string(metadata), number(8, 1_700_000_000_000)]);
const partitionOf = (group: string): number => [...group].reduce((sum, char) => sum + char.charCodeAt(0), 0) % PARTITIONS;

let bench: Bench;
const syncs: ConsumerOffsetSync[] = [];

const open = async (source: TestClusterOptions = {}, destination: TestClusterOptions = {}): Promise<void> => {
  const orders = { orders: { partitions: 2 } };
  bench = await Bench.open({
    source: { ...source, topics: { ...orders, [COMMITS]: { partitions: PARTITIONS, replicationFactor: source.brokers ?? 1 } } },
    destination: { ...destination, topics: orders },
  });
  await bench.fill('destination', 'orders', 100);
};
const follow = (options: Partial<ConsumerOffsetSyncOptions> = {}): ConsumerOffsetSync => {
  const sync = new ConsumerOffsetSync({
    source: bench.source,
    destination: bench.destination,
    clock: systemClock,
    random: Math.random,
    selects: (group) => !group.startsWith('not-'),
    topics: () => [{ sourceTopic: 'orders', topic: 'orders' }],
    logs: new ListedMirrorLogs(bench.destination),
    mode: 'following',
    ...options,
  });
  syncs.push(sync);
  return sync;
};
const wake = vi.fn();
const run = (sync: ConsumerOffsetSync): Promise<TaskResult> => sync.run({ signal: never, wake });

beforeEach(() => {
  wake.mockReset();
});
afterEach(async () => {
  for (const sync of syncs.splice(0)) await sync.suspend();
  await bench[Symbol.asyncDispose]();
});

/** A commit at the source, in the coordinator's memory and then in its log. */
const commit = async (group: string, ...commits: readonly Commit[]): Promise<void> => {
  await bench.commit('source', group, ...commits);
  await tell(
    group,
    commits.map((one) => ({ key: keyBytes(group, one), value: valueBytes(one) })),
  );
};
const tell = async (
  group: string,
  records: readonly { key: Buffer | null; value: Buffer | null }[],
  options?: BatchOptions,
): Promise<void> => {
  await bench.kafka.source.log(COMMITS, partitionOf(group)).append(records, options);
};
const arrives = (group: string, offsets: Readonly<Record<number, number>>): Promise<void> =>
  expect.poll(() => bench.committed(group), { timeout: 5_000, interval: 5 }).toEqual(offsets);

describe('commits', () => {
  it('arrive without another run, with the age of it all', async () => {
    await open();
    await commit('a', { offset: 10 });
    const sync = follow();
    expect(await run(sync)).toMatchObject({ counts: { committed: 1 }, errors: [] });
    expect(sync.status).toMatchObject({ mode: 'following', followError: null, groups: 1 });
    await commit('a', { offset: 11 }, { partition: 1, offset: 0 });
    await arrives('a', { 0: 11, 1: 0 });
    await commit('new', { offset: 12, metadata: 'kept' });
    await arrives('new', { 0: 12 });
    await expect.poll(() => sync.status.ageMs).toBeLessThan(1_000);
    expect(wake).not.toHaveBeenCalled();
  });

  it('go backwards with the source', async () => {
    await open();
    const sync = follow();
    await run(sync);
    await commit('a', { offset: 50 });
    await arrives('a', { 0: 50 });
    await commit('a', { offset: 20 });
    await arrives('a', { 0: 20 });
  });

  it('of other groups and topics are left out', async () => {
    await open();
    await run(follow());
    await commit('not-this', { offset: 1 });
    await tell('a', [
      { key: keyBytes('a', { topic: 'elsewhere' }), value: valueBytes({ offset: 1 }) },
      { key: keyBytes('a', { topic: 'orders' }), value: null },
      { key: Buffer.concat([number(2, 2), string('a')]), value: Buffer.from('about the group') },
      { key: null, value: Buffer.from('nonsense') },
    ]);
    await commit('a', { offset: 2 });
    await arrives('a', { 0: 2 });
    expect(bench.committed('not-this')).toEqual({});
  });

  it('of one group are gathered, and the last one counts', async () => {
    await open();
    await run(follow());
    const commits = await bench.count('destination', OffsetCommit, async () => {
      for (let offset = 1; offset <= 100; offset++) await commit('a', { offset });
      await arrives('a', { 0: 100 });
    });
    expect(commits).toBeLessThan(30);
  });

  it('that come one after the other are read many at a time', async () => {
    await open();
    await run(follow());
    const fetches = await bench.count('source', Fetch, async () => {
      for (let offset = 1; offset <= 100; offset++) {
        await commit('a', { offset });
        // As far apart as a thousand a second are on ten brokers: each would be an answer of its own.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await arrives('a', { 0: 100 });
    });
    expect(fetches).toBeLessThan(60);
  });

  it('of one group do not wait for a coordinator that is slow with another', async () => {
    await open();
    await run(follow());
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    bench.kafka.destination.intercept(OffsetCommit, async ({ groupId }, proceed) => {
      if (groupId === 'slow') await held;
      return proceed();
    });
    const begun = new Promise<void>((resolve) => {
      bench.kafka.destination.observe(({ api, direction }) => {
        if (direction === 'request' && api.key === OffsetCommit.key) resolve();
      });
    });
    await commit('slow', { offset: 1 });
    await begun;
    await commit('b', { offset: 1 });
    await arrives('b', { 0: 1 });
    await commit('b', { offset: 2 });
    await arrives('b', { 0: 2 });
    expect(bench.committed('slow')).toEqual({});
    letGo();
    await arrives('slow', { 0: 1 });
  });

  it('of many groups are carried over side by side', async () => {
    await open();
    await run(follow());
    let [underWay, most] = [0, 0];
    let letGo = (): void => {};
    const together = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    // None is answered before as many are there as may be.
    bench.kafka.destination.intercept(OffsetCommit, async (_, proceed) => {
      most = Math.max(most, ++underWay);
      if (underWay === 32) letGo();
      await together;
      underWay--;
      return proceed();
    });
    const groups = Array.from({ length: 60 }, (_, i) => `group-${i}`);
    await Promise.all(groups.map((group) => commit(group, { offset: 1 })));
    for (const group of groups) await arrives(group, { 0: 1 });
    expect(most).toBe(32);
  });

  it('are compared with what is committed here for the same partitions, and nothing else is read', async () => {
    await open();
    await bench.commit('destination', 'a', { partition: 1, offset: 5 });
    await run(follow());
    const asked: unknown[] = [];
    bench.kafka.destination.intercept(OffsetFetch, ({ groups }, proceed) => {
      asked.push(...groups.map(({ groupId, topics }) => ({ groupId, topics })));
      return proceed();
    });
    await commit('a', { offset: 1 });
    await arrives('a', { 0: 1, 1: 5 });
    expect(asked).toEqual([{ groupId: 'a', topics: [{ name: 'orders', partitionIndexes: [0] }] }]);
  });

  it('whose data is a moment behind them are carried over once, when it is there', async () => {
    await open();
    let copied = 100n;
    let looks = 0;
    const copiedUpTo = (): bigint => {
      looks++;
      return copied;
    };
    // For a clock that stands still it is a moment, however long the machine takes.
    const clock = { ...systemClock, now: () => 0 };
    await run(follow({ clock, logs: new ListedMirrorLogs(bench.destination, copiedUpTo) }));
    const commits = await bench.count('destination', OffsetCommit, async () => {
      await commit('a', { offset: 110 });
      await expect.poll(() => looks, { timeout: 5_000 }).toBeGreaterThan(5);
      await bench.fill('destination', 'orders', 110);
      copied = 110n;
      await arrives('a', { 0: 110 });
    });
    expect(commits).toBe(1);
  });

  it('whose data does not come are carried over as far as it goes', async () => {
    await open();
    await run(follow({ logs: new ListedMirrorLogs(bench.destination, () => 100n) }));
    await commit('a', { offset: 110 });
    await arrives('a', { 0: 100 });
  });

  it('that were made before the data was copied wait for it, as far as they have to', async () => {
    await open();
    const sync = follow();
    await run(sync);
    await commit('a', { offset: 120 });
    await arrives('a', { 0: 100 });
    await expect.poll(() => sync.waiting()).toEqual([{ group: 'a', topic: 'orders', partition: 0, sourceOffset: 120n }]);
    await bench.fill('destination', 'orders', 120);
    await arrives('a', { 0: 120 });
    await expect.poll(() => sync.waiting()).toEqual([]);
  });

  it('of a group with members at the destination are left alone until the next run', async () => {
    await open();
    await commit('a', { offset: 1 });
    await run(follow());
    bench.kafka.destination.fail({ api: OffsetCommit, error: 'UNKNOWN_MEMBER_ID', topic: 'orders', times: 1 });
    const commits = await bench.count('destination', OffsetCommit, async () => {
      await commit('a', { offset: 2 });
      await commit('b', { offset: 2 });
      await arrives('b', { 0: 2 });
      await commit('a', { offset: 3 });
      await commit('b', { offset: 4 });
      await arrives('b', { 0: 4 });
    });
    // One of a, refused, and those of b.
    expect(commits).toBeLessThanOrEqual(4);
  });

  it('that were made before a run are there when it is over', async () => {
    await open();
    const sync = follow();
    await run(sync);
    for (let offset = 1; offset <= 5; offset++) {
      await commit('a', { offset });
      expect(await run(sync)).toMatchObject({ errors: [] });
      expect(bench.committed('a')).toEqual({ 0: offset });
    }
  });

  it('stop arriving when the task is suspended, and all of them come with the next run', async () => {
    await open();
    const sync = follow();
    await run(sync);
    await sync.suspend();
    expect(sync.status.mode).toBe('periodic');
    const requests = await bench.count('destination', OffsetCommit, () => commit('a', { offset: 7 }));
    expect(requests).toBe(0);
    await run(sync);
    await arrives('a', { 0: 7 });
    await commit('a', { offset: 8 });
    await arrives('a', { 0: 8 });
  });
});

describe('transactions', () => {
  const producer = { producerId: 77n, producerEpoch: 0, transactional: true };
  const record = (offset: number) => ({ key: keyBytes('a', {}), value: valueBytes({ offset }) });

  it('count when they commit, also those that were open when following began', async () => {
    await open();
    const log = bench.kafka.source.log(COMMITS, partitionOf('a'));
    await tell('a', [record(10)], { ...producer, baseSequence: 0 });
    await run(follow());
    await tell('a', [record(11)], { ...producer, baseSequence: 1 });
    await commit('z', { offset: 5 });
    await arrives('z', { 0: 5 });
    expect(bench.committed('a')).toEqual({});
    log.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: 77n, producerEpoch: 0 });
    await arrives('a', { 0: 11 });
  });

  it('do not count when they abort', async () => {
    await open();
    await run(follow());
    const log = bench.kafka.source.log(COMMITS, partitionOf('a'));
    await tell('a', [record(10)], { ...producer, baseSequence: 0 });
    log.appendMarker({ result: 'abort', coordinatorEpoch: 0 }, { producerId: 77n, producerEpoch: 0 });
    await tell('a', [record(20)], { ...producer, baseSequence: 1 });
    log.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: 77n, producerEpoch: 0 });
    const seen: number[] = [];
    bench.kafka.destination.observe(({ api, direction }) => {
      if (api.key === OffsetCommit.key && direction === 'response') seen.push(bench.committed('a')[0] ?? -1);
    });
    await arrives('a', { 0: 20 });
    expect(seen).not.toContain(10);
  });
});

describe('without the right to read them', () => {
  it('offsets are synced at intervals, that is said, and it ends when the right is given', async () => {
    await open({ authorizer: { superUsers: ['User:root'], allowEveryoneIfNoAclFound: true } });
    const reserved = { resourceType: 2, resourceName: COMMITS, principal: 'User:somebody', host: '*', operation: 3, permissionType: 3 };
    await bench.root.source.send(CreateAcls, { creations: [reserved] }, 'controller');
    await bench.commit('source', 'a', { offset: 10 });
    const sync = follow();
    const { errors } = await run(sync);
    expect(errors).toMatchObject([
      {
        code: 'AUTHORIZATION_ERROR',
        subject: null,
        message: expect.stringMatching(/synced at intervals instead.*READ.*__consumer_offsets/),
      },
    ]);
    expect(sync.status).toMatchObject({ mode: 'periodic', followError: { code: 'KLINK_AUTH' } });
    expect(bench.committed('a')).toEqual({ 0: 10 });

    const filter = { resourceTypeFilter: 2, resourceNameFilter: COMMITS, patternTypeFilter: 3, principalFilter: null, hostFilter: null };
    await bench.root.source.send(DeleteAcls, { filters: [{ ...filter, operation: 1, permissionType: 1 }] }, 'controller');
    expect((await run(sync)).errors).toEqual([]);
    expect(sync.status).toMatchObject({ mode: 'following', followError: null });
    await commit('a', { offset: 11 });
    await arrives('a', { 0: 11 });
  });

  it('and without any commits ever there is nothing to follow, and nothing wrong', async () => {
    bench = await Bench.open({ source: { topics: { orders: {} } }, destination: { topics: { orders: {} } } });
    const sync = follow();
    expect((await run(sync)).errors).toEqual([]);
    expect(sync.status.mode).toBe('periodic');
  });
});

describe('trouble', () => {
  it('with leaders that move or die is got over, and nothing is lost', async () => {
    await open({ brokers: 3 });
    const sync = follow();
    await run(sync);
    await commit('a', { offset: 1 });
    await arrives('a', { 0: 1 });
    const log = bench.kafka.source.log(COMMITS, partitionOf('a'));
    const next = bench.kafka.source.brokerIds.find((id) => id !== log.leader) as number;
    bench.kafka.source.moveLeader(COMMITS, partitionOf('a'), next);
    await commit('a', { offset: 2 });
    await arrives('a', { 0: 2 });
    await bench.kafka.source.kill(next);
    await bench.root.source.refreshMetadata([]);
    await commit('a', { offset: 3 });
    await arrives('a', { 0: 3 });
    expect(sync.status.mode).toBe('following');
  });

  it('with a destination that does not answer leaves the commits waiting, and the age shows it', async () => {
    await open();
    const sync = follow();
    await run(sync);
    bench.kafka.destination.stall(1);
    await commit('a', { offset: 5 });
    await expect.poll(() => sync.status.ageMs, { timeout: 5_000 }).toBeGreaterThan(700);
    expect(bench.committed('a')).toEqual({});
    bench.kafka.destination.resume(1);
    await arrives('a', { 0: 5 });
    await expect.poll(() => sync.status.ageMs, { timeout: 5_000 }).toBeLessThan(700);
  });

  it('with a log that has lost its end asks for a whole run', async () => {
    await open({ brokers: 2 });
    await run(follow());
    await commit('a', { offset: 1 });
    await commit('a', { offset: 2 });
    await arrives('a', { 0: 2 });
    const log = bench.kafka.source.log(COMMITS, partitionOf('a'));
    const other = bench.kafka.source.brokerIds.find((id) => id !== log.leader) as number;
    bench.kafka.source.electUnclean(COMMITS, partitionOf('a'), { leader: other, truncateTo: 0n });
    await expect.poll(() => wake.mock.calls.length, { timeout: 5_000 }).toBeGreaterThan(0);
    await commit('a', { offset: 3 });
    await arrives('a', { 0: 3 });
  });

  it.each<[string, Buffer, string]>([
    ['newer than what is known', Buffer.concat([number(2, 5), Buffer.alloc(30)]), 'KLINK_VERSION'],
    ['that is damaged', Buffer.concat([number(2, 3), Buffer.alloc(5)]), 'KLINK_MALFORMED'],
  ])('with a commit %s ends it, that is said, and the next run begins anew', async (_, value, code) => {
    await open();
    const sync = follow();
    await run(sync);
    await tell('a', [{ key: keyBytes('a', {}), value }]);
    await expect.poll(() => sync.status.mode).toBe('periodic');
    expect(wake).toHaveBeenCalledTimes(1);
    const { errors } = await run(sync);
    expect(errors).toMatchObject([{ subject: null, error: { code } }]);
    expect(sync.status.mode).toBe('following');
    expect((await run(sync)).errors).toEqual([]);
    await commit('a', { offset: 4 });
    await arrives('a', { 0: 4 });
  });
});

it('a hundred groups with a thousand commits in a second all arrive, and are read back together', async () => {
  await open();
  const sync = follow();
  await run(sync);
  const groups = Array.from({ length: 100 }, (_, i) => `group-${i}`);
  let commits = 0;
  const stop = bench.kafka.destination.observe(({ api, direction }) => {
    if (direction === 'request' && api.key === OffsetCommit.key) commits++;
  });
  const reads = await bench.count('destination', OffsetFetch, async () => {
    for (let offset = 1; offset <= 10; offset++) {
      await Promise.all(groups.map((group) => tell(group, [{ key: keyBytes(group, {}), value: valueBytes({ offset }) }])));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    for (const group of groups) await arrives(group, { 0: 10 });
  });
  stop();
  expect(commits).toBeLessThanOrEqual(1_000);
  // One request for all groups that have committed meanwhile.
  expect(reads).toBeLessThanOrEqual(commits / 20);
  await expect.poll(() => sync.status.ageMs, { timeout: 5_000 }).toBeLessThan(1_000);
});
