/** A running link as its user sees it: its operations, its events, and what it shows of itself. No Kafka detail lives here. */
import { EventEmitter } from 'node:events';
import { either } from '../client/abort.ts';
import { LinkError } from '../errors.ts';
import { Change } from './change.ts';
import type { ChangedConfig, ConfigChange } from './configs/config-set.ts';
import { type ConfigListing, describeConfigs } from './configs/describe-configs.ts';
import type { ConfigOption } from './configs/link-configs.ts';
import { createMirror, type NewMirrorOptions } from './create-mirror.ts';
import { Duties } from './duties.ts';
import { streamEvents } from './event-stream.ts';
import { type LinkEvent, type LinkEvents, linkChannels } from './events.ts';
import { type EstablishedLink, joinParts, type LinkParts, type PartsListener } from './link-parts.ts';
import type { LinkMetrics, LinkStatus, WaitOptions } from './link-status.ts';
import { SETUP_CONFIGS } from './link-tasks.ts';
import { linkMetrics } from './metrics/link-metrics.ts';
import type { LinkSnapshot } from './metrics/metric-family.ts';
import { type OpenMetricsOptions, openMetrics } from './metrics/open-metrics.ts';
import { type MirrorTopicStatus, partitionStatus } from './mirror-status.ts';
import type { MirrorTopic } from './mirror-topic.ts';
import type { MirrorOutcome } from './operations/each-mirror.ts';
import type { OperationOptions, PromoteOptions } from './operations/operations.ts';
import type { RepairOptions, RepairOutcome } from './operations/repairs.ts';
import type { MirrorSelection } from './operations/selection.ts';
import type { ParsedOptions } from './options.ts';
import type { PrepareContext } from './plan-topics.ts';
import type { ConfigureOptions } from './reconfigure.ts';
import type { PartitionMirror } from './replication/partition-mirror.ts';
import { linkErrorOf, linkStateOf } from './states/link-states.ts';
import type { MirrorTopicState } from './states/mirror-topic-states.ts';
import type { LinkIdentity, StoredMirror } from './store/link-store.ts';
import { TASK_NAMES, type TaskName, type TaskRun, type TaskStatus } from './tasks/task.ts';
import { planVerification, type VerifyChoices } from './verify/options.ts';
import type { VerifyReport } from './verify/report.ts';
import { verifyTopics } from './verify/verify-topics.ts';

const CLOSE_GRACE_MS = 5_000;
/** Changes that a partition takes over only when it is routed anew. */
const ROUTING_CONFIGS: readonly ConfigOption[] = ['numClusterLinkFetchers', 'appendConnections', 'bufferBytes'];

/** A running link between two clusters; made by `createLink`. */
export class ClusterLink extends EventEmitter<LinkEvents> implements AsyncDisposable {
  readonly name: string;
  /** Settles when the link has closed for good; with the reason, or null when it was asked to. Never rejects. */
  readonly closed: Promise<LinkError | null>;
  readonly #options: ParsedOptions;
  readonly #context: PrepareContext;
  readonly #identity: LinkIdentity;
  readonly #parts: LinkParts;
  readonly #moved = new Set<PartitionMirror>();
  readonly #change: Change;
  readonly #closing: AbortController;
  readonly #duties: Duties;
  /** Stops that a process before this one has begun. */
  readonly #resumed: Promise<unknown>;
  #settleClosed!: (reason: LinkError | null) => void;
  #end: Promise<void> | null = null;
  #isOver = false;

