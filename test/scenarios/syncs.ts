/** Scenarios of what a link keeps in step besides records: committed offsets and topic configs, through a running link. */
import { expect } from 'vitest';
import { sampleBatches } from './sample-batches.ts';
import type { Scenario } from './stage.ts';

const PATIENCE_MS = 60_000;

const offsets: Scenario = {
  name: 'committed offsets of the selected groups follow, never beyond the mirror, and end with a promotion',
  play: async (stage) => {
    const topic = stage.topic();
    const [group, other] = [`${topic}-readers`, `unselected-${topic}`];
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 4 }));
    const { end } = await stage.source.bench.range(topic, 0);
    await stage.source.bench.commit(group, topic, 0, 3);
    await stage.source.bench.commit(other, topic, 0, 2);
    const link = await stage.link([topic], {
      settings: {
        consumerOffsetSyncEnable: true,
        consumerOffsetSyncMs: 200,
        consumerOffsetGroupFilters: [{ name: `${topic}-`, patternType: 'PREFIXED', filterType: 'INCLUDE' }],
      },
    });
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    const committed = (name: string): Promise<number> => stage.destination.bench.committed(name, topic, 0);
    await expect.poll(() => committed(group), { timeout: PATIENCE_MS }).toBe(3);
    expect(await committed(other)).toBe(-1);
    await link.pause([topic]);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 2 }));
    const later = (await stage.source.bench.range(topic, 0)).end;
    await stage.source.bench.commit(group, topic, 0, later);
    // The records are not there yet: the position waits at the end of the mirror.
    await expect.poll(() => committed(group), { timeout: PATIENCE_MS }).toBe(end);
    await link.resume([topic]);
    await expect.poll(() => committed(group), { timeout: PATIENCE_MS }).toBe(later);
    await stage.source.bench.commit(group, topic, 0, later - 1);
    expect(await link.promote([topic], { timeoutMs: PATIENCE_MS })).toMatchObject([{ state: 'STOPPED', error: null }]);
    expect(await committed(group)).toBe(later - 1);
    expect(link.tasks().find(({ name }) => name === 'ConsumerOffsetSync')).toMatchObject({ state: 'ACTIVE', errors: [] });
    expect(link.openMetrics()).toContain(`kafka_link_mirror_topics{link="${link.name}",state="STOPPED"} 1`);
  },
};

const configs: Scenario = {
  name: 'topic configs follow the source, drift is corrected, a compacted policy comes when the mirror has caught up',
  play: async (stage) => {
    const topic = stage.topic();
    const compacted = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.99' };
    await stage.source.bench.createTopic(topic, { configs: { 'delete.retention.ms': '4000000', ...compacted } });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 1, keys: 'always' }));
    const link = await stage.link([topic], { settings: { topicConfigSyncMs: 200 } });
    const configOf = async (name: string): Promise<string | null | undefined> => (await stage.destination.bench.configs(topic))[name];
    await expect.poll(() => configOf('delete.retention.ms'), { timeout: PATIENCE_MS }).toBe('4000000');
    await expect.poll(() => configOf('cleanup.policy'), { timeout: PATIENCE_MS }).toBe('compact');
    expect(await configOf('retention.ms')).toBe('-1');
    await stage.source.bench.setConfigs(topic, { 'delete.retention.ms': '5000000' });
    await expect.poll(() => configOf('delete.retention.ms'), { timeout: PATIENCE_MS }).toBe('5000000');
    await stage.destination.bench.setConfigs(topic, { 'delete.retention.ms': '6000000', 'retention.ms': '1000' });
    await expect
      .poll(async () => [await configOf('delete.retention.ms'), await configOf('retention.ms')], { timeout: PATIENCE_MS })
      .toEqual(['5000000', '-1']);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 1, keys: 'always' }));
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await stage.expectSameRecords(topic);
  },
};

export const syncScenarios: readonly Scenario[] = [offsets, configs];
