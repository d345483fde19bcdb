/** One round of the log cleaner over closed segments, as Kafka's `Cleaner` makes it: the newest record of each key stays, the rest goes step by step. */
import { decodeEndTxnMarker, type EndTxnMarker } from '../../../codec/control-record.ts';
import { readRecordFrames } from '../../../codec/read-records.ts';
import { decodeRecordBody } from '../../../codec/record.ts';
import { RecordBatch } from '../../../codec/record-batch.ts';
import type { LogConfig } from '../log-config.ts';
import { hasProducerId, type ProducerState } from '../producer-state.ts';
import { Segment } from '../segment.ts';
import { fitsOneIndex, maxSegmentBytes, type SegmentReplacement } from '../segments.ts';
import type { EndedTransaction } from '../transaction-index.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import { filterBatch } from './filter-batch.ts';

/** What a round works on. */
export interface CleaningRound {
  /** Everything before {@link upTo}, clean or not. */
  readonly segments: readonly Segment[];
  /** Keys are collected from here on: what lies before was cleaned in an earlier round, or is below the log start. */
  readonly firstDirty: bigint;
  /** The first offset that must stay as it is: where a segment begins. */
  readonly upTo: bigint;
  readonly config: LogConfig;
  readonly now: bigint;
  /** KIP-534 (3.1): tombstones and markers go by a horizon in their batch. Before: by the age of segments. */
  readonly horizons: boolean;
  /** The batch before this offset stays, if only as an empty one, so that followers learn of the offset; null in releases that had no such care. */
  readonly keepBefore: bigint | null;
  readonly aborted: readonly EndedTransaction[];
  readonly producers: Iterable<ProducerState>;
}

/** What a round leaves. */
export interface CleanedLog {
  readonly replacements: readonly SegmentReplacement[];
  readonly keptAborted: ReadonlySet<EndedTransaction>;
}

/** Cleans in memory; nothing of the log is touched. Throws RangeError at messages of magic 0 and 1, which are not played here. */
export const cleanSegments = async (round: CleaningRound): Promise<CleanedLog> => {
  const newest = await newestOffsets(round);
  const transactions = new CleanedTransactions(round.aborted);
  const lastOfProducer = lastBatches(round.producers);
  const tombstonesAreOld = ageRule(round);
  const replacements: SegmentReplacement[] = [];
  for (const replaced of grouped(round)) {
    const by = new Segment(replaced[0]!.baseOffset, round.now);
    for (const segment of replaced) {
      const aged = tombstonesAreOld(segment);
      for (const batch of batchesIn(segment)) {
        const left = await cleanedBatch(batch, { round, newest, transactions, lastOfProducer, aged });
        if (left !== null) appendCleaned(by, left, round);
      }
    }
    by.lastModified = replaced.at(-1)!.lastModified;
    replacements.push({ replaced, by });
  }
  return { replacements, keptAborted: transactions.kept };
};

/** What is known when one batch is looked at. */
interface Surroundings {
  readonly round: CleaningRound;
  readonly newest: ReadonlyMap<string, bigint>;
  readonly transactions: CleanedTransactions;
  readonly lastOfProducer: (batch: RecordBatch) => boolean;
  /** Before KIP-534: the segment is so old that its tombstones and markers may go. */
  readonly aged: boolean;
}

const cleanedBatch = async (
  batch: RecordBatch,
  { round, newest, transactions, lastOfProducer, aged }: Surroundings,
): Promise<Buffer | null> => {
  const { isControl, producerId } = batch;
  const { now, horizons, keepBefore, upTo, config } = round;
  const pastHorizon = horizons ? batch.hasDeleteHorizon && batch.baseTimestamp <= now : aged;
  const mayGo = isControl ? transactions.mayDropControl(batch, await markerOf(batch)) : transactions.mayDropData(batch);
  const goes = mayGo && (!isControl || pastHorizon);
  const staysEmpty = (hasProducerId(producerId) && lastOfProducer(batch)) || batch.nextOffset === keepBefore;
  if (goes && !staysEmpty) return null;
  return filterBatch(batch, {
    whenEmpty: staysEmpty ? 'keep' : 'drop',
    keeps: ({ offset, key, value }) => {
      if (goes) return false;
      if (isControl) return true;
      if (offset >= upTo) return true;
      return key !== null && offset >= (newest.get(textOf(key)) ?? -1n) && (value !== null || !pastHorizon);
    },
    endsNothing: mayGo && isControl,
    newHorizon: horizons ? now + config.deleteRetentionMs : null,
  });
};

