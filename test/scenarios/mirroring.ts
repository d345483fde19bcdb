/** Scenarios of plain mirroring: whatever a producer can write arrives as it was, where it was. */
import { expect } from 'vitest';
import { batchOfBytes, CODECS, sampleBatches } from './sample-batches.ts';
import type { Scenario } from './stage.ts';
import { inState, reaches } from './stage.ts';

const LARGEST_BATCH = 20 * 1024 * 1024;

const freshTopic: Scenario = {
  name: 'mirrors a topic from its start and follows it: every codec, headers, nulls, single records, an empty partition',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 3 });
    for (const partition of [0, 1]) {
      await stage.source.bench.append(topic, partition, await sampleBatches({ seed: partition + 1, batches: 15 }));
    }
    const link = await stage.link([topic]);
    const [first] = await stage.expectMirrored(link, topic);
    expect(new Set(first!.batches.map(({ attributes }) => attributes & 7)).size).toBe(CODECS.length);
    expect(first!.batches.some(({ recordsCount }) => recordsCount === 1)).toBe(true);

    await stage.source.bench.append(topic, 1, await sampleBatches({ seed: 9, batches: 5 }));
    await stage.source.bench.append(topic, 2, await sampleBatches({ seed: 10, batches: 5 }));
    const logs = await stage.expectMirrored(link, topic);

    const mirror = await inState(link, topic, 'ACTIVE');
    expect(mirror.partitions.map(({ nextOffset }) => Number(nextOffset))).toEqual(logs.map(({ end }) => end));
    const batches = logs.flatMap((log) => log.batches);
    expect(mirror.batches).toBe(batches.length);
    expect(mirror.bytes).toBe(BigInt(batches.reduce((sum, { payloadBytes }) => sum + 61 + payloadBytes, 0)));
    expect([mirror.lag, mirror.error, mirror.mirrorTopicError]).toEqual([0n, null, null]);
  },
};

const manyTopics: Scenario = {
  name: 'mirrors several topics in one link and leaves others alone',
  play: async (stage) => {
    const [one, two, other] = [stage.topic('one'), stage.topic('two'), stage.topic('other')];
    for (const [index, topic] of [one, two, other].entries()) {
      await stage.source.bench.createTopic(topic, { partitions: index + 1 });
      await stage.source.bench.append(topic, index, await sampleBatches({ seed: index + 20, batches: 6 }));
    }
    const link = await stage.link([one, two]);
    await stage.expectMirrored(link, one);
    await stage.expectEqualLogs(two);
    expect(await stage.destination.bench.topics()).not.toContain(other);
  },
};

const manyPartitions: Scenario = {
  name: 'mirrors a topic of two hundred partitions',
  play: async (stage) => {
    const topic = stage.topic();
    const partitions = 200;
    await stage.source.bench.createTopic(topic, { partitions });
    const batches = await sampleBatches({ seed: 3, batches: 30 });
    const two = (partition: number) => [batches[partition % batches.length]!, batches[(partition * 7) % batches.length]!];
    await Promise.all(Array.from({ length: partitions }, (_, partition) => stage.source.bench.append(topic, partition, two(partition))));
    const link = await stage.link([topic]);
    const logs = await stage.expectMirrored(link, topic);
    expect(logs).toHaveLength(partitions);
    expect(logs.every(({ batches: copied }) => copied.length === 2)).toBe(true);
    // So many logs would be in the way of every broker that is killed later.
    await link.close();
    await Promise.all([stage.source, stage.destination].map(({ bench }) => bench.deleteTopic(topic)));
  },
};

const largestBatches: Scenario = {
  name: 'mirrors batches as large as the source topic allows, between small ones',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { configs: { 'max.message.bytes': LARGEST_BATCH } });
    const small = await sampleBatches({ seed: 4, batches: 4 });
    const large = await batchOfBytes(LARGEST_BATCH);
    await stage.source.bench.append(topic, 0, [small[0]!, large, small[1]!, small[2]!, large, small[3]!]);
    const link = await stage.link([topic]);
    const [log] = await stage.expectMirrored(link, topic);
    expect(log!.batches.filter(({ payloadBytes }) => payloadBytes + 61 === LARGEST_BATCH)).toHaveLength(2);
    expect(Number((await stage.destination.bench.configs(topic))['max.message.bytes'])).toBeGreaterThanOrEqual(LARGEST_BATCH);
  },
};

const largeAmongMany: Scenario = {
  name: 'mirrors partitions that are all far behind, and in some of them batches larger than the share of an answer that each may have',
  play: async (stage) => {
    const topic = stage.topic();
    const partitions = 24;
    await stage.source.bench.createTopic(topic, { partitions, configs: { 'max.message.bytes': 4 * 1024 * 1024 } });
    const [small, large, huge] = await Promise.all([20_000, 900_000, 3_000_000].map(batchOfBytes));
    const run = Array.from({ length: 20 }, () => small!);
    const between = (partition: number) => (partition % 8 === 1 ? [huge!] : partition % 3 === 0 ? [large!] : []);
    await Promise.all(
      Array.from({ length: partitions }, (_, partition) =>
        stage.source.bench.append(topic, partition, [...run, ...between(partition), ...run]),
      ),
    );
    const logs = await stage.expectMirrored(await stage.link([topic]), topic);
    expect(logs.map(({ batches }) => batches.length)).toEqual(
      Array.from({ length: partitions }, (_, partition) => 40 + between(partition).length),
    );
  },
};

const singleRecords: Scenario = {
  name: 'mirrors a long run of single-record batches',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 5, batches: 300, maxRecords: 1 }));
    const link = await stage.link([topic]);
    const [log] = await stage.expectMirrored(link, topic);
    expect(log!.batches).toHaveLength(300);
  },
};

const newPartitions: Scenario = {
  name: 'gives the mirror the partitions that the source gets',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 6, batches: 3 }));
    const link = await stage.link([topic]);
    await stage.expectMirrored(link, topic);
    await stage.source.bench.growTopic(topic, 5);
    await stage.source.bench.append(topic, 4, await sampleBatches({ seed: 7, batches: 3 }));
    const { end } = await stage.source.bench.range(topic, 4);
    await reaches(link, topic, 4, end);
    expect(await stage.expectMirrored(link, topic)).toHaveLength(5);

    // Also when it happens while no link runs.
    await link.close();
    await stage.source.bench.growTopic(topic, 6);
    await stage.source.bench.append(topic, 5, await sampleBatches({ seed: 8, batches: 3 }));
    expect(await stage.expectMirrored(await stage.link([topic]), topic)).toHaveLength(6);
  },
};

export const mirroringScenarios: readonly Scenario[] = [
  freshTopic,
  manyTopics,
  manyPartitions,
  largestBatches,
  largeAmongMany,
  singleRecords,
  newPartitions,
];
