/** Finds where a partition goes on: reads both logs' ends, and makes sure that the destination's tail is a copy of the source's. */
import type { Cluster } from '../../client/cluster.ts';
import type { RecordBatch } from '../../codec/record-batch.ts';
import { LinkError } from '../../errors.ts';
import { findFirstV2Offset } from '../log-start/first-v2-offset.ts';
import { paddingRefusal } from '../log-start/padding-estimate.ts';
import { oldFormatAdvice } from '../log-start/start-offset.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import { type Fill, type LinkProducer, sequenceAfter, sequenceOf } from './append-queue.ts';
import { isCopyOf, isEmptyAt, type SourceBatch } from './copied-records.ts';
import { describeDivergence, findDivergence } from './divergence.ts';
import type { FillPolicy } from './fill-policy.ts';
import { PADDING_TIMESTAMP } from './filler-batch.ts';
import { isFillerId } from './marker-writer.ts';
import type { OffsetLookup } from './offset-lookup.ts';
import type { Alignment } from './partition-mirror.ts';
import type { LastSequence, ProducerLookup } from './producer-lookup.ts';
import { readBatchAt, readCommittedBatchAt, sameBatch, samePayload } from './read-batch.ts';

/** What to do about offsets at which the source has nothing any more. */
export interface GapRules {
  readonly fillPolicy: FillPolicy;
  /** Offsets that a mirror is padded with, at most, so that it starts where its source does. */
  readonly paddingMaxOffsets: number;
  /** `fill`: what the source deleted before it was copied is left out of the mirror too; `stop`: the mirror fails. */
  readonly sourceTrimmed: 'fill' | 'stop';
}

export interface AlignmentContext {
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly sourceOffsets: OffsetLookup;
  readonly destinationOffsets: OffsetLookup;
  /** Null before the link has a producer: then nothing in a mirror is its own. */
  readonly own: { readonly producer: LinkProducer; readonly lookup: ProducerLookup } | null;
  readonly gaps: GapRules;
}

export interface AlignedPartition {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly partition: number;
  /** Where a new mirror begins at the source; null: wherever the source's log begins. */
  readonly startOffset: number | null;
}

/** A range of offsets in a log: `end` is the next offset to be written. */
export interface LogRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What two ranges say before any batch is read. Pure.
 * - `fresh`: the mirror is empty.
 * - `compare`: the last copied batch must be looked at on both sides.
 * - `recognise`: the source has deleted that batch; the mirror's last one must at least be the link's own.
 * - `ahead`: the mirror has more than the source; who wrote its last batch says whether the source lost records or somebody wrote into the mirror.
 */
export const judgeRanges = (source: LogRange, mirror: LogRange): 'fresh' | 'compare' | 'recognise' | 'ahead' => {
  if (mirror.end === 0) return 'fresh';
  if (mirror.end > source.end) return 'ahead';
  return mirror.end <= source.start ? 'recognise' : 'compare';
};

/** How often both questions about the mirror are asked until the answers belong together. */
const LOOKS = 3;
/** Below this many offsets markers are as quick as padding, and nobody sees them while they lie there. */
const MARKERS_INSTEAD_OF_PADDING = 100_000;

/**
 * @throws MirrorFailure when the mirror cannot go on; any other `LinkError` when it should be tried again.
 */
export const align = async (context: AlignmentContext, mirrored: AlignedPartition, signal: AbortSignal): Promise<Alignment> => {
  const { topic, sourceTopic, partition } = mirrored;
  const label = `${topic}-${partition}`;
  const { mirror, last } = await readMirror(context, mirrored);
  // After the mirror, which is then never ahead of what is read of the source.
  const source = await context.sourceOffsets.range(sourceTopic, partition);
  // A mirror may begin later than its source, if that was asked for: what lies before is none of its business.
  const start = Math.max(source.start, mirrored.startOffset ?? 0);
  // A log start that has overtaken an open transaction lies above the last stable offset.
  const copied = { start, end: Math.max(source.end, source.start) };
  const tail = await recogniseTail(context, mirrored, { mirror, source: copied }, signal);
  const padded = copied.start > mirror.end;
  const fetchOffset = padded ? copied.start : mirror.end;
  return {
    offset: mirror.end,
    fetchOffset,
    padding: padded ? paddingFor(context.gaps, label, mirror, copied, tail) : NO_PADDING,
    sequence: last === 'none' ? sequenceOf(mirror.end) : sequenceAfter(last, 1),
    lastFetchedEpoch: padded ? -1 : tail.lastFetchedEpoch,
    lastTimestamp: tail.lastTimestamp,
    endsWithMarkers: tail.endsWithMarkers,
    ownTail: tail.own,
    mirrorStart: mirror.start,
    sourceStart: source.start,
    sourceEnd: Math.max(source.end, fetchOffset),
  };
};

/**
 * The mirror's log and the sequence that its leader has seen last, as of one moment: a request that a broker carries out late may land between the
 * two questions. With a sequence older than the end the next batch would be taken for the repetition of another one; with one newer than the end it
 * would be appended in the wrong place.
 */
