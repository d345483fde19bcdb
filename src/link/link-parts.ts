/** The parts of a running link, and how they are joined: which of them tells which of what. */
import type { LinkError } from '../errors.ts';
import { AutoCreate } from './auto-create.ts';
import { caughtUp } from './caught-up.ts';
import type { Change } from './change.ts';
import type { ChangedConfig } from './configs/config-set.ts';
import type { ConfigOption } from './configs/link-configs.ts';
import type { PreparedTopic } from './establish.ts';
import type { LinkEvent } from './events.ts';
import { LinkTasks } from './link-tasks.ts';
import type { LinkFacts, MirrorTopic } from './mirror-topic.ts';
import { Mirrors } from './mirrors.ts';
import { Operations } from './operations/operations.ts';
import { repairsContext } from './operations/repair-context.ts';
import { Repairs } from './operations/repairs.ts';
import { stopContext } from './operations/stop-context.ts';
import type { PrepareContext } from './plan-topics.ts';
import { Reconfigure } from './reconfigure.ts';
import { batchMaker } from './replication/batch-maker.ts';
import { isConfigRefusal } from './replication/broker-verdicts.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import type { PartitionMirror } from './replication/partition-mirror.ts';
import { Replicator } from './replication/replicator.ts';
import { PartitionConfigs, replicatorOptions } from './replicator-options.ts';
import { SourceAvailability } from './source-availability.ts';
import type { LinkIdentity, StoredMirror } from './store/link-store.ts';
import { TopicWatch } from './topic-watch.ts';

/** What a link starts from. */
export interface EstablishedLink {
  readonly identity: LinkIdentity;
  readonly fillPolicy: FillPolicy;
  readonly topics: readonly PreparedTopic[];
  /** Mirrors that are stopped, or whose topic a repair is making anew: known, and not copied. */
  readonly atRest: readonly StoredMirror[];
  /** Why the source could not be reached; null when it was. */
  readonly sourceError: LinkError | null;
}

/** What the parts tell the link of. */
export interface PartsListener {
  emit(event: LinkEvent): void;
  /** Something went wrong and will be tried again. */
  warn(error: LinkError, mirror: { readonly topic: string; readonly partition: number } | null): void;
  progressed(partition: PartitionMirror): void;
  configured(changed: readonly ChangedConfig[], options: ReadonlySet<ConfigOption>): Promise<void>;
  configsSeen(sourceTopic: string, configs: NonNullable<StoredMirror['sourceConfigs']>): void;
}

export interface LinkParts {
  readonly replicator: Replicator;
  readonly mirrors: Mirrors;
  readonly watch: TopicWatch;
  readonly availability: SourceAvailability;
  readonly tasks: LinkTasks;
  readonly operations: Operations;
  readonly repairs: Repairs;
  readonly reconfigure: Reconfigure;
  /** Resolves when these partitions have every offset that could be copied at the moment of the call. */
  caughtUp(partitions: readonly PartitionMirror[], signal: AbortSignal, timeoutMs: number): Promise<void>;
}

