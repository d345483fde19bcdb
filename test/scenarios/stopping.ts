/** Scenarios of mirrors that are stopped from other states than the usual one, and of stops that do not come to their end. */
import { expect } from 'vitest';
import { describeLink } from '../../src/index.ts';
import { sampleBatches } from './sample-batches.ts';
import { failsWith, inState, type Scenario, type Stage } from './stage.ts';

const PATIENCE_MS = 60_000;
const PATIENCE = { timeout: PATIENCE_MS, interval: 20 };

const filled = async (stage: Stage, what = 'topic'): Promise<string> => {
  const topic = stage.topic(what);
  await stage.source.bench.createTopic(topic);
  await stage.source.bench.append(topic, 0, await sampleBatches({ batches: 3 }));
  return topic;
};

const rightLost: Scenario = {
  name: 'a right that is taken away is waited for, then the mirror has failed; a failover from there says why it does not end, and the next process ends it',
  play: async (stage) => {
    const topic = await filled(stage);
    const link = await stage.link([topic], { settings: { clusterLinkRetryTimeoutMs: 1_000 } });
    await stage.expectMirrored(link, topic);
    const { end } = await stage.destination.bench.range(topic, 0);
    await stage.destination.bench.rights.reserveTopic(topic);
    try {
      await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 2 }));
      await failsWith(link, topic, 'RETRY_TIMEOUT');
      expect(link.mirror(topic)).toMatchObject({ error: { code: 'KLINK_TIMEOUT', cause: { code: 'KLINK_AUTH' } } });
      expect(await link.promote([topic])).toMatchObject([
        { state: 'FAILED', error: { code: 'KLINK_STATE', message: expect.stringContaining('failover') } },
      ]);
      expect(await link.failover([topic], { timeoutMs: PATIENCE_MS })).toMatchObject([
        { state: 'PENDING_STOPPED', error: { code: 'KLINK_AUTH' } },
      ]);
      const errors = [
        { verb: 'FAILOVER', code: 'AUTHORIZATION_ERROR', linkErrorCode: 'KLINK_AUTH', message: expect.stringContaining(topic) },
      ];
      expect(link.mirror(topic).transitionErrors).toMatchObject(errors);
      const at = { destination: { bootstrap: stage.destination.bootstrap } };
      await expect.poll(async () => (await describeLink(link.name, at)).mirrors[0]?.transitionErrors, PATIENCE).toMatchObject(errors);
      await link.close();
    } finally {
      await stage.destination.bench.rights.releaseTopic(topic);
    }
    const next = await stage.link([]);
    await inState(next, topic, 'STOPPED');
    expect(next.mirror(topic)).toMatchObject({
      stop: { by: 'FAILOVER', offsets: [end] },
      transitionErrors: [{ code: 'AUTHORIZATION_ERROR' }],
    });
    expect(next.mirror(topic).history.map(({ from, to }) => [from, to])).toEqual([
      ['PENDING_MIRROR', 'ACTIVE'],
      ['ACTIVE', 'FAILED'],
      ['FAILED', 'PENDING_STOPPED'],
      // As every process begins.
      ['PENDING_MIRROR', 'PENDING_STOPPED'],
      ['PENDING_STOPPED', 'STOPPED'],
    ]);
  },
};

const promotionGivenUp: Scenario = {
  name: 'a promotion that is given up is kept with its reason, here, in the description of the link and in the next process',
  play: async (stage) => {
    const topic = await filled(stage);
    const link = await stage.link([topic]);
    await stage.expectMirrored(link, topic);
    const broker = await stage.source.bench.leaderOf(topic, 0);
    await stage.source.stall(broker);
    const expected = [
      { verb: 'PROMOTE', step: 'copy everything the source has', code: 'UNKNOWN', linkErrorCode: 'KLINK_TIMEOUT', at: expect.any(Number) },
    ];
    try {
      expect(await link.promote([topic], { timeoutMs: 500 })).toMatchObject([{ error: { code: 'KLINK_TIMEOUT' } }]);
      await expect.poll(() => link.mirror(topic).state, PATIENCE).not.toBe('PENDING_STOPPED');
      expect(link.mirror(topic).transitionErrors).toMatchObject(expected);
    } finally {
      await stage.source.resume(broker);
    }
    await inState(link, topic, 'ACTIVE');
    await link.close();
    const at = { destination: { bootstrap: stage.destination.bootstrap } };
    expect((await describeLink(link.name, at)).mirrors[0]?.transitionErrors).toMatchObject(expected);
    const next = await stage.link([]);
    expect(next.mirror(topic).transitionErrors).toMatchObject(expected);
    // It was no obstacle.
    await inState(next, topic, 'ACTIVE');
    expect(await next.promote([topic], { timeoutMs: PATIENCE_MS })).toMatchObject([{ state: 'STOPPED', error: null }]);
    expect(next.mirror(topic).transitionErrors).toMatchObject(expected);
  },
};

const fromRest: Scenario = {
  name: 'paused mirrors, and those of a paused link, are failed over where they are; committed offsets beyond the end are set back; no verb does a thing with validateOnly',
  play: async (stage) => {
    const [paused, linkPaused] = [await filled(stage, 'paused'), await filled(stage, 'link-paused')];
    const link = await stage.link([paused, linkPaused]);
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await link.pause([paused]);
    for (const verb of ['pause', 'resume', 'promote', 'failover'] as const) {
      const before = link.mirrors().map(({ topic, state }) => [topic, state]);
      await link[verb]([paused, linkPaused], { validateOnly: true });
      expect(link.mirrors().map(({ topic, state }) => [topic, state])).toEqual(before);
    }
    const { end } = await stage.destination.bench.range(paused, 0);
    const group = stage.topic('readers');
    await stage.destination.bench.commit(group, paused, 0, end + 100);
    await stage.destination.bench.commit(group, linkPaused, 0, 2);
    expect(await link.failover([paused], { timeoutMs: PATIENCE_MS })).toMatchObject([{ state: 'STOPPED', error: null }]);
    await link.configure([{ op: 'SET', name: 'cluster.link.paused', value: 'true' }]);
    expect(link.mirror(linkPaused).state).toBe('LINK_PAUSED');
    expect(await link.promote([linkPaused])).toMatchObject([{ state: 'LINK_PAUSED', error: { code: 'KLINK_STATE' } }]);
    expect(await link.failover([linkPaused, paused], { timeoutMs: PATIENCE_MS })).toMatchObject([
      { topic: linkPaused, state: 'STOPPED', error: null },
      { topic: paused, state: 'STOPPED', error: { code: 'KLINK_STATE' } },
    ]);
    expect(await stage.destination.bench.committed(group, paused, 0)).toBe(end);
    expect(await stage.destination.bench.committed(group, linkPaused, 0)).toBe(2);
    expect(link.mirrors().map(({ transitionErrors }) => transitionErrors)).toEqual([[], []]);
  },
};

export const stoppingScenarios: readonly Scenario[] = [rightLost, promotionGivenUp, fromRest];