const readMirror = async (
  { own, destinationOffsets }: AlignmentContext,
  { topic, partition }: AlignedPartition,
): Promise<{ readonly mirror: LogRange; readonly last: LastSequence }> => {
  let last = (await own?.lookup.lastSequence(topic, partition)) ?? 'none';
  for (let look = 0; look < LOOKS; look++) {
    const mirror = await destinationOffsets.range(topic, partition);
    const again = (await own?.lookup.lastSequence(topic, partition)) ?? 'none';
    if (again === last) return { mirror, last };
    last = again;
  }
  throw new LinkError('KLINK_STATE', `${topic}-${partition}: the mirror is being written by another process of the link at the moment`, {
    retriable: true,
  });
};

const NO_PADDING: Fill = { as: 'markers', timestamp: -1n };

interface Tail {
  readonly lastFetchedEpoch: number;
  readonly lastTimestamp: bigint;
  readonly endsWithMarkers: boolean;
  readonly own: Alignment['ownTail'];
  /** The mirror ends in the middle of its padding. */
  readonly isPadding: boolean;
}

const EMPTY: Tail = { lastFetchedEpoch: -1, lastTimestamp: -1n, endsWithMarkers: false, own: null, isPadding: true };

/** Makes sure that the mirror's last batch is what the link has copied there. */
const recogniseTail = async (
  context: AlignmentContext,
  { topic, sourceTopic, partition }: AlignedPartition,
  { mirror, source }: { readonly mirror: LogRange; readonly source: LogRange },
  signal: AbortSignal,
): Promise<Tail> => {
  const label = `${topic}-${partition}`;
  const verdict = judgeRanges(source, mirror);
  if (verdict === 'fresh') {
    // Said before anything is written: from which offset on the log could be mirrored.
    const first = source.end > source.start ? await readBatchAt(context.source, sourceTopic, partition, source.start, signal) : null;
    if (first === 'old-format') throw await oldFormat(context, sourceTopic, partition, source, signal);
    return EMPTY;
  }
  const last = mirror.end - 1;
  const [original, copy] = await Promise.all([
    verdict === 'compare' ? readCommittedBatchAt(context.source, sourceTopic, partition, last, signal) : ('absent' as const),
    // Nothing is left to read where everything was deleted; what is left of the mirror is its end, and nobody but the link moves that.
    mirror.start === mirror.end ? ('deleted' as const) : readBatchAt(context.destination, topic, partition, last, signal),
  ]);
  if (original === 'old-format') throw await oldFormat(context, sourceTopic, partition, source, signal);
  if (original === null || copy === null) {
    // The batch may not be replicated yet, and so not be readable.
    throw new LinkError(
      'KLINK_STATE',
      `${label}: offset ${last} cannot be read on the ${original === null ? 'source' : 'destination'} at the moment`,
      { retriable: true },
    );
  }
  const isOurs = typeof copy === 'object' && context.own !== null && copy.producerId === context.own.producer.producerId;
  const isMarker = typeof copy === 'object' && context.own !== null && copy.isControl && isFillerId(copy.producerId);
  const isOwnTopic = context.own !== null;
  if (verdict === 'ahead') {
    const isOwnTail = isOurs || isMarker || (copy === 'deleted' && isOwnTopic);
    throw await aheadOfSource(context, { topic, sourceTopic, partition }, { mirror, source }, isOwnTail, signal);
  }
  if (copy === 'deleted' && isOwnTopic) return { ...EMPTY, isPadding: false, lastFetchedEpoch: epochOf(original) };
  const tail: Tail = {
    lastFetchedEpoch: epochOf(original),
    lastTimestamp: typeof copy === 'object' ? copy.maxTimestamp : -1n,
    endsWithMarkers: isMarker,
    own: isOurs ? { baseOffset: copy.baseOffsetNumber, baseSequence: copy.baseSequence } : null,
    isPadding: isOurs && copy.maxTimestamp === PADDING_TIMESTAMP && copy.baseTimestamp === PADDING_TIMESTAMP,
  };
  // Below the source's start they are padding, and will be deleted.
  const mayShowFiller = (offset: number): boolean => context.gaps.fillPolicy === 'records' || offset < source.start;
  if (typeof original === 'string') {
    // Deleted or compacted away since it was copied, or a hole that was filled: what the link wrote itself, at its place, is proof enough.
    if (isMarker) return tail;
    if (isOurs && (original === 'absent' || mayShowFiller(last) || !tail.isPadding)) return tail;
  } else if (isMarker) {
    if (await isEmptyAt(original, last)) return tail;
    throw new MirrorFailure(
      'DESTINATION_FOREIGN_WRITE',
      `${label}: offset ${last} of the mirror is filled with a marker, but the source has records there: more offsets were filled than it has holes, ` +
        'by a second process of the link or by a request that a broker carried out late. Delete the topic and mirror it anew',
    );
  } else if (typeof copy === 'object') {
    if (!original.isAborted && sameBatch(original.batch, copy)) return tail;
    if (isOurs && (await isCopyOf(copy, original, mayShowFiller))) return tail;
  }
  if (!isOurs || typeof original === 'string') {
    throw new MirrorFailure(
      'DESTINATION_DIVERGED',
      `${label}: the records at offset ${last} of the mirror topic are not those of the source. Delete the topic, or choose another name, to mirror it`,
    );
  }
  throw await otherRecords(context, { topic, sourceTopic, partition }, { mirror, source }, copy, signal);
};

