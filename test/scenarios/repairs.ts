/** Scenarios of failed mirrors that are repaired: what the plan says, what needs consent, and that the mirror is like its source again, whoever dies meanwhile. */
import { expect } from 'vitest';
import { buildBatch } from '../../src/codec/index.ts';
import type { ClusterLink, MirrorTopicError, RepairPlan } from '../../src/index.ts';
import { CreateTopics, DeleteTopics, OffsetCommit, Produce } from '../../src/protocol/index.ts';
import { Network } from './network.ts';
import { plainRecord, sampleBatches } from './sample-batches.ts';
import { failsWith, inState, type Scenario, Stage } from './stage.ts';

const PATIENCE_MS = 60_000;

/** A mirrored topic of this many batches. */
const mirrored = async (stage: Stage, batches: number, options: Parameters<Stage['link']>[1] = {}, what?: string) => {
  const topic = stage.topic(what);
  await stage.source.bench.createTopic(topic);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches }));
  const link = await stage.link([topic], options);
  await stage.expectMirrored(link, topic);
  const log = await stage.destination.bench.walk(topic, 0);
  return { topic, link, log };
};

/** The source has lost what the mirror has from its fifth batch on. */
export const truncated = async (stage: Stage, options: Parameters<Stage['link']>[1] = {}) => {
  const { topic, link, log } = await mirrored(stage, 6, options);
  // Of those that do not follow the source.
  await stage.destination.bench.setConfigs(topic, { 'local.retention.ms': '12345' });
  const cut = log.batches[4]!.baseOffset;
  // Groups at the destination: one that the source can follow, one that has read what it has lost.
  await stage.destination.bench.commit(`${topic}-behind`, topic, 0, cut - 1);
  await stage.destination.bench.commit(`${topic}-beyond`, topic, 0, log.end);
  await stage.source.truncate([{ topic, partition: 0, offset: cut }]);
  await failsWith(link, topic, 'UNEXPECTED_TRUNCATION');
  return { topic, link, log, cut };
};

/** The mirror is like its source, and everything about it is as it was. */
export const expectRepaired = async (stage: Stage, link: ClusterLink, { topic, cut }: { topic: string; cut: number }): Promise<void> => {
  await inState(link, topic, 'ACTIVE');
  await expect.poll(() => link.mirror(topic).repair, { timeout: PATIENCE_MS }).toBeNull();
  await stage.expectMirrored(link, topic);
  expect(await stage.destination.bench.configs(topic)).toMatchObject({ 'local.retention.ms': '12345', 'retention.ms': '-1' });
  expect(await stage.destination.bench.committed(`${topic}-behind`, topic, 0)).toBe(cut - 1);
  expect(await stage.destination.bench.committed(`${topic}-beyond`, topic, 0)).toBe(cut);
};

const numbers = ({ method, reason, lostOffsets, offsetsToCopy, committedOffsets, partitions }: RepairPlan) => ({
  method,
  reason,
  lost: Number(lostOffsets),
  toCopy: Number(offsetsToCopy),
  committedOffsets,
  divergence: partitions.map(({ divergence }) => (divergence === null ? null : Number(divergence))),
});

const consented: Scenario = {
  name: 'a source that has lost records: the plan says where and how many, nothing happens without consent, and then the mirror is like its source',
  play: async (stage) => {
    const { topic, link, log, cut } = await truncated(stage);
    const before = await stage.destination.bench.topicId(topic);
    for (const options of [{}, { validateOnly: true }]) {
      const [outcome, other] = await link.repair([topic, 'no-such'], options);
      expect(outcome).toMatchObject({ state: 'FAILED', error: { code: 'KLINK_LOSS' } });
      expect(outcome!.error!.message).toContain(outcome!.plan!.text);
      expect(outcome!.plan!.text).toContain(`alike up to offset ${cut}`);
      expect(numbers(outcome!.plan!)).toEqual({
        method: 'recreate',
        reason: 'UNEXPECTED_TRUNCATION',
        lost: log.end - cut,
        toCopy: cut,
        committedOffsets: { groups: 2, offsets: 2, setBack: 1 },
        divergence: [cut],
      });
      expect(other).toMatchObject({ state: null, error: { code: 'KLINK_UNKNOWN_MIRROR' }, plan: null });
    }
    expect(await link.repair([topic], { validateOnly: true, acceptLoss: true })).toMatchObject([{ state: 'FAILED', error: null }]);
    expect(await stage.destination.bench.topicId(topic)).toBe(before);
    expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);

    expect(await link.repair('all', { acceptLoss: true, timeoutMs: PATIENCE_MS })).toMatchObject([{ topic, error: null }]);
    expect(await stage.destination.bench.topicId(topic)).not.toBe(before);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 3 }));
    await expectRepaired(stage, link, { topic, cut });
    expect(link.mirror(topic).history.map(({ to }) => to)).toEqual(expect.arrayContaining(['FAILED', 'PENDING_MIRROR', 'ACTIVE']));
    expect((await link.verify([topic])).identical).toBe(true);
    // And the next process finds nothing to do.
    await link.close();
    await expectRepaired(stage, await stage.link([]), { topic, cut });
  },
};

