/** A running link: its lifecycle, its topics over time, and what it shows of itself. No Kafka detail lives here. */
import { EventEmitter } from 'node:events';
import { sleep } from '../client/clock.ts';
import { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { type LinkEvent, type LinkEvents, linkChannels } from './events.ts';
import { MirrorFailure } from './mirror-failure.ts';
import type { MirrorState } from './mirror-state.ts';
import { MirrorTopic, type MirrorTopicStatus, partitionState, partitionStatus } from './mirror-topic.ts';
import { type LinkOptions, type ParsedOptions, parseOptions } from './options.ts';
import { awaitPartitions, establish, type PrepareContext, type PreparedTopic, planTopics, recreated } from './prepare.ts';
import { OffsetLookup } from './replication/offset-lookup.ts';
import { PartitionMirror, type PartitionPhase } from './replication/partition-mirror.ts';
import { Replicator } from './replication/replicator.ts';
import type { LinkIdentity } from './store/link-store.ts';
import { TopicLinkStore } from './store/topic-store.ts';
import { growTopic } from './topic-admin.ts';

/** Every call that can wait takes one of these. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly timeoutMs?: number;
}

/** Sums over a link, at one moment. */
export interface LinkMetrics {
  readonly lag: bigint;
  /** Since the link was started. */
  readonly bytes: bigint;
  readonly batches: number;
  /** Bytes fetched and not yet acknowledged. */
  readonly bufferedBytes: number;
  /** Mirror topics by state. */
  readonly mirrors: Readonly<Record<MirrorState, number>>;
}

/** What a link is, at one moment. */
export interface LinkStatus {
  readonly name: string;
  readonly linkId: string;
  readonly sourceClusterId: string | null;
  readonly destinationClusterId: string | null;
  /** `ACTIVE`; `SOURCE_UNAVAILABLE` when checks of the source have failed; `CLOSED`. */
  readonly state: 'ACTIVE' | 'SOURCE_UNAVAILABLE' | 'CLOSED';
  readonly error: LinkError | null;
  readonly mirrors: readonly MirrorTopicStatus[];
}

const DEFAULT_CONNECT_MS = 30_000;
const CLOSE_GRACE_MS = 5_000;
/** A fetch answer waits behind others on its connection only briefly: what is in flight per connection is bounded by the queues above. */
const CONNECTION_MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;
const CONNECTION_MAX_FRAME_BYTES = 512 * 1024 * 1024;
/** Partitions of one topic that a queue may hold: two full answers, so that one is appended while the next is fetched. */
const QUEUED_ANSWERS = 2;
const EVENTS_KEPT = 1_024;
/** The source topic must be missing at two looks in a row: metadata of a broker that just came up may not know it yet. */

export class ClusterLink extends EventEmitter<LinkEvents> implements AsyncDisposable {
  readonly name: string;
  /** Settles when the link has closed for good; with the reason, or null when it was asked to. Never rejects. */
  readonly closed: Promise<LinkError | null>;
  readonly #options: ParsedOptions;
  readonly #context: PrepareContext;
  readonly #identity: LinkIdentity;
  readonly #replicator: Replicator;
  readonly #topics = new Map<string, MirrorTopic>();
  readonly #moved = new Set<PartitionMirror>();
  readonly #waiters = new Set<() => void>();
  readonly #closing: AbortController;
  readonly #duties: Promise<void>[] = [];
  #settleClosed!: (reason: LinkError | null) => void;
  #sourceAvailable = true;
  #error: LinkError | null = null;
  #end: Promise<void> | null = null;

  /** @internal Use {@link createLink}. */
  constructor(
    options: ParsedOptions,
    context: PrepareContext,
    closing: AbortController,
    identity: LinkIdentity,
    topics: readonly PreparedTopic[],
  ) {
    super();
    this.name = options.name;
    this.#options = options;
    this.#context = context;
    this.#closing = closing;
    this.#identity = identity;
    this.closed = new Promise((settle) => {
      this.#settleClosed = settle;
    });
    this.#replicator = new Replicator(replicatorOptions(options, context, identity), {
      phaseChanged: (mirror, from) => this.#phaseChanged(mirror, from),
      progressed: (mirror) => this.#progressed(mirror),
      check: (mirror) => this.#check(mirror),
      disturbed: (mirror, error) => this.#warn(error, mirror),
    });
    for (const topic of topics) this.#adopt(topic);
    this.#duties.push(
      this.#every(options.settings.metadataMaxAgeMs, () => this.#lookAtTopics()),
      this.#every(options.settings.availabilityCheckMs, () => this.#checkAvailability()),
      this.#every(options.settings.progressIntervalMs, async () => this.#tellProgress()),
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
      state: this.#end !== null ? 'CLOSED' : this.#sourceAvailable ? 'ACTIVE' : 'SOURCE_UNAVAILABLE',
      error: this.#error,
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
    let [lag, bytes, batches] = [0, 0, 0];
    for (const { state, partitions } of this.#topics.values()) {
      mirrors[state]++;
      for (const partition of partitions) {
        lag += partition.lag;
        bytes += partition.bytes;
        batches += partition.batches;
      }
    }
    return { lag: BigInt(lag), bytes: BigInt(bytes), batches, bufferedBytes: this.#replicator.bufferedBytes, mirrors };
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
        const lookup = new OffsetLookup(source, 'consumer');
        return Promise.all(partitions.map(({ sourceTopic, partition }) => lookup.find(sourceTopic, partition, 'latest')));
      },
      { timeoutMs, signal: waiting },
    );
    await this.#until(
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

  /** Every event from now on, until the link closes or the signal is aborted. A reader that is slow loses `progress` events first, then the oldest others. */
  async *events({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<LinkEvent, void, undefined> {
    const kept: LinkEvent[] = [];
    let wake = (): void => {};
    const take = (event: LinkEvent): void => {
      if (kept.length >= EVENTS_KEPT)
        kept.splice(
          Math.max(
            0,
            kept.findIndex(({ type }) => type === 'progress'),
          ),
          1,
        );
      kept.push(event);
      wake();
    };
    const aborted = (): void => wake();
    const types = Object.keys(linkChannels) as LinkEvent['type'][];
    for (const type of types) this.on(type, take);
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      while (signal?.aborted !== true) {
        const event = kept.shift();
        if (event === undefined) {
          if (this.#end !== null) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        yield event;
        if (event.type === 'close') return;
      }
    } finally {
      for (const type of types) this.off(type, take);
      signal?.removeEventListener('abort', aborted);
    }
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
    for (const wake of this.#waiters) wake();
    await this.#replicator.close(timeoutMs);
    await Promise.all(this.#duties);
    await Promise.all([this.#context.source.close(), this.#context.destination.close()]);
    this.#emit({ type: 'close', error: null });
    this.#settleClosed(null);
  }

  #adopt(prepared: PreparedTopic): void {
    const { topic: name, sourceTopic, partitions, sourceTopicId, topicId, failure } = prepared;
    const topic = new MirrorTopic({ topic: name, sourceTopic }, { sourceTopicId, topicId }, this.#now());
    this.#topics.set(name, topic);
    this.#addPartitions(topic, partitions);
    if (failure !== null) for (const partition of topic.partitions) partition.fail(failure);
    else for (const partition of topic.partitions) this.#replicator.add(partition);
  }

  #addPartitions(topic: MirrorTopic, count: number): PartitionMirror[] {
    const { replicaFetchMaxBytes } = this.#options.settings;
    const added: PartitionMirror[] = [];
    for (let partition = topic.partitions.length; partition < count; partition++) {
      const id = { topic: topic.topic, sourceTopic: topic.sourceTopic, partition };
      added.push(new PartitionMirror(id, this.#identity, QUEUED_ANSWERS * replicaFetchMaxBytes, this.#replicator));
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
    this.#wakeWaiters();
  }

  #settle(topic: MirrorTopic): void {
    const from = topic.state;
    const to = topic.nextState(this.#sourceAvailable);
    if (from === to) return;
    topic.state = to;
    topic.since = this.#now();
    this.#options.logger.info({ link: this.name, topic: topic.topic, from, to }, 'mirror topic changed its state');
    this.#emit({ type: 'mirror', topic: topic.topic, from, to, error: topic.failure });
  }

  #progressed(mirror: PartitionMirror): void {
    this.#moved.add(mirror);
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    for (const wake of this.#waiters) wake();
  }

  #tellProgress(): void {
    const moved = [...this.#moved];
    this.#moved.clear();
    for (const mirror of moved) {
      const { partition, nextOffset, sourceEnd, lag, bytes } = partitionStatus(mirror);
      this.#emit({ type: 'progress', topic: mirror.topic, partition, nextOffset, sourceEnd, lag, bytes });
    }
  }

  #warn(error: LinkError, mirror: PartitionMirror | null): void {
    const at = { topic: mirror?.topic ?? null, partition: mirror?.partition ?? null };
    this.#options.logger.warn({ link: this.name, ...at, error }, 'something went wrong and will be tried again');
    this.#emit({ type: 'warning', ...at, error });
  }

  #emit(event: LinkEvent): void {
    const channel = linkChannels[event.type];
    if (channel.hasSubscribers) channel.publish({ link: this.name, ...event });
    (this as EventEmitter).emit(event.type, event);
  }

  /** Before a partition is compared again: is its topic, on both sides, still the one that was mirrored? */
  #check({ topic: name }: PartitionMirror): MirrorFailure | null {
    const topic = this.#topics.get(name);
    if (topic === undefined) return null;
    const { source, destination } = this.#context;
    const sourceTopicId = source.metadata.topic(topic.sourceTopic)?.topicId ?? null;
    if (sourceTopicId !== null && topic.ids.sourceTopicId !== null && sourceTopicId !== topic.ids.sourceTopicId) {
      return recreated(topic.sourceTopic, topic.ids.sourceTopicId, sourceTopicId);
    }
    const topicId = destination.metadata.topic(name)?.topicId ?? null;
    if (topicId !== null && topic.ids.topicId !== null && topicId !== topic.ids.topicId) {
      return new MirrorFailure(
        'DESTINATION_TOPIC_DELETED',
        `the mirror topic '${name}' was deleted and created anew by somebody else; start the link again to mirror into the new one`,
      );
    }
    return null;
  }

  /** New, vanished and changed topics on both sides, and writes by others into mirrors that are idle. */
  async #lookAtTopics(): Promise<void> {
    const { source, destination, signal } = this.#context;
    try {
      await Promise.all([
        source.refreshMetadata(this.#sourceTopics(), signal),
        destination.refreshMetadata([...this.#topics.keys()], signal),
      ]);
    } catch (error) {
      if (!signal.aborted) this.#warn(LinkError.from(error), null);
      return;
    }
    for (const topic of this.#topics.values()) {
      const failure = this.#changeOf(topic);
      if (failure !== null) for (const partition of topic.partitions) partition.fail(failure);
      else await this.#grow(topic).catch((error: unknown) => this.#warn(LinkError.from(error), topic.partitions[0] ?? null));
      await this.#lookForForeignWrites(topic);
    }
  }

  #changeOf(topic: MirrorTopic): MirrorFailure | null {
    const { source, destination } = this.#context;
    const [first] = topic.partitions;
    const wrong = first === undefined ? null : this.#check(first);
    if (wrong !== null) return wrong;
    const found = source.metadata.topic(topic.sourceTopic);
    const missing = found?.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const missingBefore = topic.missing;
    topic.missing = missing;
    if (missing) {
      return missingBefore
        ? new MirrorFailure(
            'SOURCE_TOPIC_MAY_BE_DELETED',
            `the source topic '${topic.sourceTopic}' was not found at two looks in a row; the mirror keeps what was copied`,
          )
        : null;
    }
    if (found?.errorCode === ErrorCode.NONE && found.partitions.length < topic.partitions.length) {
      return new MirrorFailure(
        'SOURCE_PARTITIONS_DECREASED',
        `the source topic '${topic.sourceTopic}' has ${found.partitions.length} partitions now, its mirror ${topic.partitions.length}`,
      );
    }
    if (destination.metadata.topic(topic.topic)?.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
      return new MirrorFailure(
        'DESTINATION_TOPIC_DELETED',
        `the mirror topic '${topic.topic}' is gone from the destination; start the link again to mirror it anew`,
      );
    }
    return null;
  }

  async #grow(topic: MirrorTopic): Promise<void> {
    const { source, destination, signal } = this.#context;
    const count = source.metadata.topic(topic.sourceTopic)?.partitions.length ?? 0;
    const before = topic.partitions.length;
    if (count <= before || topic.state === 'FAILED') return;
    const present = destination.metadata.topic(topic.topic)?.partitions.length ?? 0;
    if (present < count) await growTopic(destination, topic.topic, count, signal);
    await awaitPartitions(destination, topic.topic, count, this.#options, signal);
    this.#options.logger.info({ link: this.name, topic: topic.topic, before, count }, 'the source has more partitions; so has the mirror');
    for (const partition of this.#addPartitions(topic, count)) this.#replicator.add(partition);
  }

  /** A busy mirror notices a foreign write by where its next batch lands; an idle one has to look. */
  async #lookForForeignWrites(topic: MirrorTopic): Promise<void> {
    const idle = (mirror: PartitionMirror): boolean => mirror.phase === 'mirroring' && mirror.inFlight === 0 && !mirror.hasBatchToSend;
    await Promise.all(
      topic.partitions.filter(idle).map(async (mirror) => {
        const before = mirror.ackedOffset;
        const end = await this.#replicator.destinationEnd(mirror).catch(() => before);
        if (end === before || !idle(mirror) || mirror.ackedOffset !== before) return;
        mirror.disturb(
          new LinkError(
            'KLINK_DIVERGED',
            `${mirror.label}: the mirror ends at ${end}, though only ${before} offset(s) were copied here: another process of the link, or a foreign write`,
            {
              retriable: true,
            },
          ),
        );
      }),
    );
  }

  #failedChecks = 0;

  /** Data that flows is proof enough; otherwise the source is asked. */
  async #checkAvailability(): Promise<void> {
    const { clock, settings } = this.#options;
    const { source, signal } = this.#context;
    const quiet = clock.now() - this.#replicator.sourceAnsweredAt;
    try {
      if (quiet > settings.availabilityCheckMs) await source.refreshMetadata([], signal);
      this.#failedChecks = 0;
      this.#error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.#failedChecks++;
      this.#error = LinkError.from(error);
    }
    const available = this.#failedChecks < settings.availabilityCheckConsecutiveFailureThreshold;
    if (available === this.#sourceAvailable) return;
    this.#sourceAvailable = available;
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

  async #until(done: () => boolean, deadline: number, signal: AbortSignal, what: () => string): Promise<void> {
    const { clock } = this.#options;
    while (!done()) {
      if (signal.aborted) throw signal.reason;
      const left = deadline - clock.now();
      if (left <= 0) throw new LinkError('KLINK_TIMEOUT', `Time is over: ${what()}`, { retriable: true });
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          cancel();
          this.#waiters.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const cancel = Number.isFinite(left) ? clock.schedule(left, wake) : () => {};
        this.#waiters.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
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

const replicatorOptions = (
  options: ParsedOptions,
  { source, destination }: PrepareContext,
  identity: LinkIdentity,
): ConstructorParameters<typeof Replicator>[0] => {
  const { clock, random, acks, settings } = options;
  return {
    source,
    destination,
    clock,
    random,
    producer: identity,
    fetch: {
      responseMaxBytes: settings.replicaFetchResponseMaxBytes,
      partitionMaxBytes: settings.replicaFetchMaxBytes,
      minBytes: settings.replicaFetchMinBytes,
      waitMaxMs: settings.replicaFetchWaitMaxMs,
    },
    append: {
      acks,
      // The broker gives up first, so that its answer says what happened.
      timeoutMs: Math.max(1, Math.floor(settings.requestTimeoutMs * 0.8)),
      maxInFlightRequests: settings.appendInFlightRequests,
      requestMaxBytes: settings.appendRequestMaxBytes,
    },
    fetchersPerBroker: settings.numClusterLinkFetchers,
    appendersPerBroker: settings.appendConnections,
    bufferBytes: settings.bufferBytes,
    retry: { backoffMs: settings.retryBackoffMs, maxBackoffMs: settings.retryBackoffMaxMs },
    retryTimeoutMs: settings.clusterLinkRetryTimeoutMs,
  };
};

/**
 * Checks the options, connects to both clusters, checks every topic, and only then makes what is missing and starts to mirror.
 * There is no half-started link: it runs, or nothing was changed.
 *
 * @throws LinkError `KLINK_CONFIG`, `KLINK_CONNECT`, `KLINK_TIMEOUT`, `KLINK_ABORTED`, `KLINK_MALFORMED`, `KLINK_AUTH`, `KLINK_BROKER`, `KLINK_STORE`,
 *   `KLINK_VERSION`, `KLINK_DIVERGED` (a destination topic has other content).
 */
export const createLink = async (
  options: LinkOptions,
  { signal, timeoutMs = DEFAULT_CONNECT_MS }: WaitOptions = {},
): Promise<ClusterLink> => {
  const parsed = parseOptions(options);
  const closing = new AbortController();
  const forward = (): void => closing.abort(signal?.reason);
  if (signal?.aborted === true) forward();
  signal?.addEventListener('abort', forward, { once: true });
  const open: Cluster[] = [];
  try {
    const connect = async (role: 'source' | 'destination'): Promise<Cluster> => {
      const cluster = await connectCluster(role, parsed, { timeoutMs, signal: closing.signal });
      open.push(cluster);
      return cluster;
    };
    const connected = await Promise.allSettled([connect('source'), connect('destination')]);
    for (const result of connected) if (result.status === 'rejected') throw result.reason;
    const [source, destination] = connected.map((result) => (result as PromiseFulfilledResult<Cluster>).value) as [Cluster, Cluster];
    const store = parsed.store ?? new TopicLinkStore(destination, parsed.name, { clock: parsed.clock, timeoutMs });
    const context: PrepareContext = { options: parsed, source, destination, store, signal: closing.signal };
    const plans = await planTopics(context);
    const { identity, topics } = await establish(context, plans);
    return new ClusterLink(parsed, context, closing, identity, topics);
  } catch (error) {
    await Promise.all(open.map((cluster) => cluster.close()));
    throw LinkError.from(error);
  } finally {
    signal?.removeEventListener('abort', forward);
  }
};

const connectCluster = (
  role: 'source' | 'destination',
  options: ParsedOptions,
  wait: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Cluster> => {
  const { clock, random, openTransport, settings } = options;
  const { bootstrap, clientId } = options[role];
  return Cluster.connect(
    {
      role,
      bootstrap,
      clientId,
      connectTimeoutMs: settings.connectTimeoutMs,
      requestTimeoutMs: settings.requestTimeoutMs,
      maxInFlightBytes: CONNECTION_MAX_IN_FLIGHT_BYTES,
      maxFrameBytes: CONNECTION_MAX_FRAME_BYTES,
      retry: { backoffMs: settings.retryBackoffMs, maxBackoffMs: settings.retryBackoffMaxMs },
    },
    { clock, random, openTransport },
    wait,
  );
};
