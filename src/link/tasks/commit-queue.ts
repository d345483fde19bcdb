/** Commits that the log has told of and that wait to be carried over: the newest of each partition, and whose turn it is. No I/O and no timers; times are by the clock. */
import { partitionKey } from './mirror-logs.ts';
import type { Position } from './plan-offsets.ts';

export interface QueuedCommit {
  readonly group: string;
  readonly sourceTopic: string;
  /** The mirror's. */
  readonly topic: string;
  readonly partition: number;
  readonly position: Position;
  /** The oldest commit that it stands for was made after this. */
  readonly since: number;
  /** When the log told of the newest one. */
  readonly toldAt: number;
  /** When the log told of the oldest one. */
  readonly waitsSince: number;
  /** It was carried over as far as the mirror goes, and waits for the data. */
  readonly isHeld: boolean;
  /** Not to be looked at before, unless its data is there. */
  readonly lookAt: number;
}

/** A group has one batch on its way at a time: what it commits meanwhile goes with the next one. */
interface Lane {
  readonly queued: Map<string, QueuedCommit>;
  underWay: ReadonlyMap<string, QueuedCommit>;
  notBefore: number;
}

/** A group that commits all the time is carried over so often: one request then carries what it committed meanwhile. */
const GROUP_EVERY_MS = 200;
const ENTRY_OVERHEAD_BYTES = 300;
const NOTHING: Lane['underWay'] = new Map();

export class CommitQueue {
  readonly #maxBytes: number;
  readonly #lanes = new Map<string, Lane>();
  #size = 0;
  #bytes = 0;

  /** Beyond `maxBytes` it holds nothing at all: only the newest position of a partition is kept, so it takes a great many groups to get there. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Commits that wait; not those that are on their way. */
  get size(): number {
    return this.#size;
  }

  /** All that wait or are on their way. */
  *[Symbol.iterator](): Generator<QueuedCommit, void, undefined> {
    for (const { queued, underWay } of this.#lanes.values()) {
      yield* queued.values();
      yield* underWay.values();
    }
  }

  /** Those that wait for data. */
  *held(): Generator<QueuedCommit, void, undefined> {
    for (const { queued } of this.#lanes.values()) for (const commit of queued.values()) if (commit.isHeld) yield commit;
  }

  /** When the log told of a position that has not been carried over yet. */
  toldAt(group: string, key: string): number | undefined {
    const lane = this.#lanes.get(group);
    return (lane?.queued.get(key) ?? lane?.underWay.get(key))?.toldAt;
  }

  /** The newest of its partition. False when that was too much, and nothing is queued any more. */
  add(commit: QueuedCommit): boolean {
    const before = this.drop(commit);
    // The newer position says all that the older one said, and is as late as that one was.
    this.#put(before === undefined || before.isHeld ? commit : asLateAs(commit, before));
    if (this.#bytes <= this.#maxBytes) return true;
    for (const { queued } of this.#lanes.values()) queued.clear();
    this.#size = 0;
    this.#bytes = 0;
    return false;
  }

  /** It could not be carried over, or not wholly: it waits again, unless a newer one has come meanwhile. */
  putBack(commit: QueuedCommit): void {
    const newer = this.#lanes.get(commit.group)?.queued.get(keyOf(commit));
    if (newer === undefined) this.#put(commit);
    else if (!commit.isHeld) this.#put(asLateAs(newer, commit));
  }

  /** Takes out what waits for a partition. */
  drop(of: Pick<QueuedCommit, 'group' | 'topic' | 'partition'>): QueuedCommit | undefined {
    const queued = this.#lanes.get(of.group)?.queued;
    const commit = queued?.get(keyOf(of));
    if (queued === undefined || commit === undefined) return undefined;
    queued.delete(keyOf(of));
    this.#size--;
    this.#bytes -= sizeOf(commit);
    return commit;
  }

  /** What may go at `now`, of so many groups at most; those that have waited longest since their last turn come first. Until {@link release} it is on its way. */
  take(now: number, maxGroups: number, isReady: (commit: QueuedCommit) => boolean): readonly QueuedCommit[] {
    const taken: QueuedCommit[] = [];
    let groups = 0;
    for (const [group, lane] of [...this.#lanes]) {
      if (lane.underWay.size > 0 || lane.notBefore > now) continue;
      if (lane.queued.size === 0) this.#lanes.delete(group);
      const ready = groups < maxGroups ? [...lane.queued.values()].filter(isReady) : [];
      if (ready.length === 0) continue;
      groups++;
      for (const commit of ready) this.drop(commit);
      lane.underWay = new Map(ready.map((commit) => [keyOf(commit), commit]));
      lane.notBefore = now + GROUP_EVERY_MS;
      // To the end of the line.
      this.#lanes.delete(group);
      this.#lanes.set(group, lane);
      taken.push(...ready);
    }
    return taken;
  }

  /** What was taken of these is not on its way any more. */
  release(taken: readonly QueuedCommit[]): void {
    for (const { group } of taken) {
      const lane = this.#lanes.get(group);
      if (lane !== undefined) lane.underWay = NOTHING;
    }
  }

  #put(commit: QueuedCommit): void {
    this.drop(commit);
    const lane = this.#lanes.get(commit.group) ?? { queued: new Map(), underWay: NOTHING, notBefore: Number.NEGATIVE_INFINITY };
    this.#lanes.set(commit.group, lane);
    lane.queued.set(keyOf(commit), commit);
    this.#size++;
    this.#bytes += sizeOf(commit);
  }
}

const keyOf = ({ topic, partition }: Pick<QueuedCommit, 'topic' | 'partition'>): string => partitionKey(topic, partition);

const asLateAs = (commit: QueuedCommit, older: QueuedCommit): QueuedCommit => ({
  ...commit,
  since: Math.min(commit.since, older.since),
  waitsSince: Math.min(commit.waitsSince, older.waitsSince),
});

const sizeOf = ({ group, topic, position }: QueuedCommit): number =>
  ENTRY_OVERHEAD_BYTES + 2 * (group.length + topic.length + position.metadata.length);
