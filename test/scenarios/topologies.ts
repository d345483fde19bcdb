/** Scenarios of more than two clusters: several sources into one, a chain over three, and circles, which are refused. */
import { expect } from 'vitest';
import { type ClusterLink, createLink, describeLink, type LinkOptions, listLinks } from '../../src/index.ts';
import { BackgroundWriter } from './background-writer.ts';
import type { ClusterControl, RawAppend } from './environment.ts';
import { sampleBatches } from './sample-batches.ts';
import { inState, type Scenario, type Stage } from './stage.ts';
import { openEnds, transactionalLog } from './transactional-log.ts';
import { compacted, transactions } from './uneven-logs.ts';
import type { Workbench } from './workbench.ts';

const PATIENCE_MS = 60_000;

const between = (from: ClusterControl, to: ClusterControl): Pick<LinkOptions, 'source' | 'destination'> => ({
  source: { bootstrap: from.bootstrap },
  destination: { bootstrap: to.bootstrap },
});

/** The same records at the same offsets on two clusters of the chain, once the second has all of them. */
const expectAlike = async (a: Workbench, b: Workbench, topic: string, partitions = 1): Promise<void> => {
  for (let partition = 0; partition < partitions; partition++) {
    const log = await a.visible(topic, partition);
    await expect.poll(async () => (await b.range(topic, partition)).end, { timeout: PATIENCE_MS }).toBeGreaterThanOrEqual(log.end);
    await expect.poll(async () => (await b.range(topic, partition)).start, { timeout: PATIENCE_MS }).toBe(log.start);
    expect(await b.visible(topic, partition)).toEqual(log);
  }
};

/** Links A → B and B → C, and the clusters. */
const chain = async (
  stage: Stage,
  topics: readonly string[],
  settings: NonNullable<LinkOptions['settings']> = {},
): Promise<{ readonly c: ClusterControl; readonly first: ClusterLink; readonly second: ClusterLink }> => {
  const [c] = await stage.environment.others(1);
  const first = await stage.link(topics, { name: stage.topic('first'), settings });
  const second = await stage.link(topics, { name: stage.topic('second'), settings, ...between(stage.destination, c!) });
  return { c: c!, first, second };
};

const aggregation: Scenario = {
  name: 'three sources with topics and groups of the same names become one cluster, each under its prefix',
  play: async (stage) => {
    const sources = [stage.source, ...(await stage.environment.others(2))];
    const { bench } = stage.destination;
    const [orders, payments, group] = [stage.topic('orders'), stage.topic('payments'), stage.topic('readers')];
    const settingsOf = (prefix: string): NonNullable<LinkOptions['settings']> => ({
      clusterLinkPrefix: prefix,
      consumerOffsetSyncEnable: true,
      consumerOffsetSyncMs: 200,
      consumerGroupPrefixEnable: true,
      consumerOffsetGroupFilters: [{ name: group, patternType: 'LITERAL', filterType: 'INCLUDE' }],
    });
    const links: ClusterLink[] = [];
    for (const [index, source] of sources.entries()) {
      for (const [seed, topic] of [orders, payments].entries()) {
        await source.bench.createTopic(topic, { partitions: 2 });
        await source.bench.append(topic, index % 2, await sampleBatches({ seed: 10 * index + seed, batches: 4 + index }));
      }
      await source.bench.commit(group, orders, index % 2, index + 1);
      const named = { name: stage.topic(`from-${index}`), ...between(source, stage.destination) };
      links.push(await stage.link([orders, payments], { ...named, settings: settingsOf(`from-${index}.`) }));
    }
    for (const [index, source] of sources.entries()) {
      await links[index]!.caughtUp({ timeoutMs: PATIENCE_MS });
      for (const topic of [orders, payments]) {
        const contents = (logs: Awaited<ReturnType<Workbench['walkAll']>>) =>
          logs.map(({ start, end, batches }) => ({ start, end, batches }));
        expect(contents(await bench.walkAll(`from-${index}.${topic}`))).toEqual(contents(await source.bench.walkAll(topic)));
      }
      const committed = () => bench.committed(`from-${index}.${group}`, `from-${index}.${orders}`, index % 2);
      await expect.poll(committed, { timeout: PATIENCE_MS }).toBe(index + 1);
    }
    expect(await bench.committed(group, orders, 0)).toBe(-1);
    expect(links.map(({ linkId }) => linkId).filter((id, index, all) => all.indexOf(id) === index)).toHaveLength(3);
    // One of them moves; the others go on.
    await links[1]!.promote('all', { timeoutMs: PATIENCE_MS });
    await sources[2]!.bench.append(orders, 0, await sampleBatches({ seed: 91, batches: 2 }));
    await links[2]!.caughtUp({ timeoutMs: PATIENCE_MS });
    expect(await bench.range(`from-2.${orders}`, 0)).toEqual(await sources[2]!.bench.range(orders, 0));
    expect(links[1]!.mirrors().map(({ state }) => state)).toEqual(['STOPPED', 'STOPPED']);
  },
};

