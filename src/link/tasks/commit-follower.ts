/** Follows the commits of the source: what its log of commits tells is carried over within moments, and the age of that is known. */
import { type Clock, type Random, sleep } from '../../client/clock.ts';
import type { Cluster } from '../../client/cluster.ts';
import type { LinkError } from '../../errors.ts';
import { Change } from '../change.ts';
import { CommitQueue, type QueuedCommit } from './commit-queue.ts';
import { CommitTail, type TailedCommit } from './commit-tail.ts';
import { type MirrorLogs, partitionKey } from './mirror-logs.ts';
import type { CarryContext, OffsetCarrier, SourcePositions } from './offset-carrier.ts';
import type { LogRange, Position } from './plan-offsets.ts';

export interface CommitFollowerOptions {
  readonly source: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly carrier: OffsetCarrier;
  readonly logs: MirrorLogs;
  /** The mirror of a source topic, for groups and topics that are synced; null for others. */
  readonly mirrorOf: (group: string, sourceTopic: string) => string | null;
  readonly context: () => Pick<CarryContext, 'isInUse' | 'isUntouched' | 'refreshMs'>;
  /** A group turned out to have members at the destination. */
  readonly inUse: (group: string) => void;
  /** Asks for a whole run: commits may have been missed. */
  readonly wake: () => void;
}

/** While there are commits that wait for anything, they are looked through so often. */
const TICK_MS = 25;
/** The data of a commit is usually a moment behind it: for so long it is waited for, before the position is carried over as far as the mirror goes. */
const DATA_GRACE_MS = 250;
/** A position that waits for data is carried over as far as the mirror goes, at most so often. */
const HELD_MS = 1_000;
const RETRY_MS = 500;
/** Batches of groups on their way at a time: one that is slow does not hold up the others. */
const BATCHES_AT_ONCE = 8;
const GROUPS_PER_BATCH = 100;
const MAX_QUEUED_BYTES = 64 * 1_048_576;

