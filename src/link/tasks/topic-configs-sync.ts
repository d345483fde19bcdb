/** The task `TopicConfigsSync`: mirror topics get the configs of their sources, differences only, and drift is corrected. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { REQUIRED_TOPIC_CONFIGS } from '../topic-configs.ts';
import type { CompactionGate } from './compaction-gate.ts';
import { ALWAYS_SYNCED_CONFIGS } from './config-classes.ts';
import { type ConfigChange, type ConfigEntries, type ConfigPhase, planTopicConfigs, type WithheldConfig } from './plan-topic-configs.ts';
import { type Task, type TaskContext, type TaskError, type TaskResult, taskError } from './task.ts';
import { alterConfigs, describeConfigs } from './topic-config-admin.ts';

/** A mirror topic as this task needs to know it. */
export interface ConfigSyncTopic {
  readonly sourceTopic: string;
  readonly topic: string;
  /** The copy has once had all that the source had: from then on a compacted topic may be compacted. */
  readonly hasCaughtUp: boolean;
  /** Replicas of its partitions; null when not known. */
  readonly replicationFactor: number | null;
  /** What was chosen when the mirror was made, for configs that do not follow the source. */
  readonly overrides: ReadonlyMap<string, string>;
}

export interface TopicConfigsSyncOptions {
  readonly source: Cluster;
  readonly destination: Cluster;
  /** The mirror topics that are mirrored now; asked for at every run. */
  readonly topics: () => Iterable<ConfigSyncTopic>;
  /** `topic.config.sync.include`; asked for at every run. */
  readonly include: () => readonly string[];
  /** Whether a mirror of a topic that is compacted may be compacted too. Default: as soon as it has caught up once. */
  readonly gate?: Pick<CompactionGate, 'allows' | 'forget'>;
  /** Gets the configs of a source topic whenever they are read: what a failover needs to know when the source is gone. */
  readonly seen?: (sourceTopic: string, configs: ConfigEntries) => void;
}

/** What would be changed on one mirror topic. */
export interface TopicConfigsDiff {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly changes: readonly ConfigChange[];
  readonly withheld: readonly WithheldConfig[];
  /** Why its configs, or those of its source, could not be read; then there are no changes. */
  readonly error: LinkError | null;
}

export class TopicConfigsSync implements Task {
  readonly name = 'TopicConfigsSync';
  readonly #options: TopicConfigsSyncOptions;

  constructor(options: TopicConfigsSyncOptions) {
    this.#options = options;
  }

  async run({ signal }: TaskContext): Promise<TaskResult> {
    const diffs = await this.diff(signal);
    const { changed, errors } = await this.#apply(diffs, signal);
    return { counts: { topics: diffs.length, updates: changed }, errors: [...problemsOf(diffs), ...errors] };
  }

  /** What a run would change now; changes nothing. Throws as `Cluster.send` when one of the clusters does not answer. */
  diff(signal: AbortSignal): Promise<readonly TopicConfigsDiff[]> {
    return this.#diff([...this.#options.topics()], 'mirroring', null, signal);
  }

  /**
   * The last change before a topic is an ordinary one: what it has of its source, and nothing more that only the copy needed. With
   * `lastSeen` the source is not asked.
   *
   * @throws LinkError what keeps the configs from being read or changed; the topic is then as far as it came, and the call can be repeated.
   */
  async stop(topic: ConfigSyncTopic, signal: AbortSignal, lastSeen: ConfigEntries | null = null): Promise<TopicConfigsDiff> {
    const diffs = await this.#diff([topic], 'stopped', lastSeen, signal);
    const [diff] = diffs as [TopicConfigsDiff];
    if (diff.error !== null) throw diff.error;
    const { errors } = await this.#apply(diffs, signal);
    if (errors[0] !== undefined) throw errors[0].error;
    return diff;
  }

