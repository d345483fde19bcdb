/** Scenarios of a source that is not what it was: each stops the mirror with its own reason, and leaves what was copied. */
import { expect } from 'vitest';
import { sampleBatches } from './sample-batches.ts';
import { failsWith, inState, type Scenario, type Stage } from './stage.ts';

/** A topic of this many batches, mirrored. */
const mirrored = async (stage: Stage, batches: number, what?: string) => {
  const topic = stage.topic(what);
  await stage.source.bench.createTopic(topic);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches }));
  const link = await stage.link([topic]);
  await stage.expectMirrored(link, topic);
  const log = await stage.destination.bench.walk(topic, 0);
  return { topic, link, log };
};

const deleted: Scenario = {
  name: 'the source topic is deleted',
  play: async (stage) => {
    const { topic, link, log } = await mirrored(stage, 4);
    await stage.source.bench.deleteTopic(topic);
    const { error } = await failsWith(link, topic, 'SOURCE_TOPIC_MAY_BE_DELETED');
    expect(error?.code).toBe('KLINK_SOURCE_CHANGED');
    expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);
  },
};

const recreated: Scenario = {
  name: 'the source topic is deleted and created anew while the link runs',
  play: async (stage) => {
    const { topic, link, log } = await mirrored(stage, 4);
    await stage.source.bench.deleteTopic(topic);
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 9 }));
    // It may have been looked for in the moment when it was not there.
    await failsWith(link, topic, ['SOURCE_TOPIC_ID_CHANGED', 'SOURCE_TOPIC_MAY_BE_DELETED']);
    expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);
  },
};

const recreatedWhileClosed: Scenario = {
  name: 'the source topic is deleted and created anew while no link runs, with the same records',
  play: async (stage) => {
    const { topic, link, log } = await mirrored(stage, 4);
    await link.close();
    await stage.source.bench.deleteTopic(topic);
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 6 }));
    const next = await stage.link([topic]);
    const { error } = await failsWith(next, topic, 'SOURCE_TOPIC_ID_CHANGED');
    expect(error?.message).toContain((await stage.source.bench.topicId(topic))!);
    expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);
  },
};

const truncated: Scenario = {
  name: 'the source loses records that were copied; nothing comes in their place, or others do',
  play: async (stage) => {
    const shortened = await mirrored(stage, 6, 'shortened');
    const rewritten = await mirrored(stage, 6, 'rewritten');
    const cutAt = ({ topic, log }: typeof shortened) => ({ topic, partition: 0, offset: log.batches[4]!.baseOffset });
    await rewritten.link.close();
    await stage.source.truncate([cutAt(shortened), cutAt(rewritten)]);
    await stage.source.bench.append(rewritten.topic, 0, await sampleBatches({ seed: 3, batches: 9 }));
    const { error } = await failsWith(shortened.link, shortened.topic, 'UNEXPECTED_TRUNCATION');
    expect(error?.code).toBe('KLINK_SOURCE_CHANGED');
    expect(error?.message).toContain(`${shortened.log.end - cutAt(shortened).offset} offset(s)`);
    await failsWith(await stage.link([rewritten.topic]), rewritten.topic, 'UNEXPECTED_TRUNCATION');
    for (const { topic, log } of [shortened, rewritten]) expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);
  },
};

const expired: Scenario = {
  name: 'the source deletes records that were not copied yet: the mirror stops, or goes on without them, as it was told',
  play: async (stage) => {
    const { topic, link, log } = await mirrored(stage, 4);
    await link.close();
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 4, batches: 6 }));
    const { batches } = await stage.source.bench.walk(topic, 0);
    await stage.source.bench.deleteRecords(topic, 0, batches[7]!.baseOffset);
    const strict = await stage.link([topic], { settings: { sourceTrimmed: 'stop' } });
    const { error } = await failsWith(strict, topic, 'SOURCE_RECORDS_EXPIRED');
    expect(error?.message).toContain(`${batches[7]!.baseOffset - log.end} offset(s)`);
    expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);
    await strict.close();
    const next = await stage.link([topic], { settings: { sourceTrimmed: 'fill' } });
    await next.caughtUp({ timeoutMs: 30_000 });
    await stage.expectMirrorStart(topic, 0, batches[7]!.baseOffset);
    await stage.expectSameRecords(topic);
  },
};

