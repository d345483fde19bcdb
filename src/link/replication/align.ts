/** Finds where a partition goes on: reads both logs' ends, and makes sure that the destination's tail is a copy of the source's. */
import type { Cluster } from '../../client/cluster.ts';
import type { RecordBatch } from '../../codec/record-batch.ts';
import { LinkError } from '../../errors.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import { sequenceOf } from './append-plan.ts';
import type { OffsetLookup } from './offset-lookup.ts';
import type { Alignment, LinkProducer } from './partition-mirror.ts';
import { readBatchAt, sameBatch } from './read-batch.ts';

export interface AlignmentContext {
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly sourceOffsets: OffsetLookup;
  readonly destinationOffsets: OffsetLookup;
  /** Null before the link has one: then nothing in a mirror is its own. */
  readonly producer: LinkProducer | null;
}

export interface AlignedPartition {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly partition: number;
}

/** A range of offsets in a log: `end` is the next offset to be written. */
export interface LogRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What two ranges say before any batch is read. Pure.
 * - `fresh`: the mirror is empty and the source begins at 0.
 * - `compare`: the last copied batch must be looked at on both sides.
 * - `recognise`: the source has just deleted that batch; the mirror's last one must at least be the link's own.
 * - `ahead`: the mirror has more than the source; who wrote its last batch says whether the source lost records or somebody wrote into the mirror.
 */
export const judgeRanges = (label: string, source: LogRange, mirror: LogRange): 'fresh' | 'compare' | 'recognise' | 'ahead' => {
  if (mirror.end === 0) {
    if (source.start === 0) return 'fresh';
    throw new MirrorFailure(
      'UNSUPPORTED_LOG_START',
      `${label}: the source log starts at offset ${source.start}; a mirror of a log that does not start at 0 is not made`,
    );
  }
  if (mirror.end > source.end) return 'ahead';
  if (mirror.end < source.start) {
    throw new MirrorFailure(
      'SOURCE_RECORDS_EXPIRED',
      `${label}: the mirror ends at offset ${mirror.end}, but the source log starts at ${source.start} now: ${source.start - mirror.end} offset(s) were deleted before they were copied`,
    );
  }
  return mirror.end === source.start ? 'recognise' : 'compare';
};

/**
 * @throws MirrorFailure when the mirror cannot go on; any other `LinkError` when it should be tried again.
 */
export const align = async (
  context: AlignmentContext,
  { topic, sourceTopic, partition }: AlignedPartition,
  signal: AbortSignal,
): Promise<Alignment> => {
  const label = `${topic}-${partition}`;
  // The mirror first: what another process of the link appends meanwhile is then never ahead of what is read of the source.
  const mirror = await context.destinationOffsets.range(topic, partition);
  const source = await context.sourceOffsets.range(sourceTopic, partition);
  const found = { sourceStart: source.start, sourceEnd: source.end, offset: mirror.end };
  const verdict = judgeRanges(label, source, mirror);
  if (verdict === 'fresh') return { ...found, lastFetchedEpoch: -1 };
  const last = mirror.end - 1;
  const [original, copy] = await Promise.all([
    verdict === 'compare' ? readBatchAt(context.source, sourceTopic, partition, last, signal) : ('absent' as const),
    readBatchAt(context.destination, topic, partition, last, signal),
  ]);
  if (original === 'old-format') {
    throw new MirrorFailure(
      'UNSUPPORTED_MESSAGE_FORMAT',
      `${label}: the source has messages of format v0 or v1 at offset ${last}; only v2 record batches (Kafka 0.11 and later) are mirrored`,
    );
  }
  if (original === null || copy === null) {
    // The batch may not be replicated yet, and so not be readable.
    throw new LinkError(
      'KLINK_STATE',
      `${label}: offset ${last} cannot be read on the ${original === null ? 'source' : 'destination'} at the moment`,
      { retriable: true },
    );
  }
  const ours = typeof copy === 'object' && copy.producerId === context.producer?.producerId;
  if (ours && copy.baseSequence !== sequenceOf(copy.baseOffsetNumber)) {
    throw new MirrorFailure(
      'DESTINATION_FOREIGN_WRITE',
      `${label}: the link's batch at offset ${copy.baseOffset} of the mirror was made for another one: somebody else wrote into the mirror before it. ` +
        'Deny writes to the topic, delete it and mirror it anew',
    );
  }
  if (verdict === 'ahead') throw aheadOfSource(label, source, mirror, ours);
  if (typeof original === 'string') {
    // Deleted or compacted away since it was copied: what the link wrote itself, at its place, is proof enough.
    if (ours) return { ...found, lastFetchedEpoch: -1 };
  } else if (typeof copy === 'object' && (sameBatch(original, copy) || (ours && isCompacted(original, copy)))) {
    return { ...found, lastFetchedEpoch: original.partitionLeaderEpoch };
  }
  throw ours
    ? new MirrorFailure(
        'UNEXPECTED_TRUNCATION',
        `${label}: the source has other records at offset ${last} than those that were copied: its log was truncated or replaced`,
      )
    : new MirrorFailure(
        'DESTINATION_DIVERGED',
        `${label}: the records at offset ${last} of the mirror topic are not those of the source. Delete the topic, or choose another name, to mirror it`,
      );
};

/** Compaction keeps a batch's range and removes records from it. */
const isCompacted = (original: RecordBatch, copy: RecordBatch): boolean =>
  !original.isDense && original.baseOffset === copy.baseOffset && original.lastOffsetDelta === copy.lastOffsetDelta;

/** What the link has copied cannot be ahead of its source, unless the source has lost it since. */
const aheadOfSource = (label: string, source: LogRange, mirror: LogRange, ours: boolean): MirrorFailure => {
  const where = `${label}: the mirror ends at offset ${mirror.end}, the source at ${source.end}`;
  const surplus = mirror.end - source.end;
  return ours
    ? new MirrorFailure(
        'UNEXPECTED_TRUNCATION',
        `${where}. The source has lost ${surplus} offset(s) that were copied: an unclean election, or a new log`,
      )
    : new MirrorFailure(
        'DESTINATION_FOREIGN_WRITE',
        `${where}, and the last records of the mirror are not the link's. Somebody else wrote into the mirror, ${surplus} offset(s) more than the source has. ` +
          'Deny writes to the topic, delete it and mirror it anew',
      );
};
