/** What is in logs: how many batches and holes of each kind. Shows that a run met what it was made for. */
import { BATCH_ATTRIBUTES, COMPRESSION_IDS } from '../../src/codec/index.ts';
import type { WalkedBatch, WalkedLog } from '../scenarios/log-walk.ts';

const KINDS: Readonly<Record<string, (batch: WalkedBatch) => boolean>> = {
  control: ({ attributes }) => (attributes & BATCH_ATTRIBUTES.control) !== 0,
  transactional: ({ attributes }) => (attributes & BATCH_ATTRIBUTES.transactional) !== 0,
  deleteHorizon: ({ attributes }) => (attributes & BATCH_ATTRIBUTES.deleteHorizon) !== 0,
  logAppendTime: ({ attributes }) => (attributes & BATCH_ATTRIBUTES.logAppendTime) !== 0,
  empty: ({ recordsCount }) => recordsCount === 0,
  sparse: ({ recordsCount, baseOffset, lastOffset }) => recordsCount > 0 && recordsCount <= lastOffset - baseOffset,
  timeless: ({ baseTimestamp, recordsCount }) => baseTimestamp === -1n && recordsCount > 0,
  ...Object.fromEntries(
    Object.entries(COMPRESSION_IDS).map(([name, id]) => [name, ({ attributes }: WalkedBatch) => (attributes & 7) === id]),
  ),
};

/** Counts by kind. */
export type Survey = Readonly<Record<string, number>>;

export const survey = (logs: readonly WalkedLog[]): Survey => {
  const counts: Record<string, number> = { logs: logs.length, batches: 0, holes: 0, holeOffsets: 0, trimmed: 0, trimmedInsideBatch: 0 };
  const add = (kind: string, count: number): void => {
    counts[kind] = (counts[kind] ?? 0) + count;
  };
  for (const { start, end, batches } of logs) {
    add('offsets', end - start);
    add('batches', batches.length);
    if (start > 0) add('trimmed', 1);
    if ((batches[0]?.baseOffset ?? start) < start) add('trimmedInsideBatch', 1);
    let next = start;
    for (const batch of batches) {
      if (batch.baseOffset > next) {
        add('holes', 1);
        add('holeOffsets', batch.baseOffset - next);
      }
      next = batch.lastOffset + 1;
      for (const [kind, fits] of Object.entries(KINDS)) add(kind, fits(batch) ? 1 : 0);
    }
  }
  return counts;
};
