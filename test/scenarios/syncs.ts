/** Scenarios of what a link keeps in step besides records: committed offsets and topic configs, through a running link. */
import { expect } from 'vitest';
import { buildBatch } from '../../src/codec/index.ts';
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
    // From then on the topic has nothing to do with its source.
    await stage.source.bench.commit(group, topic, 0, later);
    expect((await link.runTask('ConsumerOffsetSync')).errors).toEqual([]);
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

const include: Scenario = {
  name: 'which configs follow is chosen: those that are left out are local, those that never follow are refused, and changing the list takes effect at once',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { configs: { 'segment.ms': '7000000', 'delete.retention.ms': '4000000' } });
    const always = 'cleanup.policy,max.message.bytes,message.timestamp.type,message.timestamp.difference.max.ms';
    const link = await stage.link([topic], {
      settings: { topicConfigSyncMs: 200 },
      configs: { 'topic.config.sync.include': `${always},segment.ms` },
    });
    const here = async () => {
      const { 'segment.ms': segment, 'delete.retention.ms': tombstones } = await stage.destination.bench.configs(topic);
      return [segment, tombstones];
    };
    await expect.poll(here, { timeout: PATIENCE_MS }).toEqual(['7000000', '86400000']);
    await stage.destination.bench.setConfigs(topic, { 'delete.retention.ms': '5000000' });
    await link.runTask('TopicConfigsSync');
    expect(await here()).toEqual(['7000000', '5000000']);
    const refused = [{ op: 'SET', name: 'topic.config.sync.include', value: `${always},leader.replication.throttled.replicas` }] as const;
    await expect(link.configure(refused)).rejects.toMatchObject({
      code: 'KLINK_CONFIG',
      message: expect.stringContaining('never follows the source'),
    });
    await link.configure([{ op: 'SET', name: 'topic.config.sync.include', value: `${always},delete.retention.ms` }]);
    await expect.poll(here, { timeout: PATIENCE_MS }).toEqual(['7000000', '4000000']);
    expect(link.tasks().find(({ name }) => name === 'TopicConfigsSync')).toMatchObject({ state: 'ACTIVE', errors: [] });
  },
};

const acls: Scenario = {
  name: 'ACLs inside the filters follow the source, those outside are left alone, and with add-only nothing is taken away',
  play: async (stage) => {
    const [inside, outside] = [stage.topic('inside'), stage.topic('outside')];
    const [theirs, ours] = [stage.source.bench.rights, stage.destination.bench.rights];
    await theirs.reserveTopic(inside);
    await ours.reserveTopic(outside);
    const link = await stage.link([], {
      settings: {
        aclSyncEnable: true,
        aclSyncMs: 200,
        aclFilters: [
          {
            resourceFilter: { resourceType: 'topic', name: inside, patternType: 'literal' },
            accessFilter: { operation: 'any', permissionType: 'any' },
          },
        ],
      },
    });
    const counts = async () => [await ours.ofTopic(inside), await ours.ofTopic(outside)];
    await expect.poll(counts, { timeout: PATIENCE_MS }).toEqual([2, 2]);
    await link.configure([{ op: 'SET', name: 'kafka.link.acl.sync.mode', value: 'add-only' }]);
    await theirs.releaseTopic(inside);
    await link.runTask('AclSync');
    expect(await counts()).toEqual([2, 2]);
    await link.configure([{ op: 'DELETE', name: 'kafka.link.acl.sync.mode' }]);
    await expect.poll(counts, { timeout: PATIENCE_MS }).toEqual([0, 2]);
    expect(link.tasks().find(({ name }) => name === 'AclSync')).toMatchObject({ state: 'ACTIVE', errors: [] });
    await ours.releaseTopic(outside);
  },
};

