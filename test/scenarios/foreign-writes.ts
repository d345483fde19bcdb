/** Scenarios of somebody else writing into a mirror: the link stops at once and says what, where and by how much. */
import { expect } from 'vitest';
import { buildBatch } from '../../src/codec/index.ts';
import { readBatchAt } from '../../src/link/replication/read-batch.ts';
import { plainRecord, sampleBatches } from './sample-batches.ts';
import { failsWith, type Scenario } from './stage.ts';

const threeRecords = (): Promise<Buffer> => buildBatch(['a', 'b', 'c'].map(plainRecord));

const whileActive: Scenario = {
  name: 'a foreign write is found by the next batch, with what, where and by how much',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    await stage.source.bench.append(topic, 1, await sampleBatches({ seed: 1, batches: 5 }));
    // Only the next batch can tell: the looks of an idle mirror are an hour apart.
    const link = await stage.link([topic], { settings: { metadataMaxAgeMs: 3_600_000 } });
    await stage.expectMirrored(link, topic);
    const { end } = await stage.source.bench.range(topic, 1);
    await stage.destination.bench.append(topic, 1, [await threeRecords()]);
    await stage.source.bench.append(topic, 1, await sampleBatches({ seed: 2, batches: 1 }));
    const { partition, error } = await failsWith(link, topic, 'DESTINATION_FOREIGN_WRITE');
    expect(partition).toBe(1);
    expect(error?.code).toBe('KLINK_DIVERGED');
    expect(error?.message).toMatch(new RegExp(`${topic}-1: .*offset ${end} landed at ${end + 3}\\..* 3 offset\\(s\\)`));

    // The other partition goes on, this one does not.
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 3, batches: 2 }));
    await stage.source.bench.append(topic, 1, await sampleBatches({ seed: 4, batches: 2 }));
    await expect(link.caughtUp({ timeoutMs: 10_000 })).rejects.toMatchObject({ reason: 'DESTINATION_FOREIGN_WRITE' });
    expect(link.mirror(topic).partitions.map(({ state }) => state)).toEqual(['ACTIVE', 'FAILED']);
  },
};

const whileIdle: Scenario = {
  name: 'a foreign write into an idle mirror is found by looking',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 5, batches: 5 }));
    const link = await stage.link([topic]);
    await stage.expectMirrored(link, topic);
    const { end } = await stage.source.bench.range(topic, 0);
    await stage.destination.bench.append(topic, 0, [await threeRecords()]);
    const { error } = await failsWith(link, topic, ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED']);
    expect(error?.code).toBe('KLINK_DIVERGED');
    expect(error?.message).toContain(`${topic}-0`);
    expect(error?.message).toContain(String(end + 3));
  },
};

const intoEmptyMirror: Scenario = {
  name: 'a foreign write into a mirror that is still empty',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    const link = await stage.link([topic]);
    await stage.expectMirrored(link, topic);
    await stage.destination.bench.append(topic, 0, [await threeRecords()]);
    const { error } = await failsWith(link, topic, ['DESTINATION_FOREIGN_WRITE', 'DESTINATION_DIVERGED']);
    expect(error?.code).toBe('KLINK_DIVERGED');
  },
};

const beforeOwnBatch: Scenario = {
  name: 'a foreign write before a batch that was on its way when the process was killed: the next one tells, though the source has nothing where that batch lies',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 6, batches: 5 }));
    const link = await stage.link([topic]);
    await stage.expectMirrored(link, topic);
    await link.close();
    const { end } = await stage.source.bench.range(topic, 0);
    const at = (offset: number) => ({ baseOffset: BigInt(offset), partitionLeaderEpoch: 0 });
    const record = plainRecord('on its way');
    const bytes = Buffer.concat([await buildBatch([record], at(end)), await buildBatch([plainRecord('behind the hole')], at(end + 20))]);
    await stage.source.appendRaw([{ topic, partition: 0, bytes }]);

    const { bench } = stage.destination;
    const last = await readBatchAt(bench.cluster, topic, 0, end - 1);
    if (last === null || typeof last === 'string') throw new Error(`the mirror has no batch at ${end - 1}`);
    const { producerId, producerEpoch, baseSequence, recordsCount } = last;
    await bench.append(topic, 0, [await buildBatch([plainRecord('foreign')])]);
    await bench.append(topic, 0, [await buildBatch([record], { producerId, producerEpoch, baseSequence: baseSequence + recordsCount })]);

    const { error } = await failsWith(await stage.link([topic]), topic, 'DESTINATION_FOREIGN_WRITE');
    expect(error?.message).toMatch(new RegExp(`${topic}-0: .*offset ${end} .*nor the link's`));
    expect((await bench.range(topic, 0)).end).toBe(end + 2);
  },
};

export const foreignWriteScenarios: readonly Scenario[] = [whileActive, whileIdle, intoEmptyMirror, beforeOwnBatch];