export class CommitFollower {
  readonly #options: CommitFollowerOptions;
  readonly #tail: CommitTail;
  readonly #closing = new AbortController();
  readonly #change: Change;
  readonly #queue = new CommitQueue(MAX_QUEUED_BYTES);
  readonly #batches = new Set<Promise<void>>();
  #wakeUp: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CommitFollowerOptions) {
    this.#options = options;
    const { source, clock, random, wake } = options;
    this.#change = new Change(clock);
    this.#tail = new CommitTail({
      source,
      clock,
      random,
      found: (commit) => this.#add(commit),
      lost: wake,
      moved: () => {
        this.#wakeUp?.();
        this.#change.happened();
      },
    });
  }

  /** As {@link CommitTail.open}: what was committed before has to be asked for after this has resolved. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#tail.open(signal);
    this.#running = this.#run();
  }

  /** Why it has ended by itself. */
  get failure(): LinkError | null {
    return this.#tail.failure;
  }

  /** By the clock: every commit made before has been carried over, or is one that waits for data or was left alone. Null before it has begun. */
  get syncedUpTo(): number | null {
    let { readUpTo: oldest } = this.#tail;
    if (oldest === null) return null;
    for (const { isHeld, since } of this.#queue) if (!isHeld && since < oldest) oldest = since;
    return oldest;
  }

  /**
   * Resolves when {@link syncedUpTo} has come to `at`.
   *
   * @throws LinkError why it has ended by itself; `KLINK_TIMEOUT` after `timeoutMs`; `KLINK_ABORTED`.
   */
  reach(at: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const isThere = (): boolean => {
      if (this.failure !== null) throw this.failure;
      return (this.syncedUpTo ?? at) >= at;
    };
    const missing = (): string =>
      `commits that were made at the source ${Math.round(this.#options.clock.now() - at)} ms ago are still on their way`;
    return this.#change.until(isThere, this.#options.clock.now() + timeoutMs, signal, missing);
  }

  /** By the clock: when the log told of a position that has not been carried over yet. */
  queuedAt(group: string, key: string): number | undefined {
    return this.#queue.toldAt(group, key);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wakeUp?.();
    await Promise.all([this.#tail.close(), this.#running, ...this.#batches]);
  }

  #add({ group, topic: sourceTopic, partition, committed, since }: TailedCommit): void {
    const topic = this.#options.mirrorOf(group, sourceTopic);
    if (topic === null) return;
    if (committed === null || committed.offset < 0n) {
      this.#queue.drop({ group, topic, partition });
      return;
    }
    const { offset, metadata } = committed;
    const now = this.#options.clock.now();
    const position = { offset, metadata };
    const told = { toldAt: now, waitsSince: now, isHeld: false, lookAt: Number.NEGATIVE_INFINITY };
    if (!this.#queue.add({ group, sourceTopic, topic, partition, position, since, ...told })) this.#options.wake();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      if (this.#queue.size > 0) await sleep(clock, TICK_MS, signal).catch(() => {});
      else {
        await new Promise<void>((resolve) => {
          this.#wakeUp = resolve;
        });
        this.#wakeUp = null;
      }
      if (this.#batches.size >= BATCHES_AT_ONCE) await Promise.race(this.#batches);
      const ends = await this.#askForEnds(signal);
      const now = clock.now();
      const taken = this.#queue.take(now, GROUPS_PER_BATCH, (commit) => this.#isReady(commit, now, ends));
      if (taken.length === 0 || signal.aborted) continue;
      const batch = this.#carry(taken, signal).finally(() => this.#batches.delete(batch));
      this.#batches.add(batch);
    }
  }

  /** Its data is there, or has been waited for. */
  #isReady({ topic, partition, position, isHeld, lookAt, waitsSince }: QueuedCommit, now: number, ends: Ends): boolean {
    const asked = ends.get(partitionKey(topic, partition));
    const end = this.#options.logs.copiedUpTo?.(topic, partition) ?? asked?.end ?? null;
    const isThere = end !== null && end >= position.offset;
    if (isHeld) return isThere || lookAt <= now;
    return lookAt <= now && (isThere || end === null || waitsSince + DATA_GRACE_MS <= now);
  }

  /** How far the mirrors of held positions are, where that can be told only by asking. */
  async #askForEnds(signal: AbortSignal): Promise<Ends> {
    const { logs } = this.#options;
    const unknown = [...this.#queue.held()].filter(({ topic, partition }) => (logs.copiedUpTo?.(topic, partition) ?? null) === null);
    return unknown.length === 0 ? NO_ENDS : logs.ranges(unknown, signal).catch(() => NO_ENDS);
  }

  /** Does not reject. */
  async #carry(taken: readonly QueuedCommit[], signal: AbortSignal): Promise<void> {
    const { clock, mirrorOf } = this.#options;
    const wanted = taken.filter(({ group, sourceTopic, topic }) => mirrorOf(group, sourceTopic) === topic);
    try {
      if (wanted.length > 0) await this.#carryAll(wanted, signal);
    } catch {
      const lookAt = clock.now() + RETRY_MS;
      for (const commit of wanted) this.#queue.putBack({ ...commit, lookAt });
    }
    this.#queue.release(taken);
    this.#change.happened();
  }

  async #carryAll(commits: readonly QueuedCommit[], signal: AbortSignal): Promise<void> {
    const { carrier, context, inUse, clock } = this.#options;
    const now = clock.now();
    const toldAt = new Map(commits.map((commit) => [entryKey(commit), commit.toldAt]));
    const origin = { from: 'log', toldAt: (group: string, key: string) => toldAt.get(`${key}/${group}`) } as const;
    const outcome = await carrier.carry(positionsOf(commits), { ...context(), origin, signal });
    for (const group of outcome.inUse) inUse(group);
    const waiting = new Set(outcome.waiting.map(entryKey));
    const failed = new Map([...outcome.failures, ...outcome.refusals.map(({ group, error }) => [group, error] as const)]);
    for (const commit of commits) {
      if (failed.get(commit.group)?.retriable === true) this.#queue.putBack({ ...commit, isHeld: false, lookAt: now + RETRY_MS });
      else if (waiting.has(entryKey(commit))) this.#queue.putBack({ ...commit, isHeld: true, lookAt: now + HELD_MS });
    }
  }
}

type Ends = ReadonlyMap<string, LogRange>;
const NO_ENDS: Ends = new Map();

/** Group names may contain anything, topic names no slash. */
const entryKey = ({ group, topic, partition }: Pick<QueuedCommit, 'group' | 'topic' | 'partition'>): string =>
  `${partitionKey(topic, partition)}/${group}`;

const positionsOf = (commits: readonly QueuedCommit[]): ReadonlyMap<string, SourcePositions> => {
  const groups = new Map<string, Map<string, Map<number, Position>>>();
  for (const { group, topic, partition, position } of commits) {
    const topics = groups.get(group) ?? new Map<string, Map<number, Position>>();
    groups.set(group, topics);
    const partitions = topics.get(topic) ?? new Map<number, Position>();
    topics.set(topic, partitions);
    partitions.set(partition, position);
  }
  return groups;
};
