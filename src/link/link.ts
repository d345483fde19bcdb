/** A running link: its lifecycle, its topics over time, and what it shows of itself. No Kafka detail lives here. */
import { EventEmitter } from 'node:events';
import { sleep } from '../client/clock.ts';
import { LinkError } from '../errors.ts';
import { Change } from './change.ts';
import type { EstablishedLink, PreparedTopic } from './establish.ts';
import { streamEvents } from './event-stream.ts';
import { type LinkEvent, type LinkEvents, linkChannels } from './events.ts';
import type { LinkMetrics, LinkStatus, WaitOptions } from './link-status.ts';
import type { MirrorState } from './mirror-state.ts';
import { MirrorTopic, type MirrorTopicStatus, partitionState, partitionStatus } from './mirror-topic.ts';
import type { ParsedOptions } from './options.ts';
import type { PrepareContext } from './plan-topics.ts';
import { batchMaker } from './replication/batch-maker.ts';
import { OffsetLookup } from './replication/offset-lookup.ts';
import { PartitionMirror, type PartitionOptions, type PartitionPhase } from './replication/partition-mirror.ts';
import { Replicator } from './replication/replicator.ts';
import { replicatorOptions } from './replicator-options.ts';
import { SourceAvailability } from './source-availability.ts';
import type { LinkIdentity } from './store/link-store.ts';
import { TopicWatch } from './topic-watch.ts';

const CLOSE_GRACE_MS = 5_000;
/** What a partition may have queued: two full answers, so that one is appended while the next is fetched. */
const QUEUED_ANSWERS = 2;

/** A running link between two clusters; made by `createLink`. */
export class ClusterLink extends EventEmitter<LinkEvents> implements AsyncDisposable {
  readonly name: string;
  /** Settles when the link has closed for good; with the reason, or null when it was asked to. Never rejects. */
  readonly closed: Promise<LinkError | null>;
  readonly #options: ParsedOptions;
  readonly #context: PrepareContext;
  readonly #identity: LinkIdentity;
  readonly #partitionOptions: PartitionOptions;
  readonly #replicator: Replicator;
  readonly #watch: TopicWatch;
  readonly #availability: SourceAvailability;
  readonly #topics = new Map<string, MirrorTopic>();
  readonly #moved = new Set<PartitionMirror>();
  readonly #change: Change;
  readonly #closing: AbortController;
  readonly #duties: Promise<void>[] = [];
  #settleClosed!: (reason: LinkError | null) => void;
  #end: Promise<void> | null = null;
  #isOver = false;

