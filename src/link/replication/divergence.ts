/** Where two logs that began alike go apart: by a binary search, or looking back from the end of the mirror. One batch of each is compared per step. */
import type { RecordBatch } from '../../codec/record-batch.ts';
import type { AlignmentContext, LogRange, LogRanges, PartitionNames } from './align.ts';
import { REMEMBERED_BATCHES } from './batch-stamp.ts';
import { compareCommonRecords, isEmptyAt, isUnseen } from './copied-records.ts';
import { readBatchAt, readCommittedBatchAt, sameBatch } from './read-batch.ts';

/**
 * What a look at one offset says about the logs: that they are alike up to `offset`; that they are apart from `offset` on, if not before; or nothing, and
 * nothing either before `offset`. A hole, a marker and what compaction took of one side say nothing about the log around them.
 */
interface Look {
  readonly says: 'alike' | 'apart' | 'nothing';
  readonly offset: number;
}

/** So many places that say nothing are looked at one after the other; then in steps that grow: what fills a hole may be millions of batches. */
const LOOKS_NEARBY = 16;

/** What a link can have had on its way to a partition when somebody else wrote there, and what that was. */
const DISPLACED_BATCHES = REMEMBERED_BATCHES + 1;

type Clusters = Pick<AlignmentContext, 'source' | 'destination'>;

/**
 * The offset up to which source and mirror are alike, as far as can be seen: they go apart there, or in what follows it and says nothing. Null when it cannot
 * be told, since they have no offsets in common any more.
 */
export const findDivergence = async (
  clusters: Clusters,
  names: PartitionNames,
  ranges: LogRanges,
  signal: AbortSignal,
): Promise<number | null> => {
  const end = Math.min(ranges.mirror.end, ranges.source.end);
  let alike = Math.max(ranges.mirror.start, ranges.source.start);
  let apart = end;
  if (alike >= apart) return null;
  while (alike < apart) {
    const middle = alike + Math.floor((apart - alike) / 2);
    const found = await lookFrom(clusters, names, { start: middle, end: apart }, signal);
    if (found === null) return null;
    if (found.says === 'alike') alike = found.offset;
    else apart = found.says === 'apart' ? Math.max(alike, found.offset) : middle;
  }
  return Math.min(alike, end);
};

/**
 * The batch at the end of the mirror that cannot have been copied from what the source has in its place, or null when nothing says so. Looks back batch by
 * batch until one can be seen to be right: so was everything before it, then.
 */
export const findContradiction = async (
  clusters: Clusters,
  names: PartitionNames,
  ranges: LogRanges,
  signal: AbortSignal,
): Promise<RecordBatch | null> => {
  const bottom = Math.max(ranges.mirror.start, ranges.source.start);
  let { end } = ranges.mirror;
  for (let batches = 0; batches < DISPLACED_BATCHES && end > bottom; batches++) {
    const batch = await readBatchAt(clusters.destination, names.topic, names.partition, end - 1, signal);
    if (batch === null || typeof batch === 'string') return null;
    const start = Math.max(bottom, batch.baseOffsetNumber);
    const found = await lookFrom(clusters, names, { start, end }, signal);
    if (found?.says !== 'nothing') return found?.says === 'apart' ? batch : null;
    end = start;
  }
  return null;
};

/** Looks at the first offset of a range, and where that says nothing at those behind it. Says nothing when all of them do. */
const lookFrom = async (clusters: Clusters, names: PartitionNames, { start, end }: LogRange, signal: AbortSignal): Promise<Look | null> => {
  let offset = start;
  for (let looks = 0; offset < end; looks++) {
    const found = await lookAt(clusters, names, offset, signal);
    if (found?.says !== 'nothing') return found;
    offset = found.offset + (looks < LOOKS_NEARBY ? 0 : 2 ** (looks - LOOKS_NEARBY));
  }
  return { says: 'nothing', offset: end };
};

/** Null when one side cannot be read there. */
const lookAt = async (
  { source, destination }: Clusters,
  { topic, sourceTopic, partition }: PartitionNames,
  offset: number,
  signal: AbortSignal,
): Promise<Look | null> => {
  const [original, copy] = await Promise.all([
    readCommittedBatchAt(source, sourceTopic, partition, offset, signal),
    readBatchAt(destination, topic, partition, offset, signal),
  ]);
  if (original === null || copy === null) return null;
  if (typeof original === 'string') return { says: 'nothing', offset: offset + 1 };
  const { batch, isAborted } = original;
  const next = batch.nextOffsetNumber;
  if (isAborted || batch.isControl || batch.recordsCount === 0) return { says: 'nothing', offset: next };
  if (typeof copy === 'string') return { says: 'nothing', offset: offset + 1 };
  if (sameBatch(batch, copy)) return { says: 'alike', offset: next };
  if (copy.isControl || (await isUnseen(copy))) {
    // Where a filler stands in the place of a record no compaction has put it.
    const isEmpty = await isEmptyAt(original, offset);
    return isEmpty ? { says: 'nothing', offset: offset + 1 } : { says: 'apart', offset };
  }
  const common = await compareCommonRecords(copy, original);
  const both = Math.max(offset + 1, Math.min(next, copy.nextOffsetNumber));
  if (common === 'none') return { says: 'nothing', offset: both };
  if (common === 'same') return { says: 'alike', offset: both };
  // A source that goes another way does so between two batches.
  return { says: 'apart', offset: Math.min(offset, batch.baseOffsetNumber) };
};

/** What was found, for people. */
export const describeDivergence = (divergence: number | null, mirror: LogRange): string =>
  divergence === null
    ? 'Where the two logs part cannot be seen any more'
    : `Both logs are alike up to offset ${divergence}; the mirror's ${Math.max(0, mirror.end - divergence)} offset(s) from there on exist at the destination alone. Read them there if they are of value; a repair of the mirror deletes them and copies it again`;
