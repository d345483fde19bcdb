/** Follows the commits of the source: what its log of commits tells is carried over within moments, and the age of that is known. */
import { type Clock, type Random, sleep } from '../../client/clock.ts';
import type { Cluster } from '../../client/cluster.ts';
import type { LinkError } from '../../errors.ts';
import { Change } from '../change.ts';
import { CommitTail, type TailedCommit } from './commit-tail.ts';
import { type MirrorLogs, partitionKey } from './mirror-logs.ts';
import type { CarryContext, OffsetCarrier, SourcePositions } from './offset-carrier.ts';
import type { Position } from './plan-offsets.ts';

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

interface Entry {
  readonly group: string;
  readonly sourceTopic: string;
  readonly topic: string;
  readonly partition: number;
  readonly position: Position;
  /** By the clock: the oldest commit that it stands for was made after this. */
  readonly since: number;
  /** By the clock: when the log told of the newest one. */
  readonly toldAt: number;
  /** It was carried over as far as the mirror goes, and waits for the data. */
  readonly isHeld: boolean;
  /** By the clock: not to be looked at before. */
  readonly lookAt: number;
}

/** Commits are gathered for so long: one request then carries what a group committed meanwhile. */
const LINGER_MS = 100;
/** A position that waits for data is carried over as far as the mirror goes, at most so often. */
const HELD_MS = 1_000;
const RETRY_MS = 500;
/** Bytes of positions that have not been carried over. Only the newest of a partition is kept, so it takes a great many groups to get there. */
const MAX_QUEUED_BYTES = 64 * 1_048_576;
const ENTRY_OVERHEAD_BYTES = 300;

export class CommitFollower {
  readonly #options: CommitFollowerOptions;
  readonly #tail: CommitTail;
  readonly #closing = new AbortController();
  readonly #change: Change;
  /** By group and partition: the newest position, with the age of the oldest. */
  #queue = new Map<string, Entry>();
  #queuedBytes = 0;
  /** Likewise: what is being carried over now. */
  #underWay: ReadonlyMap<string, Entry> = new Map();
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
      moved: () => this.#change.happened(),
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
    const { readUpTo } = this.#tail;
    if (readUpTo === null) return null;
    const late = [...this.#queue.values(), ...this.#underWay.values()].filter(({ isHeld }) => !isHeld);
    return Math.min(readUpTo, ...late.map(({ since }) => since));
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
    const of = entryKey(group, key);
    return (this.#queue.get(of) ?? this.#underWay.get(of))?.toldAt;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wakeUp?.();
    await Promise.all([this.#tail.close(), this.#running]);
  }

  #add({ group, topic: sourceTopic, partition, committed, since }: TailedCommit): void {
    const topic = this.#options.mirrorOf(group, sourceTopic);
    if (topic === null) return;
    const key = keyOf({ group, topic, partition });
    if (committed === null || committed.offset < 0n) {
      this.#remove(key);
      return;
    }
    const { offset, metadata } = committed;
    const toldAt = this.#options.clock.now();
    this.#put({
      group,
      sourceTopic,
      topic,
      partition,
      position: { offset, metadata },
      since,
      toldAt,
      isHeld: false,
      lookAt: Number.NEGATIVE_INFINITY,
    });
    this.#wakeUp?.();
  }

  #put(entry: Entry): void {
    const key = keyOf(entry);
    const before = this.#remove(key);
    // The newer position says all that the older one said, and is as late as that one was.
    const since = before?.isHeld === false ? Math.min(before.since, entry.since) : entry.since;
    this.#queue.set(key, { ...entry, since });
    this.#queuedBytes += sizeOf(entry);
    if (this.#queuedBytes <= MAX_QUEUED_BYTES) return;
    this.#queue.clear();
    this.#queuedBytes = 0;
    this.#options.wake();
  }