  async #diff(
    topics: readonly ConfigSyncTopic[],
    phase: ConfigPhase,
    lastSeen: ConfigEntries | null,
    signal: AbortSignal,
  ): Promise<readonly TopicConfigsDiff[]> {
    const { source, destination, include, seen } = this.#options;
    const included = include();
    const names = [...new Set([...ALWAYS_SYNCED_CONFIGS, ...REQUIRED_TOPIC_CONFIGS, ...included])];
    const sourceTopics = [...new Set(topics.map(({ sourceTopic }) => sourceTopic))];
    const [theirs, ours] = await Promise.all([
      lastSeen === null ? describeConfigs(source, sourceTopics, names, signal) : new Map(sourceTopics.map((name) => [name, lastSeen])),
      describeConfigs(
        destination,
        topics.map(({ topic }) => topic),
        names,
        signal,
      ),
    ]);
    for (const [sourceTopic, configs] of theirs) if (lastSeen === null && !LinkError.is(configs)) seen?.(sourceTopic, configs);
    const diff = async ({ sourceTopic, topic, ...facts }: ConfigSyncTopic): Promise<TopicConfigsDiff> => {
      const unread = (error: LinkError): TopicConfigsDiff => ({ topic, sourceTopic, changes: [], withheld: [], error });
      const from = theirs.get(sourceTopic) ?? notDescribed(sourceTopic, source);
      const to = ours.get(topic) ?? notDescribed(topic, destination);
      if (LinkError.is(from)) return unread(from);
      if (LinkError.is(to)) return unread(to);
      const hasCaughtUp = facts.hasCaughtUp && (phase === 'stopped' || (await this.#mayCompact(topic, sourceTopic, from, to)));
      return {
        topic,
        sourceTopic,
        error: null,
        ...planTopicConfigs({ ...facts, hasCaughtUp, source: from, destination: to, include: included, phase }),
      };
    };
    return Promise.all(topics.map(diff));
  }

  /** While it cannot be told, the mirror stays as it is. */
  async #mayCompact(topic: string, sourceTopic: string, source: ConfigEntries, destination: ConfigEntries): Promise<boolean> {
    const { gate } = this.#options;
    if (gate === undefined) return true;
    if (isCompacted(source) && !isCompacted(destination)) return gate.allows(topic, sourceTopic).catch(() => false);
    gate.forget(topic);
    return true;
  }

  /** One config that the destination refuses must not keep the others of its topic from being set: those topics are gone through one by one. */
  async #apply(
    diffs: readonly TopicConfigsDiff[],
    signal: AbortSignal,
  ): Promise<{ readonly changed: number; readonly errors: TaskError[] }> {
    const { destination } = this.#options;
    const wanted = diffs.flatMap(({ topic, changes }) => (changes.length === 0 ? [] : [[topic, changes] as const]));
    const refused = await alterConfigs(destination, wanted, signal);
    const errors: TaskError[] = [];
    let changed = 0;
    for (const [topic, changes] of wanted) {
      const refusal = refused.get(topic);
      if (refusal === undefined) changed += changes.length;
      else if (changes.length === 1 || !MAY_BE_ONE_OF_MANY.has(refusal.brokerCode)) errors.push(taskError(refusal, topic));
      else {
        for (const change of changes) {
          const single = (await alterConfigs(destination, [[topic, [change]]], signal)).get(topic);
          if (single === undefined) changed++;
          else errors.push(taskError(single, topic));
        }
      }
    }
    return { changed, errors };
  }
}

const isCompacted = (configs: ConfigEntries): boolean => configs.get('cleanup.policy')?.value?.includes('compact') === true;

/** Refusals that may concern one value alone. */
const MAY_BE_ONE_OF_MANY: ReadonlySet<number> = new Set([ErrorCode.INVALID_CONFIG, ErrorCode.INVALID_REQUEST, ErrorCode.POLICY_VIOLATION]);

const notDescribed = (topic: string, { settings }: Cluster): LinkError =>
  new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, `read the configs of topic '${topic}' on the ${settings.role} cluster`, {
    detail: 'the broker left it out of its answer',
  });

const problemsOf = (diffs: readonly TopicConfigsDiff[]): TaskError[] =>
  diffs.flatMap(({ topic, error, withheld }) => [
    ...(error === null ? [] : [taskError(error, topic)]),
    ...withheld
      .filter(({ reason }) => reason === 'replicas')
      .map(({ name, value }) => {
        const message = `${name}=${value} of the source is more than the replicas of the mirror '${topic}': nothing could be written to it. Raise its replication factor, or leave ${name} out of topic.config.sync.include`;
        return taskError(new LinkError('KLINK_CONFIG', message), topic);
      }),
  ]);