  /** @internal Use {@link createLink}. */
  constructor(
    options: ParsedOptions,
    context: PrepareContext,
    closing: AbortController,
    { identity, fillPolicy, topics }: EstablishedLink,
  ) {
    super();
    this.name = options.name;
    this.#options = options;
    this.#context = context;
    this.#closing = closing;
    this.#change = new Change(options.clock);
    this.#identity = identity;
    this.closed = new Promise((settle) => {
      this.#settleClosed = settle;
    });
    this.#replicator = new Replicator(replicatorOptions(options, context, identity, fillPolicy), {
      phaseChanged: (mirror, from) => this.#phaseChanged(mirror, from),
      progressed: (mirror) => this.#progressed(mirror),
      check: ({ topic }) => {
        const found = this.#topics.get(topic);
        return found === undefined ? null : this.#watch.identityChange(found);
      },
      disturbed: (mirror, error) => this.#warn(error, mirror),
      logStartTrouble: (error, topic, partition) => this.#warn(error, { topic, partition }),
    });
    const { source, destination } = context;
    const { clock, settings } = options;
    this.#partitionOptions = {
      producer: identity,
      queueLimitBytes: QUEUED_ANSWERS * settings.replicaFetchMaxBytes,
      fillPolicy,
      maker: batchMaker({ clock, fillerOffsetsPerSecond: settings.paddingOffsetsPerSecond, signal: closing.signal }),
      listener: this.#replicator,
    };
    this.#watch = new TopicWatch({
      options,
      source,
      destination,
      signal: closing.signal,
      topics: this.#topics,
      destinationEnd: (mirror) => this.#replicator.destinationEnd(mirror),
      grown: (topic, count) => {
        for (const partition of this.#addPartitions(topic, count)) this.#replicator.add(partition);
      },
      warn: (error, mirror) => this.#warn(error, mirror),
    });
    this.#availability = new SourceAvailability({
      clock,
      checkMs: settings.availabilityCheckMs,
      failureThreshold: settings.availabilityCheckConsecutiveFailureThreshold,
      answeredAt: () => this.#replicator.sourceAnsweredAt,
      ask: () => source.refreshMetadata([], closing.signal),
    });
    for (const topic of topics) this.#adopt(topic);
    this.#duties.push(
      this.#every(settings.metadataMaxAgeMs, () => this.#watch.look()),
      this.#every(settings.availabilityCheckMs, () => this.#checkAvailability()),
      this.#every(settings.progressIntervalMs, async () => this.#tellProgress()),
    );
  }

  /** The same for every process that runs the link. */
  get linkId(): string {
    return this.#identity.linkId;
  }

  status(): LinkStatus {
    const { source, destination } = this.#context;
    return {
      name: this.name,
      linkId: this.linkId,
      sourceClusterId: source.metadata.clusterId,
      destinationClusterId: destination.metadata.clusterId,
      state: this.#end !== null ? 'CLOSED' : this.#availability.available ? 'ACTIVE' : 'SOURCE_UNAVAILABLE',
      error: this.#availability.error,
      mirrors: this.mirrors(),
    };
  }

  mirrors(filter: { readonly state?: MirrorState } = {}): readonly MirrorTopicStatus[] {
    return [...this.#topics.values()]
      .filter(({ state }) => filter.state === undefined || filter.state === state)
      .map((topic) => topic.status());
  }

  /** Throws `KLINK_UNKNOWN_MIRROR`. */
  mirror(topic: string): MirrorTopicStatus {
    const found = this.#topics.get(topic);
    if (found !== undefined) return found.status();
    throw new LinkError(
      'KLINK_UNKNOWN_MIRROR',
      `Link '${this.name}' has no mirror topic '${topic}'; it has: ${[...this.#topics.keys()].join(', ')}`,
    );
  }

  metrics(): LinkMetrics {
    const mirrors: Record<MirrorState, number> = { PENDING_MIRROR: 0, ACTIVE: 0, SOURCE_UNAVAILABLE: 0, FAILED: 0 };
    let [lag, bytes, batches, rebuiltBatches, filledOffsets] = [0, 0, 0, 0, 0];
    for (const { state, partitions } of this.#topics.values()) {
      mirrors[state]++;
      for (const partition of partitions) {
        lag += partition.lag;
        bytes += partition.bytes;
        batches += partition.batches;
        rebuiltBatches += partition.rebuiltBatches;
        filledOffsets += partition.filledOffsets;
      }
    }
    const { bufferedBytes } = this.#replicator;
    return {
      lag: BigInt(lag),
      bytes: BigInt(bytes),
      batches,
      rebuiltBatches,
      filledOffsets: BigInt(filledOffsets),
      bufferedBytes,
      mirrors,
    };
  }

  /**
   * Resolves when the destination has every offset that the source had at the moment of the call.
   *
   * @throws LinkError `KLINK_TIMEOUT`, `KLINK_ABORTED`, `KLINK_CLOSED`; a `MirrorFailure` when a partition has failed; whatever keeps the source from being asked.
   */
  async caughtUp({ signal, timeoutMs = Number.POSITIVE_INFINITY }: WaitOptions = {}): Promise<void> {
    const { clock } = this.#options;
    const waiting = this.#waitSignal(signal);
    const deadline = clock.now() + timeoutMs;
    const partitions = [...this.#topics.values()].flatMap((topic) => topic.partitions);
    const { source } = this.#context;
    const ends = await source.retry(
      async (count) => {
        if (count > 1) await source.refreshMetadata(this.#sourceTopics(), waiting);
        const lookup = new OffsetLookup(source, 'committed');
        return Promise.all(partitions.map(({ sourceTopic, partition }) => lookup.find(sourceTopic, partition, 'latest')));
      },
      { timeoutMs, signal: waiting },
    );
    await this.#change.until(
      () => {
        const failed = partitions.find(({ phase }) => phase === 'failed');
        if (failed !== undefined) throw failed.error ?? new LinkError('KLINK_STATE', `${failed.label} has failed`);
        return partitions.every(({ ackedOffset }, index) => ackedOffset >= (ends[index] as number));
      },
      deadline,
      waiting,
      () => `the destination still lacks ${this.metrics().lag} offset(s)`,
    );
  }

  /** Every event from the first `next` on, until the link closes or the signal is aborted. A reader that is slow loses `progress` events first, then the oldest others. */
  events({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<LinkEvent, void, undefined> {
    return streamEvents(this, () => this.#isOver, signal);
  }

  /** Stops fetching, waits for what is on its way (5 s, or `timeoutMs`), and closes every connection. Idempotent. */
  close({ timeoutMs = CLOSE_GRACE_MS }: WaitOptions = {}): Promise<void> {
    this.#end ??= this.#close(timeoutMs);
    return this.#end;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#closing.abort(new LinkError('KLINK_CLOSED', `Link '${this.name}' is closed`));
    await this.#replicator.close(timeoutMs);
    // Together: a duty that waits for a broker which does not answer ends with its connection.
    await Promise.all([...this.#duties, this.#context.source.close(), this.#context.destination.close()]);
    this.#isOver = true;
    this.#emit({ type: 'close', error: null });
    this.#settleClosed(null);
  }

  #adopt(prepared: PreparedTopic): void {
    const { topic: name, sourceTopic, partitions, sourceTopicId, topicId, startOffsets, failure } = prepared;
    const topic = new MirrorTopic({ topic: name, sourceTopic }, { sourceTopicId, topicId }, startOffsets, this.#now());
    this.#topics.set(name, topic);
    this.#addPartitions(topic, partitions);
    if (failure !== null) for (const partition of topic.partitions) partition.fail(failure);
    else for (const partition of topic.partitions) this.#replicator.add(partition);
  }

  #addPartitions(topic: MirrorTopic, count: number): PartitionMirror[] {
    const added: PartitionMirror[] = [];
    for (let partition = topic.partitions.length; partition < count; partition++) {
      const id = { topic: topic.topic, sourceTopic: topic.sourceTopic, partition, startOffset: topic.startOffsets?.[partition] ?? null };
      added.push(new PartitionMirror(id, this.#partitionOptions));
    }
    topic.partitions.push(...added);
    return added;
  }

  #phaseChanged(mirror: PartitionMirror, from: PartitionPhase): void {
    const topic = this.#topics.get(mirror.topic);
    if (topic === undefined) return;
    if (mirror.phase === 'mirroring') topic.begun(mirror.partition);
    const [before, after] = [partitionState(from), partitionState(mirror.phase)];
    const { partition, error } = mirror;
    if (before !== after && after !== 'CLOSED') {
      this.#emit({ type: 'partition', topic: topic.topic, partition, from: before, to: after, error });
      if (after === 'FAILED') this.#options.logger.error({ link: this.name, topic: topic.topic, partition, error }, 'partition failed');
    }
    this.#settle(topic);
    this.#change.happened();
  }

  #settle(topic: MirrorTopic): void {
    const from = topic.state;
    const to = topic.nextState(this.#availability.available);
    if (from === to) return;
    topic.state = to;
    topic.since = this.#now();
    this.#options.logger.info({ link: this.name, topic: topic.topic, from, to }, 'mirror topic changed its state');
    this.#emit({ type: 'mirror', topic: topic.topic, from, to, error: topic.failure });
  }

  #progressed(mirror: PartitionMirror): void {
    this.#moved.add(mirror);
    this.#change.happened();
  }

  #tellProgress(): void {
    const moved = [...this.#moved];
    this.#moved.clear();
    for (const mirror of moved) {
      const { partition, nextOffset, sourceEnd, lag, bytes } = partitionStatus(mirror);
      this.#emit({ type: 'progress', topic: mirror.topic, partition, nextOffset, sourceEnd, lag, bytes });
    }
  }

  #warn(error: LinkError, mirror: { readonly topic: string; readonly partition: number } | null): void {
    const at = { topic: mirror?.topic ?? null, partition: mirror?.partition ?? null };
    this.#options.logger.warn({ link: this.name, ...at, error }, 'something went wrong and will be tried again');
    this.#emit({ type: 'warning', ...at, error });
  }

  #emit(event: LinkEvent): void {
    const channel = linkChannels[event.type];
    if (channel.hasSubscribers) channel.publish({ link: this.name, ...event });
    try {
      (this as EventEmitter).emit(event.type, event);
    } catch (error) {
      // A listener's defect is the program's to hear of, as an uncaught exception; the engine, whose turn this is, goes on.
      process.nextTick(() => {
        throw error;
      });
    }
  }

  async #checkAvailability(): Promise<void> {
    await this.#availability.check();
    for (const topic of this.#topics.values()) this.#settle(topic);
  }

  async #every(ms: number, duty: () => Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await sleep(clock, ms, signal).catch(() => {});
      if (!signal.aborted) await duty();
    }
  }

  #waitSignal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }

  #sourceTopics(): string[] {
    return [...this.#topics.values()].map(({ sourceTopic }) => sourceTopic);
  }

  #now(): Date {
    return new Date(this.#options.clock.wallTime());
  }
}
