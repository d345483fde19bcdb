/** Recognises its own mirror: compares the last batch of a mirror with what the source has there, and says what else it must be. */
import type { RecordBatch } from '../../codec/record-batch.ts';
import { LinkError } from '../../errors.ts';
import { findFirstV2Offset } from '../log-start/first-v2-offset.ts';
import { oldFormatAdvice } from '../log-start/start-offset.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import type { AlignedPartition, AlignmentContext, judgeRanges, LogRange, LogRanges, PartitionNames } from './align.ts';
import { sequenceOf } from './batch-stamp.ts';
import { compareCommonRecords, isCopyOf, isEmptyAt, isUnseen, type SourceBatch } from './copied-records.ts';
import { describeDivergence, findContradiction, findDivergence } from './divergence.ts';
import { isPaddingBatch } from './filler-batch.ts';
import { isCopiedProducer, isMappedId, mapProducerId } from './mapped-producer.ts';
import { isFillerId } from './marker-writer.ts';
import type { Alignment } from './partition-ports.ts';
import { readBatchAt, readCommittedBatchAt, readSourceBatchAt, sameBatch, samePayload } from './read-batch.ts';

/** What the end of a mirror says of how to go on. */
export interface Tail {
  readonly lastFetchedEpoch: number;
  readonly lastTimestamp: bigint;
  /** The link's own sequence does not guard what comes last: markers, and batches of transactions. */
  readonly endsUnguarded: boolean;
  readonly own: Alignment['ownTail'];
  /** The mirror ends in the middle of its padding. */
  readonly isPadding: boolean;
}

const EMPTY: Tail = { lastFetchedEpoch: -1, lastTimestamp: -1n, endsUnguarded: false, own: null, isPadding: true };

