/** Whether and where a committed offset of the source is carried over to the mirror. Pure. */

/** A position and what the client keeps beside it. */
export interface Position {
  readonly offset: bigint;
  readonly metadata: string;
}

/** The records that a mirror partition has: from `start` up to and without `end`. */
export interface LogRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** What is remembered of a position that was looked at before. */
export interface CarriedOver {
  /** Of the source, when its position was last carried over or found to need nothing. */
  readonly sourceOffset: bigint;
  /** What was committed then, or found to be there already; null when somebody else's commit was left alone. */
  readonly ours: Position | null;
  /** By the clock: when `ours` was committed. */
  readonly writtenAt: number;
}

export interface OffsetFacts {
  readonly source: Position;
  /** What is committed at the destination, with the leader epoch it names (-1: none); null for nothing. */
  readonly destination: (Position & { readonly leaderEpoch: number }) | null;
  readonly last: CarriedOver | null;
  /** Of the mirror; null while that is not known. */
  readonly range: LogRange | null;
  /** Whether the group has never had a member at the destination: all its commits came from outside then. */
  readonly isUntouched: boolean;
  readonly now: number;
  /** Milliseconds after which a position is committed again although it is equal, so that it does not expire. */
  readonly refreshMs: number;
}

/**
 * - `write`: to be committed: `new` where nothing was, `moved`, or `refresh` of what is equal.
 * - `keep`: `same`; `unknown` while the log is; `theirs`: somebody else committed at the destination, and the source has nothing newer to say.
 */
export type OffsetPlan = {
  /** The source is ahead of what the mirror has: what is missing follows when the data is there. */
  readonly isWaiting: boolean;
} & (
  | { readonly action: 'write'; readonly why: 'new' | 'moved' | 'refresh'; readonly position: Position }
  | { readonly action: 'keep'; readonly why: 'unknown' | 'theirs' }
  /** `isOurs`: as far as is known it was not somebody else who committed the same. */
  | { readonly action: 'keep'; readonly why: 'same'; readonly isOurs: boolean }
);

/**
 * - Never beyond the mirror's end: a consumer that finds its position there falls back to its reset policy, and reads all or misses some.
 * - Never backwards, unless the source went backwards and the last commit at the destination was ours.
 * - Somebody else's commit is passed only by a source that has moved since, and only forwards.
 */
export const planOffset = (facts: OffsetFacts): OffsetPlan => {
  const { source, destination, last, range, now, refreshMs } = facts;
  if (range === null) return { action: 'keep', why: 'unknown', isWaiting: true };
  const isWaiting = source.offset > range.end;
  const position: Position = { offset: clamped(source.offset, range), metadata: source.metadata };
  const write = (why: 'new' | 'moved' | 'refresh'): OffsetPlan => ({ action: 'write', why, position, isWaiting });
  if (destination === null) return write('new');
  const isOurs = committedByUs(facts, destination);
  if (samePosition(destination, position)) {
    const isOld = isOurs && last !== null && now - last.writtenAt >= refreshMs;
    return isOld ? write('refresh') : { action: 'keep', why: 'same', isOurs, isWaiting };
  }
  if (isOurs) return write('moved');
  const hasMoved = last === null || last.sourceOffset !== source.offset;
  return hasMoved && position.offset > destination.offset ? write('moved') : { action: 'keep', why: 'theirs', isWaiting: false };
};

const clamped = (offset: bigint, { start, end }: LogRange): bigint => (offset > end ? end : offset < start ? start : offset);

const samePosition = (a: Position, b: Position): boolean => a.offset === b.offset && a.metadata === b.metadata;

/** Consumers name the leader epoch of what they have read; a commit from outside names none, and ours never does. */
const committedByUs = ({ last, isUntouched }: OffsetFacts, destination: Position & { readonly leaderEpoch: number }): boolean => {
  if (destination.leaderEpoch !== -1) return false;
  // Without a memory of it: where nobody else was ever at work it can only be ours.
  return last === null ? isUntouched : last.ours !== null && samePosition(destination, last.ours);
};
