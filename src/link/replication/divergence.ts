/** Where two logs that began alike go apart: a binary search that compares one batch of each per step. */
import type { AlignedPartition, AlignmentContext, LogRange } from './align.ts';
import { isCopyOf } from './copied-records.ts';
import { readBatchAt, readCommittedBatchAt, sameBatch } from './read-batch.ts';

/** The first offset at which source and mirror differ; null when it cannot be told, since neither has what was there. */
export const findDivergence = async (
  { source, destination }: Pick<AlignmentContext, 'source' | 'destination'>,
  { topic, sourceTopic, partition }: Omit<AlignedPartition, 'startOffset'>,
  ranges: { readonly mirror: LogRange; readonly source: LogRange },
  signal: AbortSignal,
): Promise<number | null> => {
  let alike = Math.max(ranges.mirror.start, ranges.source.start);
  let apart = Math.min(ranges.mirror.end, ranges.source.end);
  if (alike >= apart) return null;
  while (alike < apart) {
    const probe = alike + Math.floor((apart - alike) / 2);
    const [original, copy] = await Promise.all([
      readCommittedBatchAt(source, sourceTopic, partition, probe, signal),
      readBatchAt(destination, topic, partition, probe, signal),
    ]);
    if (original === null || copy === null) return null;
    // A hole, a marker and what compaction left say nothing about the log around them.
    const differs =
      typeof original === 'object' &&
      typeof copy === 'object' &&
      !copy.isControl &&
      !sameBatch(original.batch, copy) &&
      !(await isCopyOf(copy, original, () => true));
    if (differs) apart = Math.min(probe, Math.max(alike, original.batch.baseOffsetNumber));
    else alike = typeof copy === 'object' ? Math.max(probe + 1, copy.nextOffsetNumber) : probe + 1;
  }
  return apart;
};

/** What was found, for people. */
export const describeDivergence = (divergence: number | null, mirror: LogRange): string =>
  divergence === null
    ? 'Where the two logs part cannot be seen any more'
    : `Both logs are alike up to offset ${divergence}; the mirror's ${Math.max(0, mirror.end - divergence)} offset(s) from there on exist at the destination alone`;
