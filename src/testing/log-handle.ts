/** A partition's log in the hands of a test: look into it, append to it, cut it. */
import { type BatchOptions, buildBatch, buildEndTxnMarker, type MarkerOptions, type NewRecord } from '../codec/batch-builder.ts';
import type { EndTxnMarker } from '../codec/control-record.ts';
import { type KafkaRecord, readRecords } from '../codec/read-records.ts';
import { RecordBatch } from '../codec/record-batch.ts';
import type { ClusterState } from './cluster-state.ts';
import type { CleanedRange } from './log/cleaning/clean-log.ts';
import type { ProducerState } from './log/producer-state.ts';
import type { Partition } from './partition.ts';
import { acceptBatch, theOneBatch } from './produce-rules.ts';
import { since } from './releases.ts';
import { waitUntil } from './waiting.ts';

/** The Produce version whose rules an append by hand is held to. */
const NEWEST_PRODUCE = 12;

/** What {@link LogHandle.append} takes: fields left out get the values a producer would give them. */
export type AppendedRecord = Omit<NewRecord, 'timestamp' | 'offsetDelta'> & { readonly timestamp?: bigint };

/** How {@link LogHandle.clean} goes. */
export interface CleanOptions {
  /** Closes the active segment first: cleaners leave it alone. */
  readonly roll?: boolean;
  /** Cleans also when nothing was closed since the last round: for tombstones and markers that are due. Real brokers wait until something was. */
  readonly force?: boolean;
}

/** A segment of a log. */
export interface SegmentInfo {
  readonly baseOffset: bigint;
  /** Bytes. */
  readonly size: number;
}

/** One partition of an embedded cluster. */
export class LogHandle {
  readonly #partition: Partition;
  readonly #cluster: ClusterState;

  /** Made by `TestCluster.log`. */
  constructor(partition: Partition, cluster: ClusterState) {
    this.#partition = partition;
    this.#cluster = cluster;
  }

