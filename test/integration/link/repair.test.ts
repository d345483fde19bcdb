/** Repairs on embedded clusters, step by step: the link dies at every request, rights are missing, brokers refuse, others get in between. */
import { type ClusterLink, createLink, type LinkOptions } from 'kafka-link';
import { CreateTopics, DeleteTopics, OffsetCommit, Produce } from 'kafka-link/protocol';
import { startCluster, type TestCluster } from 'kafka-link/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackgroundWriter } from '../../scenarios/background-writer.ts';
import { Network } from '../../scenarios/network.ts';
import { failsWith, inState } from '../../scenarios/stage.ts';
import { Workbench } from '../../scenarios/workbench.ts';

const TOPIC = 'orders';
const GROUP = 'readers';
const PATIENCE_MS = 20_000;
const SETTINGS = { metadataMaxAgeMs: 100, retryBackoffMs: 5, retryBackoffMaxMs: 50, replicaFetchWaitMaxMs: 50, requestTimeoutMs: 3_000 };

let source: TestCluster;
let destination: TestCluster;
let bench: Workbench;
const links: ClusterLink[] = [];

beforeEach(async () => {
  source = await startCluster({ brokers: 2, topics: { [TOPIC]: { partitions: 2, replicationFactor: 2 } } });
  destination = await startCluster({ brokers: 2 });
  bench = await Workbench.open(destination.bootstrap, 'destination');
  for (const partition of [0, 1])
    for (let n = 0; n < 5; n++) await source.log(TOPIC, partition).append([{ value: `${partition}/${n}` }, { value: 'and one more' }]);
});
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close({ timeoutMs: 0 })));
  await bench[Symbol.asyncDispose]();
  await Promise.all([source.stop(), destination.stop()]);
});

const start = async (options: Partial<LinkOptions> = {}, timeoutMs = 30_000): Promise<ClusterLink> => {
  const given: LinkOptions = {
    name: 'dr',
    source: { bootstrap: source.bootstrap },
    destination: { bootstrap: destination.bootstrap },
    topics: [TOPIC],
    replicationFactor: 2,
    settings: SETTINGS,
    ...options,
  };
  const link = await createLink(given, { timeoutMs });
  links.push(link);
  return link;
};

