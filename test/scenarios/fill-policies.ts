/** Scenarios of what takes up offsets without a record where it is not markers: what is seen of it, and where it cannot be used. */
import { expect } from 'vitest';
import { buildBatch } from '../../src/codec/index.ts';
import { sampleBatches } from './sample-batches.ts';
import { failsWith, type Scenario, type Stage } from './stage.ts';
import { compacted, transactions, withRaw } from './uneven-logs.ts';
import type { VisibleLog } from './visible-records.ts';

const PATIENCE_MS = 60_000;
const CONTROL = 0x20;

/** Holes, sparse batches, committed and aborted transactions, in one log. */
const uneven = (stage: Stage): Promise<string> =>
  withRaw(stage, async (from) => {
    const one = await compacted(from);
    const other = await transactions(one.end);
    return { bytes: Buffer.concat([one.bytes, other.bytes]), end: other.end };
  });

/** Copies it, and once more from the middle of it. */
const mirrored = async (stage: Stage, topic: string, fillPolicy: 'ghosts' | 'records'): Promise<void> => {
  const link = await stage.link([topic], { settings: { fillPolicy } });
  await link.caughtUp({ timeoutMs: PATIENCE_MS });
  expect(link.mirror(topic)).toMatchObject({ state: 'ACTIVE', fillPolicy, lag: 0n });
  expect(link.mirror(topic).partitions[0]!.filledOffsets).toBeGreaterThan(40n);
  await link.close();
  const { end } = await stage.source.bench.range(topic, 0);
  const more = await transactions(end);
  await stage.source.appendRaw([{ topic, partition: 0, bytes: more.bytes }]);
  const again = await stage.link([topic], { settings: { fillPolicy } });
  await again.caughtUp({ timeoutMs: PATIENCE_MS });
  // Neither needs the right to write markers.
  const { batches } = await stage.destination.bench.walk(topic, 0);
  expect(batches.filter(({ attributes }) => attributes & CONTROL)).toEqual([]);
};

const ghosts: Scenario = {
  name: 'ghosts: consumers see the records of the source and nothing else',
  play: async (stage) => {
    const topic = await uneven(stage);
    await mirrored(stage, topic, 'ghosts');
    await stage.expectSameRecords(topic);
    const [due, found] = [await stage.environment.digests?.(topic, 'read_committed'), await stage.environment.digests?.(topic)];
    expect(found?.destination).toEqual(due?.source);
  },
};

const records: Scenario = {
  name: 'records: consumers see the records of the source, and at every other offset one without key and value',
  play: async (stage) => {
    const topic = await uneven(stage);
    await mirrored(stage, topic, 'records');
    const [source, mirror] = (await Promise.all([stage.visible('source', topic), stage.visible('destination', topic)])).map(
      ([log]) => log as VisibleLog,
    );
    expect([mirror!.start, mirror!.end]).toEqual([source!.start, source!.end]);
    expect(mirror!.records.map(({ offset }) => offset)).toEqual(Array.from({ length: source!.end }, (_, offset) => offset));
    const due = new Map(source!.records.map((record) => [record.offset, record]));
    expect(mirror!.records.filter(({ offset }) => due.has(offset))).toEqual(source!.records);
    for (const { offset, timestamp, ...content } of mirror!.records) {
      if (due.has(offset)) continue;
      expect(content, `offset ${offset}`).toEqual({ key: null, value: null, headers: [] });
      expect(timestamp > 0n).toBe(true);
    }
  },
};

const compactedHere: Scenario = {
  name: 'a mirror that is compacted takes no records without a key: there only markers fill',
  play: async (stage) => {
    const [filled, marked] = [stage.topic('filled'), stage.topic('marked')];
    for (const topic of [filled, marked]) {
      await stage.source.bench.createTopic(topic, { configs: { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.99' } });
      await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 3, keys: 'always' }));
    }
    const settings = { topicConfigSyncMs: 200, clusterLinkRetryTimeoutMs: 1_000 };
    const refused = await stage.link([filled], { name: `${filled}-link`, settings: { ...settings, fillPolicy: 'records' } });
    const taken = await stage.link([marked], { name: `${marked}-link`, settings: { ...settings, fillPolicy: 'markers' } });
    const policyOf = async (topic: string): Promise<string | null | undefined> =>
      (await stage.destination.bench.configs(topic))['cleanup.policy'];
    for (const topic of [filled, marked]) await expect.poll(() => policyOf(topic), { timeout: PATIENCE_MS }).toBe('compact');
    const ends = new Map<string, number>();
    for (const topic of [filled, marked]) {
      const { end } = await stage.source.bench.range(topic, 0);
      ends.set(topic, end);
      const where = { baseOffset: BigInt(end + 5), partitionLeaderEpoch: 0 };
      const bytes = await buildBatch([{ key: 'behind a hole', value: 'x', timestamp: BigInt(Date.now()) }], where);
      await stage.source.appendRaw([{ topic, partition: 0, bytes }]);
    }
    const { error } = await failsWith(refused, filled, 'RETRY_TIMEOUT');
    expect(error?.message).toMatch(/cleanup\.policy=delete/);
    expect((await stage.destination.bench.range(filled, 0)).end).toBe(ends.get(filled));
    await taken.caughtUp({ timeoutMs: PATIENCE_MS });
    await stage.expectSameRecords(marked);
  },
};

export const fillPolicyScenarios: readonly Scenario[] = [ghosts, records, compactedHere];
