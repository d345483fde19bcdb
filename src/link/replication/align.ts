/** Finds where a partition goes on: reads both logs' ends, and makes sure that the destination's tail is a copy of the source's. */
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { paddingRefusal } from '../log-start/padding-estimate.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import type { Fill } from './append-queue.ts';
import { type LinkProducer, sequenceAfter, sequenceOf } from './batch-stamp.ts';
import type { FillPolicy } from './fill-policy.ts';
import { PADDING_TIMESTAMP } from './filler-batch.ts';
import { abortsOfOpen, lostEnds } from './lost-ends.ts';
import { originalProducerId, type TransactionEnd } from './mapped-producer.ts';
import type { OffsetLookup } from './offset-lookup.ts';
import type { Alignment } from './partition-ports.ts';
import { NO_PRODUCERS, type PartitionProducers, type ProducerLookup, sameProducers } from './producer-lookup.ts';
import { recogniseTail, type Tail } from './recognise-tail.ts';
import type { TransactionMode } from './transaction-mode.ts';

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
  readonly transactions: TransactionMode;
  readonly gaps: GapRules;
}

export interface AlignedPartition {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly partition: number;
  /** Where a new mirror begins at the source; null: wherever the source's log begins. */
  readonly startOffset: number | null;
}

/** Where a partition is found on both sides. */
export type PartitionNames = Omit<AlignedPartition, 'startOffset'>;

/** A range of offsets in a log: `end` is the next offset to be written. */
export interface LogRange {
  readonly start: number;
  readonly end: number;
}

export interface LogRanges {
  readonly mirror: LogRange;
  readonly source: LogRange;
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
  const { mirror, producers } = await readMirror(context, mirrored);
  if (context.transactions === 'committed') refuseOpenTransactions(label, producers);
  const { lastSequence } = producers;
  // After the mirror, which is then never ahead of what is read of the source.
  const source = await context.sourceOffsets.range(sourceTopic, partition);
  // A mirror may begin later than its source, if that was asked for: what lies before is none of its business.
  const start = Math.max(source.start, mirrored.startOffset ?? 0);
  // A log start that has overtaken an open transaction lies above the last stable offset.
  const copied = { start, end: Math.max(source.end, source.start) };
  const tail = await recogniseTail(context, mirrored, { verdict: judgeRanges(copied, mirror), mirror, source: copied }, signal);
  const padded = copied.start > mirror.end;
  const fetchOffset = padded ? copied.start : mirror.end;
  return {
    offset: mirror.end,
    fetchOffset,
    aborts: await abortsFor(context, mirrored, producers, { mirrorEnd: mirror.end, fetchOffset, sourceStart: source.start }, signal),
    padding: padded ? paddingFor(context.gaps, label, mirror, copied, tail) : NO_PADDING,
    sequence: lastSequence === 'none' ? sequenceOf(mirror.end) : sequenceAfter(lastSequence, 1),
    isForgotten: lastSequence === 'none',
    producers: producers.mapped,
    lastFetchedEpoch: padded ? -1 : tail.lastFetchedEpoch,
    lastTimestamp: tail.lastTimestamp,
    endsUnguarded: tail.endsUnguarded,
    ownTail: tail.own,
    mirrorStart: mirror.start,
    sourceStart: source.start,
    sourceEnd: Math.max(source.end, fetchOffset),
  };
};

/**
 * The mirror's log and the sequences that its leader has seen last, as of one moment: a request that a broker carries out late may land between the
 * two questions. With a sequence older than the end the next batch would be taken for the repetition of another one; with one newer than the end it
 * would be appended in the wrong place.
 */
const readMirror = async (
  context: AlignmentContext,
  mirrored: AlignedPartition,
): Promise<{ readonly mirror: LogRange; readonly producers: PartitionProducers }> => {
  const { topic, partition } = mirrored;
  let producers = await readProducers(context, mirrored);
  for (let look = 0; look < LOOKS; look++) {
    const mirror = await context.destinationOffsets.range(topic, partition);
    const again = await readProducers(context, mirrored);
    if (sameProducers(again, producers)) return { mirror, producers };
    producers = again;
  }
  throw new LinkError('KLINK_STATE', `${topic}-${partition}: the mirror is being written by another process of the link at the moment`, {
    retriable: true,
  });
};

/** Brokers before 2.8 cannot be asked: they count as remembering nobody, which is no way to copy transactions. */
const readProducers = async (
  { own, transactions }: AlignmentContext,
  { topic, partition }: AlignedPartition,
): Promise<PartitionProducers> => {
  try {
    return (await own?.lookup.find(topic, partition)) ?? NO_PRODUCERS;
  } catch (error) {
    if (LinkError.is(error, 'KLINK_VERSION') && transactions === 'committed') return NO_PRODUCERS;
    throw error;
  }
};

/** Without their markers they would stay open for ever, and keep read_committed consumers from everything behind them. */
const refuseOpenTransactions = (label: string, { mapped }: PartitionProducers): void => {
  const open = [...mapped].find(([, { openSince }]) => openSince !== null);
  if (open === undefined) return;
  const [producerId, { openSince }] = open;
  throw new MirrorFailure(
    'UNSUPPORTED_TRANSACTION',
    `${label}: the mirror has a transaction open since offset ${openSince} (producer ${originalProducerId(producerId)} of the source), copied with transactions: 'exact'. Go on in that mode until it has ended, or mirror the topic anew`,
  );
};

/**
 * Transactions of the mirror that nobody else would ever end. What is open behind the start of the source has ended in what was deleted there, or goes on behind it:
 * what is there of it will be deleted like everything below that start. The oldest first, should there be more of them than offsets.
 */
const abortsFor = async (
  { source, transactions }: AlignmentContext,
  { sourceTopic, partition }: AlignedPartition,
  producers: PartitionProducers,
  { mirrorEnd, fetchOffset, sourceStart }: { readonly mirrorEnd: number; readonly fetchOffset: number; readonly sourceStart: number },
  signal: AbortSignal,
): Promise<readonly TransactionEnd[]> => {
  if (transactions === 'committed') return [];
  if (fetchOffset > mirrorEnd) return abortsOfOpen(producers).slice(0, fetchOffset - mirrorEnd);
  return lostEnds(source, { topic: sourceTopic, partition, from: sourceStart, end: mirrorEnd }, producers, signal);
};

const NO_PADDING: Fill = { as: 'markers', timestamp: -1n };

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
