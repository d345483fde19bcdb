/** Scenarios of what users ask of mirrors and links: pause, resume, promote, failover, configs, discovery; each also across processes. */
import { expect } from 'vitest';
import { type ClusterLink, createLink, deleteLink, describeLink, listLinks } from '../../src/index.ts';
import { BackgroundWriter } from './background-writer.ts';
import { sampleBatches } from './sample-batches.ts';
import { inState, type Scenario, type Stage } from './stage.ts';

const PATIENCE_MS = 60_000;

const mirrored = async (stage: Stage, topics: readonly string[], partitions = 1): Promise<ClusterLink> => {
  for (const [index, topic] of topics.entries()) {
    await stage.source.bench.createTopic(topic, { partitions });
    for (let partition = 0; partition < partitions; partition++)
      await stage.source.bench.append(topic, partition, await sampleBatches({ seed: index + partition + 1, batches: 3 }));
  }
  const link = await stage.link(topics);
  await link.caughtUp({ timeoutMs: PATIENCE_MS });
  return link;
};

const outcomes = (all: Awaited<ReturnType<ClusterLink['pause']>>) =>
  all.map(({ topic, state, error }) => [topic, state, error?.code ?? null]);

const pauseAndResume: Scenario = {
  name: 'a paused mirror rests, in the next process too, and goes on where it was',
  play: async (stage) => {
    const [one, two] = [stage.topic('one'), stage.topic('two')];
    const link = await mirrored(stage, [one, two]);
    expect(outcomes(await link.pause([one, 'no-such'], { validateOnly: true }))).toEqual([
      [one, 'ACTIVE', null],
      ['no-such', null, 'KLINK_UNKNOWN_MIRROR'],
    ]);
    expect(outcomes(await link.pause([one]))).toEqual([[one, 'PAUSED', null]]);
    expect(outcomes(await link.pause([one, two]))).toEqual([
      [one, 'PAUSED', 'KLINK_STATE'],
      [two, 'PAUSED', null],
    ]);
    expect(outcomes(await link.resume({ filters: [{ name: two, patternType: 'LITERAL', filterType: 'INCLUDE' }] }))).toEqual([
      [two, 'ACTIVE', null],
    ]);
    const { end } = await stage.destination.bench.range(one, 0);
    await stage.source.bench.append(one, 0, await sampleBatches({ seed: 11, batches: 2 }));
    await stage.source.bench.append(two, 0, await sampleBatches({ seed: 12, batches: 2 }));
    await link.close();
    const next = await stage.link([]);
    await inState(next, two, 'ACTIVE');
    expect(next.mirror(one).state).toBe('PAUSED');
    await expect.poll(async () => (await stage.destination.bench.range(two, 0)).end).toBe((await stage.source.bench.range(two, 0)).end);
    expect((await stage.destination.bench.range(one, 0)).end).toBe(end);
    await next.resume('all');
    await stage.expectMirrored(next, one);
    await stage.expectEqualLogs(two);
    expect(next.mirror(one).history.map(({ to }) => to)).toEqual(expect.arrayContaining(['PAUSED', 'ACTIVE']));
  },
};

const linkPaused: Scenario = {
  name: 'a paused link rests with all its mirrors and tasks; a mirror that was paused by itself stays so',
  play: async (stage) => {
    const [one, two] = [stage.topic('one'), stage.topic('two')];
    const link = await mirrored(stage, [one, two]);
    await link.pause([two]);
    const changes = [{ op: 'SET', name: 'cluster.link.paused', value: 'true' }] as const;
    expect(await link.configure(changes, { validateOnly: true })).toEqual([{ name: 'cluster.link.paused', from: 'false', to: 'true' }]);
    expect(link.status().state).toBe('ACTIVE');
    await link.configure(changes);
    expect(link.status()).toMatchObject({ state: 'PAUSED', linkError: 'NO_ERROR' });
    expect(link.mirrors().map(({ state }) => state)).toEqual(['LINK_PAUSED', 'LINK_PAUSED']);
    expect(link.tasks().find(({ name }) => name === 'TopicConfigsSync')?.state).toBe('LINK_PAUSED');
    await link.close();
    const next = await stage.link([]);
    expect(next.mirrors().map(({ state }) => state)).toEqual(['LINK_PAUSED', 'LINK_PAUSED']);
    await next.configure([{ op: 'DELETE', name: 'cluster.link.paused' }]);
    await inState(next, one, 'ACTIVE');
    expect(next.mirror(two).state).toBe('PAUSED');
  },
};

