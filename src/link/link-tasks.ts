/** The duties of a running link: which there are, how its configs set them up, and what keeps each from running. */
import type { Clock, Random } from '../client/clock.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import type { LinkConfigs } from './configs/link-configs.ts';
import { selectsAcl } from './filters/acl-filters.ts';
import { NameFilters } from './filters/name-filters.ts';
import type { Mirrors } from './mirrors.ts';
import { OffsetLookup } from './replication/offset-lookup.ts';
import type { SourceAvailability } from './source-availability.ts';
import { AclSync } from './tasks/acl-sync.ts';
import { CompactionGate } from './tasks/compaction-gate.ts';
import { ConsumerOffsetSync } from './tasks/consumer-offset-sync.ts';
import { ListedMirrorLogs } from './tasks/mirror-logs.ts';
import type { ConfigEntries } from './tasks/plan-topic-configs.ts';
import {
  TASK_NAMES,
  type Task,
  type TaskListener,
  type TaskName,
  type TaskResult,
  type TaskRun,
  type TaskStatus,
  taskError,
} from './tasks/task.ts';
import { type TaskHold, TaskRunner } from './tasks/task-runner.ts';
import { type ConfigSyncTopic, TopicConfigsSync } from './tasks/topic-configs-sync.ts';

export interface LinkTasksContext {
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** As they are now. */
  readonly configs: () => LinkConfigs;
  readonly mirrors: Mirrors;
  readonly topicConfigs: Readonly<Record<string, string>>;
  readonly availability: SourceAvailability;
  /** After every check of the source. */
  readonly checked: () => void;
  readonly autoCreate: (signal: AbortSignal) => Promise<TaskResult>;
  readonly configsSeen: (sourceTopic: string, configs: ConfigEntries) => void;
  readonly listener: TaskListener;
}

/** How long a run may take, at least: an interval may be shorter than that. */
const MIN_RUN_MS = 60_000;

export class LinkTasks {
  readonly #context: LinkTasksContext;
  readonly #runners = new Map<TaskName, TaskRunner>();
  readonly topicConfigs: TopicConfigsSync;
  offsets: ConsumerOffsetSync;
  #closed = false;

  constructor(context: LinkTasksContext) {
    this.#context = context;
    const { source, destination, mirrors, configsSeen } = context;
    const sourceEnds = new OffsetLookup(source, 'consumer');
    this.topicConfigs = new TopicConfigsSync({
      source,
      destination,
      topics: () => [...mirrors.live.values()].filter(({ failure }) => failure === null).map((mirror) => this.syncedTopic(mirror.topic)),
      include: () => context.configs().topicConfigSyncInclude,
      gate: new CompactionGate({
        sourceEnd: (topic, partition) => sourceEnds.find(topic, partition, 'latest'),
        copiedUpTo: (topic) => mirrors.known(topic).partitions.map(({ ackedOffset }) => ackedOffset),
        hasItsStart: (topic) =>
          mirrors.known(topic).partitions.every(({ hasItsStart, logStartError }) => hasItsStart || logStartError !== null),
      }),
      seen: configsSeen,
    });
    this.offsets = this.#newOffsetSync();
    for (const name of TASK_NAMES) this.#install(name);
  }