  /** @internal Use {@link createLink}. */
  constructor(context: PrepareContext, closing: AbortController, established: EstablishedLink) {
    super();
    const { options } = context;
    const { clock } = options;
    this.name = options.name;
    this.#options = options;
    this.#context = context;
    this.#closing = closing;
    this.#change = new Change(clock);
    this.#identity = established.identity;
    this.closed = new Promise((settle) => {
      this.#settleClosed = settle;
    });
    const listener: PartsListener = {
      emit: (event) => this.#emit(event),
      warn: (error, mirror) => this.#warn(error, mirror),
      progressed: (partition) => this.#progressed(partition),
      configured: (changed, which) => this.#configured(changed, which),
      configsSeen: (sourceTopic, configs) => this.#configsSeen(sourceTopic, configs),
    };
    this.#parts = joinParts(context, established, this.#change, listener, closing.signal);
    const { mirrors, tasks, watch, operations, repairs } = this.#parts;
    for (const stored of established.atRest) mirrors.remember(stored);
    for (const topic of established.topics) mirrors.adopt(topic);
    tasks.start();
    this.#duties = new Duties(clock, closing.signal);
    this.#duties.every(
      () => options.settings.metadataMaxAgeMs,
      () => watch.look(),
    );
    this.#duties.every(
      () => options.settings.progressIntervalMs,
      async () => this.#tellProgress(),
    );
    this.#resumed = Promise.all([operations.resumeStops(), repairs.resumeRepairs()]);
  }

  /** The same for every process that runs the link. */
  get linkId(): string {
    return this.#identity.linkId;
  }

  status(): LinkStatus {
    const { source, destination } = this.#context;
    const { available, error } = this.#parts.availability;
    const state = linkStateOf({ failed: false, paused: this.#options.settings.clusterLinkPaused, sourceAvailable: available });
    return {
      name: this.name,
      linkId: this.linkId,
      sourceClusterId: source.metadata.clusterId ?? this.#identity.sourceClusterId,
      destinationClusterId: destination.metadata.clusterId,
      state: this.#end === null ? state : 'CLOSED',
      linkError: linkErrorOf(error),
      error,
      mirrors: this.mirrors(),
      tasks: this.tasks(),
    };
  }

  mirrors(filter: { readonly state?: MirrorTopicState } = {}): readonly MirrorTopicStatus[] {
    const now = this.#options.clock.now();
    return this.#parts.mirrors.all
      .filter(({ state }) => filter.state === undefined || filter.state === state)
      .map((mirror) => mirror.status(now));
  }

  /** Throws `KLINK_UNKNOWN_MIRROR`. */
  mirror(topic: string): MirrorTopicStatus {
    return this.#parts.mirrors.known(topic).status(this.#options.clock.now());
  }

  tasks(): readonly TaskStatus[] {
    return this.#parts.tasks.statuses();
  }

  /** A whole run of a task that begins now, also of a paused one. Rejects with `KLINK_STATE` while the task cannot run, `KLINK_TIMEOUT`, `KLINK_ABORTED`. */
  runTask(name: TaskName, options: WaitOptions = {}): Promise<TaskRun> {
    return this.#parts.tasks.runNow(name, options);
  }

  metrics(): LinkMetrics {
    return linkMetrics(this.#parts.mirrors.all, this.#parts.replicator.bufferedBytes);
  }

  /** All of that at one moment; what {@link openMetrics} writes, also for several links together. */
  snapshot(): LinkSnapshot {
    return {
      status: this.status(),
      metrics: this.metrics(),
      offsetSync: this.#options.settings.consumerOffsetSyncEnable ? this.#parts.tasks.offsets.status : null,
    };
  }

  /** The metrics as OpenMetrics text, for a scrape: content type {@link OPEN_METRICS_CONTENT_TYPE}. */
  openMetrics(options: OpenMetricsOptions = {}): string {
    return openMetrics([this.snapshot()], options);
  }

  /** The configs of the link as the product lists them; secrets are not shown. */
  configs(): readonly ConfigListing[] {
    return describeConfigs(this.#options.live.set);
  }

  /**
   * Changes configs while the link runs: all of the changes or none. Nothing that is on its way is lost. With `validateOnly` it only says what would change.
   *
   * New `bootstrap.servers` are asked first which cluster they lead to, for 30 s (`timeoutMs`) at most; then the link goes over to what they say.
   *
   * @throws LinkConfigError `KLINK_CONFIG` with every problem, addresses of another cluster included; `KLINK_CONNECT`, `KLINK_TIMEOUT`, `KLINK_ABORTED` when
   *   no new address answers; `KLINK_STORE` and whatever keeps the change from being written down. Then nothing has changed.
   */
  configure(changes: readonly ConfigChange[], options: ConfigureOptions = {}): Promise<readonly ChangedConfig[]> {
    return this.#parts.reconfigure.change(changes, options);
  }

  /**
   * Mirrors another topic of the source from now on. With `validateOnly` it only says whether that can be done.
   *
   * @throws LinkError as {@link createLink} does for a topic; `KLINK_STATE` for one that is a mirror of this link already.
   */
  async createMirrorTopic(sourceTopic: string, options: NewMirrorOptions = {}): Promise<string> {
    const { topic, prepared } = await createMirror(this.#context, this.#parts.mirrors, sourceTopic, options);
    if (prepared !== null) this.#parts.mirrors.adopt(prepared);
    return topic;
  }

  /** Lets mirrors rest until they are resumed, also in other processes. What is on its way arrives. */
  pause(mirrors: MirrorSelection, options: OperationOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#parts.operations.pause(mirrors, options);
  }

  resume(mirrors: MirrorSelection, options: OperationOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#parts.operations.resume(mirrors, options);
  }

  /**
   * Planned: waits until a mirror has everything its source has, configs and committed offsets too, and makes it an ordinary topic. Producers to the source
   * must be stopped: it goes on only after they have not written for a second. One that does not get there in time (5 minutes) goes on as a mirror. Each topic succeeds or fails by itself.
   */
  promote(mirrors: MirrorSelection, options: PromoteOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#parts.operations.promote(mirrors, options);
  }

  /**
   * Unplanned: makes a mirror an ordinary topic as it is, without a word to its source, and says how far behind it was. There is no way back. What is not over
   * in time (1 minute) goes on by itself, also in the next process.
   */
  failover(mirrors: MirrorSelection, options: OperationOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#parts.operations.failover(mirrors, options);
  }

  /**
   * Makes failed mirrors like their sources again. What a source has lost, or has otherwise, is deleted from the mirror; since brokers take nothing off the
   * end of a log, the mirror topic is deleted, made anew and copied again. Where both logs agree again it just goes on. `validateOnly` resolves with the
   * plan alone: per partition where both logs part, what is lost and what has to be copied.
   *
   * Resolves when the mirror is copied as far as its committed offsets point, and they are back. What is not over in time (no limit, unless one is given)
   * goes on by itself, also in the next process. Each topic succeeds or fails by itself.
   *
   * Errors of single topics: `KLINK_LOSS` when something would be lost and `acceptLoss` is not set; `KLINK_STATE` for a mirror that has not failed, or for a
   * reason that a repair does not cure, with what does; `KLINK_AUTH` with the command that grants what is missing. In all these cases nothing was changed.
   */
  repair(mirrors: MirrorSelection, options: RepairOptions = {}): Promise<readonly RepairOutcome[]> {
    return this.#parts.repairs.repair(mirrors, options);
  }

  /**
   * Resolves when the destination has every offset that could be copied from the source at the moment of the call.
   *
   * @throws LinkError `KLINK_TIMEOUT`, `KLINK_ABORTED`, `KLINK_CLOSED`; a `MirrorFailure` when a partition has failed; whatever keeps the source from being asked.
   */
  async caughtUp({ signal, timeoutMs = Number.POSITIVE_INFINITY }: WaitOptions = {}): Promise<void> {
    const partitions = [...this.#parts.mirrors.live.values()].flatMap((mirror) => mirror.partitions);
    await this.#parts.caughtUp(partitions, either(signal, this.#closing.signal), timeoutMs);
  }

  /**
   * Compares mirrors with their sources as they are now, record by record where it must: see docs/verify.md. Left out, `topics` are all mirrors that are not
   * stopped. Takes connections of its own, so the link does not wait for it.
   *
   * @throws LinkError `KLINK_CONFIG` for choices that cannot be, `KLINK_UNKNOWN_MIRROR`, `KLINK_ABORTED`; else as `verifyMirror`. Differences do not reject.
   */
  async verify(
    topics: readonly string[] = [...this.#parts.mirrors.live.keys()],
    choices: VerifyChoices = {},
    signal?: AbortSignal,
  ): Promise<VerifyReport> {
    const { source, destination } = this.#context;
    const names = topics.map((topic) => this.#parts.mirrors.known(topic).stored).map(({ topic, sourceTopic }) => ({ topic, sourceTopic }));
    const parts = { source, destination, clock: this.#options.clock, signal: either(signal, this.#closing.signal) };
    return verifyTopics(parts, planVerification(choices, names));
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
    await this.#parts.replicator.close(timeoutMs);
    // Together: a duty that waits for a broker which does not answer ends with its connection.
    await Promise.all([
      this.#duties.over,
      this.#resumed,
      this.#parts.tasks.close(),
      this.#context.source.close(),
      this.#context.destination.close(),
    ]);
    this.#isOver = true;
    this.#emit({ type: 'close', error: null });
    this.#settleClosed(null);
  }

  async #configured(changed: readonly ChangedConfig[], options: ReadonlySet<ConfigOption>): Promise<void> {
    if (ROUTING_CONFIGS.some((option) => options.has(option))) this.#parts.replicator.reroute();
    this.#duties.changed();
    await this.#parts.tasks.apply(TASK_NAMES.filter((task) => SETUP_CONFIGS[task]?.some((option) => options.has(option))));
    this.#parts.mirrors.settleAll();
    this.#emit({ type: 'config', changed });
  }

  #progressed(partition: PartitionMirror): void {
    this.#moved.add(partition);
    this.#change.happened();
    if (partition.lag > 0) return;
    const mirror = this.#parts.mirrors.get(partition.topic);
    if (mirror === undefined || mirror.hasCaughtUp || !mirror.isCaughtUp) return;
    mirror.hasCaughtUp = true;
    this.#remember(mirror, { hasCaughtUp: true });
  }

  #configsSeen(sourceTopic: string, sourceConfigs: NonNullable<StoredMirror['sourceConfigs']>): void {
    for (const mirror of this.#parts.mirrors.live.values()) {
      if (mirror.sourceTopic !== sourceTopic || JSON.stringify(mirror.stored.sourceConfigs) === JSON.stringify(sourceConfigs)) continue;
      this.#remember(mirror, { sourceConfigs });
    }
  }

  /** Facts that are found again if they could not be written down. */
  #remember(mirror: MirrorTopic, facts: Partial<StoredMirror>): void {
    this.#parts.mirrors.change(mirror, facts, this.#closing.signal).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#warn(LinkError.from(error), null);
    });
  }

  #tellProgress(): void {
    const moved = [...this.#moved];
    this.#moved.clear();
    const now = this.#options.clock.now();
    for (const mirror of moved) {
      const { partition, nextOffset, sourceEnd, lag, bytes } = partitionStatus(mirror, now);
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
}
