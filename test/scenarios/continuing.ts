/** Scenarios of a mirror that is there already: it is continued when its content is the source's, and left alone when it is not. */
import { expect } from 'vitest';
import { sampleBatches } from './sample-batches.ts';
import { failsWith, type Scenario } from './stage.ts';

const afterClose: Scenario = {
  name: 'continues after a close, under the same name, with the same producer',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 6 }));
    const first = await stage.link([topic]);
    await stage.expectMirrored(first, topic);
    await first.close();
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 6 }));
    const second = await stage.link([topic]);
    expect(second.linkId).toBe(first.linkId);
    await stage.expectMirrored(second, topic);
    // Nothing was copied a second time.
    expect(second.mirror(topic).batches).toBe(6);

    const { batches, producers } = await stage.destination.bench.walk(topic, 0);
    const [{ producerId, producerEpoch } = { producerId: -1n, producerEpoch: -1 }] = producers;
    expect(producerId).toBeGreaterThanOrEqual(0n);
    // Compare-and-append: the sequence is the offset, across processes.
    expect(producers).toEqual(batches.map(({ baseOffset }) => ({ producerId, producerEpoch, baseSequence: baseOffset })));
  },
};

const otherName: Scenario = {
  name: 'a link of another name is another producer, and continues the same content',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 4 }));
    const first = await stage.link([topic]);
    await stage.expectMirrored(first, topic);
    await first.close();
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 4 }));
    const second = await stage.link([topic], { name: stage.topic('other-link') });
    expect(second.linkId).not.toBe(first.linkId);
    await stage.expectMirrored(second, topic);
    const { producers } = await stage.destination.bench.walk(topic, 0);
    expect(new Set(producers.map(({ producerId }) => producerId)).size).toBe(2);
  },
};

const copiedBySomebody: Scenario = {
  name: 'continues a topic that somebody else has copied exactly, and gives it the configs it needs',
  play: async (stage) => {
    const topic = stage.topic();
    const batches = await sampleBatches({ seed: 3, batches: 8 });
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, batches);
    await stage.destination.bench.createTopic(topic, { configs: { 'message.timestamp.type': 'CreateTime' } });
    await stage.destination.bench.append(topic, 0, batches.slice(0, 5));
    const link = await stage.link([topic]);
    await stage.expectMirrored(link, topic);
    expect(link.mirror(topic).batches).toBe(3);
    expect((await stage.destination.bench.configs(topic))['message.timestamp.after.max.ms']).toBe('9223372036854775807');
  },
};

/** Everything of a cluster that a refused link might have touched. */
const looksOf = async (stage: Parameters<Scenario['play']>[0], topic: string): Promise<object> => ({
  topics: (await stage.destination.bench.topics()).filter((name) => !name.startsWith('__')),
  configs: await stage.destination.bench.configs(topic),
  logs: await stage.destination.bench.walkAll(topic),
});

const otherContent: Scenario = {
  name: 'refuses a topic with other content, and changes nothing',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 4, batches: 8 }));
    await stage.destination.bench.createTopic(topic, { partitions: 2 });
    await stage.destination.bench.append(topic, 0, await sampleBatches({ seed: 5, batches: 2 }));
    const before = await looksOf(stage, topic);
    await expect(stage.link([topic])).rejects.toMatchObject({
      code: 'KLINK_DIVERGED',
      reason: 'DESTINATION_DIVERGED',
      message: expect.stringMatching(new RegExp(`${topic}.*other content.*Nothing was changed: delete or rename it`, 's')),
    });
    expect(await looksOf(stage, topic)).toEqual(before);
  },
};

const longerContent: Scenario = {
  name: 'refuses a topic that is longer than its source, and changes nothing',
  play: async (stage) => {
    const topic = stage.topic();
    const batches = await sampleBatches({ seed: 6, batches: 6 });
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, batches.slice(0, 3));
    await stage.destination.bench.createTopic(topic);
    await stage.destination.bench.append(topic, 0, batches);
    const before = await looksOf(stage, topic);
    await expect(stage.link([topic])).rejects.toMatchObject({ code: 'KLINK_DIVERGED' });
    expect(await looksOf(stage, topic)).toEqual(before);
  },
};

const otherContentBelowStart: Scenario = {
  name: 'refuses a topic with other content that ends where the source begins',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 10, batches: 4 }));
    const other = await sampleBatches({ seed: 11, batches: 2 });
    await stage.destination.bench.createTopic(topic);
    await stage.destination.bench.append(topic, 0, other);
    // Nothing is left at the source that the last batch of the mirror could be compared with.
    await stage.source.bench.deleteRecords(topic, 0, (await stage.destination.bench.range(topic, 0)).end);
    const before = await looksOf(stage, topic);
    await expect(stage.link([topic])).rejects.toMatchObject({ code: 'KLINK_DIVERGED', reason: 'DESTINATION_DIVERGED' });
    expect(await looksOf(stage, topic)).toEqual(before);
  },
};

const foreignWhileClosed: Scenario = {
  name: 'fails a mirror into which somebody wrote while no link ran',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 7, batches: 4 }));
    const first = await stage.link([topic]);
    await stage.expectMirrored(first, topic);
    await first.close();
    await stage.destination.bench.append(topic, 0, await sampleBatches({ seed: 8, batches: 1 }));
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 9, batches: 6 }));
    const before = await stage.destination.bench.walk(topic, 0);
    const second = await stage.link([topic]);
    const { error } = await failsWith(second, topic, ['DESTINATION_DIVERGED', 'DESTINATION_FOREIGN_WRITE']);
    expect(error?.code).toBe('KLINK_DIVERGED');
    expect(await stage.destination.bench.walk(topic, 0)).toEqual(before);
  },
};

export const continuingScenarios: readonly Scenario[] = [
  afterClose,
  otherName,
  copiedBySomebody,
  otherContent,
  longerContent,
  otherContentBelowStart,
  foreignWhileClosed,
];