/** The offset of the newest record of each key in the dirty part. Records of aborted transactions do not count. */
const newestOffsets = async ({ segments, firstDirty, upTo, aborted }: CleaningRound): Promise<ReadonlyMap<string, bigint>> => {
  const newest = new Map<string, bigint>();
  const transactions = new CleanedTransactions(aborted.filter(({ lastOffset }) => lastOffset >= firstDirty));
  for (const segment of segments) {
    for (const batch of batchesIn(segment)) {
      if (batch.lastOffset < firstDirty || batch.baseOffset >= upTo) continue;
      if (batch.isControl) transactions.mayDropControl(batch, await markerOf(batch));
      else if (!transactions.mayDropData(batch)) {
        for (const { offsetDelta, body } of await readRecordFrames(batch)) {
          const { key } = decodeRecordBody(body);
          const offset = batch.baseOffset + BigInt(offsetDelta);
          if (key !== null && offset >= firstDirty) newest.set(textOf(key), offset);
        }
      }
    }
  }
  return newest;
};

/** Whether a batch is all that tells the last sequence, or at least the last epoch, of a producer that is still remembered. */
const lastBatches = (producers: Iterable<ProducerState>): ((batch: RecordBatch) => boolean) => {
  const states = new Map([...producers].map((state) => [state.producerId, state]));
  return ({ producerId, producerEpoch, lastOffset, isControl }) => {
    const state = states.get(producerId);
    if (state === undefined) return false;
    const lastDataOffset = state.batches.at(-1)?.lastOffset;
    return lastDataOffset === undefined ? isControl && producerEpoch === state.producerEpoch : lastOffset === lastDataOffset;
  };
};

/** Before KIP-534 tombstones go when their segment is older, by `delete.retention.ms`, than the last one that was clean before. */
const ageRule = ({ segments, firstDirty, config, horizons }: CleaningRound): ((segment: Segment) => boolean) => {
  const lastClean = horizons ? undefined : segments.findLast(({ baseOffset }) => baseOffset < firstDirty);
  if (lastClean === undefined) return () => false;
  return ({ lastModified }) => lastModified <= lastClean.lastModified - config.deleteRetentionMs;
};

/** Neighbours that fit into one segment together. */
const grouped = ({ segments, upTo, config }: CleaningRound): Segment[][] => {
  const limit = maxSegmentBytes(config);
  const groups: Segment[][] = [];
  segments.forEach((segment, i) => {
    const group = groups.at(-1);
    const bytes = group?.reduce((sum, { size }) => sum + size, segment.size) ?? 0;
    const end = (segments[i + 1]?.baseOffset ?? upTo) - 1n;
    const fits = group !== undefined && bytes <= limit && (segment.size === 0 || fitsOneIndex(group[0]!.baseOffset, end));
    if (fits) group.push(segment);
    else groups.push([segment]);
  });
  return groups;
};

const appendCleaned = (segment: Segment, bytes: Buffer, { now, config }: CleaningRound): void => {
  const { baseOffset, lastOffset, maxTimestamp } = RecordBatch.at(bytes);
  segment.append(bytes, { baseOffset, lastOffset, maxTimestamp, magic: 2 }, now, config.indexIntervalBytes);
};

function* batchesIn(segment: Segment): Generator<RecordBatch, void, undefined> {
  for (const entry of segment.entries) {
    if (entry.magic !== 2)
      throw new RangeError(`the log cleaner of an embedded cluster cannot read magic ${entry.magic} (${entry.lastOffset})`);
    yield RecordBatch.at(segment.bytesOf(entry));
  }
}

/** Undefined for an empty control batch, null for a control record that ends no transaction. */
const markerOf = async (batch: RecordBatch): Promise<EndTxnMarker | null | undefined> => {
  const [frame] = await readRecordFrames(batch);
  return frame === undefined ? undefined : decodeEndTxnMarker(decodeRecordBody(frame.body));
};

const textOf = (key: Buffer): string => key.toString('latin1');
