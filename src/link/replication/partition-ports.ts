/** What a mirrored partition is told, by whom, and what it tells: the words between it and those who do its I/O. */
import type { AbortedTransaction } from './aborted-transactions.ts';
import type { BatchMaker, Fill } from './append-queue.ts';
import type { LinkProducer, RememberedProducer } from './batch-stamp.ts';
import type { FrameLease } from './byte-window.ts';
import type { FillPolicy } from './fill-policy.ts';
import type { TransactionEnd } from './mapped-producer.ts';
import type { PartitionMirror } from './partition-mirror.ts';
import type { TransactionMode } from './transaction-mode.ts';

/**
 * - `aligning`: the destination's log end is being read and compared with the source.
 * - `mirroring`: fetch and append run.
 * - `draining`: something went wrong; what is on its way must be answered before the partition aligns anew.
 * - `paused`: nothing is on its way, and nothing begins until it is resumed.
 * - `failed`: stopped for good, see {@link PartitionMirror.error}.
 * - `closed`: the link is closing.
 */
export type PartitionPhase = 'aligning' | 'mirroring' | 'draining' | 'paused' | 'failed' | 'closed';

/** Where a partition begins to fetch, found by comparing both logs. */
export interface Alignment {
  /** The destination's log end: the next offset to write. */
  readonly offset: number;
  /** The next offset to copy: above `offset` when the source has nothing between, and what lies there must be padded. */
  readonly fetchOffset: number;
  /** Transactions that are open in the mirror and have no end at the source any more: they take the first offsets that are to be filled. */
  readonly aborts: readonly TransactionEnd[];
  /** How the offsets from `offset` to `fetchOffset` are filled. */
  readonly padding: Fill;
  /** Sequence of the next batch, if it comes at `offset`. */
  readonly sequence: number;
  /** The leader remembers nothing of the link: behind markers the next batch has the sequence of its own offset. */
  readonly isForgotten: boolean;
  /** What the destination's leader remembers of the producers of transactions, by their ids there. */
  readonly producers: ReadonlyMap<bigint, RememberedProducer>;
  /** Leader epoch of the last copied batch at the source, or -1. */
  readonly lastFetchedEpoch: number;
  /** Time of the mirror's last batch, in milliseconds; -1 without one. */
  readonly lastTimestamp: bigint;
  /** The mirror ends with what the link's own sequence does not guard: a request for more of it may still be on its way, of a process that has died. */
  readonly endsUnguarded: boolean;
  /** The mirror's last batch, when it is the link's. */
  readonly ownTail: { readonly baseOffset: number; readonly baseSequence: number } | null;
  readonly mirrorStart: number;
  readonly sourceStart: number;
  readonly sourceEnd: number;
}

/** What a fetch brought for one partition. */
export interface FetchedRecords {
  /** By the link's clock. */
  readonly at: number;
  /** The offset that was asked for. */
  readonly fetchOffset: number;
  /** Before the source's first open transaction. */
  readonly lastStableOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[] | null;
  readonly records: Buffer | null;
  readonly lease: FrameLease;
}

/** Who is told when something changes. */
export interface PartitionListener {
  /** There is a batch to send. */
  readyToAppend(mirror: PartitionMirror): void;
  /** There are offsets to fill with markers. */
  readyToFill(mirror: PartitionMirror): void;
  /** There is room to fetch more. */
  readyToFetch(mirror: PartitionMirror): void;
  /** More of the source is known, or more of it has arrived. */
  progressed(mirror: PartitionMirror): void;
  /** Nothing is on its way any more; the partition must be aligned anew. */
  drained(mirror: PartitionMirror): void;
  phaseChanged(mirror: PartitionMirror, from: PartitionPhase): void;
}

/** What all partitions of a link have in common. */
export interface PartitionOptions {
  readonly producer: LinkProducer;
  readonly queueLimitBytes: number;
  readonly fillPolicy: FillPolicy;
  readonly transactions: TransactionMode;
  readonly maker: BatchMaker;
  readonly listener: PartitionListener;
}