const takenPrefix: Scenario = {
  name: 'a prefix that another link of the destination has is refused, which link that is is said, and nothing is changed; without a prefix there may be many',
  play: async (stage) => {
    const [one, two] = [stage.topic('one'), stage.topic('two')];
    for (const topic of [one, two]) await stage.source.bench.createTopic(topic);
    const holder = stage.topic('holder');
    const prefix = 'taken.';
    const link = await stage.link([one], { name: holder, settings: { clusterLinkPrefix: prefix } });
    const at = { destination: { bootstrap: stage.destination.bootstrap } };
    const before = [await stage.destination.bench.topics(), await listLinks(at)];
    const another = stage.topic('another');
    const refused = stage.link([two], { name: another, settings: { clusterLinkPrefix: prefix } });
    await expect(refused).rejects.toMatchObject({
      code: 'KLINK_CONFIG',
      message: expect.stringMatching(new RegExp(`cluster\\.link\\.prefix is '${prefix}', which link '${holder}'.*Choose another`)),
    });
    expect([await stage.destination.bench.topics(), await listLinks(at)]).toEqual(before);
    await expect(describeLink(another, at)).rejects.toMatchObject({ code: 'KLINK_CONFIG' });
    // Its own link has it again and again, and others have none.
    await link.close();
    const again = await stage.link([one], { name: holder, settings: { clusterLinkPrefix: prefix } });
    await stage.link([one], { name: stage.topic('plain-1') });
    await stage.link([two], { name: stage.topic('plain-2') });
    await again.caughtUp({ timeoutMs: PATIENCE_MS });
    // Two that are made at the same moment: one of them gets it.
    const pair = await Promise.allSettled(
      ['left', 'right'].map((name) => stage.link([two], { name: stage.topic(name), settings: { clusterLinkPrefix: 'race.' } })),
    );
    expect(pair.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const made = (await listLinks(at)).filter((name) => [stage.topic('left'), stage.topic('right')].includes(name));
    expect(made).toHaveLength(1);
  },
};

const mirrorsOfMirrors: Scenario = {
  name: 'a chain of three: mirrors of mirrors have the records of the first cluster at its offsets, with holes and transactions, while the middle dies and comes back',
  play: async (stage) => {
    const topics = { [stage.topic('holes')]: compacted, [stage.topic('transactions')]: transactions };
    const appends: RawAppend[] = [];
    for (const [topic, make] of Object.entries(topics)) {
      await stage.source.bench.createTopic(topic);
      await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 21, batches: 4 }));
      appends.push({ topic, partition: 0, bytes: (await make((await stage.source.bench.range(topic, 0)).end)).bytes });
    }
    await stage.source.appendRaw(appends);
    const names = Object.keys(topics);
    const { c, first, second } = await chain(stage, names);
    const writers = names.map((topic) => new BackgroundWriter(stage.source.bench, topic, 1));
    await Promise.all(writers.map((writer) => writer.wrote(3)));
    const [broker] = stage.destination.brokerIds;
    await stage.destination.kill(broker!);
    await stage.destination.start(broker!);
    await Promise.all(writers.map((writer) => writer.wrote(3)));
    await Promise.all(writers.map((writer) => writer.stop()));
    await first.caughtUp({ timeoutMs: PATIENCE_MS });
    await second.caughtUp({ timeoutMs: PATIENCE_MS });
    for (const topic of names) {
      await expectAlike(stage.source.bench, c.bench, topic);
      await expectAlike(stage.destination.bench, c.bench, topic);
      expect(second.mirror(topic)).toMatchObject({ state: 'ACTIVE', error: null });
    }
    for (const link of [first, second]) expect((await link.verify(names)).identical).toBe(true);
  },
};

const trimmedChain: Scenario = {
  name: 'a chain of three: where the first log begins, the others begin, also when it moves',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 6 }));
    const { batches } = await stage.source.bench.walk(topic, 0);
    await stage.source.bench.deleteRecords(topic, 0, batches[2]!.baseOffset);
    const { c, first, second } = await chain(stage, [topic]);
    await first.caughtUp({ timeoutMs: PATIENCE_MS });
    await expectAlike(stage.source.bench, c.bench, topic);
    await stage.source.bench.deleteRecords(topic, 0, batches[4]!.baseOffset);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 2 }));
    await first.caughtUp({ timeoutMs: PATIENCE_MS });
    await expectAlike(stage.source.bench, c.bench, topic);
    expect(second.mirror(topic)).toMatchObject({ state: 'ACTIVE', error: null });
  },
};

