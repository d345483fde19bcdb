/** One round of the log cleaner on a partition: which offsets are its business, and the exchange of segments when it is done. */
import type { LogConfig } from '../log-config.ts';
import type { PartitionLog } from '../partition-log.ts';
import { cleanSegments } from './clean-segments.ts';

/** How a round is to go. */
export interface CleaningTerms {
  readonly config: LogConfig;
  /** Wall time of the broker. */
  readonly now: bigint;
  /** See `CleaningRound`. */
  readonly horizons: boolean;
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
export const cleanLog = async (log: PartitionLog, { config, now, horizons, force }: CleaningTerms): Promise<CleanedRange | null> => {
  for (;;) {
    const { cuts, producers } = log;
    const from = firstDirty(log);
    const upTo = firstUncleanable(log, from, config, now);
    if (upTo < from || upTo === log.segments[0]!.baseOffset || (upTo === from && !force)) return null;
    const segments = log.segments.filter(({ baseOffset }) => baseOffset < upTo);
    const aborted = producers.transactions.abortedBetween(0n, upTo);
    const cleaned = await cleanSegments({ segments, firstDirty: from, upTo, config, now, horizons, aborted, producers: producers.all() });
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
