/** Finds records by their time, opening only the batches whose header says that they may hold one. */
import { readRecords } from '../../codec/read-records.ts';
import { RecordBatch } from '../../codec/record-batch.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Entry } from './segment.ts';

export interface TimedOffset {
  readonly timestamp: bigint;
  readonly offset: bigint;
}

/**
 * The first record not older than `timestamp`, control records included, as brokers count them. They look into one segment only, the first with a batch that
 * claims such a time: when that record is below the log start, or compaction took it, nothing is found, whatever later segments hold.
 */
export const findByTimestamp = async (log: PartitionLog, timestamp: bigint): Promise<TimedOffset | null> => {
  const segment = log.segments.find(({ largestTimestamp }) => largestTimestamp >= timestamp);
  for (const entry of [...(segment?.entries ?? [])]) {
    if (entry.maxTimestamp < timestamp) continue;
    const found = await firstInEntry(entry, segment!.bytesOf(entry), (time, offset) => time >= timestamp && offset >= log.startOffset);
    if (found !== null) return found;
  }
  return null;
};

/** The first of the newest records. */
export const findMaxTimestamp = async (log: PartitionLog): Promise<TimedOffset | null> => {
  let newest: { readonly entry: Entry; readonly bytes: Buffer } | undefined;
  for (const candidate of log.entries()) if (candidate.entry.maxTimestamp > (newest?.entry.maxTimestamp ?? -1n)) newest = candidate;
  return newest === undefined ? null : firstInEntry(newest.entry, newest.bytes, (time) => time === newest.entry.maxTimestamp);
};

const firstInEntry = async (
  { magic, lastOffset, maxTimestamp }: Entry,
  bytes: Buffer,
  wanted: (time: bigint, offset: bigint) => boolean,
): Promise<TimedOffset | null> => {
  // Of the old formats only the outer message is looked at.
  if (magic !== 2) return wanted(maxTimestamp, lastOffset) ? { timestamp: maxTimestamp, offset: lastOffset } : null;
  for (const { timestamp, offset } of await readRecords(RecordBatch.at(bytes))) if (wanted(timestamp, offset)) return { timestamp, offset };
  return null;
};
