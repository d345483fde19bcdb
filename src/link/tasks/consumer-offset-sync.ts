/** The task `ConsumerOffsetSync`: groups find their positions at the destination, by asking now and then or by following their commits. */
import type { Clock, Random } from '../../client/clock.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { chunks } from './chunks.ts';
import { CommitFollower } from './commit-follower.ts';
import { isWithoutCommits, notFollowing } from './follow-error.ts';
import { GroupAdmin, type GroupListing, type GroupOffsets } from './group-admin.ts';
import type { MirrorLogs } from './mirror-logs.ts';
import { OffsetCarrier, type SettledOffset, type SourcePositions, type WaitingOffset } from './offset-carrier.ts';
import { OffsetSyncRun } from './offset-sync-run.ts';
import { DEFAULT_OFFSETS_RETENTION_MS, offsetsRetentionMs } from './offsets-retention.ts';
import { type Task, type TaskContext, type TaskError, type TaskResult, taskError } from './task.ts';

/**
 * - `periodic`: every run asks for all positions.
 * - `following`: the commits of the source are read while they are made, and runs only make sure that nothing was missed. Needs READ on
 *   `__consumer_offsets`; without it the sync is periodic, and says so.
 */
export type OffsetSyncMode = 'periodic' | 'following';

/**
 * What becomes, at the destination, of positions that the source does not have any more.
 * - `keep`: they stay until they expire, as the product leaves them; they are not refreshed.
 * - `delete`: those that this link has committed, and nobody else since, are deleted.
 */
export type DeletedOffsets = 'keep' | 'delete';

export interface ConsumerOffsetSyncOptions {
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** Which groups of the source are synced; asked for at every run, and for every commit that is followed. */
  readonly selects: (group: string) => boolean;
  /** The topics that are mirrored now; asked for at every run, and by {@link ConsumerOffsetSync.topicsChanged}. */
  readonly topics: () => Iterable<{ readonly sourceTopic: string; readonly topic: string }>;
  readonly logs: MirrorLogs;
  /** The name of a group at the destination, one for each: `consumer.group.prefix.enable` puts the link's prefix before it. Default: the same name. */
  readonly mapGroup?: (group: string) => string;
  /** Default `periodic`. */
  readonly mode?: OffsetSyncMode;
  /** Default `keep`. */
  readonly deletedOffsets?: DeletedOffsets;
}

export interface OffsetSyncStatus {
  /** What it does now: `periodic` also when it shall follow and cannot. */
  readonly mode: OffsetSyncMode;
  /** Why it does not follow although it shall. */
  readonly followError: LinkError | null;
  /** Milliseconds: every older commit of the source is at the destination, or waits for data, or was left alone. Null before the first run that reached all groups. */
  readonly ageMs: number | null;
  /** Groups that have positions for mirrored topics. */
  readonly groups: number;
  /** Positions that wait for data. */
  readonly waiting: number;
}

const GROUPS_AT_ONCE = 100;
/** Milliseconds within a run for what may be cured by another try; what is not comes again with the next run. */
const PATIENCE_MS = 5_000;
/** Brokers read their own setting at start. */
const RETENTION_CHECK_MS = 3_600_000;
/** States of a group that has no members. Brokers before 2.6 tell none: there the commit itself will. */
const IDLE: ReadonlySet<string> = new Set(['', 'Empty', 'Dead']);
/** Type of groups that have no committed offsets. */
const SHARE_GROUP = 'share';

export class ConsumerOffsetSync implements Task {
  readonly name = 'ConsumerOffsetSync';
  readonly #options: ConsumerOffsetSyncOptions;
  readonly #source: GroupAdmin;
  readonly #destination: GroupAdmin;
  readonly #carrier: OffsetCarrier;
  readonly #mapGroup: (group: string) => string;
  #follower: CommitFollower | null = null;
  #followError: LinkError | null = null;
  /** What was committed before the follower began has been carried over by a run. */
  #isBacked = false;
  /** Mirror topics by source topic. */
  #mirrors: ReadonlyMap<string, string> = new Map();
  /** Groups of the destination, as of the last run. */
  #listed: GroupListing = { groups: new Map(), errors: [] };
  /** Groups of the destination that have refused a commit since. */
  readonly #refusing = new Set<string>();
  #retention = { ms: DEFAULT_OFFSETS_RETENTION_MS, readAt: Number.NEGATIVE_INFINITY };
  /** By the clock: the start of the last run that reached every group. */
  #syncedUpTo: number | null = null;

