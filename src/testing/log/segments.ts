/** The segments of one log, oldest first: when the active one ends and another begins, and which of them may go. */
import type { LogConfig } from './log-config.ts';
import { type Entry, Segment } from './segment.ts';

/** Segments end here at the latest, whatever `segment.bytes` allows: the larger they get, the more a growing one copies. */
const MAX_SEGMENT_BYTES = 8 * 1024 * 1024;
/** An index keeps offsets relative to the segment's base in an int32. */
const MAX_RELATIVE_OFFSET = 0x7fff_ffffn;

export const maxSegmentBytes = ({ segmentBytes }: LogConfig): number => Math.min(segmentBytes, MAX_SEGMENT_BYTES);

/** True when offsets from `base` to `offset` fit into one index. */
export const fitsOneIndex = (base: bigint, offset: bigint): boolean => offset - base <= MAX_RELATIVE_OFFSET;

/** Neighbours, and the one segment that takes their place. */
export interface SegmentReplacement {
  readonly replaced: readonly Segment[];
  readonly by: Segment;
}

export class Segments {
  #all: Segment[];

  constructor(baseOffset: bigint, now: bigint) {
    this.#all = [new Segment(baseOffset, now)];
  }

  get all(): readonly Segment[] {
    return this.#all;
  }
  get active(): Segment {
    return this.#all.at(-1)!;
  }
  get size(): number {
    return this.#all.reduce((sum, { size }) => sum + size, 0);
  }

  /** Index of the segment that `offset` lies in, or would lie in; 0 for offsets before all of them. */
  indexOf(offset: bigint): number {
    return Math.max(
      0,
      this.#all.findLastIndex(({ baseOffset }) => baseOffset <= offset),
    );
  }

  /** Closes the active segment, unless nothing is in it, and begins another at `baseOffset`. */
  roll(baseOffset: bigint, now: bigint): void {
    if (this.active.size === 0) this.#all.pop();
    this.#all.push(new Segment(baseOffset, now));
  }

  /** The segment to which an entry is to be appended: a new one when the active one is full, too old, or too far away for its index. */
  room(bytes: number, { baseOffset, lastOffset, maxTimestamp }: Omit<Entry, 'position' | 'size'>, config: LogConfig, now: bigint): Segment {
    const { active } = this;
    const full = active.size > 0 && active.size + bytes > maxSegmentBytes(config);
    const old = active.size > 0 && active.ageAt(maxTimestamp, now) > config.segmentMs;
    if (full || old || !fitsOneIndex(active.baseOffset, lastOffset)) this.roll(baseOffset, now);
    return this.active;
  }

  /** Drops the segments wholly below `offset`. Returns their bytes. */
  dropBelow(offset: bigint): number {
    let freed = 0;
    while (this.#all.length > 1 && this.#all[1]!.baseOffset <= offset) freed += this.#all.shift()!.size;
    return freed;
  }

  /** Cuts off every entry from `offset` on. Returns their bytes. */
  truncateTo(offset: bigint): number {
    const before = this.size;
    while (this.#all.length > 1 && this.active.baseOffset > offset) this.#all.pop();
    this.active.truncateTo(offset);
    return before - this.size;
  }

  /** Puts one segment in the place of several neighbours. Returns the bytes that became free. */
  replace(replaced: readonly Segment[], by: Segment): number {
    const at = this.#all.indexOf(replaced[0]!);
    const removed = this.#all.splice(at, replaced.length, by);
    return removed.reduce((sum, { size }) => sum + size, 0) - by.size;
  }

  /**
   * Where the log would begin after the retention task: behind the segments that are too many by `retention.bytes`, then behind those too old by
   * `retention.ms`; never behind what some replica in sync may lack.
   */
  retainedFrom(config: LogConfig, now: bigint, highWatermark: bigint, endOffset: bigint): bigint {
    const { retentionBytes, retentionMs } = config;
    let surplus = retentionBytes < 0n ? -1n : BigInt(this.size) - retentionBytes;
    let at = 0;
    const dropWhile = (predicate: (segment: Segment) => boolean): void => {
      for (; at < this.#all.length; at++) {
        const segment = this.#all[at]!;
        const last = at === this.#all.length - 1;
        if ((last && segment.size === 0) || this.#endOf(at, endOffset) > highWatermark || !predicate(segment)) break;
      }
    };
    dropWhile(({ size }) => {
      if (surplus < BigInt(size)) return false;
      surplus -= BigInt(size);
      return true;
    });
    if (retentionMs >= 0n) dropWhile((segment) => now - segment.largestTimestamp > retentionMs);
    return at === 0 ? this.#all[0]!.baseOffset : this.#endOf(at - 1, endOffset);
  }

  #endOf(index: number, endOffset: bigint): bigint {
    return this.#all[index + 1]?.baseOffset ?? endOffset;
  }
}
