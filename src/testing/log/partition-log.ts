/** One partition's log in memory: append, read, truncate, and the offsets and producer states that follow from what is in it. */
import { decodeEndTxnMarker } from '../../codec/control-record.ts';
import { type HeaderChanges, patchBatch } from '../../codec/patch-header.ts';
import { decodeRecordBody, decodeRecordFrames } from '../../codec/record.ts';
import { BATCH_ATTRIBUTES, RecordBatch } from '../../codec/record-batch.ts';
import { Refusal } from '../refusal.ts';
import { type Release, since } from '../releases.ts';
import { EpochCache } from './epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { hasProducerId } from './producer-state.ts';
import { ProducerStates } from './producer-states.ts';
import { rawEntries } from './raw-entries.ts';
import type { Entry, Segment } from './segment.ts';
import { type SegmentReplacement, Segments } from './segments.ts';
import type { EndedTransaction } from './transaction-index.ts';

const EMPTY = Buffer.alloc(0);

/** A batch that passed the rules, and the header fields the leader writes over what was sent. */
export interface AcceptedBatch {
  readonly bytes: Buffer;
  readonly changes: HeaderChanges;
  /** The broker's time, for LogAppendTime topics; −1 for CreateTime. */
  readonly logAppendTime: bigint;
}

/** Where a batch came to lie, or lay already. */
export interface Appended {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  /** −1 in CreateTime topics; of a duplicate, the time of the batch it repeats. */
  readonly logAppendTime: bigint;
}

/** What a read found. */
export interface LogSlice {
  /** A view of the segment; the last batch may be cut off. */
  readonly records: Buffer;
  /** For read_committed: the aborted transactions that touch the slice, and others not far behind it. Null where brokers say nothing of them. */
  readonly aborted: readonly EndedTransaction[] | null;
}

/** How a log is read. */
export interface ReadLimits {
  readonly maxBytes: number;
  /** Nothing from here on is shown: the high watermark, or the last stable offset. */
  readonly upTo: bigint;
  /** The first batch comes whole, however small `maxBytes` is. */
  readonly whole: boolean;
  /** Tells of aborted transactions. */
  readonly committed?: boolean;
}

/** What a log needs from the partition it belongs to. */
export interface LogSurroundings {
  readonly config: () => LogConfig;
  readonly budget: MemoryBudget;
  readonly release: Release;
  /** Wall time of the broker. */
  readonly now: () => bigint;
  /** Called after every change of an offset. */
  readonly changed: () => void;
}

export class PartitionLog {
  readonly epochs: EpochCache = new EpochCache();
  readonly producers: ProducerStates = new ProducerStates();
  readonly #surroundings: LogSurroundings;
  #segments: Segments;
  #startOffset = 0n;
  #endOffset = 0n;
  #highWatermark = 0n;
  #highWatermarkHeld = false;
  #cleanedTo: bigint | null = null;
  #cuts = 0;

  constructor(surroundings: LogSurroundings) {
    this.#surroundings = surroundings;
    this.#segments = new Segments(0n, surroundings.now());
  }

