/** Looks at everything on both sides before a link changes anything: topics, rights, configs, what a mirror holds already. */
import { BrokerError } from '../client/broker-error.ts';
import { sleep } from '../client/clock.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { Gate } from './gate.ts';
import { MirrorFailure } from './mirror-failure.ts';
import type { MirrorNames } from './mirror-names.ts';
import type { ParsedOptions } from './options.ts';
import { type AlignmentContext, align } from './replication/align.ts';
import { OffsetLookup } from './replication/offset-lookup.ts';
import { TRANSACTION_MODES } from './replication/transaction-mode.ts';
import type { LinkStore } from './store/link-store.ts';
import { createTopic, describeTopicConfigs, type NewTopic, requireTopicRight } from './topic-admin.ts';
import { configDrift, mirrorTopicConfigs, REQUIRED_TOPIC_CONFIGS } from './topic-configs.ts';

/** What a link has at hand while it is made. */
export interface PrepareContext {
  readonly options: ParsedOptions;
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly store: LinkStore;
  readonly signal: AbortSignal;
}

/** What is to be done for a topic before it can be mirrored. */
export interface TopicPlan extends MirrorNames {
  readonly partitions: number;
  readonly sourceTopicId: string | null;
  /** Create it, or null when it is there. */
  readonly create: NewTopic | null;
  readonly growFrom: number | null;
  readonly drift: readonly (readonly [string, string])[];
  readonly failure: MirrorFailure | null;
}

/** Topics that are looked at, or created, at a time. */
export const TOPICS_AT_ONCE = 16;
/** How long a topic that was just created may stay unknown to the broker that is asked. */
const UNKNOWN_TOPIC_PATIENCE_MS = 2_000;

/**
 * Checks both clusters and all topics, and changes nothing.
 *
 * @throws LinkError the problem itself when there is one, `KLINK_CONFIG` with all of them when there are several.
 */
export const planTopics = async (context: PrepareContext, names: readonly MirrorNames[]): Promise<readonly TopicPlan[]> => {
  const { options, destination, signal } = context;
  await knowTopics(
    context,
    names.map(({ sourceTopic }) => sourceTopic),
  );
  const topics = names.map(({ topic }) => topic);
  await destination.retry(() => destination.refreshMetadata(topics, signal), { timeoutMs: options.settings.requestTimeoutMs, signal });
  const gate = new Gate(TOPICS_AT_ONCE);
  const settled = await Promise.allSettled(names.map((name) => gate.run(() => patiently(context, name, () => planTopic(context, name)))));
  const problems = settled.flatMap((result) => (result.status === 'rejected' ? [LinkError.from(result.reason)] : []));
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) {
    const lines = problems.map(({ message }) => `- ${message}`).join('\n');
    throw new LinkError('KLINK_CONFIG', `${problems.length} topics cannot be mirrored; nothing was changed:\n${lines}`, {
      cause: new AggregateError(problems),
    });
  }
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
};

/** A topic cannot be the mirror of itself. */
export const refuseSameCluster = ({ source, destination }: Pick<PrepareContext, 'source' | 'destination'>): void => {
  const { clusterId } = source.metadata;
  if (clusterId === null || clusterId !== destination.metadata.clusterId) return;
  throw new LinkError('KLINK_CONFIG', `Source and destination are the same cluster (${clusterId}): a topic cannot be the mirror of itself`);
};

/** Brokers come and go while a link starts: what is worth another try gets one, with fresh metadata. */
export const patiently = <T>(
  { options, source, destination, signal }: PrepareContext,
  { topic, sourceTopic }: MirrorNames,
  attempt: () => Promise<T>,
): Promise<T> =>
  destination.retry(
    async (count) => {
      if (count > 1) await Promise.all([source.refreshMetadata([sourceTopic], signal), destination.refreshMetadata([topic], signal)]);
      return attempt();
    },
    { timeoutMs: options.settings.requestTimeoutMs, signal },
  );

/** Metadata of a topic that was created a moment ago may not have reached every broker: what is unknown is asked for again, for a while. */
const knowTopics = async ({ options, source, signal }: PrepareContext, topics: readonly string[]): Promise<void> => {
  const { clock, settings } = options;
  const ask = (): Promise<void> =>
    source.retry(() => source.refreshMetadata(topics, signal), { timeoutMs: settings.requestTimeoutMs, signal });
  await ask();
  const deadline = clock.now() + UNKNOWN_TOPIC_PATIENCE_MS;
  while (topics.some((topic) => source.metadata.topic(topic)?.errorCode !== ErrorCode.NONE) && clock.now() < deadline) {
    await sleep(clock, settings.retryBackoffMs, signal);
    await ask();
  }
};