/** A mirror with foreign records in partition 1, and a group that has read them. Resolves with where they begin. */
const spoilt = async (options: Partial<LinkOptions> = {}): Promise<{ readonly link: ClusterLink; readonly parting: number }> => {
  const link = await start(options);
  await link.caughtUp({ timeoutMs: PATIENCE_MS });
  const parting = Number(destination.log(TOPIC, 1).endOffset);
  await destination.log(TOPIC, 1).append([{ value: 'foreign' }, { value: 'foreign too' }]);
  await failsWith(link, TOPIC, ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED']);
  await bench.commit(GROUP, TOPIC, 0, 3);
  await bench.commit(GROUP, TOPIC, 1, parting + 2);
  return { link, parting };
};

const expectRepaired = async (link: ClusterLink, parting: number): Promise<void> => {
  await inState(link, TOPIC, 'ACTIVE');
  await expect.poll(() => link.mirror(TOPIC).repair, { timeout: PATIENCE_MS }).toBeNull();
  await link.caughtUp({ timeoutMs: PATIENCE_MS });
  for (const partition of [0, 1]) {
    const [ours, theirs] = [destination.log(TOPIC, partition), source.log(TOPIC, partition)];
    expect(ours.endOffset).toBe(theirs.endOffset);
    expect(ours.batches().map(({ baseOffset, payload }) => [baseOffset, payload])).toEqual(
      theirs.batches().map(({ baseOffset, payload }) => [baseOffset, payload]),
    );
  }
  expect([...destination.committed(GROUP, TOPIC)].sort()).toEqual([
    [0, 3n],
    [1, BigInt(parting)],
  ]);
  expect(destination.partitionCount(TOPIC)).toBe(2);
};

describe('a link that dies in the middle of a repair', () => {
  /** What changes anything: the store, the topic, committed offsets. */
  const KINDS = [Produce, DeleteTopics, CreateTopics, OffsetCommit];

  it.each(['request', 'answer'] as const)('at any %s is continued by the next one', { timeout: 120_000 }, async (at) => {
    let deaths = 0;
    for (let nth = 1; ; nth++) {
      const network = new Network();
      const { link, parting } = await spoilt({ openTransport: network.openTransport });
      const died = network.dieAt(KINDS, nth, at);
      const repairing = link.repair([TOPIC], { acceptLoss: true });
      const isDead = await Promise.race([died.then(() => true), repairing.then(() => network.isDead)]);
      await link.close({ timeoutMs: 0 });
      const next = await start();
      // Before it was written down there is nothing to go on with.
      if (isDead && next.mirror(TOPIC).repair === null && destination.log(TOPIC, 1).endOffset > BigInt(parting)) {
        await failsWith(next, TOPIC, ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED']);
        await next.repair([TOPIC], { acceptLoss: true });
      }
      await expectRepaired(next, parting);
      await next.close();
      if (!isDead) break;
      deaths++;
    }
    // One for each step at the least.
    expect(deaths).toBeGreaterThanOrEqual(8);
  });
});

describe('a repair', () => {
  it('that is not allowed to delete topics leaves the mirror as it was, and says so', async () => {
    const { link } = await spoilt();
    const id = destination.topicId(TOPIC);
    destination.fail({ api: DeleteTopics, error: 'TOPIC_DELETION_DISABLED' });
    const [outcome] = await link.repair([TOPIC], { acceptLoss: true });
    expect(outcome!.error).toMatchObject({ code: 'KLINK_BROKER', brokerName: 'TOPIC_DELETION_DISABLED' });
    await failsWith(link, TOPIC, ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED']);
    expect(link.mirror(TOPIC).repair).toBeNull();
    expect(destination.topicId(TOPIC)).toBe(id);
    expect(link.mirror(TOPIC).history.map(({ to }) => to)).toEqual(expect.arrayContaining(['FAILED', 'PENDING_MIRROR']));
    // The next try is a new one.
    expect(await link.repair([TOPIC], { acceptLoss: true })).toMatchObject([{ error: null }]);
  });

  it('is waited for by whoever asks again; nothing else can be asked of the mirror until its topic is there', async () => {
    const { link, parting } = await spoilt();
    const heal = destination.fail({ api: CreateTopics, error: 'NOT_CONTROLLER', times: 1_000_000 });
    const [late] = await link.repair([TOPIC], { acceptLoss: true, timeoutMs: 300 });
    expect(late!.error?.code).toBe('KLINK_TIMEOUT');
    // Found out while it was planned: nothing is begun then.
    expect(link.mirror(TOPIC)).toMatchObject({ state: 'FAILED', repair: null });
    heal();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    destination.intercept(DeleteTopics, async (_, proceed) => {
      await gate;
      return proceed();
    });
    const repairing = link.repair([TOPIC], { acceptLoss: true });
    await expect.poll(() => link.mirror(TOPIC).repair?.step).toBe('DELETE');
    expect(link.mirror(TOPIC).state).toBe('PENDING_MIRROR');
    for (const verb of ['pause', 'promote', 'failover'] as const) {
      const [refused] = await link[verb]([TOPIC]);
      expect(refused!.error, verb).toMatchObject({ code: 'KLINK_STATE', message: expect.stringContaining('Possible now: repair') });
    }
    const again = link.repair('all');
    open();
    expect(await repairing).toMatchObject([{ error: null, plan: { method: 'recreate' } }]);
    expect(await again).toMatchObject([{ error: null, plan: null }]);
    await expectRepaired(link, parting);
  });

  it('makes the topic what it was, although somebody has had it made by a broker in between', async () => {
    const { link, parting } = await spoilt({ settings: { ...SETTINGS, requestTimeoutMs: 500 } });
    await bench.setConfigs(TOPIC, { 'local.retention.ms': '777' });
    const stop = destination.intercept(CreateTopics, async ({ validateOnly }, proceed) => {
      if (!validateOnly && !destination.topics.includes(TOPIC)) {
        await destination.createTopic(TOPIC, { partitions: 1, replicationFactor: 2, configs: { 'retention.ms': '1000' } });
      }
      return proceed();
    });
    expect(await link.repair([TOPIC], { acceptLoss: true })).toMatchObject([{ error: null }]);
    stop();
    await expectRepaired(link, parting);
  });

  it('has its committed offsets put back as far as the copy goes when it is failed over before that', async () => {
    const { link, parting } = await spoilt();
    await link.configure([{ op: 'SET', name: 'cluster.link.paused', value: 'true' }]);
    const repairing = link.repair([TOPIC], { acceptLoss: true });
    await expect.poll(() => link.mirror(TOPIC).repair?.step).toBe('OFFSETS');
    expect(link.mirror(TOPIC).state).toBe('LINK_PAUSED');
    expect(destination.committed(GROUP, TOPIC).size).toBe(0);
    expect(await link.failover([TOPIC])).toMatchObject([{ state: 'STOPPED', error: null }]);
    expect(await repairing).toMatchObject([{ error: null }]);
    expect([...destination.committed(GROUP, TOPIC)].sort()).toEqual([
      [0, 0n],
      [1, 0n],
    ]);
    expect(link.mirror(TOPIC).repair).toBeNull();
    expect(parting).toBeGreaterThan(0);
  });

  it('of a topic whose other partition is under load loses nothing of that one', async () => {
    const { link, parting } = await spoilt();
    await using producer = await Workbench.open(source.bootstrap, 'source');
    const writer = new BackgroundWriter(producer, TOPIC, 1);
    await writer.wrote(5);
    const [outcome] = await link.repair([TOPIC], { acceptLoss: true });
    await writer.stop();
    expect(outcome).toMatchObject({ error: null, plan: { lostOffsets: 2n, partitions: [{ reason: null, lostOffsets: 0n }, {}] } });
    await expectRepaired(link, parting);
  });

  it('leaves what was committed since as it is', async () => {
    const { link, parting } = await spoilt();
    await link.configure([{ op: 'SET', name: 'cluster.link.paused', value: 'true' }]);
    const repairing = link.repair([TOPIC], { acceptLoss: true });
    await expect.poll(() => link.mirror(TOPIC).repair?.step).toBe('OFFSETS');
    await bench.commit(GROUP, TOPIC, 0, 1);
    await link.configure([{ op: 'SET', name: 'cluster.link.paused', value: 'false' }]);
    expect(await repairing).toMatchObject([{ error: null }]);
    expect([...destination.committed(GROUP, TOPIC)].sort()).toEqual([
      [0, 1n],
      [1, BigInt(parting)],
    ]);
  });

  it('of a mirror that was paused makes one that is paused, and copies when it is resumed', async () => {
    const link = await start();
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await link.pause([TOPIC]);
    await destination.deleteTopic(TOPIC);
    await failsWith(link, TOPIC, 'DESTINATION_TOPIC_DELETED');
    expect(await link.repair([TOPIC])).toMatchObject([{ state: 'PAUSED', error: null, plan: { lostOffsets: 0n } }]);
    expect(destination.log(TOPIC, 0).endOffset).toBe(0n);
    await link.resume([TOPIC]);
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    expect(destination.log(TOPIC, 0).endOffset).toBe(source.log(TOPIC, 0).endOffset);
  });
});

describe('a source that is gone when a repair goes on', () => {
  it('leaves the mirror as it is, since it may be the only copy', async () => {
    const network = new Network();
    const { link, parting } = await spoilt({ openTransport: network.openTransport });
    const id = destination.topicId(TOPIC);
    const died = network.dieAt([DeleteTopics], 1, 'request');
    const repairing = link.repair([TOPIC], { acceptLoss: true });
    await died;
    await link.close({ timeoutMs: 0 });
    await repairing;
    for (const broker of source.brokerIds) await source.kill(broker);
    const next = await start({ settings: { ...SETTINGS, requestTimeoutMs: 300 } }, 500);
    await inState(next, TOPIC, 'SOURCE_UNAVAILABLE');
    await expect.poll(() => next.mirror(TOPIC).repair).toBeNull();
    expect(destination.topicId(TOPIC)).toBe(id);
    expect(destination.log(TOPIC, 1).endOffset).toBe(BigInt(parting + 2));
    expect(await next.failover([TOPIC])).toMatchObject([{ state: 'STOPPED', error: null }]);
  });
});

describe('a source that has its records again', () => {
  it('needs no new copy: the mirror goes on where it ends, nothing is deleted, and no consent is needed', async () => {
    const link = await start();
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    const id = destination.topicId(TOPIC);
    const log = source.log(TOPIC, 0);
    const lost = log.batches().at(-1)!;
    const bytes = Buffer.from(log.entries().at(-1)!);
    const [leader] = source.brokerIds;
    source.electUnclean(TOPIC, 0, { leader: leader!, truncateTo: lost.baseOffset });
    await failsWith(link, TOPIC, 'UNEXPECTED_TRUNCATION');
    const [without] = await link.repair([TOPIC]);
    expect(without).toMatchObject({ error: { code: 'KLINK_LOSS' }, plan: { method: 'recreate', lostOffsets: BigInt(lost.recordsCount) } });
    log.appendRaw(bytes);
    await log.append([{ value: 'and more' }]);
    const [outcome] = await link.repair([TOPIC]);
    expect(outcome).toMatchObject({ error: null, plan: { method: 'continue', lostOffsets: 0n, offsetsToCopy: 1n } });
    expect(outcome!.plan!.text).toContain('nothing is deleted, nothing is lost');
    await inState(link, TOPIC, 'ACTIVE');
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    expect(destination.topicId(TOPIC)).toBe(id);
    expect(destination.log(TOPIC, 0).endOffset).toBe(log.endOffset);
    expect(
      link
        .mirror(TOPIC)
        .history.map(({ to }) => to)
        .slice(-3),
    ).toEqual(['FAILED', 'PENDING_MIRROR', 'ACTIVE']);
  });
});