  get startOffset(): bigint {
    return this.#startOffset;
  }
  get endOffset(): bigint {
    return this.#endOffset;
  }
  get highWatermark(): bigint {
    return this.#highWatermark;
  }
  /** Up to here every transaction has ended, on every replica. */
  get lastStableOffset(): bigint {
    const unstable = this.producers.transactions.firstUnstableOffset(this.#highWatermark);
    if (unstable === null || unstable > this.#highWatermark) return this.#highWatermark;
    if (unstable >= this.#startOffset) return unstable;
    // Where the log start overtook an open transaction, 4.x takes the base offset of the batch that the start lies in: less than the start itself.
    const [first] = since(this.#surroundings.release, '4.0') ? this.entries() : [];
    return first?.entry.baseOffset ?? this.#startOffset;
  }
  /** Bytes of all entries. */
  get size(): number {
    return this.#segments.size;
  }
  get segments(): readonly Segment[] {
    return this.#segments.all;
  }
  /** Everything below went through the log cleaner; null before its first round. */
  get cleanedTo(): bigint | null {
    return this.#cleanedTo;
  }
  /** How often closed segments went or changed: a round of the log cleaner that sees it grow was overtaken. */
  get cuts(): number {
    return this.#cuts;
  }

  /** Every entry not wholly below the log start, with the view of its bytes. */
  *entries(): Generator<{ readonly entry: Entry; readonly bytes: Buffer }, void, undefined> {
    for (const segment of this.segments) {
      for (let i = segment.indexOf(this.#startOffset); i < segment.entries.length; i++) {
        const entry = segment.entries[i]!;
        yield { entry, bytes: segment.bytesOf(entry) };
      }
    }
  }

  /** Appends as the partition's leader does for a client: at the log end, if the producer's sequence agrees. */
  append({ bytes, changes, logAppendTime }: AcceptedBatch, leaderEpoch: number): Appended {
    const { segmentBytes } = this.#surroundings.config();
    if (bytes.length > segmentBytes) {
      throw new Refusal('RECORD_LIST_TOO_LARGE', `A batch of ${bytes.length} bytes exceeds segment.bytes ${segmentBytes}`);
    }
    const batch = RecordBatch.at(bytes);
    const maxTimestamp = changes.maxTimestamp ?? batch.maxTimestamp;
    const baseOffset = this.endOffset;
    const verdict = this.producers.judge(batch, maxTimestamp, baseOffset, 'client');
    if (verdict.duplicate !== undefined) {
      const { firstOffset, lastOffset, timestamp } = verdict.duplicate;
      return { baseOffset: firstOffset, lastOffset, logAppendTime: timestamp };
    }
    const lastOffset = baseOffset + BigInt(batch.lastOffsetDelta);
    this.#store(bytes, { baseOffset, lastOffset, maxTimestamp, magic: 2 }, { ...changes, baseOffset, partitionLeaderEpoch: leaderEpoch });
    this.epochs.assign(leaderEpoch, baseOffset);
    verdict.commit();
    this.#appended();
    return { baseOffset, lastOffset, logAppendTime };
  }

  /** Appends the control batch that ends a transaction, as its coordinator asks the leader to (WriteTxnMarkers). Returns its offset. */
  appendMarker(bytes: Buffer, leaderEpoch: number): bigint {
    const baseOffset = this.endOffset;
    const batch = RecordBatch.at(bytes);
    const commit = this.#judgeMarker(batch, baseOffset, 'coordinator');
    const times = this.#surroundings.config().timestampType === 'LogAppendTime' ? this.#appendTime(batch) : {};
    const entry = { baseOffset, lastOffset: baseOffset, maxTimestamp: times.maxTimestamp ?? batch.maxTimestamp, magic: 2 };
    this.#store(bytes, entry, { ...times, baseOffset, partitionLeaderEpoch: leaderEpoch });
    this.epochs.assign(leaderEpoch, baseOffset);
    commit();
    this.#appended();
    return baseOffset;
  }

  /**
   * Appends stored bytes as a follower takes them from its leader: offsets, epochs and everything else as they are; holes, sparse and empty batches,
   * control batches and magic 0 or 1 are welcome. Throws RangeError for offsets below the log end.
   */
  appendRaw(bytes: Buffer): void {
    const entries = [...rawEntries(bytes, this.endOffset)];
    let next = this.endOffset;
    for (const { baseOffset, lastOffset } of entries) {
      if (baseOffset < next || lastOffset < baseOffset) {
        throw new RangeError(`an entry of offsets ${baseOffset} to ${lastOffset} cannot follow a log end of ${next}`);
      }
      next = lastOffset + 1n;
    }
    for (const entry of entries) {
      const own = bytes.subarray(entry.position, entry.position + entry.size);
      this.#store(own, entry);
      if (entry.magic === 2) this.epochs.assign(RecordBatch.at(own).partitionLeaderEpoch, entry.baseOffset);
      else this.epochs.clear(); // as followers do: old formats know no epochs
      this.#noteProducer(own, entry);
    }
    this.#appended();
  }

  /** Reads from `offset`. Throws OFFSET_OUT_OF_RANGE outside the log. */
  read(offset: bigint, { maxBytes, upTo, whole, committed = false }: ReadLimits): LogSlice {
    if (offset < this.#startOffset || offset > this.endOffset) {
      throw new Refusal('OFFSET_OUT_OF_RANGE', `Offset ${offset} is outside ${this.#startOffset} to ${this.endOffset}`);
    }
    if (offset >= upTo) return { records: EMPTY, aborted: committed ? [] : null };
    for (let s = this.#segments.indexOf(offset); s < this.segments.length; s++) {
      const segment = this.segments[s]!;
      const entry = segment.entries[segment.indexOf(offset)];
      if (entry === undefined) continue; // a hole up to the next segment
      const tooSmall = maxBytes < entry.size && !whole;
      // Brokers that cannot fit the first batch forget to tell of transactions, unless they were asked for no bytes at all.
      if (tooSmall && maxBytes > 0) return { records: EMPTY, aborted: null };
      const end = segment.entries[segment.indexOf(upTo)]?.position ?? segment.size;
      const to = tooSmall ? entry.position : Math.min(end, entry.position + Math.max(maxBytes, entry.size));
      const reaches = segment.landmarkAfter(to) ?? this.segments[s + 1]?.baseOffset ?? this.endOffset;
      return {
        records: segment.slice(entry.position, to),
        aborted: committed ? this.producers.transactions.abortedBetween(offset, reaches) : null,
      };
    }
    return { records: EMPTY, aborted: null };
  }

  /** Moves the log start up and drops the segments wholly below it. Lower offsets change nothing. Throws OFFSET_OUT_OF_RANGE above the high watermark. */
  deleteRecords(to: bigint): void {
    if (to > this.#highWatermark || to < 0n) {
      throw new Refusal('OFFSET_OUT_OF_RANGE', `Cannot move the log start to ${to}: the high watermark is ${this.#highWatermark}`);
    }
    if (to <= this.#startOffset) return;
    this.#startOffset = to;
    const freed = this.#segments.dropBelow(to);
    if (freed > 0) this.#cuts++;
    this.#surroundings.budget.release(freed);
    this.epochs.truncateFromStart(to);
    this.producers.transactions.forgetBelow(to);
    this.#surroundings.changed();
  }

  /** What a crash makes of a log start that was not yet written down: the log begins again with the first segment that is still there. */
  loseStart(): void {
    this.#startOffset = this.segments[0]!.baseOffset;
    this.#surroundings.changed();
  }

  /** Cuts the tail off, as a follower does when its new leader never had it. The log then ends at `offset`, also inside a batch or a hole. */
  truncateTo(offset: bigint): void {
    if (offset >= this.endOffset) return;
    this.#surroundings.budget.release(this.#segments.truncateTo(offset));
    this.#cuts++;
    this.#endOffset = offset;
    this.epochs.truncateFromEnd(offset);
    if (this.#highWatermark > offset) this.#highWatermark = offset;
    if (this.#startOffset > offset) this.#startOffset = offset;
    if (this.#cleanedTo !== null && this.#cleanedTo > offset) this.#cleanedTo = offset;
    this.#rebuildProducers();
    this.#surroundings.changed();
  }

  /** Empties the log and lets it begin, and end, at `offset`. */
  startAt(offset: bigint): void {
    this.#surroundings.budget.release(this.size);
    this.#segments = new Segments(offset, this.#surroundings.now());
    this.#startOffset = offset;
    this.#endOffset = offset;
    this.#highWatermark = offset;
    this.#cleanedTo = null;
    this.#cuts++;
    this.epochs.clear();
    this.producers.clear();
    this.#surroundings.changed();
  }

  /** Closes the active segment, as brokers do at an append after `segment.ms`. */
  roll(): void {
    this.#segments.roll(this.endOffset, this.#surroundings.now());
  }

  /** Freezes the high watermark where it is, as if the followers had stopped fetching. */
  holdHighWatermark(): void {
    this.#highWatermarkHeld = true;
  }

  /** Moves a held high watermark up to `offset`; without one, lets it follow the log end again. */
  releaseHighWatermark(offset?: bigint): void {
    if (offset === undefined) this.#highWatermarkHeld = false;
    const to = offset === undefined || offset > this.endOffset ? this.endOffset : offset;
    if (to > this.#highWatermark) this.#highWatermark = to;
    this.#surroundings.changed();
  }

  /** What the retention task does: drops whole segments that are too old or too many. Returns whether the log start moved. */
  applyRetention(): boolean {
    const config = this.#surroundings.config();
    const now = this.#surroundings.now();
    if (!config.deleted) return false;
    const to = this.#segments.retainedFrom(config, now, this.#highWatermark, this.endOffset);
    if (to <= this.#startOffset) return false;
    if (to === this.endOffset) this.#segments.roll(to, now); // the active segment rolls, then goes like the others
    this.deleteRecords(to);
    return true;
  }

  /** Puts cleaned segments in the place of those they were made from, and remembers that everything below `upTo` is clean. */
  takeCleaned(replacements: readonly SegmentReplacement[], upTo: bigint): void {
    for (const { replaced, by } of replacements) this.#surroundings.budget.release(this.#segments.replace(replaced, by));
    this.#cleanedTo = upTo;
    this.#cuts++;
  }

  /** Gives back the memory of a deleted partition. */
  dispose(): void {
    this.#surroundings.budget.release(this.size);
    this.#segments = new Segments(this.endOffset, this.#surroundings.now());
    this.#startOffset = this.endOffset;
    this.#cuts++;
  }

  #store(bytes: Buffer, entry: Omit<Entry, 'position' | 'size'>, changes?: HeaderChanges): void {
    const config = this.#surroundings.config();
    const now = this.#surroundings.now();
    this.#surroundings.budget.claim(bytes.length);
    const segment = this.#segments.room(bytes.length, entry, config, now);
    segment.append(bytes, entry, now, config.indexIntervalBytes);
    this.#endOffset = entry.lastOffset + 1n;
    // In the copy, never in the request: whoever observes frames sees what was really sent.
    if (changes !== undefined) patchBatch(RecordBatch.at(segment.bytesOf(segment.entries.at(-1)!)), changes);
  }

  #appendTime({ attributes }: RecordBatch): HeaderChanges {
    return { attributes: attributes | BATCH_ATTRIBUTES.logAppendTime, maxTimestamp: this.#surroundings.now() };
  }

  #appended(): void {
    if (!this.#highWatermarkHeld) this.#highWatermark = this.endOffset;
    this.#surroundings.changed();
  }

  /** What followers and recovery learn about producers from an entry that is stored. */
  #noteProducer(bytes: Buffer, { magic, baseOffset }: Pick<Entry, 'magic' | 'baseOffset'>): void {
    if (magic !== 2) return;
    const batch = RecordBatch.at(bytes);
    if (batch.isControl) this.#judgeMarker(batch, baseOffset, 'replication')();
    else this.producers.judge(batch, batch.maxTimestamp, baseOffset, 'replication').commit();
  }

  #judgeMarker(batch: RecordBatch, offset: bigint, origin: 'coordinator' | 'replication'): () => void {
    const { producerId, producerEpoch, maxTimestamp: timestamp, recordsCount, payload } = batch;
    if (!hasProducerId(producerId)) return () => undefined;
    // A control batch that compaction emptied ends a transaction of which nothing is left.
    const [frame] = recordsCount === 0 ? [] : decodeRecordFrames(payload, recordsCount);
    const marker = frame === undefined ? null : decodeEndTxnMarker(decodeRecordBody(frame.body));
    if (marker === null) return () => undefined;
    return this.producers.judgeMarker({ ...marker, producerId, producerEpoch, timestamp }, offset, origin);
  }

  #rebuildProducers(): void {
    this.producers.clear();
    for (const segment of this.segments) for (const entry of segment.entries) this.#noteProducer(segment.bytesOf(entry), entry);
  }
}
