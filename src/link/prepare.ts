/** Everything that is checked before a link changes anything, and then the few things it changes: the store and the mirror topics. */
import { BrokerError } from '../client/broker-error.ts';
import { sleep } from '../client/clock.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { InitProducerId } from '../protocol/messages/init-producer-id.ts';
import { Gate } from './gate.ts';
import { resolveStartOffset } from './log-start/start-offset.ts';
import { mayWriteMarkers } from './marker-right.ts';
import { MirrorFailure } from './mirror-failure.ts';
import type { ParsedOptions } from './options.ts';
import { type AlignmentContext, align } from './replication/align.ts';
import { MARKER_RIGHT_ADVICE } from './replication/broker-verdicts.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import { OffsetLookup } from './replication/offset-lookup.ts';
import type { LinkIdentity, LinkStore } from './store/link-store.ts';
import { alterTopicConfigs, createTopic, describeTopicConfigs, growTopic, type NewTopic, requireTopicRight } from './topic-admin.ts';
import { configDrift, mirrorTopicConfigs, REQUIRED_TOPIC_CONFIGS } from './topic-configs.ts';

/** A topic that is ready to be mirrored. */
export interface PreparedTopic {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly partitions: number;
  readonly sourceTopicId: string | null;
  readonly topicId: string | null;
  /** Where each partition of the mirror begins at the source, where that was chosen. */
  readonly startOffsets: readonly number[] | null;
  /** The mirror exists, but cannot go on: it is shown as FAILED. */
  readonly failure: MirrorFailure | null;
}

/** What a link starts from. */
export interface EstablishedLink {
  readonly identity: LinkIdentity;
  /** How offsets without a record are filled. */
  readonly fillPolicy: FillPolicy;
  readonly topics: readonly PreparedTopic[];
}

export interface PrepareContext {
  readonly options: ParsedOptions;
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly store: LinkStore;
  readonly signal: AbortSignal;
}

interface Plan {
  readonly topic: string;
  readonly partitions: number;
  readonly sourceTopicId: string | null;
  /** Create it, or null when it is there. */
  readonly create: NewTopic | null;
  readonly growFrom: number | null;
  readonly drift: readonly (readonly [string, string])[];
  readonly failure: MirrorFailure | null;
}

/** Topics that are looked at, or created, at a time. */
const TOPICS_AT_ONCE = 16;
/** How long a topic that was just created may stay unknown to the broker that is asked. */
const UNKNOWN_TOPIC_PATIENCE_MS = 2_000;

/**
 * Checks both clusters and all topics, and changes nothing.
 *
 * @throws LinkError the problem itself when there is one, `KLINK_CONFIG` with all of them when there are several.
 */