  #remove(key: string): Entry | undefined {
    const entry = this.#queue.get(key);
    if (entry === undefined) return undefined;
    this.#queue.delete(key);
    this.#queuedBytes -= sizeOf(entry);
    return entry;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      if (this.#queue.size === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeUp = resolve;
        });
        this.#wakeUp = null;
      }
      await sleep(clock, LINGER_MS, signal).catch(() => {});
      if (signal.aborted) return;
      const taken = this.#queue;
      this.#underWay = taken;
      this.#queue = new Map();
      this.#queuedBytes = 0;
      try {
        await this.#flush(taken, signal);
      } catch {
        for (const entry of taken.values()) this.#putBack(entry);
        await sleep(clock, RETRY_MS, signal).catch(() => {});
      }
      this.#underWay = new Map();
      this.#change.happened();
    }
  }

  async #flush(taken: ReadonlyMap<string, Entry>, signal: AbortSignal): Promise<void> {
    const { carrier, context, inUse, clock } = this.#options;
    const due = await this.#due([...taken.values()], signal);
    if (due.length === 0) return;
    const now = clock.now();
    const toldAt = (group: string, key: string): number | undefined => taken.get(entryKey(group, key))?.toldAt;
    const outcome = await carrier.carry(positionsOf(due), { ...context(), origin: { from: 'log', toldAt }, signal });
    for (const group of outcome.inUse) inUse(group);
    const waiting = new Set(outcome.waiting.map(keyOf));
    const failed = new Map([...outcome.failures, ...outcome.refusals.map(({ group, error }) => [group, error] as const)]);
    for (const entry of due) {
      if (failed.get(entry.group)?.retriable === true) this.#putBack({ ...entry, isHeld: false, lookAt: now + RETRY_MS });
      else if (waiting.has(keyOf(entry))) this.#putBack({ ...entry, isHeld: true, lookAt: now + HELD_MS });
    }
  }

  /** Those whose time has come, and those whose data has; the others wait on. */
  async #due(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Entry[]> {
    const wanted = entries.filter(({ group, sourceTopic, topic }) => this.#options.mirrorOf(group, sourceTopic) === topic);
    const held = wanted.filter(({ isHeld }) => isHeld);
    const ranges = held.length === 0 ? NO_RANGES : await this.#options.logs.ranges(held, signal);
    const now = this.#options.clock.now();
    return wanted.filter((entry) => {
      const { isHeld, lookAt, topic, partition, position } = entry;
      const end = ranges.get(partitionKey(topic, partition))?.end ?? -1n;
      if (lookAt <= now || (isHeld && end >= position.offset)) return true;
      this.#putBack(entry);
      return false;
    });
  }

  /** Unless a newer position of the partition has come meanwhile. */
  #putBack(entry: Entry): void {
    const key = keyOf(entry);
    const newer = this.#queue.get(key);
    if (newer === undefined) this.#put(entry);
    else if (!entry.isHeld) this.#put({ ...newer, since: Math.min(newer.since, entry.since) });
  }
}

const NO_RANGES: Awaited<ReturnType<MirrorLogs['ranges']>> = new Map();

/** Group names may contain anything, topic names no slash. */
const entryKey = (group: string, key: string): string => `${key}/${group}`;
const keyOf = ({ group, topic, partition }: Pick<Entry, 'group' | 'topic' | 'partition'>): string =>
  entryKey(group, partitionKey(topic, partition));

const sizeOf = ({ group, topic, position }: Entry): number =>
  ENTRY_OVERHEAD_BYTES + 2 * (group.length + topic.length + position.metadata.length);

const positionsOf = (entries: readonly Entry[]): ReadonlyMap<string, SourcePositions> => {
  const groups = new Map<string, Map<string, Map<number, Position>>>();
  for (const { group, topic, partition, position } of entries) {
    const topics = groups.get(group) ?? new Map<string, Map<number, Position>>();
    groups.set(group, topics);
    const partitions = topics.get(topic) ?? new Map<number, Position>();
    topics.set(topic, partitions);
    partitions.set(partition, position);
  }
  return groups;
};