const promoted: Scenario = {
  name: 'promoted under load that ends: nothing is missing, and the topic is an ordinary one with the configs of its source',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, {
      partitions: 2,
      configs: { 'retention.ms': '86400000', 'max.message.bytes': '2000000' },
    });
    const writer = new BackgroundWriter(stage.source.bench, topic, 2);
    const link = await stage.link([topic]);
    await writer.wrote(8);
    const promoting = link.promote([topic], { timeoutMs: PATIENCE_MS });
    await writer.wrote(4);
    await writer.stop();
    const [outcome] = await promoting;
    expect(outcome).toMatchObject({ topic, state: 'STOPPED', error: null });
    expect(outcome!.partitions.map(({ lag }) => lag)).toEqual([0n, 0n]);
    const source = await stage.source.bench.walkAll(topic);
    expect(outcome!.partitions.map(({ lastSourceFetchOffset }) => Number(lastSourceFetchOffset))).toEqual(source.map(({ end }) => end));
    await stage.expectSameRecords(topic, 2);
    expect(await stage.destination.bench.configs(topic)).toMatchObject({ 'retention.ms': '86400000', 'max.message.bytes': '2000000' });
    // Anybody may write to it now, and the link does not mind.
    await stage.destination.bench.append(topic, 0, await sampleBatches({ seed: 31, batches: 1 }));
    expect(outcomes(await link.promote([topic]))).toEqual([[topic, 'STOPPED', 'KLINK_STATE']]);
    await link.close();
    const next = await stage.link([]);
    expect(next.mirror(topic)).toMatchObject({ state: 'STOPPED', stop: { by: 'PROMOTE' } });
  },
};

const strict: Scenario = {
  name: 'a promotion is refused with lag if that was asked for, and taken back when its time is over',
  play: async (stage) => {
    const topic = stage.topic();
    const link = await mirrored(stage, [topic]);
    await link.pause([topic]);
    // It still counts as there, and does not answer.
    const broker = await stage.source.bench.leaderOf(topic, 0);
    await stage.source.stall(broker);
    const [late] = await link.promote([topic], { timeoutMs: 1_000 });
    expect(late).toMatchObject({ error: { code: 'KLINK_TIMEOUT' } });
    await expect.poll(() => link.mirror(topic).state).toBe('PAUSED');
    await stage.source.resume(broker);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 40, batches: 1 }));
    await link.resume([topic]);
    await stage.expectMirrored(link, topic);
    await link.pause([topic]);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 41, batches: 1 }));
    await link.resume([topic]);
    await stage.expectMirrored(link, topic);
    expect(outcomes(await link.promote([topic], { requireZeroLag: true, timeoutMs: PATIENCE_MS }))).toEqual([[topic, 'STOPPED', null]]);
  },
};

const failedOver: Scenario = {
  name: 'failed over after the source has died, by a process that never saw it alive: exactly the reported lag is missing',
  play: async (stage) => {
    const [known, late] = [stage.topic('known'), stage.topic('late')];
    const link = await mirrored(stage, [known, late], 2);
    await link.pause([late]);
    await stage.source.bench.append(late, 0, await sampleBatches({ seed: 51, batches: 2 }));
    await link.close();
    const copied = (await stage.destination.bench.walkAll(late)).map(({ end }) => end);
    const { brokerIds } = stage.source;
    for (const broker of brokerIds) await stage.source.kill(broker);
    try {
      const next = await createLink(stage.options([]), { timeoutMs: 2_000 });
      try {
        expect(next.status()).toMatchObject({ state: 'UNAVAILABLE', linkError: 'BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR' });
        expect(next.mirror(known).state).toBe('SOURCE_UNAVAILABLE');
        expect(outcomes(await next.promote([known]))).toEqual([[known, 'SOURCE_UNAVAILABLE', 'KLINK_STATE']]);
        const all = await next.failover('all', { timeoutMs: PATIENCE_MS });
        expect(outcomes(all).sort()).toEqual(
          [
            [known, 'STOPPED', null],
            [late, 'STOPPED', null],
          ].sort(),
        );
        const ends = all.find(({ topic }) => topic === late)!.partitions.map(({ lastSourceFetchOffset }) => Number(lastSourceFetchOffset));
        expect(ends).toEqual(copied);
        await stage.destination.bench.append(known, 0, await sampleBatches({ seed: 52, batches: 1 }));
      } finally {
        await next.close();
      }
    } finally {
      await Promise.all(brokerIds.map((broker) => stage.source.start(broker)));
    }
    const after = await stage.link([]);
    expect(after.mirrors().map(({ state, stop }) => [state, stop?.by])).toEqual([
      ['STOPPED', 'FAILOVER'],
      ['STOPPED', 'FAILOVER'],
    ]);
  },
};