const planTopic = async (context: PrepareContext, names: MirrorNames): Promise<TopicPlan> => {
  const { options, source, destination, store, signal } = context;
  const { topic, sourceTopic } = names;
  const stored = store.mirror(topic);
  const found = source.metadata.topic(sourceTopic);
  const base = {
    ...names,
    partitions: 0,
    sourceTopicId: stored?.sourceTopicId ?? null,
    create: null,
    growFrom: null,
    drift: [],
    failure: null,
  };
  if (found === undefined || found.errorCode !== ErrorCode.NONE) {
    const code = found?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const partitions = destination.metadata.topic(topic)?.partitions.length ?? 0;
    if (stored !== undefined && code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && partitions > 0)
      return { ...base, partitions, failure: sourceGone(sourceTopic) };
    throw new BrokerError(code, `mirror '${sourceTopic}' of the source`, {
      advice: 'Check the name, and that the link has DESCRIBE and READ on the topic of the source',
      final: true,
    });
  }
  const { topicId: sourceTopicId } = found;
  await requireTopicRight(source, [sourceTopic], 'READ', signal);
  const sourceConfigs = await describeTopicConfigs(source, [sourceTopic], [...REQUIRED_TOPIC_CONFIGS], signal);
  const needed = mirrorTopicConfigs(sourceConfigs.get(sourceTopic) ?? new Map());
  const partitions = found.partitions.length;
  const plan = { ...base, partitions, sourceTopicId };
  const mirror = destination.metadata.topic(topic);
  if (mirror === undefined || mirror.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
    const create = {
      name: topic,
      partitions,
      replicationFactor: options.replicationFactor,
      configs: { ...options.topicConfigs, ...needed },
    };
    await createTopic(destination, create, { validateOnly: true, signal });
    return { ...plan, create };
  }
  if (mirror.errorCode !== ErrorCode.NONE) {
    throw new BrokerError(mirror.errorCode, `mirror to '${topic}' of the destination`, {
      advice: 'The link needs DESCRIBE, READ and WRITE on its mirror topics',
    });
  }
  await requireTopicRight(destination, [topic], 'WRITE', signal);
  const ours = stored !== undefined && stored.topicId === mirror.topicId;
  if (ours && stored.sourceTopicId !== sourceTopicId) {
    return { ...plan, failure: recreated(sourceTopic, stored.sourceTopicId, sourceTopicId) };
  }
  const present = mirror.partitions.length;
  if (present > partitions) {
    const failure = new MirrorFailure(
      'SOURCE_PARTITIONS_DECREASED',
      `'${topic}' has ${present} partitions on the destination, but ${partitions} on the source`,
    );
    if (!ours) throw failure;
    return { ...plan, failure };
  }
  if (!ours) await refuseOtherContent(context, names, present);
  const configs = await describeTopicConfigs(destination, [topic], Object.keys(needed), signal);
  return { ...plan, growFrom: present < partitions ? present : null, drift: configDrift(configs.get(topic) ?? new Map(), needed) };
};

/** The failure of a mirror whose source topic is not there any more. */
export const sourceGone = (sourceTopic: string): MirrorFailure =>
  new MirrorFailure(
    'SOURCE_TOPIC_MAY_BE_DELETED',
    `the source topic '${sourceTopic}' was not found at two looks in a row; the mirror keeps what was copied`,
  );

/** The failure of a mirror whose source topic is another than the one that was copied. */
export const recreated = (topic: string, before: string | null, now: string | null): MirrorFailure =>
  new MirrorFailure(
    'SOURCE_TOPIC_ID_CHANGED',
    `the source topic '${topic}' was deleted and created anew (its id was ${before}, now it is ${now}); the mirror holds the records of the old one. Repair the mirror to copy the new one instead`,
  );

/** A topic that no link has made may be continued only if what it holds is what the source holds. */
const refuseOtherContent = async (
  { options, source, destination, signal }: PrepareContext,
  names: MirrorNames,
  partitions: number,
): Promise<void> => {
  const { transactions } = options.settings;
  const alignment: AlignmentContext = {
    source,
    destination,
    own: null,
    transactions,
    sourceOffsets: new OffsetLookup(source, TRANSACTION_MODES[transactions].sourceView),
    destinationOffsets: new OffsetLookup(destination, 'debugging'),
    gaps: { fillPolicy: 'refuse', paddingMaxOffsets: Number.POSITIVE_INFINITY, sourceTrimmed: 'fill' },
  };
  for (let partition = 0; partition < partitions; partition++) {
    try {
      await align(alignment, { ...names, partition, startOffset: null }, signal);
    } catch (error) {
      if (!(error instanceof MirrorFailure)) throw error;
      throw new MirrorFailure(
        'DESTINATION_DIVERGED',
        `the topic '${names.topic}' exists on the destination with other content (${error.message}). Nothing was changed: delete or rename it first`,
        error,
      );
    }
  }
};