const oldFormat = async (
  { source }: AlignmentContext,
  topic: string,
  partition: number,
  range: LogRange,
  signal: AbortSignal,
): Promise<MirrorFailure> =>
  new MirrorFailure(
    'UNSUPPORTED_MESSAGE_FORMAT',
    `${topic}-${partition}: the source has messages of format v0 or v1; only v2 record batches (Kafka 0.11 and later) are mirrored. ` +
      oldFormatAdvice(await findFirstV2Offset(source, topic, partition, range, signal)),
  );

const epochOf = (original: SourceBatch | string): number => (typeof original === 'object' ? original.batch.partitionLeaderEpoch : -1);

/** The link's own last batch is not what the source has at its place: either it was displaced, or the source is another one now. */
const otherRecords = async (
  context: AlignmentContext,
  names: Omit<AlignedPartition, 'startOffset'>,
  ranges: { readonly mirror: LogRange; readonly source: LogRange },
  copy: RecordBatch,
  signal: AbortSignal,
): Promise<MirrorFailure> => {
  const label = `${names.topic}-${names.partition}`;
  const shift = sequenceOf(copy.baseOffsetNumber) - copy.baseSequence;
  const meant = copy.baseOffsetNumber - shift;
  if (shift > 0 && meant >= ranges.source.start) {
    const made = await readBatchAt(context.source, names.sourceTopic, names.partition, meant, signal);
    if (made !== null && typeof made === 'object' && samePayload(made, copy)) {
      return new MirrorFailure(
        'DESTINATION_FOREIGN_WRITE',
        `${label}: the link's batch at offset ${copy.baseOffset} of the mirror is that of source offset ${made.baseOffset}: somebody else wrote into the mirror before it. ` +
          'Deny writes to the topic, delete it and mirror it anew',
      );
    }
  }
  const divergence = await findDivergence(context, names, ranges, signal);
  return new MirrorFailure(
    'UNEXPECTED_TRUNCATION',
    `${label}: the source has other records at offset ${copy.lastOffset} than those that were copied: its log was truncated or replaced. ${describeDivergence(divergence, ranges.mirror)}`,
  );
};

/** What the link has copied cannot be ahead of its source, unless the source has lost it since. */
const aheadOfSource = async (
  context: AlignmentContext,
  names: Omit<AlignedPartition, 'startOffset'>,
  ranges: { readonly mirror: LogRange; readonly source: LogRange },
  isOurs: boolean,
  signal: AbortSignal,
): Promise<MirrorFailure> => {
  const { mirror, source } = ranges;
  const where = `${names.topic}-${names.partition}: the mirror ends at offset ${mirror.end}, the source at ${source.end}`;
  const surplus = mirror.end - source.end;
  if (!isOurs) {
    return new MirrorFailure(
      'DESTINATION_FOREIGN_WRITE',
      `${where}, and the last records of the mirror are not the link's. Somebody else wrote into the mirror, ${surplus} offset(s) more than the source has. ` +
        'Deny writes to the topic, delete it and mirror it anew',
    );
  }
  // What was written since the source lost something may hide how much that was.
  const divergence = await findDivergence(context, names, ranges, signal);
  return new MirrorFailure(
    'UNEXPECTED_TRUNCATION',
    `${where}. The source has lost ${surplus} offset(s) that were copied, or more: an unclean election, or a new log. ${describeDivergence(divergence, mirror)}`,
  );
};

/** How the offsets below the source's log start are filled; they are deleted again when the copy has got past them. */
const paddingFor = (gaps: GapRules, label: string, mirror: LogRange, source: LogRange, tail: Tail): Fill => {
  const count = source.start - mirror.end;
  if (!tail.isPadding && gaps.sourceTrimmed === 'stop') {
    throw new MirrorFailure(
      'SOURCE_RECORDS_EXPIRED',
      `${label}: the mirror ends at offset ${mirror.end}, but the source log starts at ${source.start} now: ${source.start - mirror.end} offset(s) were deleted before they were copied`,
    );
  }
  const limits = { from: mirror.end, to: source.start, limit: gaps.paddingMaxOffsets, setting: 'settings.paddingMaxOffsets' };
  const refusal = paddingRefusal(label, limits);
  if (refusal !== null) throw new MirrorFailure('UNSUPPORTED_LOG_START', refusal);
  if (gaps.fillPolicy === 'markers' && !tail.isPadding && count <= MARKERS_INSTEAD_OF_PADDING) return { as: 'markers', timestamp: -1n };
  return { as: 'records', timestamp: PADDING_TIMESTAMP };
};