/** Makes sure that the mirror's last batch is what the link has copied there. */
export const recogniseTail = async (
  context: AlignmentContext,
  { topic, sourceTopic, partition }: AlignedPartition,
  { verdict, mirror, source }: LogRanges & { readonly verdict: ReturnType<typeof judgeRanges> },
  signal: AbortSignal,
): Promise<Tail> => {
  const label = `${topic}-${partition}`;
  const names = { topic, sourceTopic, partition };
  if (verdict === 'fresh') {
    // Said before anything is written: from which offset on the log could be mirrored.
    const first = source.end > source.start ? await readBatchAt(context.source, sourceTopic, partition, source.start, signal) : null;
    if (first === 'old-format') throw await oldFormat(context, sourceTopic, partition, source, signal);
    return EMPTY;
  }
  const last = mirror.end - 1;
  const readOriginalAt = context.transactions === 'exact' ? readSourceBatchAt : readCommittedBatchAt;
  const [original, copy] = await Promise.all([
    verdict === 'compare' ? readOriginalAt(context.source, sourceTopic, partition, last, signal) : ('absent' as const),
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
  const isOwnTopic = context.own !== null;
  const isOwn = typeof copy === 'object' && copy.producerId === context.own?.producer.producerId;
  const isMapped = typeof copy === 'object' && isMappedId(copy.producerId);
  const isMarker = typeof copy === 'object' && copy.isControl && (isMapped || (isOwnTopic && isFillerId(copy.producerId)));
  const isOurs = isOwn || (isMapped && !isMarker);
  if (verdict === 'ahead') {
    const isOwnTail = isOurs || isMarker || (copy === 'deleted' && isOwnTopic);
    throw await aheadOfSource(context, names, { mirror, source }, isOwnTail, signal);
  }
  if (copy === 'deleted' && isOwnTopic) return { ...EMPTY, isPadding: false, lastFetchedEpoch: epochOf(original) };
  const tail: Tail = {
    lastFetchedEpoch: epochOf(original),
    lastTimestamp: typeof copy === 'object' ? copy.maxTimestamp : -1n,
    endsUnguarded: isMarker || isMapped,
    own: isOwn ? { baseOffset: copy.baseOffsetNumber, baseSequence: copy.baseSequence } : null,
    isPadding: isOwn && isPaddingBatch(copy),
  };
  // Below the source's start they are padding, and will be deleted.
  const mayShowFiller = (offset: number): boolean => context.gaps.fillPolicy === 'records' || offset < source.start;
  if (typeof original === 'string') {
    // Deleted or compacted away since it was copied, or a hole that was filled: the link wrote it itself.
    if (isOwnTopic && isMarker) return tail;
    if (isOwnTopic && (isMapped || (isOwn && (original === 'absent' || mayShowFiller(last) || !tail.isPadding)))) {
      if (original === 'hole') await refuseDisplaced(context, names, { mirror, source }, signal);
      return tail;
    }
  } else if (isMarker) {
    if (isMapped && isEndOfMapped(original.batch) ? isCopiedProducer(original.batch, copy) : await isEmptyAt(original, last)) return tail;
    throw misplacedFiller(label, copy.lastOffset);
  } else if (typeof copy === 'object') {
    if (!original.isAborted && !isMapped && sameBatch(original.batch, copy)) return tail;
    if (isOurs && (await isCopyOf(copy, original, mayShowFiller))) {
      // A whole batch that was committed has a record for the last offset too: it has just been compared.
      const { batch, isAborted } = original;
      const mayHaveNone = isAborted || batch.isControl || !batch.isDense;
      if (!isMapped && mayHaveNone && (await compareCommonRecords(copy, original)) === 'none')
        await refuseDisplaced(context, names, { mirror, source }, signal);
      return tail;
    }
  }
  if (tail.isPadding) {
    throw new MirrorFailure(
      'DESTINATION_FOREIGN_WRITE',
      `${label}: offset ${last} of the mirror is padding, but the source's log starts at ${source.start}: somebody else wrote into the mirror before it was padded. ` +
        'Deny writes to the topic. Repair the mirror, which copies it again',
    );
  }
  if (!isOurs || typeof original === 'string') {
    throw new MirrorFailure(
      'DESTINATION_DIVERGED',
      `${label}: the records at offset ${last} of the mirror topic are not those of the source. Repair the mirror to copy it again, or give the topic another name`,
    );
  }
  throw await otherRecords(context, names, { mirror, source }, copy, signal);
};

/**
 * Where the source has nothing any more, a batch of the link proves little: somebody else may have written before it while it was on its way, and the link
 * was killed before it read where the batch had landed. What the source still has of what lies before it tells.
 */
const refuseDisplaced = async (context: AlignmentContext, names: PartitionNames, ranges: LogRanges, signal: AbortSignal): Promise<void> => {
  const contradicted = await findContradiction(context, names, ranges, signal);
  if (contradicted === null) return;
  const label = `${names.topic}-${names.partition}`;
  const { producerId, isControl, lastOffset } = contradicted;
  if (isControl || (await isUnseen(contradicted))) throw misplacedFiller(label, lastOffset);
  if (producerId === context.own?.producer.producerId || isMappedId(producerId))
    throw await otherRecords(context, names, ranges, contradicted, signal);
  throw new MirrorFailure(
    'DESTINATION_FOREIGN_WRITE',
    `${label}: the records up to offset ${lastOffset} of the mirror are neither the source's nor the link's: somebody else wrote them, and what the link copied lies behind them. ` +
      'Deny writes to the topic, and repair the mirror, which copies it again',
  );
};

const misplacedFiller = (label: string, offset: bigint): MirrorFailure =>
  new MirrorFailure(
    'DESTINATION_FOREIGN_WRITE',
    `${label}: offset ${offset} of the mirror is filled with a marker or an unseen record, but the source has records there: more offsets were filled than it has holes, ` +
      'by a second process of the link, by a request that a broker carried out late, or behind what somebody else wrote. Repair the mirror, which copies it again',
  );

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

/** Whether the marker of a transaction stands there, which only its copy can stand for. */
const isEndOfMapped = (original: RecordBatch): boolean =>
  original.isControl && original.recordsCount > 0 && mapProducerId(original.producerId) !== null;

const epochOf = (original: SourceBatch | string): number => (typeof original === 'object' ? original.batch.partitionLeaderEpoch : -1);

/** The link's own last batch is not what the source has at its place: either it was displaced, or the source is another one now. */
const otherRecords = async (
  context: AlignmentContext,
  names: PartitionNames,
  ranges: LogRanges,
  copy: RecordBatch,
  signal: AbortSignal,
): Promise<MirrorFailure> => {
  const label = `${names.topic}-${names.partition}`;
  // Only the link's own sequences tell of offsets.
  const shift = isMappedId(copy.producerId) ? 0 : sequenceOf(copy.baseOffsetNumber) - copy.baseSequence;
  const meant = copy.baseOffsetNumber - shift;
  if (shift > 0 && meant >= ranges.source.start) {
    const made = await readBatchAt(context.source, names.sourceTopic, names.partition, meant, signal);
    if (made !== null && typeof made === 'object' && samePayload(made, copy)) {
      return new MirrorFailure(
        'DESTINATION_FOREIGN_WRITE',
        `${label}: the link's batch at offset ${copy.baseOffset} of the mirror is that of source offset ${made.baseOffset}: somebody else wrote into the mirror before it. ` +
          'Deny writes to the topic, and repair the mirror, which copies it again',
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
  names: PartitionNames,
  ranges: LogRanges,
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
        'Deny writes to the topic, and repair the mirror, which copies it again',
    );
  }
  // What was written since the source lost something may hide how much that was.
  const divergence = await findDivergence(context, names, ranges, signal);
  return new MirrorFailure(
    'UNEXPECTED_TRUNCATION',
    `${where}. The source has lost ${surplus} offset(s) that were copied, or more: an unclean election, or a new log. ${describeDivergence(divergence, mirror)}`,
  );
};
