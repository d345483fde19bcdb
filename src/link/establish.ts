/** The few things that a link changes before it mirrors: its store, and the mirror topics. */
import { BrokerError } from '../client/broker-error.ts';
import { sleep } from '../client/clock.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { InitProducerId } from '../protocol/messages/init-producer-id.ts';
import { MARKER_RIGHT_ADVICE } from './acls-command.ts';
import { Gate } from './gate.ts';
import { parseStartOffsetSpec, resolveStartOffset } from './log-start/start-offset.ts';
import { mayWriteMarkers } from './marker-right.ts';
import type { MirrorFailure } from './mirror-failure.ts';
import type { ParsedOptions } from './options.ts';
import { type PrepareContext, patiently, TOPICS_AT_ONCE, type TopicPlan } from './plan-topics.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import { OffsetLookup } from './replication/offset-lookup.ts';
import type { LinkIdentity, StoredMirror } from './store/link-store.ts';
import { alterTopicConfigs, createTopic, growTopic, requireTopicRight } from './topic-admin.ts';

/** A topic that is ready to be mirrored. */
export interface PreparedTopic {
  readonly stored: StoredMirror;
  readonly partitions: number;
  /** The mirror exists, but cannot go on: it is shown as FAILED. */
  readonly failure: MirrorFailure | null;
}

/** Makes the link's identity, unless the store has one. */
export const establishIdentity = (context: PrepareContext): Promise<LinkIdentity> =>
  context.store.identity(() => newIdentity(context), context.signal);

/** Brings mirror topics into being: what was planned is done. */
export const establishTopics = (context: PrepareContext, plans: readonly TopicPlan[]): Promise<readonly PreparedTopic[]> => {
  const gate = new Gate(TOPICS_AT_ONCE);
  return Promise.all(plans.map((plan) => gate.run(() => patiently(context, plan, () => establishTopic(context, plan)))));
};

/** Markers where the link may write them; without the right, whoever has asked for them is told so before anything is changed. */
export const decideFillPolicy = async ({ options, destination, signal }: PrepareContext): Promise<FillPolicy> => {
  const { settings } = options;
  const { fillPolicy } = settings;
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

const establishTopic = async (context: PrepareContext, plan: TopicPlan): Promise<PreparedTopic> => {
  const { options, destination, store, signal } = context;
  const { topic, sourceTopic, partitions, sourceTopicId, create, growFrom, drift, failure } = plan;
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
  const base = { ...outliving(stored), topic, sourceTopic, sourceTopicId, topicId };
  if (failure !== null || (stored?.topicId === topicId && stored?.sourceTopicId === sourceTopicId)) {
    return { stored: stored ?? base, partitions, failure };
  }
  const startOffsets = stored?.repair?.startOffsets ?? (await chooseStart(context, plan));
  const made: StoredMirror = startOffsets === null ? base : { ...base, startOffsets };
  // Before the first batch: a link that starts again finds what was chosen now.
  await store.saveMirror(made, signal);
  return { stored: made, partitions, failure };
};

/** What of a mirror is not about its topic, and stays when a repair makes that anew. */
const outliving = (stored: StoredMirror | undefined): Partial<StoredMirror> => {
  if (stored?.repair == null) return {};
  const { state, history, transitionErrors, sourceConfigs, repair } = stored;
  return {
    repair,
    ...(state !== undefined && { state }),
    ...(history !== undefined && { history }),
    ...(transitionErrors !== undefined && { transitionErrors }),
    ...(sourceConfigs !== undefined && { sourceConfigs }),
  };
};

/** Where a new mirror begins, if that is not where the source's log does. A mirror that holds something already goes on where it is. */
const chooseStart = async (
  { options, source, destination, signal }: PrepareContext,
  { topic, sourceTopic, partitions }: TopicPlan,
): Promise<readonly number[] | null> => {
  const start = parseStartOffsetSpec(options.settings.startOffset);
  // Checked when it was set.
  if ('problem' in start || start.kind === 'earliest') return null;
  const ends = new OffsetLookup(destination, 'debugging');
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) =>
      (await ends.find(topic, partition, 'latest')) > 0 ? 0 : resolveStartOffset(source, sourceTopic, partition, start, signal),
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
