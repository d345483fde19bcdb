/** What unit tests of the engine give a partition: where it begins, what it belongs to, and answers with batches in them. */

import type { BatchMaker } from '../../../src/link/replication/append-queue.ts';
import { ByteWindow } from '../../../src/link/replication/byte-window.ts';
import type { Alignment, FetchedRecords, PartitionListener, PartitionOptions } from '../../../src/link/replication/partition-ports.ts';

export const PRODUCER = { producerId: 2n ** 40n + 7n, producerEpoch: 5 };

/** Both logs agree up to `offset`, and nothing is special. */
export const alignedAt = (offset: number, more: Partial<Alignment> = {}): Alignment => ({
  offset,
  fetchOffset: offset,
  aborts: [],
  padding: { as: 'markers', timestamp: -1n },
  sequence: offset % 2 ** 31,
  isForgotten: false,
  lastFetchedEpoch: -1,
  lastTimestamp: -1n,
  producers: new Map(),
  endsUnguarded: false,
  ownTail: null,
  mirrorStart: 0,
  sourceStart: 0,
  sourceEnd: offset,
  ...more,
});

/** For partitions to which nothing happens that would need one. */
export const NO_MAKER: BatchMaker = {
  rebuild: () => Promise.reject(new Error('nothing was to be rebuilt')),
  filler: () => Promise.reject(new Error('no filler was to be made')),
};

const NOBODY: PartitionListener = {
  readyToAppend: () => {},
  readyToFill: () => {},
  readyToFetch: () => {},
  progressed: () => {},
  drained: () => {},
  phaseChanged: () => {},
};

/** What a link gives its partitions. */
export const given = ({
  listener = {},
  ...options
}: Partial<Omit<PartitionOptions, 'listener'>> & { readonly listener?: Partial<PartitionListener> } = {}): PartitionOptions => ({
  producer: PRODUCER,
  queueLimitBytes: 100_000,
  fillPolicy: 'markers',
  transactions: 'committed',
  maker: NO_MAKER,
  ...options,
  listener: { ...NOBODY, ...listener },
});

/** An answer to a fetch from `fetchOffset`, in memory that nobody else waits for. */
export const answerOf = (fetchOffset: number, records: Buffer | null, more: Partial<FetchedRecords> = {}): FetchedRecords => ({
  fetchOffset,
  at: 0,
  lastStableOffset: fetchOffset,
  highWatermark: fetchOffset,
  logStartOffset: 0,
  aborted: null,
  records,
  lease: new ByteWindow(1_000_000, () => {}).take(records?.length ?? 0),
  ...more,
});

/** Everything that promises and `setImmediate` bring about has happened. */
export const turns = async (count = 6): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise<void>((resolve) => setImmediate(resolve));
};
