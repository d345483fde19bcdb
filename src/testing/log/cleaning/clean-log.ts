/** One round of the log cleaner on a partition: which offsets are its business, and the exchange of segments when it is done. */
import { type Release, since } from '../../releases.ts';
import type { LogConfig } from '../log-config.ts';
import type { PartitionLog } from '../partition-log.ts';
import { cleanSegments } from './clean-segments.ts';

/** In what releases differ. */
export interface CleanerHabits {
  /** See `CleaningRound`. */
  readonly horizons: boolean;
  /** Which last batch stays, if only as an empty one: that of the round, that before the high watermark, or neither. */
  readonly keepsLast: 'of the round' | 'of the log' | null;
}

/** Read in the sources of 2.8, 3.9, 4.1 and 4.3, and played on brokers of 3.9 and 4.4. */
export const cleanerHabits = (release: Release): CleanerHabits => ({
  horizons: since(release, '3.9'),
  keepsLast: since(release, '4.4') ? 'of the log' : since(release, '3.9') ? 'of the round' : null,
});

/** How a round is to go. */
export interface CleaningTerms {
  readonly config: LogConfig;
  /** Wall time of the broker. */
  readonly now: bigint;
  readonly habits: CleanerHabits;
  /** Also when nothing is dirty: tombstones and markers may be due. Real brokers wait until something else was written. */
  readonly force: boolean;
}

/** The offsets a round of the log cleaner took for dirty. */
export interface CleanedRange {
  readonly from: bigint;
  /** Where the next round begins. */
  readonly to: bigint;
}

/** Cleans, and returns what was dirty before; null when there was nothing to do. A log that is cut meanwhile is begun again. */
export const cleanLog = async (log: PartitionLog, { config, now, habits, force }: CleaningTerms): Promise<CleanedRange | null> => {
  for (;;) {
    const { cuts, producers } = log;
    const from = firstDirty(log);
    const upTo = firstUncleanable(log, from, config, now);
    if (upTo < from || upTo === log.segments[0]!.baseOffset || (upTo === from && !force)) return null;
    const segments = log.segments.filter(({ baseOffset }) => baseOffset < upTo);
    const aborted = producers.transactions.abortedBetween(0n, upTo);
    const { horizons, keepsLast } = habits;
    const keepBefore = keepsLast === null ? null : keepsLast === 'of the log' ? log.highWatermark : upTo;
    const round = { segments, firstDirty: from, upTo, config, now, horizons, keepBefore, aborted, producers: producers.all() };
    const cleaned = await cleanSegments(round);
    if (cuts !== log.cuts) continue;
    log.takeCleaned(cleaned.replacements, upTo);
    producers.transactions.keepAborted(upTo, cleaned.keptAborted);
    return { from, to: upTo };
  }
};

/** Where the last round ended, as long as that is inside the log. */
const firstDirty = ({ cleanedTo, startOffset, endOffset }: PartitionLog): bigint =>
  cleanedTo === null || cleanedTo < startOffset || cleanedTo > endOffset ? startOffset : cleanedTo;

/** Where the first segment begins that holds the last stable offset, is active, or has a record younger than `min.compaction.lag.ms`. */
const firstUncleanable = (
  { segments, lastStableOffset }: PartitionLog,
  from: bigint,
  { minCompactionLagMs }: LogConfig,
  now: bigint,
): bigint => {
  const segmentOf = (offset: bigint): number =>
    Math.max(
      0,
      segments.findLastIndex(({ baseOffset }) => baseOffset <= offset),
    );
  const active = segments.length - 1;
  const tooYoung = ({ largestTimestamp }: { readonly largestTimestamp: bigint }): boolean => largestTimestamp > now - minCompactionLagMs;
  const young = minCompactionLagMs > 0n ? segments.slice(segmentOf(from), active).findIndex(tooYoung) : -1;
  const bound = Math.min(segmentOf(lastStableOffset), active, young < 0 ? active : segmentOf(from) + young);
  return segments[Math.max(bound, segmentOf(from))]!.baseOffset;
};