const selectedNoMore: Scenario = {
  name: 'a group that is selected no more keeps what was copied, and a task that is paused does nothing by itself',
  play: async (stage) => {
    const topic = stage.topic();
    const [one, two] = [`${topic}-one`, `${topic}-two`];
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 4 }));
    for (const group of [one, two]) await stage.source.bench.commit(group, topic, 0, 1);
    const everything = { name: '*', patternType: 'LITERAL', filterType: 'INCLUDE' };
    const link = await stage.link([topic], {
      settings: {
        consumerOffsetSyncEnable: true,
        consumerOffsetSyncMs: 200,
        consumerOffsetGroupFilters: [{ name: '*', patternType: 'LITERAL', filterType: 'INCLUDE' }],
      },
    });
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    const committed = () => Promise.all([one, two].map((group) => stage.destination.bench.committed(group, topic, 0)));
    await expect.poll(committed, { timeout: PATIENCE_MS }).toEqual([1, 1]);
    const groupFilters = [everything, { name: one, patternType: 'LITERAL', filterType: 'EXCLUDE' }];
    await link.configure([{ op: 'SET', name: 'consumer.offset.group.filters', value: JSON.stringify({ groupFilters }) }]);
    for (const group of [one, two]) await stage.source.bench.commit(group, topic, 0, 2);
    await expect.poll(committed, { timeout: PATIENCE_MS }).toEqual([1, 2]);
    await link.configure([{ op: 'SET', name: 'kafka.link.tasks.paused', value: 'ConsumerOffsetSync' }]);
    const task = () => link.tasks().find(({ name }) => name === 'ConsumerOffsetSync')!;
    await expect.poll(() => task().state, { timeout: PATIENCE_MS }).toBe('PAUSED');
    await stage.source.bench.commit(two, topic, 0, 3);
    // The other tasks go on meanwhile.
    await link.runTask('TopicConfigsSync');
    expect(await committed()).toEqual([1, 2]);
    await link.configure([{ op: 'DELETE', name: 'kafka.link.tasks.paused' }]);
    await expect.poll(committed, { timeout: PATIENCE_MS }).toEqual([1, 3]);
  },
};

const compactedLate: Scenario = {
  name: 'a topic that is compacted while its mirror is behind: records without a key come first, then the policy',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 2 }));
    const link = await stage.link([topic], { settings: { topicConfigSyncMs: 3_600_000 } });
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    const sync = async (): Promise<string | null | undefined> => {
      expect((await link.runTask('TopicConfigsSync')).errors).toEqual([]);
      return (await stage.destination.bench.configs(topic))['cleanup.policy'];
    };
    expect(await sync()).toBe('delete');
    await link.pause([topic]);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 2 }));
    await stage.source.bench.setConfigs(topic, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.99' });
    for (let run = 0; run < 3; run++) expect(await sync()).toBe('delete');
    await link.resume([topic]);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 3, batches: 1, keys: 'always' }));
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await stage.expectEqualLogs(topic);
    await expect.poll(sync, { timeout: PATIENCE_MS }).toBe('compact');
  },
};

const compactedNoMore: Scenario = {
  name: 'a topic that is compacted no more, or takes larger batches, and gets such records before its configs were looked at: they are, and the mirror goes on',
  play: async (stage) => {
    const [keyless, large] = [stage.topic('keyless'), stage.topic('large')];
    const compacted = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.99' };
    await stage.source.bench.createTopic(keyless, { configs: compacted });
    await stage.source.bench.append(keyless, 0, await sampleBatches({ seed: 1, batches: 2, keys: 'always' }));
    await stage.source.bench.createTopic(large);
    await stage.source.bench.append(large, 0, await sampleBatches({ seed: 2, batches: 1 }));
    const link = await stage.link([keyless, large], { settings: { topicConfigSyncMs: 3_600_000 } });
    const policy = async (): Promise<string | null | undefined> => {
      await link.runTask('TopicConfigsSync');
      return (await stage.destination.bench.configs(keyless))['cleanup.policy'];
    };
    await expect.poll(policy, { timeout: PATIENCE_MS }).toBe('compact');
    await stage.source.bench.setConfigs(keyless, { 'cleanup.policy': 'delete' });
    await stage.source.bench.setConfigs(large, { 'max.message.bytes': String(LARGE_BYTES + (1 << 20)) });
    await stage.source.bench.append(keyless, 0, await sampleBatches({ seed: 3, batches: 2 }));
    await stage.source.bench.append(large, 0, [await largeBatch()]);
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    for (const topic of [keyless, large]) {
      expect(link.mirror(topic)).toMatchObject({ state: 'ACTIVE', error: null });
      await stage.expectEqualLogs(topic);
    }
    expect((await stage.destination.bench.configs(keyless))['cleanup.policy']).toBe('delete');
  },
};

/** More than mirrors take that nothing was chosen for. */
const LARGE_BYTES = 11 << 20;
const largeBatch = (): Promise<Buffer> => buildBatch([{ key: null, value: Buffer.alloc(LARGE_BYTES), timestamp: BigInt(Date.now()) }]);

export const syncScenarios: readonly Scenario[] = [compactedLate, compactedNoMore, offsets, configs, include, acls, selectedNoMore];