/** Makes them; nothing runs yet. `change`: wakes who waits for something to happen. */
export const joinParts = (
  context: PrepareContext,
  established: EstablishedLink,
  change: Change,
  listener: PartsListener,
  closing: AbortSignal,
): LinkParts => {
  const { options, source, destination, store } = context;
  const { clock, live, logger, name: link } = options;
  const { identity } = established;
  const fillPolicy = (): FillPolicy => live.values.fillPolicy ?? established.fillPolicy;
  const facts = (): LinkFacts => ({ linkPaused: options.settings.clusterLinkPaused, sourceAvailable: availability.available });

  const replicator: Replicator = new Replicator(replicatorOptions(options, context, identity, fillPolicy), {
    phaseChanged: (partition, from) => {
      mirrors.phaseChanged(partition, from);
      change.happened();
    },
    progressed: (partition) => listener.progressed(partition),
    check: ({ topic }) => {
      const found = mirrors.get(topic);
      return found === undefined ? null : watch.identityChange(found);
    },
    disturbed: (partition, error) => {
      listener.warn(error, partition);
      if (isConfigRefusal(error)) tasks.topicConfigsInDoubt();
    },
    logStartTrouble: (error, topic, partition) => listener.warn(error, { topic, partition }),
  });
  const destinationEnd = (partition: PartitionMirror): Promise<number> => replicator.destinationEnd(partition);

  const maker = batchMaker({ clock, rate: () => options.settings.paddingOffsetsPerSecond, signal: closing });
  const mirrors: Mirrors = new Mirrors({
    link,
    clock,
    logger,
    store,
    partitionOptions: new PartitionConfigs(live, { producer: identity, maker, listener: replicator }, fillPolicy),
    replicator,
    facts,
    signal: closing,
    emit: (event) => {
      change.happened();
      listener.emit(event);
    },
  });

  const watch: TopicWatch = new TopicWatch({
    options,
    source,
    destination,
    signal: closing,
    topics: mirrors.live,
    destinationEnd,
    grown: (mirror, count) => mirrors.grow(mirror, count),
    warn: (error, mirror) => listener.warn(error, mirror),
  });

  const availability: SourceAvailability = new SourceAvailability(
    {
      clock,
      checkMs: () => options.settings.availabilityCheckMs,
      failureThreshold: () => options.settings.availabilityCheckConsecutiveFailureThreshold,
      answeredAt: () => replicator.sourceAnsweredAt,
      ask: () => source.refreshMetadata([], closing),
    },
    established.sourceError,
  );

  const autoCreate = new AutoCreate({ context, mirrors });
  const tasks: LinkTasks = new LinkTasks({
    source,
    destination,
    clock,
    random: options.random,
    configs: () => options.settings,
    mirrors,
    topicConfigs: options.topicConfigs,
    availability,
    checked: () => mirrors.settleAll(),
    autoCreate: (signal) => autoCreate.run(signal),
    configsSeen: (sourceTopic, configs) => listener.configsSeen(sourceTopic, Object.fromEntries(configs)),
    listener: {
      stateChanged: (task, from, to) => listener.emit({ type: 'task', task, from, to, errors: tasks.runner(task).status().errors }),
    },
  });

  const haveCaughtUp: LinkParts['caughtUp'] = (partitions, signal, timeoutMs) =>
    caughtUp({ source, clock, transactions: options.settings.transactions, change }, partitions, signal, timeoutMs);
  const ask = { mirrors, clock, closing, facts };
  const stop = stopContext({
    context,
    mirrors,
    tasks,
    change,
    destinationEnd,
    caughtUp: (partitions, signal) => haveCaughtUp(partitions, signal, Number.POSITIVE_INFINITY),
  });
  const operations = new Operations({
    ...ask,
    stop,
    taking: (mirror: MirrorTopic, step) => logger.info({ link, topic: mirror.topic, step }, 'a mirror topic is being stopped'),
    failed: (mirror, step, error) => {
      logger.warn({ link, topic: mirror.topic, step, error }, 'a mirror topic could not be stopped');
      listener.emit({ type: 'warning', topic: mirror.topic, partition: null, error });
      void mirrors.stopFailed(mirror, step, error, closing);
    },
  });
  const repairs = new Repairs({
    ...ask,
    ...repairsContext({ context, mirrors, tasks, change, stop, probe: (partition, signal) => replicator.probe(partition, signal) }),
    failed: (topic, step, error) => {
      logger.warn({ link, topic, step, error }, 'a step of a repair could not be taken');
      listener.emit({ type: 'warning', topic, partition: null, error });
    },
  });

  const reconfigure = new Reconfigure({
    ...context,
    sourceClusterId: () => source.metadata.clusterId ?? identity.sourceClusterId,
    changed: (changed, which) => listener.configured(changed, which),
    moved: (error) => {
      if (error !== null) listener.warn(error, null);
      // Whether the source answers is known now: mirrors need not wait for the next check.
      void tasks.runNow('AvailabilityCheck').catch(() => {});
    },
  });

  return { replicator, mirrors, watch, availability, tasks, operations, repairs, reconfigure, caughtUp: haveCaughtUp };
};
