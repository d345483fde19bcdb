/** Looks at the topics of both sides now and then: vanished, recreated, grown, or written to by somebody else. */
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { awaitPartitions } from './establish.ts';
import { MirrorFailure } from './mirror-failure.ts';
import type { MirrorTopic } from './mirror-topic.ts';
import type { ParsedOptions } from './options.ts';
import { recreated, sourceGone } from './plan-topics.ts';
import type { PartitionMirror } from './replication/partition-mirror.ts';
import { growTopic } from './topic-admin.ts';

export interface TopicWatchContext {
  readonly options: ParsedOptions;
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly signal: AbortSignal;
  readonly topics: ReadonlyMap<string, MirrorTopic>;
  /** The destination's true log end. */
  readonly destinationEnd: (mirror: PartitionMirror) => Promise<number>;
  /** The source has more partitions, and the destination has them too now. */
  readonly grown: (topic: MirrorTopic, count: number) => void;
  readonly warn: (error: LinkError, mirror: PartitionMirror | null) => void;
}

export class TopicWatch {
  readonly #context: TopicWatchContext;
  /** Source topics that were not found at the last look. One look is not believed: a broker that just came up may not know them yet. */
  readonly #missing = new Set<string>();
  /** Mirrors that had more partitions than their source at the last look. Another process of the link may have grown one a moment ago, before we saw why. */
  readonly #wider = new Set<string>();

  constructor(context: TopicWatchContext) {
    this.#context = context;
  }

  /** One look at everything. Never rejects: what cannot be seen now is looked at again next time. */
  async look(): Promise<void> {
    const { source, destination, signal, topics, warn } = this.#context;
    try {
      const sourceNames = [...topics.values()].map(({ sourceTopic }) => sourceTopic);
      await Promise.all([source.refreshMetadata(sourceNames, signal), destination.refreshMetadata([...topics.keys()], signal)]);
    } catch (error) {
      if (!signal.aborted) warn(LinkError.from(error), null);
      return;
    }
    for (const topic of topics.values()) {
      const failure = this.identityChange(topic) ?? this.#shapeChange(topic);
      if (failure !== null) {
        for (const partition of topic.partitions) partition.fail(failure);
        continue;
      }
      try {
        await this.#grow(topic);
      } catch (error) {
        if (!signal.aborted) warn(LinkError.from(error), null);
      }
      await this.#lookForForeignWrites(topic);
    }
  }

  /** Is a topic, on both sides and by the metadata at hand, still the one that was mirrored? */
  identityChange({ topic, sourceTopic, stored }: MirrorTopic): MirrorFailure | null {
    const { source, destination } = this.#context;
    const sourceTopicId = source.metadata.topic(sourceTopic)?.topicId ?? null;
    if (sourceTopicId !== null && stored.sourceTopicId !== null && sourceTopicId !== stored.sourceTopicId) {
      return recreated(sourceTopic, stored.sourceTopicId, sourceTopicId);
    }
    const topicId = destination.metadata.topic(topic)?.topicId ?? null;
    if (topicId === null || stored.topicId === null || topicId === stored.topicId) return null;
    return new MirrorFailure(
      'DESTINATION_TOPIC_DELETED',
      `the mirror topic '${topic}' was deleted and created anew by somebody else; start the link again to mirror into the new one`,
    );
  }

  #shapeChange({ topic, sourceTopic, partitions }: MirrorTopic): MirrorFailure | null {
    const { source, destination } = this.#context;
    const found = source.metadata.topic(sourceTopic);
    if (found?.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
      if (!this.#missing.has(sourceTopic)) {
        this.#missing.add(sourceTopic);
        return null;
      }
      return sourceGone(sourceTopic);
    }
    this.#missing.delete(sourceTopic);
    if (found?.errorCode === ErrorCode.NONE && found.partitions.length < partitions.length) {
      return new MirrorFailure(
        'SOURCE_PARTITIONS_DECREASED',
        `the source topic '${sourceTopic}' has ${found.partitions.length} partitions now, its mirror ${partitions.length}`,
      );
    }
    const present = destination.metadata.topic(topic)?.partitions.length ?? 0;
    if (found?.errorCode === ErrorCode.NONE && present > found.partitions.length) {
      if (this.#wider.has(topic)) {
        return new MirrorFailure(
          'SOURCE_PARTITIONS_DECREASED',
          `the mirror topic '${topic}' has ${present} partitions, its source ${found.partitions.length}: somebody has added partitions to the mirror`,
        );
      }
      this.#wider.add(topic);
    } else this.#wider.delete(topic);
    if (destination.metadata.topic(topic)?.errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return null;
    return new MirrorFailure(
      'DESTINATION_TOPIC_DELETED',
      `the mirror topic '${topic}' is gone from the destination; start the link again to mirror it anew`,
    );
  }

  async #grow(topic: MirrorTopic): Promise<void> {
    const { options, source, destination, signal, grown } = this.#context;
    const count = source.metadata.topic(topic.sourceTopic)?.partitions.length ?? 0;
    const before = topic.partitions.length;
    if (count <= before || topic.state === 'FAILED') return;
    const present = destination.metadata.topic(topic.topic)?.partitions.length ?? 0;
    if (present < count) await growTopic(destination, topic.topic, count, signal);
    await awaitPartitions(destination, topic.topic, count, options, signal);
    options.logger.info({ link: options.name, topic: topic.topic, before, count }, 'the source has more partitions; so has the mirror');
    grown(topic, count);
  }

  /** A busy mirror notices a foreign write by where its next batch lands; an idle one has to look. */
  async #lookForForeignWrites(topic: MirrorTopic): Promise<void> {
    const { destinationEnd } = this.#context;
    await Promise.all(
      topic.partitions.filter(isIdle).map(async (mirror) => {
        const before = mirror.ackedOffset;
        const end = await destinationEnd(mirror).catch(() => before);
        if (end === before || !isIdle(mirror) || mirror.ackedOffset !== before) return;
        const message = `${mirror.label}: the mirror ends at ${end}, though ${before} was its end here: another process of the link, or a foreign write`;
        mirror.disturb(new LinkError('KLINK_DIVERGED', message, { retriable: true }));
      }),
    );
  }
}

const isIdle = (mirror: PartitionMirror): boolean => mirror.phase === 'mirroring' && mirror.inFlight === 0 && !mirror.hasBatchToSend;
