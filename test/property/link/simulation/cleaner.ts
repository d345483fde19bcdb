/** What the log cleaner makes of one batch (`MemoryRecords.filterTo`): base offset and range stay, records go, sometimes all of them. */
import type { Random } from '../../../../src/client/clock.ts';
import type { BatchFields, SimRecord } from './record-batches.ts';

/** A batch without records that stays because it is the last of its producer: codec and horizon go, times and range stay. */
export const emptyBatch = ({ deleteHorizon: _, ...fields }: BatchFields, records: readonly SimRecord[]): BatchFields => ({
  ...fields,
  isGzip: false,
  maxTimestamp: Math.max(fields.maxTimestamp ?? -1, ...records.map(({ timestamp }) => timestamp)),
});

/** Null when the batch is gone; else what `rewrite` makes of what is left. A tombstone sets the horizon, and later runs keep it. */
export const cleanBatch = <T>(
  fields: BatchFields,
  records: readonly SimRecord[],
  random: Random,
  rewrite: (fields: BatchFields, kept: readonly SimRecord[]) => T,
): T | null => {
  const share = random();
  const kept = records.filter(({ key }) => key !== null && random() < share);
  if (kept.length === 0) return random() < 0.6 ? null : rewrite(emptyBatch(fields, records), []);
  const mayHaveHorizon = kept.some(({ value }) => value === null) && random() < 0.7;
  const horizon = fields.deleteHorizon ?? (mayHaveHorizon ? 1_690_000_000_000 + Math.floor(random() * 1_000) : undefined);
  return rewrite({ ...fields, ...(horizon !== undefined && { deleteHorizon: horizon }) }, kept);
};