  get topic(): string {
    return this.#partition.topic;
  }
  get partition(): number {
    return this.#partition.index;
  }
  /** Id of the leading broker, or −1. */
  get leader(): number {
    return this.#partition.leader;
  }
  get leaderEpoch(): number {
    return this.#partition.leaderEpoch;
  }
  get replicas(): readonly number[] {
    return this.#partition.replicas;
  }
  get isr(): readonly number[] {
    return this.#partition.isr;
  }
  get startOffset(): bigint {
    return this.#partition.log.startOffset;
  }
  /** Where the next record goes. */
  get endOffset(): bigint {
    return this.#partition.log.endOffset;
  }
  get highWatermark(): bigint {
    return this.#partition.log.highWatermark;
  }
  get lastStableOffset(): bigint {
    return this.#partition.log.lastStableOffset;
  }
  /** Bytes held. */
  get size(): number {
    return this.#partition.log.size;
  }
  /** Oldest first; the last one is active. A fetch never reads across their borders, retention and the log cleaner work segment by segment. */
  get segments(): readonly SegmentInfo[] {
    return this.#partition.log.segments.map(({ baseOffset, size }) => ({ baseOffset, size }));
  }
  /** What the leader remembers of each producer id. */
  get producers(): readonly ProducerState[] {
    return [...this.#partition.log.producers.all()];
  }

  /** The stored bytes of every batch, and of every message of the old formats, as copies. */
  entries(): Buffer[] {
    return [...this.#partition.log.entries()].map(({ bytes }) => Buffer.from(bytes));
  }

  /** A view of a copy of every v2 batch. Throws `KLINK_CORRUPT_BATCH` at an entry of an old format: see {@link entries}. */
  batches(): RecordBatch[] {
    return this.entries().map((bytes) => RecordBatch.at(bytes));
  }

  /** Every record of every v2 batch at or after the log start; control records too when asked for. */
  async records({ control = false }: { readonly control?: boolean } = {}): Promise<KafkaRecord[]> {
    const found: KafkaRecord[] = [];
    for (const batch of this.batches()) if (control || !batch.isControl) found.push(...(await readRecords(batch)));
    return found.filter(({ offset }) => offset >= this.startOffset);
  }

  /** Appends records as a producer's batch, through every rule of Produce. Returns their first offset. Rejects with the broker's refusal. */
  async append(records: readonly AppendedRecord[], options?: BatchOptions): Promise<bigint> {
    const { now } = this.#cluster;
    return this.appendBatch(
      await buildBatch(
        records.map((record) => ({ timestamp: now, ...record })),
        options,
      ),
    );
  }

  /** Appends a ready batch through every rule of Produce. Returns the offset it got. Rejects with the broker's refusal. */
  async appendBatch(bytes: Buffer): Promise<bigint> {
    const { now, release } = this.#cluster;
    const config = this.#cluster.logConfig(this.topic);
    const accepted = await acceptBatch(theOneBatch(bytes, NEWEST_PRODUCE), { config, now, takesLogAppendTime: since(release, '3.9') });
    return this.#partition.log.append(accepted, this.leaderEpoch).baseOffset;
  }

  /** Ends a transaction, as its coordinator would. Returns the marker's offset. */
  appendMarker(marker: EndTxnMarker, options: Omit<MarkerOptions, 'timestamp' | 'baseOffset'> & { readonly timestamp?: bigint }): bigint {
    const bytes = buildEndTxnMarker(marker, { timestamp: this.#cluster.now, ...options });
    return this.#partition.log.appendMarker(bytes, this.leaderEpoch);
  }

  /**
   * Appends stored bytes as they are, as a follower takes them from its leader: for logs that no producer can make, with holes, sparse and empty batches,
   * control records, old formats. Throws RangeError for offsets below the log end.
   */
  appendRaw(bytes: Buffer): void {
    this.#partition.log.appendRaw(bytes);
  }

  /** Empties the log and lets it begin, and end, at `offset`. */
  startAt(offset: bigint): void {
    this.#partition.log.startAt(offset);
    this.#partition.log.epochs.assign(this.leaderEpoch, offset);
  }

  /** Moves the log start up, whatever `cleanup.policy` says. Throws what DeleteRecords answers above the high watermark. */
  deleteRecords(to: bigint): void {
    this.#partition.log.deleteRecords(to);
  }

  /**
   * What a `kill -9` of every replica soon after {@link deleteRecords} does: the start was not written down yet, and the log begins again with its first
   * segment. Brokers write it down once a minute.
   */
  loseStart(): void {
    this.#partition.log.loseStart();
  }

  /** Closes the active segment, as an append after `segment.ms` does; the next one begins at the log end. */
  roll(): void {
    this.#partition.log.roll();
  }

  /**
   * One round of the log cleaner, whatever `cleanup.policy` and the dirty ratio say, by the cluster's clock, `delete.retention.ms` and
   * `min.compaction.lag.ms`. Resolves with the offsets that were dirty before, or null when there was nothing to do: the active segment and everything
   * from the last stable offset's segment on stay as they are.
   */
  async clean({ roll = false, force = false }: CleanOptions = {}): Promise<CleanedRange | null> {
    if (roll) this.roll();
    return this.#cluster.clean(this.#partition, force);
  }

  /** Cuts off everything from `to` on, as an unclean election does; see `TestCluster.electUnclean` for the epoch that goes with it. */
  truncate(to: bigint): void {
    this.#partition.log.truncateTo(to);
  }

  /** Freezes the high watermark, as if the followers had stopped: acks=all waits, consumers see nothing new. */
  holdHighWatermark(): void {
    this.#partition.log.holdHighWatermark();
  }

  /** Moves a held high watermark up to `offset`; without one, lets it follow the log end again. */
  releaseHighWatermark(offset?: bigint): void {
    this.#partition.log.releaseHighWatermark(offset);
  }

  /** Resolves when the condition holds, asked after every change of this partition. Rejects when `timeoutMs` pass first. */
  async until(condition: (log: LogHandle) => boolean, timeoutMs = 10_000): Promise<void> {
    const patience = { clock: this.#cluster.clock, ms: timeoutMs, signal: new AbortController().signal };
    if (await waitUntil([this.#partition], () => condition(this), patience)) return;
    throw new Error(`the condition on ${this.topic}-${this.partition} did not hold within ${timeoutMs} ms (log end ${this.endOffset})`);
  }
}