  constructor(options: ConsumerOffsetSyncOptions) {
    const { source, destination, clock, logs, mapGroup = (group) => group } = options;
    this.#options = options;
    this.#mapGroup = mapGroup;
    this.#source = new GroupAdmin(source);
    this.#destination = new GroupAdmin(destination);
    this.#carrier = new OffsetCarrier({ destination: this.#destination, clock, logs, mapGroup });
  }

  get status(): OffsetSyncStatus {
    const followedUpTo = this.#follower?.failure === null ? this.#follower.syncedUpTo : null;
    const syncedUpTo = this.#syncedUpTo !== null && this.#isBacked && followedUpTo !== null ? followedUpTo : this.#syncedUpTo;
    return {
      mode: followedUpTo === null ? 'periodic' : 'following',
      followError: this.#followError,
      ageMs: syncedUpTo === null ? null : Math.max(0, this.#options.clock.now() - syncedUpTo),
      groups: this.#carrier.groups.length,
      waiting: this.waiting().length,
    };
  }

  /** Positions that are at the destination only as far as the mirror goes: of all mirrors, or of one. */
  waiting(topic?: string): readonly WaitingOffset[] {
    return this.#carrier.waiting().filter((waiting) => topic === undefined || waiting.topic === topic);
  }

  /** Topics are mirrored that were not, or the other way round. Resolves when nothing is committed any more for those that are not. */
  topicsChanged(): Promise<void> {
    this.#mirrors = new Map([...this.#options.topics()].map(({ sourceTopic, topic }) => [sourceTopic, topic]));
    const mirrors = new Set(this.#mirrors.values());
    this.#carrier.retain((group, topic) => this.#options.selects(group) && mirrors.has(topic));
    return this.#carrier.idle();
  }

  async run({ signal, wake }: TaskContext): Promise<TaskResult> {
    const { clock, selects } = this.#options;
    await this.topicsChanged();
    // First the end of the log, then the state of the groups: what is committed in between is seen twice rather than never.
    const followError = await this.#ensureFollowing(wake, signal);
    const startedAt = clock.now();
    const [theirs, ours] = await Promise.all([this.#source.list(signal), this.#destination.list(signal)]);
    this.#listed = ours;
    this.#refusing.clear();
    await this.#readRetention(signal);
    const listed = [...theirs.groups].filter(([, { type }]) => type !== SHARE_GROUP).map(([group]) => group);
    // Those that have vanished from the list are asked for too: their coordinators know.
    const groups = [...new Set([...listed, ...this.#carrier.groups])].filter(selects);
    const run = new OffsetSyncRun();
    await this.#carryAll(groups, run, signal);
    const late = await this.#awaitFollower(startedAt, signal);
    if (theirs.errors.length === 0 && run.failures.size === 0) {
      this.#syncedUpTo = startedAt;
      this.#isBacked = true;
    }
    const listingErrors = [...theirs.errors, ...ours.errors].map((error) => taskError(error, null));
    return {
      counts: { groups: groups.length, waiting: this.waiting().length, ...run.counts },
      errors: [...(followError === null ? [] : [followError]), ...listingErrors, ...run.errors(), ...(late === null ? [] : [late])],
    };
  }

  async suspend(): Promise<void> {
    const follower = this.#follower;
    this.#follower = null;
    await follower?.close();
    await this.#carrier.idle();
  }

  /** Resolves with what has to be told: that it cannot follow, or has lost the thread since the last run. */
  async #ensureFollowing(wake: () => void, signal: AbortSignal): Promise<TaskError | null> {
    if (this.#options.mode !== 'following') return null;
    const before = this.#follower?.failure ?? null;
    if (this.#follower !== null && before === null) return null;
    await this.suspend();
    const follower = this.#newFollower(wake);
    try {
      await follower.open(signal);
      this.#follower = follower;
      this.#isBacked = false;
      this.#followError = null;
      return before === null ? null : taskError(before, null);
    } catch (error) {
      await follower.close();
      signal.throwIfAborted();
      this.#followError = notFollowing(LinkError.from(error));
      return isWithoutCommits(error) ? null : taskError(this.#followError, null);
    }
  }

  /** What the log of commits has told lately is the follower's to carry over: whoever waits for a run waits for that too. */
  async #awaitFollower(startedAt: number, signal: AbortSignal): Promise<TaskError | null> {
    try {
      await this.#follower?.reach(startedAt, PATIENCE_MS, signal);
      return null;
    } catch (error) {
      signal.throwIfAborted();
      return taskError(error, null);
    }
  }

  #newFollower(wake: () => void): CommitFollower {
    const { source, clock, random, logs, selects } = this.#options;
    return new CommitFollower({
      source,
      clock,
      random,
      logs,
      carrier: this.#carrier,
      mirrorOf: (group, sourceTopic) => {
        const topic = this.#mirrors.get(sourceTopic);
        return topic !== undefined && selects(group) ? topic : null;
      },
      context: () => this.#context(),
      inUse: (group) => this.#refusing.add(this.#mapGroup(group)),
      wake,
    });
  }

  #context() {
    const { groups, errors } = this.#listed;
    return {
      isInUse: (group: string) => !IDLE.has(groups.get(group)?.state ?? '') || this.#refusing.has(group),
      isUntouched: (group: string) => (groups.has(group) ? groups.get(group)?.protocolType === '' : errors.length === 0),
      refreshMs: this.#retention.ms / 2,
    };
  }

  /** Brokers that have just moved, started or died do not make a run fail: their groups are tried again while there is time. */
  async #carryAll(groups: readonly string[], run: OffsetSyncRun, signal: AbortSignal): Promise<void> {
    const { destination } = this.#options;
    let left = groups;
    const attempt = async (): Promise<void> => {
      for (const some of chunks(left, GROUPS_AT_ONCE)) await this.#carrySome(some, run, signal);
      left = left.filter((group) => run.failures.get(group)?.retriable === true);
      const [first] = left;
      if (first !== undefined) throw run.failures.get(first);
    };
    const timeoutMs = Math.min(destination.settings.requestTimeoutMs, PATIENCE_MS);
    // What has kept groups from being synced is told of each of them.
    await destination.retry(attempt, { timeoutMs, signal, doing: 'Syncing the offsets of consumer groups' }).catch(() => {});
    signal.throwIfAborted();
  }

  async #carrySome(groups: readonly string[], run: OffsetSyncRun, signal: AbortSignal): Promise<void> {
    const readAt = this.#options.clock.now();
    const before = new Map(groups.map((group) => [group, this.#carrier.settled(group, readAt)]));
    const found = await this.#source.offsets(groups, signal);
    const positions = new Map<string, SourcePositions>();
    run.begin(groups);
    for (const [group, offsets] of found) {
      if (LinkError.is(offsets)) {
        run.failures.set(group, offsets);
        continue;
      }
      const mirrored = this.#mirrored(offsets);
      if (mirrored.size > 0) positions.set(group, mirrored);
      const gone = [...(before.get(group) ?? [])].filter(([, { topic, partition }]) => mirrored.get(topic)?.has(partition) !== true);
      if (gone.length > 0) await this.#drop(group, new Map(gone), run, signal);
    }
    if (positions.size === 0) return;
    try {
      const queuedAt = (group: string, key: string): number | undefined => this.#follower?.queuedAt(group, key);
      run.add(await this.#carrier.carry(positions, { ...this.#context(), origin: { from: 'answer', readAt, queuedAt }, signal }));
    } catch (error) {
      signal.throwIfAborted();
      for (const group of positions.keys()) run.failures.set(group, LinkError.from(error));
    }
  }

  #mirrored(offsets: GroupOffsets): SourcePositions {
    return new Map(
      [...offsets].flatMap(([sourceTopic, partitions]) => {
        const topic = this.#mirrors.get(sourceTopic);
        return topic === undefined ? [] : [[topic, partitions] as const];
      }),
    );
  }

  /** Positions that the source has no more: deleted there, expired, or gone with their group. */
  async #drop(group: string, gone: ReadonlyMap<string, SettledOffset>, run: OffsetSyncRun, signal: AbortSignal): Promise<void> {
    const name = this.#mapGroup(group);
    if (this.#options.deletedOffsets === 'delete' && !this.#context().isInUse(name)) {
      const present = (await this.#destination.offsets([name], signal)).get(name) ?? new Map();
      if (LinkError.is(present)) {
        run.failures.set(group, present);
        return;
      }
      const ours = [...gone.values()].filter((it) => it.ours !== null && present.get(it.topic)?.get(it.partition)?.offset === it.ours);
      run.deleted(group, await this.#destination.deleteOffsets(name, ours, signal).catch((error) => LinkError.from(error)));
    }
    this.#carrier.forget(group, gone.keys());
  }

  async #readRetention(signal: AbortSignal): Promise<void> {
    const { clock, destination } = this.#options;
    const now = clock.now();
    if (now - this.#retention.readAt < RETENTION_CHECK_MS) return;
    const ms = await offsetsRetentionMs(destination, signal).catch(() => null);
    this.#retention = { ms: ms ?? this.#retention.ms, readAt: now };
  }
}
