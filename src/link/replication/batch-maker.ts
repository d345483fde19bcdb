/** Makes the batches that the source does not have as they are needed: rebuilt ones, and fillers at a rate of their own. */
import { type Clock, sleep } from '../../client/clock.ts';
import type { BatchMaker } from './append-queue.ts';
import { fillerBatch, fillerBatchLimit } from './filler-batch.ts';
import { rebuildBatch } from './rebuild-batch.ts';

export interface MakerOptions {
  readonly clock: Clock;
  /** Offsets of filler records in a second, over all partitions of the link. */
  readonly rate: () => number;
  readonly signal: AbortSignal;
}

/** Below this a timer is not worth setting. */
const SHORTEST_WAIT_MS = 5;

export const batchMaker = ({ clock, rate, signal }: MakerOptions): BatchMaker => {
  /** By the clock: until when the offsets made so far last at that rate. */
  let paidUntil = clock.now();
  return {
    rebuild: rebuildBatch,
    filler: async (kind, wanted, timestamp) => {
      const count = Math.min(wanted, fillerBatchLimit(kind));
      const bytes = await fillerBatch(kind, count, timestamp);
      const now = clock.now();
      paidUntil = Math.max(paidUntil, now) + (count / rate()) * 1_000;
      if (paidUntil - now > SHORTEST_WAIT_MS) await sleep(clock, paidUntil - now, signal);
      return { offset: 0, count, bytes };
    },
  };
};
