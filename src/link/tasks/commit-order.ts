/** Positions reach a link in two ways, by asking and by reading the log of commits: which of the two is newer. Pure. Times are by the clock. */

/** Tells, by group at the source and partition key, when the log of commits told of a position. */
export type ToldAt = (group: string, key: string) => number | undefined;

/**
 * Where a position comes from.
 * - `answer`: a coordinator was asked at `readAt`; `queuedAt` knows of positions that the log has told and that are still on their way.
 * - `log`: the log of commits has told it.
 */
export type Origin =
  | { readonly from: 'answer'; readonly readAt: number; readonly queuedAt: ToldAt }
  | { readonly from: 'log'; readonly toldAt: ToldAt };

/** When the source last said something about a position. */
export interface Heard {
  /** By its log of commits. */
  readonly toldAt: number;
  /** By a coordinator that was asked. */
  readonly readAt: number;
}

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * A coordinator's answer may be older than its log, by the moments between the two, and what the log has told may lie here for a while. Whoever
 * is ahead by more than this is right; else it is the log, which knows the order.
 */
const SETTLE_MS = 5_000;

/** Whether the log has told nothing of it that an answer asked for at `readAt` might not know yet. */
export const isSettled = ({ toldAt }: Heard, readAt: number): boolean => toldAt <= readAt - SETTLE_MS;

/**
 * What has been heard of a position once this is taken; null when it is not to be taken, because the other way has brought something newer.
 * `isSame`: the source said the same offset when it was last heard.
 */
export const hear = (origin: Origin, group: string, key: string, last: Heard | null, isSame: boolean): Heard | null => {
  const before: Heard = { toldAt: last?.toldAt ?? NEVER, readAt: last?.readAt ?? NEVER };
  if (origin.from === 'answer') {
    const toldAt = Math.max(before.toldAt, origin.queuedAt(group, key) ?? NEVER);
    return isSettled({ ...before, toldAt }, origin.readAt) ? { ...before, readAt: origin.readAt } : null;
  }
  const toldAt = origin.toldAt(group, key) ?? NEVER;
  // The same once more is no step back: it may have waited for its data all the while.
  return isSettled({ ...before, toldAt }, before.readAt) && !isSame ? null : { ...before, toldAt };
};