  /** A mirror as the sync of configs needs it. */
  syncedTopic(topic: string): ConfigSyncTopic {
    const { stored, hasCaughtUp } = this.#context.mirrors.known(topic);
    const replicas = this.#context.destination.metadata.partition(topic, 0)?.replicas;
    return {
      topic,
      sourceTopic: stored.sourceTopic,
      hasCaughtUp,
      replicationFactor: replicas?.length ?? null,
      overrides: new Map(Object.entries(this.#context.topicConfigs)),
    };
  }

  statuses(): readonly TaskStatus[] {
    return TASK_NAMES.map((name) => this.runner(name).status());
  }

  runner(name: TaskName): TaskRunner {
    const found = this.#runners.get(name);
    if (found !== undefined) return found;
    throw new LinkError('KLINK_CONFIG', `There is no task '${name}'; there are ${TASK_NAMES.join(', ')}`);
  }

  start(): void {
    for (const name of TASK_NAMES) this.#settle(name);
    for (const runner of this.#runners.values()) runner.start();
  }

  /** A whole run that begins now. Rejects as {@link TaskRunner.runNow}. */
  runNow(name: TaskName, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<TaskRun> {
    return this.runner(name).runNow(options);
  }

  /** A mirror was refused a batch for its configs: those of its source may have changed since the last look. */
  topicConfigsInDoubt(): void {
    const runner = this.runner('TopicConfigsSync');
    if (runner.state !== 'PAUSED') void runner.runNow().catch(() => {});
  }

  /** The configs or the state of the link have changed. `rebuilt`: tasks that are made anew, since they are set up differently now. */
  async apply(rebuilt: readonly TaskName[] = []): Promise<void> {
    if (this.#closed) return;
    for (const name of rebuilt) {
      const before = this.#runners.get(name);
      if (name === 'ConsumerOffsetSync') this.offsets = this.#newOffsetSync();
      this.#install(name);
      await before?.close();
      this.#settle(name);
      this.runner(name).start();
    }
    for (const name of TASK_NAMES) this.#settle(name);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#runners.values()].map((runner) => runner.close()));
  }

  #install(name: TaskName): void {
    const { clock, listener } = this.#context;
    const intervalMs = this.#intervalMs(name);
    const task = this.#task(name);
    this.#runners.set(name, new TaskRunner({ task, clock, intervalMs, runTimeoutMs: Math.max(MIN_RUN_MS, intervalMs), listener }));
  }

  #settle(name: TaskName): void {
    const runner = this.runner(name);
    const intervalMs = this.#intervalMs(name);
    runner.configure({ intervalMs, runTimeoutMs: Math.max(MIN_RUN_MS, intervalMs) });
    void runner.hold(this.#hold(name));
    if (this.#context.configs().tasksPaused.includes(name)) void runner.pause();
    else runner.resume();
  }

  #intervalMs(name: TaskName): number {
    const configs = this.#context.configs();
    const intervals: Readonly<Record<TaskName, number>> = {
      AclSync: configs.aclSyncMs,
      AutoCreateMirror: configs.metadataMaxAgeMs,
      AvailabilityCheck: configs.availabilityCheckMs,
      ConsumerOffsetSync: configs.consumerOffsetSyncMs,
      TopicConfigsSync: configs.topicConfigSyncMs,
    };
    return intervals[name];
  }

  #hold(name: TaskName): TaskHold | null {
    const { availability, configs } = this.#context;
    const { aclSyncEnable, autoCreateMirrorTopicsEnable, consumerOffsetSyncEnable, clusterLinkPaused } = configs();
    const configured: Readonly<Record<TaskName, boolean>> = {
      AclSync: aclSyncEnable,
      AutoCreateMirror: autoCreateMirrorTopicsEnable,
      AvailabilityCheck: true,
      ConsumerOffsetSync: consumerOffsetSyncEnable,
      TopicConfigsSync: true,
    };
    if (!configured[name]) return 'NOT_CONFIGURED';
    if (name === 'AvailabilityCheck') return null;
    if (clusterLinkPaused) return 'LINK_PAUSED';
    return availability.available ? null : 'LINK_UNAVAILABLE';
  }

  #task(name: TaskName): Task {
    const { source, destination, configs, autoCreate } = this.#context;
    switch (name) {
      case 'TopicConfigsSync':
        return this.topicConfigs;
      case 'ConsumerOffsetSync':
        return this.offsets;
      case 'AclSync': {
        const { aclFilters, aclSyncMode, clusterLinkPrefix } = configs();
        if (clusterLinkPrefix !== null) return idle(name);
        return new AclSync({ source, destination, selects: (acl) => selectsAcl(aclFilters, acl), mode: aclSyncMode, prefix: null });
      }
      case 'AutoCreateMirror':
        return { name, run: ({ signal }) => autoCreate(signal) };
      case 'AvailabilityCheck':
        return { name, run: () => this.#checkAvailability() };
    }
  }

  async #checkAvailability(): Promise<TaskResult> {
    const { availability, checked } = this.#context;
    const before = availability.available;
    await availability.check();
    checked();
    if (availability.available !== before) await this.apply();
    return { counts: {}, errors: availability.error === null ? [] : [taskError(availability.error, null)] };
  }

  #newOffsetSync(): ConsumerOffsetSync {
    const { source, destination, clock, random, configs, mirrors } = this.#context;
    const { consumerOffsetGroupFilters, consumerOffsetSyncMode, consumerOffsetSyncDeleted, consumerGroupPrefixEnable, clusterLinkPrefix } =
      configs();
    const filters = new NameFilters('groupFilters', consumerOffsetGroupFilters);
    const prefix = consumerGroupPrefixEnable ? (clusterLinkPrefix ?? '') : '';
    return new ConsumerOffsetSync({
      source,
      destination,
      clock,
      random,
      selects: (group) => filters.selects(group),
      topics: () => [...mirrors.live.values()],
      logs: new ListedMirrorLogs(destination, (topic, partition) => {
        const copied = mirrors.live.get(topic)?.partitions[partition]?.ackedOffset;
        return copied === undefined ? null : BigInt(copied);
      }),
      mapGroup: (group) => `${prefix}${group}`,
      mode: consumerOffsetSyncMode,
      deletedOffsets: consumerOffsetSyncDeleted,
    });
  }
}

/** Names of tasks whose setup is fixed when they are made, with the configs that it comes from. */
export const SETUP_CONFIGS: Readonly<Partial<Record<TaskName, readonly (keyof LinkConfigs)[]>>> = {
  ConsumerOffsetSync: ['consumerOffsetGroupFilters', 'consumerOffsetSyncMode', 'consumerOffsetSyncDeleted', 'consumerGroupPrefixEnable'],
  AclSync: ['aclFilters', 'aclSyncMode'],
};

const idle = (name: TaskName): Task => ({ name, run: async () => ({ counts: {}, errors: [] }) });
