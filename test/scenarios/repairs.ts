/** Scenarios of failed mirrors that are repaired: what the plan says, what needs consent, and that the mirror is like its source again, whoever dies meanwhile. */
import { expect } from 'vitest';
import { buildBatch } from '../../src/codec/index.ts';
import type { ClusterLink, MirrorTopicError, RepairPlan } from '../../src/index.ts';
import { CreateTopics, DeleteTopics, OffsetCommit, Produce } from '../../src/protocol/index.ts';
import { Network } from './network.ts';
import { plainRecord, sampleBatches } from './sample-batches.ts';
import { failsWith, inState, type Scenario, type Stage } from './stage.ts';

const PATIENCE_MS = 60_000;

/** A mirrored topic of this many batches, with a config that does not follow the source. */
const mirrored = async (stage: Stage, batches: number, options: Parameters<Stage['link']>[1] = {}, what?: string) => {
  const topic = stage.topic(what);
  await stage.source.bench.createTopic(topic);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches }));
  const link = await stage.link([topic], { name: `${topic}-link`, ...options });
  await stage.expectMirrored(link, topic);
  await stage.destination.bench.setConfigs(topic, { 'local.retention.ms': '12345' });
  const log = await stage.destination.bench.walk(topic, 0);
  return { topic, link, log };
};

interface Spoilt {
  readonly topic: string;
  /** Where the mirror and its source part. */
  readonly parting: number;
}

/** Groups at the destination: one that has read what both sides have, and one that has read what the source has not. */
const commitAround = async (stage: Stage, { topic, parting }: Spoilt, end: number): Promise<void> => {
  await stage.destination.bench.commit(`${topic}-behind`, topic, 0, parting - 1);
  await stage.destination.bench.commit(`${topic}-beyond`, topic, 0, end);
};

/** The mirror is like its source, and everything about it is as it was. */
const expectRepaired = async (stage: Stage, link: ClusterLink, { topic, parting }: Spoilt): Promise<void> => {
  await inState(link, topic, 'ACTIVE');
  await expect.poll(() => link.mirror(topic).repair, { timeout: PATIENCE_MS }).toBeNull();
  await stage.expectMirrored(link, topic);
  expect(await stage.destination.bench.configs(topic)).toMatchObject({ 'local.retention.ms': '12345', 'retention.ms': '-1' });
  expect(await stage.destination.bench.committed(`${topic}-behind`, topic, 0)).toBe(parting - 1);
  expect(await stage.destination.bench.committed(`${topic}-beyond`, topic, 0)).toBe(parting);
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
  name: 'a source that has lost records, or has others for them: the plan says where and how many, nothing happens without consent, and then the mirror is like its source',
  play: async (stage) => {
    const shortened = await mirrored(stage, 6, {}, 'shortened');
    const rewritten = await mirrored(stage, 6, {}, 'rewritten');
    const parting = shortened.log.batches[4]!.baseOffset;
    await rewritten.link.close();
    for (const { topic, log } of [shortened, rewritten]) await commitAround(stage, { topic, parting }, log.end);
    await stage.source.truncate([shortened, rewritten].map(({ topic }) => ({ topic, partition: 0, offset: parting })));
    await stage.source.bench.append(rewritten.topic, 0, await sampleBatches({ seed: 3, batches: 9 }));
    const links = [shortened.link, await stage.link([], { name: `${rewritten.topic}-link` })];
    for (const [index, { topic, log }] of [shortened, rewritten].entries()) {
      const link = links[index]!;
      await failsWith(link, topic, 'UNEXPECTED_TRUNCATION');
      const before = await stage.destination.bench.topicId(topic);
      for (const options of [{}, { validateOnly: true }]) {
        const [outcome, other] = await link.repair([topic, 'no-such'], options);
        expect(outcome).toMatchObject({ state: 'FAILED', error: { code: 'KLINK_LOSS' } });
        expect(outcome!.error!.message).toContain(outcome!.plan!.text);
        expect(outcome!.plan!.text).toContain(`alike up to offset ${parting}`);
        expect(numbers(outcome!.plan!)).toEqual({
          method: 'recreate',
          reason: 'UNEXPECTED_TRUNCATION',
          lost: log.end - parting,
          toCopy: (await stage.source.bench.range(topic, 0)).end,
          committedOffsets: { groups: 2, offsets: 2, setBack: 1 },
          divergence: [parting],
        });
        expect(other).toMatchObject({ state: null, error: { code: 'KLINK_UNKNOWN_MIRROR' }, plan: null });
      }
      expect(await link.repair([topic], { validateOnly: true, acceptLoss: true })).toMatchObject([{ state: 'FAILED', error: null }]);
      expect(await stage.destination.bench.topicId(topic)).toBe(before);
      expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);

      expect(await link.repair('all', { acceptLoss: true, timeoutMs: PATIENCE_MS })).toMatchObject([{ topic, error: null }]);
      expect(await stage.destination.bench.topicId(topic)).not.toBe(before);
      await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 3 }));
      await expectRepaired(stage, link, { topic, parting });
      expect(link.mirror(topic).history.map(({ to }) => to)).toEqual(expect.arrayContaining(['FAILED', 'PENDING_MIRROR', 'ACTIVE']));
      expect((await link.verify([topic])).identical).toBe(true);
      // And the next process finds nothing to do.
      await link.close();
      await expectRepaired(stage, await stage.link([], { name: link.name }), { topic, parting });
    }
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
      const failed = reasons.includes('SOURCE_TOPIC_ID_CHANGED') ? await stage.link([], { name: link.name }) : link;
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
    for (const [index, [when, apis, nth, at]] of KILLS.entries()) {
      const network = new Network();
      const { topic, link, log } = await mirrored(stage, 4, { openTransport: network.openTransport }, `killed-${index}`);
      const spoilt = { topic, parting: log.end };
      await stage.destination.bench.append(topic, 0, [await buildBatch(['a', 'b', 'c'].map(plainRecord))]);
      await failsWith(link, topic, ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED']);
      await commitAround(stage, spoilt, log.end + 3);
      const died = network.dieAt(apis, nth, at);
      const repairing = link.repair([topic], { acceptLoss: true });
      await died;
      await link.close({ timeoutMs: 0 });
      expect((await repairing)[0]!.error, when).not.toBeNull();
      const next = await stage.link([], { name: link.name });
      await expectRepaired(stage, next, spoilt);
      await next.close();
    }
  },
};

export const repairScenarios: readonly Scenario[] = [consented, otherReasons, refusals, killed];