const discovery: Scenario = {
  name: 'topics that the filters select get mirrors, with the prefix of the link, also those that appear later',
  play: async (stage) => {
    const name = stage.topic('found');
    await stage.source.bench.createTopic(`${name}.first`);
    await stage.source.bench.append(`${name}.first`, 0, await sampleBatches({ seed: 61, batches: 2 }));
    await stage.source.bench.createTopic(`${name}.not-this`);
    const link = await stage.link([], {
      settings: {
        clusterLinkPrefix: 'west.',
        metadataMaxAgeMs: 200,
        autoCreateMirrorTopicsEnable: true,
        autoCreateMirrorTopicsFilters: [
          { name: `${name}.`, patternType: 'PREFIXED', filterType: 'INCLUDE' },
          { name: '.*not.*', patternType: 'REGEX', filterType: 'EXCLUDE' },
        ],
      },
    });
    await expect.poll(() => link.mirrors().map(({ topic }) => topic), { timeout: PATIENCE_MS }).toEqual([`west.${name}.first`]);
    await stage.source.bench.createTopic(`${name}.second`, { partitions: 2 });
    await expect.poll(() => link.mirrors().length, { timeout: PATIENCE_MS }).toBe(2);
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    expect(link.mirror(`west.${name}.first`)).toMatchObject({ sourceTopic: `${name}.first`, state: 'ACTIVE' });
    expect((await stage.destination.bench.walk(`west.${name}.first`, 0)).batches).toEqual(
      (await stage.source.bench.walk(`${name}.first`, 0)).batches,
    );
    await expect(link.createMirrorTopic(`${name}.not-this`, { mirrorTopic: 'other' })).rejects.toMatchObject({ code: 'KLINK_CONFIG' });
    expect(await link.createMirrorTopic(`${name}.not-this`, { validateOnly: true })).toBe(`west.${name}.not-this`);
    expect(await stage.destination.bench.topics()).not.toContain(`west.${name}.not-this`);
    expect(await link.createMirrorTopic(`${name}.not-this`)).toBe(`west.${name}.not-this`);
    await inState(link, `west.${name}.not-this`, 'ACTIVE');
    await link.close();
    await expect(stage.link([], { settings: { clusterLinkPrefix: 'east.' } })).rejects.toMatchObject({ code: 'KLINK_CONFIG' });
  },
};

const loop: Scenario = {
  name: 'a mirror that would be copied back to where it comes from is refused',
  play: async (stage) => {
    const topic = stage.topic();
    const link = await mirrored(stage, [topic]);
    const { destination, ...rest } = stage.options([topic], { name: `${topic}-back` });
    await expect(createLink({ ...rest, source: destination, destination: { bootstrap: stage.source.bootstrap } })).rejects.toMatchObject({
      code: 'KLINK_CONFIG',
      message: expect.stringContaining('in a circle'),
    });
    await link.promote([topic], { timeoutMs: PATIENCE_MS });
    expect(link.mirror(topic).state).toBe('STOPPED');
  },
};

const keptLinks: Scenario = {
  name: 'links are listed, described and deleted by name alone',
  play: async (stage) => {
    const topic = stage.topic();
    const link = await mirrored(stage, [topic]);
    await link.configure([{ op: 'SET', name: 'topic.config.sync.ms', value: '7000' }]);
    const at = { destination: { bootstrap: stage.destination.bootstrap } };
    expect(await listLinks(at)).toContain(link.name);
    const { linkId, configs, mirrors } = await describeLink(link.name, at);
    expect(linkId).toBe(link.linkId);
    expect(configs.find(({ name }) => name === 'topic.config.sync.ms')).toMatchObject({ value: '7000', is_default: false });
    expect(mirrors).toMatchObject([{ topic, state: 'ACTIVE' }]);
    await link.close();
    await expect(deleteLink(link.name, at)).rejects.toMatchObject({ code: 'KLINK_STATE', message: expect.stringContaining(topic) });
    const next = await stage.link([]);
    await next.failover([topic], { timeoutMs: PATIENCE_MS });
    await next.close();
    await deleteLink(link.name, at);
    expect(await listLinks(at)).not.toContain(link.name);
    await expect(describeLink(link.name, at)).rejects.toMatchObject({ code: 'KLINK_CONFIG' });
    expect(await stage.destination.bench.topics()).toContain(topic);
  },
};

export const operationScenarios: readonly Scenario[] = [
  pauseAndResume,
  linkPaused,
  promoted,
  strict,
  failedOver,
  discovery,
  loop,
  keptLinks,
];