const rewritten: Scenario = {
  name: 'a source that has other records at the same offsets, also more of them: the divergence is where they begin',
  play: async (stage) => {
    const { topic, link, log } = await mirrored(stage, 6);
    const cut = log.batches[4]!.baseOffset;
    await link.close();
    await stage.source.truncate([{ topic, partition: 0, offset: cut }]);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 3, batches: 9 }));
    const next = await stage.link([topic]);
    await failsWith(next, topic, 'UNEXPECTED_TRUNCATION');
    const [refused] = await next.repair([topic]);
    expect(refused!.error?.code).toBe('KLINK_LOSS');
    expect(numbers(refused!.plan!)).toMatchObject({ lost: log.end - cut, divergence: [cut] });
    await next.repair([topic], { acceptLoss: true, timeoutMs: PATIENCE_MS });
    await inState(next, topic, 'ACTIVE');
    await stage.expectMirrored(next, topic);
  },
};

/** Each makes a mirror fail for a reason of its own; resolves with how many offsets its repair loses. */
const REASONS: readonly (readonly [
  reasons: readonly MirrorTopicError[],
  spoil: (stage: Stage, topic: string, end: number) => Promise<number>,
])[] = [
  [
    ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED'],
    async (stage, topic) => {
      await stage.destination.bench.append(topic, 0, [await buildBatch(['a', 'b', 'c'].map(plainRecord))]);
      return 3;
    },
  ],
  [
    ['DESTINATION_TOPIC_DELETED'],
    async (stage, topic) => {
      await stage.destination.bench.deleteTopic(topic);
      return 0;
    },
  ],
  [
    ['SOURCE_TOPIC_ID_CHANGED'],
    async (stage, topic, end) => {
      await stage.source.bench.deleteTopic(topic);
      await stage.source.bench.createTopic(topic);
      await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 7, batches: 9 }));
      return end;
    },
  ],
];

const otherReasons: Scenario = {
  name: 'foreign writes, a mirror that was deleted, a source that was made anew: each is repaired, with consent where something is lost',
  play: async (stage) => {
    for (const [reasons, spoil] of REASONS) {
      const { topic, link, log } = await mirrored(stage, 4, {}, reasons[0]);
      // A source that is made anew while the link looks may first count as deleted.
      if (reasons.includes('SOURCE_TOPIC_ID_CHANGED')) await link.close();
      const lost = await spoil(stage, topic, log.end);
      const failed = reasons.includes('SOURCE_TOPIC_ID_CHANGED') ? await stage.link([]) : link;
      await failsWith(failed, topic, reasons);
      const [planned] = await failed.repair([topic], { validateOnly: true });
      expect([Number(planned!.plan!.lostOffsets), planned!.error?.code ?? null], topic).toEqual([lost, lost > 0 ? 'KLINK_LOSS' : null]);
      const [outcome] = await failed.repair([topic], { acceptLoss: lost > 0, timeoutMs: PATIENCE_MS });
      expect(outcome!.error, topic).toBeNull();
      await inState(failed, topic, 'ACTIVE');
      await stage.expectMirrored(failed, topic);
      await failed.close();
    }
  },
};

const refusals: Scenario = {
  name: 'what a repair does not help is refused, with what does; so is a mirror that has not failed',
  play: async (stage) => {
    const { topic, link, log } = await mirrored(stage, 3);
    const [healthy] = await link.repair([topic], { acceptLoss: true });
    expect(healthy!.error).toMatchObject({ code: 'KLINK_STATE', message: expect.stringContaining('only a mirror that has failed') });
    await stage.source.bench.deleteTopic(topic);
    await failsWith(link, topic, 'SOURCE_TOPIC_MAY_BE_DELETED');
    const [outcome] = await link.repair('all', { acceptLoss: true });
    expect(outcome!.error).toMatchObject({ code: 'KLINK_STATE', message: expect.stringContaining('There is nothing to copy from') });
    expect(outcome!.plan).toBeNull();
    expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);
  },
};

const KILLS = [
  ['the record of the repair is written', [Produce], 1, 'answer'],
  ['the mirror topic is to be deleted', [DeleteTopics], 1, 'request'],
  ['the mirror topic was deleted', [DeleteTopics], 1, 'answer'],
  // The first two only ask whether it could be created.
  ['the mirror topic is to be made', [CreateTopics], 3, 'request'],
  ['the mirror topic was made', [CreateTopics], 3, 'answer'],
  ['committed offsets are put back', [OffsetCommit], 1, 'request'],
] as const;

const killed: Scenario = {
  name: 'a link that dies in the middle of a repair is continued by the next one, from every step',
  play: async (stage) => {
    for (const [when, apis, nth, at] of KILLS) {
      const network = new Network();
      await using inner = new Stage(stage.environment);
      const { topic, link, cut } = await truncated(inner, { openTransport: network.openTransport });
      const died = network.dieAt(apis, nth, at);
      const repairing = link.repair([topic], { acceptLoss: true });
      await died;
      await link.close({ timeoutMs: 0 });
      expect((await repairing)[0]!.error, when).not.toBeNull();
      await expectRepaired(inner, await inner.link([]), { topic, cut });
    }
  },
};

export const repairScenarios: readonly Scenario[] = [consented, rewritten, otherReasons, refusals, killed];