export const planTopics = async (context: PrepareContext): Promise<readonly Plan[]> => {
  const { options, source, destination, store, signal } = context;
  if (source.metadata.clusterId !== null && source.metadata.clusterId === destination.metadata.clusterId) {
    throw new LinkError(
      'KLINK_CONFIG',
      `Source and destination are the same cluster (${source.metadata.clusterId}): a topic cannot be the mirror of itself`,
    );
  }
  await store.load(signal);
  await knowTopics(context);
  await destination.retry(() => destination.refreshMetadata(options.topics, signal), {
    timeoutMs: options.settings.requestTimeoutMs,
    signal,
  });
  const gate = new Gate(TOPICS_AT_ONCE);
  const settled = await Promise.allSettled(
    options.topics.map((topic) => gate.run(() => patiently(context, topic, () => planTopic(context, topic)))),
  );
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

/** Brokers come and go while a link starts: what is worth another try gets one, with fresh metadata. */
const patiently = <T>({ options, source, destination, signal }: PrepareContext, topic: string, attempt: () => Promise<T>): Promise<T> =>
  destination.retry(
    async (count) => {
      if (count > 1) await Promise.all([source.refreshMetadata([topic], signal), destination.refreshMetadata([topic], signal)]);
      return attempt();
    },
    { timeoutMs: options.settings.requestTimeoutMs, signal },
  );

/** Metadata of a topic that was created a moment ago may not have reached every broker: what is unknown is asked for again, for a while. */
const knowTopics = async ({ options, source, signal }: PrepareContext): Promise<void> => {
  const { clock, settings, topics } = options;
  const ask = (): Promise<void> =>
    source.retry(() => source.refreshMetadata(topics, signal), { timeoutMs: settings.requestTimeoutMs, signal });
  await ask();
  const deadline = clock.now() + UNKNOWN_TOPIC_PATIENCE_MS;
  while (topics.some((topic) => source.metadata.topic(topic)?.errorCode !== ErrorCode.NONE) && clock.now() < deadline) {
    await sleep(clock, settings.retryBackoffMs, signal);
    await ask();
  }
};

const planTopic = async (context: PrepareContext, topic: string): Promise<Plan> => {
  const { options, source, destination, store, signal } = context;
  const found = source.metadata.topic(topic);
  if (found === undefined || found.errorCode !== ErrorCode.NONE) {
    throw new BrokerError(found?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `mirror '${topic}' of the source`, {
      advice: 'Check the name, and that the link has DESCRIBE and READ on the topic of the source',
      final: true,
    });
  }
  const { topicId: sourceTopicId } = found;
  await requireTopicRight(source, [topic], 'READ', signal);
  const sourceConfigs = await describeTopicConfigs(source, [topic], [...REQUIRED_TOPIC_CONFIGS], signal);
  const needed = mirrorTopicConfigs(sourceConfigs.get(topic) ?? new Map());
  const partitions = found.partitions.length;
  const base = { topic, partitions, sourceTopicId, create: null, growFrom: null, drift: [], failure: null };
  const mirror = destination.metadata.topic(topic);
  if (mirror === undefined || mirror.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
    const create = {
      name: topic,
      partitions,
      replicationFactor: options.replicationFactor,
      configs: { ...options.topicConfigs, ...needed },
    };
    await createTopic(destination, create, { validateOnly: true, signal });
    return { ...base, create };
  }
  if (mirror.errorCode !== ErrorCode.NONE) {
    throw new BrokerError(mirror.errorCode, `mirror to '${topic}' of the destination`, {
      advice: 'The link needs DESCRIBE, READ and WRITE on its mirror topics',
    });
  }
  await requireTopicRight(destination, [topic], 'WRITE', signal);
  const stored = store.mirror(topic);
  const ours = stored !== undefined && stored.topicId === mirror.topicId;
  if (ours && stored.sourceTopicId !== sourceTopicId) {
    return { ...base, failure: recreated(topic, stored.sourceTopicId, sourceTopicId) };
  }
  const present = mirror.partitions.length;
  if (present > partitions) {
    const failure = new MirrorFailure(
      'SOURCE_PARTITIONS_DECREASED',
      `'${topic}' has ${present} partitions on the destination, but ${partitions} on the source`,
    );
    if (!ours) throw failure;
    return { ...base, failure };
  }
  if (!ours) await refuseOtherContent(context, topic, present);
  const configs = await describeTopicConfigs(destination, [topic], Object.keys(needed), signal);
  return { ...base, growFrom: present < partitions ? present : null, drift: configDrift(configs.get(topic) ?? new Map(), needed) };
};

/** The failure of a mirror whose source topic is another than the one that was copied. */
export const recreated = (topic: string, before: string | null, now: string | null): MirrorFailure =>
  new MirrorFailure(
    'SOURCE_TOPIC_ID_CHANGED',
    `the source topic '${topic}' was deleted and created anew (its id was ${before}, now it is ${now}); the mirror holds the records of the old one. Delete the mirror topic to copy the new one`,
  );

/** A topic that no link has made may be continued only if what it holds is what the source holds. */
const refuseOtherContent = async ({ source, destination, signal }: PrepareContext, topic: string, partitions: number): Promise<void> => {
  const alignment: AlignmentContext = {
    source,
    destination,
    own: null,
    sourceOffsets: new OffsetLookup(source, 'committed'),
    destinationOffsets: new OffsetLookup(destination, 'debugging'),
    gaps: { fillPolicy: 'refuse', paddingMaxOffsets: Number.POSITIVE_INFINITY, sourceTrimmed: 'fill' },
  };
  for (let partition = 0; partition < partitions; partition++) {
    try {
      await align(alignment, { topic, sourceTopic: topic, partition, startOffset: null }, signal);
    } catch (error) {
      if (!(error instanceof MirrorFailure)) throw error;
      throw new MirrorFailure(
        'DESTINATION_DIVERGED',
        `the topic '${topic}' exists on the destination with other content (${error.message}). Nothing was changed: delete or rename it first`,
        error,
      );
    }
  }
};

/** Makes the link's identity, unless the store has one, and brings the mirror topics into being. */
export const establish = async (context: PrepareContext, plans: readonly Plan[]): Promise<EstablishedLink> => {
  const { store, signal } = context;
  const fillPolicy = await decideFillPolicy(context);
  const identity = await store.identity(() => newIdentity(context), signal);
  const gate = new Gate(TOPICS_AT_ONCE);
  const topics = await Promise.all(
    plans.map((plan) => gate.run(() => patiently(context, plan.topic, () => establishTopic(context, plan)))),
  );
  return { identity, fillPolicy, topics };
};

/** Markers where the link may write them; without the right, whoever has asked for them is told so before anything is changed. */
const decideFillPolicy = async ({ options, destination, signal }: PrepareContext): Promise<FillPolicy> => {
  const { fillPolicy, settings } = options;
  if (fillPolicy !== null && fillPolicy !== 'markers') return fillPolicy;
  const topic = options.topics[0] ?? options.name;
  const allowed = await destination.retry((_, given) => mayWriteMarkers(destination, topic, given), {
    timeoutMs: settings.requestTimeoutMs,
    signal,
  });
  if (allowed) return 'markers';
  if (fillPolicy === null) return 'refuse';
  throw new LinkError(
    'KLINK_AUTH',
    `The link may not fill offsets with markers on the destination, which fillPolicy asks for. ${MARKER_RIGHT_ADVICE}`,
  );
};

const newIdentity = async ({ source, destination, options, signal }: PrepareContext): Promise<LinkIdentity> => {
  const { producerId, producerEpoch } = await destination.retry(
    async () => {
      const response = await destination.send(InitProducerId, { transactionalId: null, transactionTimeoutMs: 60_000 }, 'any', { signal });
      if (response.errorCode === ErrorCode.NONE) return response;
      throw new BrokerError(response.errorCode, 'get a producer id from the destination', {
        advice: 'The link needs WRITE on its mirror topics (or IDEMPOTENT_WRITE on the cluster, before Kafka 3.0)',
      });
    },
    { timeoutMs: options.settings.requestTimeoutMs, signal },
  );
  const linkId = Buffer.from(Array.from({ length: 16 }, () => Math.floor(options.random() * 256))).toString('base64url');
  return { linkId, producerId, producerEpoch, sourceClusterId: source.metadata.clusterId };
};

const establishTopic = async (context: PrepareContext, plan: Plan): Promise<PreparedTopic> => {
  const { options, destination, store, signal } = context;
  const { topic, partitions, sourceTopicId, create, growFrom, drift, failure } = plan;
  if (failure === null) {
    if (create !== null) await createTopic(destination, create, { validateOnly: false, signal });
    if (growFrom !== null) await growTopic(destination, topic, partitions, signal);
    if (drift.length > 0) {
      options.logger.warn(
        { link: options.name, topic, configs: Object.fromEntries(drift) },
        'the mirror topic had configs that break exactness; they are set back',
      );
      await alterTopicConfigs(destination, topic, drift, signal);
    }
  }
  const topicId = await awaitPartitions(destination, topic, failure === null ? partitions : 0, options, signal);
  // Rights on a topic that did not exist could not be asked for before: the new, empty topic is left as it is.
  if (create !== null) await requireTopicRight(destination, [topic], 'WRITE', signal);
  const stored = store.mirror(topic);
  const base = { topic, sourceTopic: topic, sourceTopicId, topicId };
  if (failure !== null || (stored?.topicId === topicId && stored?.sourceTopicId === sourceTopicId)) {
    return { ...base, partitions, startOffsets: stored?.startOffsets ?? null, failure };
  }
  const startOffsets = await chooseStart(context, topic, partitions);
  // Before the first batch: a link that starts again finds what was chosen now.
  await store.saveMirror(startOffsets === null ? base : { ...base, startOffsets }, signal);
  return { ...base, partitions, startOffsets, failure };
};

/** Where a new mirror begins, if that is not where the source's log does. A mirror that holds something already goes on where it is. */
const chooseStart = async (
  { options, source, destination, signal }: PrepareContext,
  topic: string,
  partitions: number,
): Promise<readonly number[] | null> => {
  if (options.start.kind === 'earliest') return null;
  const ends = new OffsetLookup(destination, 'debugging');
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) =>
      (await ends.find(topic, partition, 'latest')) > 0 ? 0 : resolveStartOffset(source, topic, partition, options.start, signal),
    ),
  );
};

/** A new topic takes a moment until every partition has a leader that the brokers know of. Resolves with the topic's id. */
export const awaitPartitions = async (
  destination: Cluster,
  topic: string,
  partitions: number,
  { settings, clock }: ParsedOptions,
  signal: AbortSignal,
): Promise<string | null> => {
  const deadline = clock.now() + settings.requestTimeoutMs;
  for (;;) {
    await destination.refreshMetadata([topic], signal);
    const found = destination.metadata.topic(topic);
    const led = found?.partitions.filter(({ leaderId }) => leaderId >= 0).length ?? 0;
    if (found !== undefined && led >= partitions) return found.topicId;
    if (clock.now() >= deadline) {
      throw new LinkError(
        'KLINK_TIMEOUT',
        `Only ${led} of ${partitions} partitions of '${topic}' have a leader on the destination: check its brokers`,
        { retriable: true },
      );
    }
    await sleep(clock, settings.retryBackoffMs, signal);
  }
};
