/** What the log cleaner leaves of one batch, as Kafka's `MemoryRecords.filterTo` writes it. */
import { assembleBatch } from '../../../codec/batch-builder.ts';
import { compress } from '../../../codec/compression.ts';
import { readRecordFrames } from '../../../codec/read-records.ts';
import { decodeRecordBody, encodeRecordFrames, type RecordFrame } from '../../../codec/record.ts';
import { BATCH_ATTRIBUTES, type RecordBatch } from '../../../codec/record-batch.ts';

/** The decisions about one batch. */
export interface BatchFilter {
  /** What to do with a batch of which no record is left. */
  readonly whenEmpty: 'drop' | 'keep';
  readonly keeps: (record: { readonly offset: bigint; readonly key: Buffer | null; readonly value: Buffer | null }) => boolean;
  /** The batch is a marker of a transaction of which nothing is left. */
  readonly endsNothing: boolean;
  /** From when on tombstones and such markers may go if this round is the first to meet them; null in releases before KIP-534. */
  readonly newHorizon: bigint | null;
}

const EMPTY = Buffer.alloc(0);
const { compression, logAppendTime, transactional, control, deleteHorizon } = BATCH_ATTRIBUTES;

/**
 * The batch as it is when nothing is lost and no horizon is to be set; else a new one with the same offsets, sequence and codec; null when it goes.
 * Throws RangeError for offsets that do not rise, which real cleaners stumble over, too.
 */
export const filterBatch = async (batch: RecordBatch, filter: BatchFilter): Promise<Buffer | null> => {
  const frames = await readRecordFrames(batch);
  let tombstones = false;
  const kept = frames.filter(({ offsetDelta, body }) => {
    const { key, value } = decodeRecordBody(body);
    const stays = filter.keeps({ offset: batch.baseOffset + BigInt(offsetDelta), key, value });
    if (stays && value === null) tombstones = true;
    return stays;
  });
  if (kept.length === 0) return filter.whenEmpty === 'keep' ? emptied(batch) : null;
  const known = filter.newHorizon !== null && batch.hasDeleteHorizon ? batch.baseTimestamp : null;
  const fresh = known === null && (tombstones || filter.endsNothing) ? filter.newHorizon : null;
  if (kept.length === frames.length && fresh === null) return batch.bytes;
  const horizon = fresh ?? known;
  return rebuilt(batch, kept, horizon !== null && horizon >= 0n ? horizon : null);
};

const headerOf = ({ baseOffset, partitionLeaderEpoch, lastOffsetDelta, producerId, producerEpoch, baseSequence }: RecordBatch) => ({
  baseOffset,
  partitionLeaderEpoch,
  lastOffsetDelta,
  producerId,
  producerEpoch,
  baseSequence,
});

/** Keeps only what producers' states need: offsets, producer, sequence and time. The codec's bits go, there is nothing left to compress. */
const emptied = (batch: RecordBatch): Buffer => {
  const attributes = batch.attributes & (logAppendTime | transactional | control);
  const { maxTimestamp } = batch;
  return assembleBatch({ ...headerOf(batch), attributes, baseTimestamp: -1n, maxTimestamp, recordsCount: 0 }, EMPTY);
};

/** The deltas are counted anew from the first record left, or from the horizon, which takes the place of the base timestamp. */
const rebuilt = async (batch: RecordBatch, kept: readonly RecordFrame[], horizon: bigint | null): Promise<Buffer> => {
  const appended = batch.timestampType === 'LogAppendTime';
  const times = kept.map(({ timestampDelta }) => (appended ? batch.maxTimestamp : batch.baseTimestamp + timestampDelta));
  const baseTimestamp = horizon ?? times[0]!;
  if (kept.some(({ offsetDelta }, i) => i > 0 && offsetDelta <= kept[i - 1]!.offsetDelta)) {
    throw new RangeError(`the offsets inside the batch at ${batch.baseOffset} do not rise: the log cleaner cannot write it again`);
  }
  const frames = kept.map((frame, i) => ({ ...frame, attributes: 0, timestampDelta: times[i]! - baseTimestamp }));
  const attributes = (batch.attributes & (compression | logAppendTime | transactional | control)) | (horizon === null ? 0 : deleteHorizon);
  let maxTimestamp = -1n;
  for (const time of times) if (time > maxTimestamp) maxTimestamp = time;
  return assembleBatch(
    { ...headerOf(batch), attributes, baseTimestamp, maxTimestamp, recordsCount: kept.length },
    await compress(batch.compression, encodeRecordFrames(frames)),
  );
};