const exactChain: Scenario = {
  name: 'a chain of three with exact transactions: what is open is open everywhere and ends everywhere, with its source or with a failover in the middle',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    const { appends, producers } = await transactionalLog({ topic, seed: 81, ends: [0, 0] });
    await stage.source.appendRaw(appends);
    const { c, first, second } = await chain(stage, [topic], { transactions: 'exact', transactionVerification: 'disable' });
    const expectSame = async (): Promise<void> => {
      await first.caughtUp({ timeoutMs: PATIENCE_MS });
      await second.caughtUp({ timeoutMs: PATIENCE_MS });
      for (const partition of [0, 1]) {
        const [a, last] = [
          await stage.source.bench.transactions(topic, partition, 'original'),
          await c.bench.transactions(topic, partition, 'mapped twice'),
        ];
        expect(last).toEqual(a);
      }
    };
    await expectSame();
    for (const [index, { partition, ...who }] of openEnds(producers).entries())
      await stage.source.bench.writeMarker(topic, partition, { ...who, commit: index % 2 === 0 });
    await expectSame();
    // What is open when the middle is failed over is aborted there, and so it is behind it.
    const ends = [0, 1].map(async (partition) => (await stage.source.bench.range(topic, partition)).end);
    const more = await transactionalLog({ topic, seed: 82, ends: await Promise.all(ends) });
    expect(openEnds(more.producers)).not.toEqual([]);
    await stage.source.appendRaw(more.appends);
    await expectSame();
    expect(await first.failover([topic], { timeoutMs: PATIENCE_MS })).toMatchObject([{ state: 'STOPPED', error: null }]);
    await second.caughtUp({ timeoutMs: PATIENCE_MS });
    for (const partition of [0, 1]) {
      const middle = await stage.destination.bench.transactions(topic, partition, 'mapped');
      expect(middle.open).toEqual([]);
      expect(await c.bench.transactions(topic, partition, 'mapped twice')).toEqual(middle);
    }
  },
};

const failedOverInTheMiddle: Scenario = {
  name: 'a chain of three whose middle is failed over: the last one goes on with it, from what both had to what is written there now',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 5 }));
    const { c, first, second } = await chain(stage, [topic]);
    await first.caughtUp({ timeoutMs: PATIENCE_MS });
    const { brokerIds } = stage.source;
    for (const broker of brokerIds) await stage.source.kill(broker);
    try {
      await inState(first, topic, 'SOURCE_UNAVAILABLE');
      expect(await first.failover([topic], { timeoutMs: PATIENCE_MS })).toMatchObject([{ state: 'STOPPED', error: null }]);
      await stage.destination.bench.append(topic, 1, await sampleBatches({ seed: 2, batches: 5 }));
      await second.caughtUp({ timeoutMs: PATIENCE_MS });
      await expectAlike(stage.destination.bench, c.bench, topic, 2);
      expect(second.mirror(topic)).toMatchObject({ state: 'ACTIVE', error: null });
    } finally {
      await Promise.all(brokerIds.map((broker) => stage.source.start(broker)));
    }
    expect((await stage.source.bench.range(topic, 1)).end).toBe(0);
  },
};

const circle: Scenario = {
  name: 'a circle over three clusters is refused by the link that would close it, whichever that is, until one mirror of it is stopped',
  play: async (stage) => {
    const [c] = await stage.environment.others(1);
    const clusters = [stage.source, stage.destination, c!];
    for (const last of [0, 1, 2]) {
      const topic = stage.topic(`round-${last}`);
      await clusters[(last + 1) % 3]!.bench.createTopic(topic);
      await clusters[(last + 1) % 3]!.bench.append(topic, 0, await sampleBatches({ seed: last, batches: 2 }));
      // What is last in the circle feeds the first of it.
      const hop = (index: number) => between(clusters[index % 3]!, clusters[(index + 1) % 3]!);
      const options = (index: number) => ({ name: `${topic}-${index % 3}`, ...hop(index) });
      const links = [await stage.link([topic], options(last + 1)), await stage.link([topic], options(last + 2))];
      for (const link of links) await link.caughtUp({ timeoutMs: PATIENCE_MS });
      const closing = stage.options([topic], options(last + 3));
      await expect(createLink(closing)).rejects.toMatchObject({
        code: 'KLINK_CONFIG',
        message: expect.stringMatching(new RegExp(`by links '${topic}-${(last + 2) % 3}', '${topic}-${(last + 1) % 3}'.*in a circle`)),
      });
      expect(await listLinks({ destination: closing.destination })).not.toContain(closing.name);
      // With a prefix it is a copy that ends.
      const settings = { clusterLinkPrefix: `round-${last}.` };
      const prefixed = await stage.link([topic], { ...hop(last + 3), name: `${topic}-prefixed`, settings });
      await prefixed.caughtUp({ timeoutMs: PATIENCE_MS });
      expect(await clusters[(last + 1) % 3]!.bench.range(`round-${last}.${topic}`, 0)).toEqual(
        await clusters[(last + 1) % 3]!.bench.range(topic, 0),
      );
      await links[0]!.failover([topic], { timeoutMs: PATIENCE_MS });
      const closed = await stage.link([topic], options(last + 3));
      await inState(closed, topic, 'ACTIVE');
    }
  },
};

export const topologyScenarios: readonly Scenario[] = [
  aggregation,
  takenPrefix,
  mirrorsOfMirrors,
  trimmedChain,
  exactChain,
  failedOverInTheMiddle,
  circle,
];
