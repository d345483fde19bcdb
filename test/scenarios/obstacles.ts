/** Scenarios of logs that a link may not mirror: each stops with its own reason, after everything before it has been copied. */
import { expect } from 'vitest';
import { buildBatch, buildEndTxnMarker } from '../../src/codec/index.ts';
import type { MirrorTopicError } from '../../src/index.ts';
import { emptyBatch, oldMessage, plainRecord, sampleBatches } from './sample-batches.ts';
import { failsWith, type Scenario } from './stage.ts';

interface Obstacle {
  readonly what: string;
  readonly reason: MirrorTopicError;
  /** The bytes that follow the ordinary batches, whose end is `offset`. */
  readonly bytes: (offset: number) => Promise<Buffer> | Buffer;
}

const two = [plainRecord('one'), plainRecord('two')];
const at = (offset: number) => ({ baseOffset: BigInt(offset), partitionLeaderEpoch: 0 });
const transaction = { producerId: 4_711n, producerEpoch: 0, baseSequence: 0, transactional: true };

const obstacles: readonly Obstacle[] = [
  { what: 'message-v0', reason: 'UNSUPPORTED_MESSAGE_FORMAT', bytes: (offset) => oldMessage(0, offset, 'old') },
  { what: 'message-v1', reason: 'UNSUPPORTED_MESSAGE_FORMAT', bytes: (offset) => oldMessage(1, offset, 'old') },
  { what: 'hole', reason: 'UNSUPPORTED_OFFSET_GAP', bytes: (offset) => buildBatch(two, at(offset + 5)) },
  {
    what: 'sparse-batch',
    reason: 'UNSUPPORTED_SPARSE_BATCH',
    bytes: (offset) => buildBatch([two[0]!, { ...two[1]!, offsetDelta: 4 }], { ...at(offset), lastOffsetDelta: 6 }),
  },
  { what: 'empty-batch', reason: 'UNSUPPORTED_SPARSE_BATCH', bytes: (offset) => emptyBatch(offset, 3) },
  {
    what: 'aborted-transaction',
    reason: 'UNSUPPORTED_TRANSACTION',
    bytes: async (offset) =>
      Buffer.concat([
        await buildBatch(two, { ...at(offset), ...transaction }),
        buildEndTxnMarker(
          { result: 'abort', coordinatorEpoch: 0 },
          { ...at(offset + 2), producerId: 4_711n, producerEpoch: 0, timestamp: BigInt(Date.now()) },
        ),
      ]),
  },
  {
    what: 'marker',
    reason: 'UNSUPPORTED_TRANSACTION',
    bytes: (offset) =>
      buildEndTxnMarker(
        { result: 'abort', coordinatorEpoch: 0 },
        { ...at(offset), producerId: 4_712n, producerEpoch: 0, timestamp: BigInt(Date.now()) },
      ),
  },
];

const eachObstacle: Scenario = {
  name: `without fill, stops at ${obstacles.map(({ what }) => what).join(', ')}, each with its reason, and copies what comes before`,
  play: async (stage) => {
    const topics = obstacles.map(({ what }) => stage.topic(what));
    const plain = stage.topic('plain');
    await stage.source.bench.createTopic(plain);
    await stage.source.bench.append(plain, 0, await sampleBatches({ seed: 1, batches: 3 }));
    const appends: { topic: string; partition: number; bytes: Buffer }[] = [];
    const ends: number[] = [];
    for (const [index, { bytes }] of obstacles.entries()) {
      const topic = topics[index]!;
      await stage.source.bench.createTopic(topic);
      await stage.source.bench.append(topic, 0, await sampleBatches({ seed: index + 2, batches: 3 }));
      const { end } = await stage.source.bench.range(topic, 0);
      ends.push(end);
      appends.push({ topic, partition: 0, bytes: await bytes(end) });
    }
    await stage.source.appendRaw(appends);
    for (const [index, topic] of topics.entries()) {
      expect((await stage.source.bench.range(topic, 0)).end, topic).toBeGreaterThan(ends[index]!);
    }

    const link = await stage.link([...topics, plain], { settings: { fillPolicy: 'refuse' } });
    for (const [index, { reason }] of obstacles.entries()) {
      const topic = topics[index]!;
      const { nextOffset, error } = await failsWith(link, topic, reason);
      expect(error?.code, topic).toBe('KLINK_UNSUPPORTED_LOG');
      const end = ends[index]!;
      expect(nextOffset, topic).toBe(BigInt(end));
      expect(error?.message, topic).toContain(String(end));
      expect(link.mirror(topic).fillPolicy).toBe('refuse');
      await stage.expectCopiedUpTo(topic, 0, end);
    }
    // A failed mirror is no trouble for its neighbours.
    await stage.source.bench.append(plain, 0, await sampleBatches({ seed: 30, batches: 3 }));
    await expect.poll(async () => (await stage.destination.bench.range(plain, 0)).end).toBe((await stage.source.bench.range(plain, 0)).end);
    await stage.expectEqualLogs(plain);
  },
};

const damagedPayload: Scenario = {
  name: 'stops at a batch whose payload is damaged on the disk of the source',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 40, batches: 6 }));
    const { batches } = await stage.source.bench.walk(topic, 0);
    const offset = batches[3]!.baseOffset;
    await stage.source.damage(topic, 0, offset);
    const { error } = await failsWith(await stage.link([topic]), topic, 'CORRUPT_SOURCE_BATCH');
    expect(error?.code).toBe('KLINK_CORRUPT_BATCH');
    expect(error?.message).toContain(String(offset));
    await stage.expectCopiedUpTo(topic, 0, offset);
  },
};

export const obstacleScenarios: readonly Scenario[] = [eachObstacle, damagedPayload];