const expiredUpToTheMirror: Scenario = {
  name: 'the source deletes only what was copied: the mirror goes on',
  play: async (stage) => {
    const { topic, link, log } = await mirrored(stage, 4);
    await stage.source.bench.deleteRecords(topic, 0, log.batches[2]!.baseOffset);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 5, batches: 2 }));
    await link.caughtUp({ timeoutMs: 30_000 });
    await link.close();
    // All of it, and the link has to find its place anew.
    await stage.source.bench.deleteRecords(topic, 0, -1);
    const next = await stage.link([topic]);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 6, batches: 2 }));
    await next.caughtUp({ timeoutMs: 30_000 });
    await inState(next, topic, 'ACTIVE');
    const [source, destination] = [await stage.source.bench.walk(topic, 0), await stage.destination.bench.walk(topic, 0)];
    expect(destination.batches.filter(({ baseOffset }) => baseOffset >= source.start)).toEqual(source.batches);
    expect(destination.end).toBe(source.end);
  },
};

const logStart: Scenario = {
  name: 'a source log that does not start at 0 has a mirror that starts where it does, also in the middle of a batch',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 3 });
    for (const partition of [0, 1, 2]) await stage.source.bench.append(topic, partition, await sampleBatches({ seed: 7, batches: 4 }));
    const { batches, end } = await stage.source.bench.walk(topic, 1);
    const inside = batches.find(({ recordsCount }) => recordsCount > 2)!;
    await stage.source.bench.deleteRecords(topic, 1, inside.baseOffset + 1);
    await stage.source.bench.deleteRecords(topic, 2, end);
    const refused = await stage.link([topic], { settings: { paddingMaxOffsets: 0 } });
    const { partition, error } = await failsWith(refused, topic, 'UNSUPPORTED_LOG_START');
    expect(error?.message).toContain(`start at offset ${partition === 1 ? inside.baseOffset + 1 : end}`);
    expect(error?.message).toContain('paddingMaxOffsets');
    expect(await stage.destination.bench.range(topic, 1)).toEqual({ start: 0, end: 0 });
    await refused.close();
    // A link remembers what it was set to: what shall be otherwise has to be said.
    const link = await stage.link([topic], { settings: { paddingMaxOffsets: 1_000 } });
    await link.caughtUp({ timeoutMs: 30_000 });
    await stage.expectMirrorStart(topic, 1, inside.baseOffset + 1);
    await stage.expectMirrorStart(topic, 2, end);
    await stage.source.bench.append(topic, 2, await sampleBatches({ seed: 8, batches: 2 }));
    // Followed while nothing is written, too.
    await stage.source.bench.deleteRecords(topic, 0, batches[2]!.baseOffset);
    await link.caughtUp({ timeoutMs: 30_000 });
    await stage.expectMirrorStart(topic, 0, batches[2]!.baseOffset);
    await stage.expectSameRecords(topic, 3);
  },
};

const mirrorDeleted: Scenario = {
  name: 'the mirror topic is deleted under the link',
  play: async (stage) => {
    const { topic, link } = await mirrored(stage, 4);
    await stage.destination.bench.deleteTopic(topic);
    const { error } = await failsWith(link, topic, 'DESTINATION_TOPIC_DELETED');
    expect(error?.message).toContain('start the link again');
    await link.close();
    await stage.expectMirrored(await stage.link([topic]), topic);
  },
};

const mirrorGrown: Scenario = {
  name: 'somebody adds partitions to the mirror: it has more than its source then',
  play: async (stage) => {
    const { topic, link, log } = await mirrored(stage, 4);
    await stage.destination.bench.growTopic(topic, 2);
    const { error } = await failsWith(link, topic, 'SOURCE_PARTITIONS_DECREASED');
    expect(error?.code).toBe('KLINK_SOURCE_CHANGED');
    expect(await stage.destination.bench.walk(topic, 0)).toEqual(log);
  },
};

export const sourceChangeScenarios: readonly Scenario[] = [
  deleted,
  recreated,
  recreatedWhileClosed,
  truncated,
  expired,
  expiredUpToTheMirror,
  logStart,
  mirrorDeleted,
  mirrorGrown,
];
