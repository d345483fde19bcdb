/** One partition's log in memory: append, read, truncate, and the offsets and producer states that follow from what is in it. */
import { decodeEndTxnMarker } from '../../codec/control-record.ts';
import { type HeaderChanges, patchBatch } from '../../codec/patch-header.ts';
import { decodeRecordBody, decodeRecordFrames } from '../../codec/record.ts';
import { RecordBatch } from '../../codec/record-batch.ts';
import { Refusal } from '../refusal.ts';
import { EpochCache } from './epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { ProducerStates } from './producer-states.ts';
import { rawEntries } from './raw-entries.ts';
import { type Entry, Segment } from './segment.ts';

/** Segments end here at the latest, whatever `segment.bytes` allows: the larger they get, the more a growing one copies. */
const MAX_SEGMENT_BYTES = 8 * 1024 * 1024;
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
  /** Transactions that begin at or after this offset do not concern the slice. */
  readonly upperBound: bigint;
}

/** What a log needs from the partition it belongs to. */
export interface LogSurroundings {
  readonly config: () => LogConfig;
  readonly budget: MemoryBudget;
  /** Called after every change of an offset. */
  readonly changed: () => void;
}

export class PartitionLog {
  readonly epochs: EpochCache = new EpochCache();
  readonly producers: ProducerStates = new ProducerStates();
  readonly #surroundings: LogSurroundings;
  #segments: Segment[] = [new Segment(0n)];
  #startOffset = 0n;
  #highWatermark = 0n;
  #highWatermarkHeld = false;

  constructor(surroundings: LogSurroundings) {
    this.#surroundings = surroundings;
  }

  get startOffset(): bigint {
    return this.#startOffset;
  }
  get endOffset(): bigint {
    return this.#active.nextOffset;
  }
  get highWatermark(): bigint {
    return this.#highWatermark;
  }
  /** Up to here every transaction has ended, on every replica. */
  get lastStableOffset(): bigint {
    const unstable = this.producers.transactions.firstUnstableOffset(this.#highWatermark);
    if (unstable === null || unstable > this.#highWatermark) return this.#highWatermark;
    if (unstable < this.#startOffset) return this.#startOffset;
    return unstable;
  }
  /** Bytes of all entries. */
  get size(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0);
  }
  get #active(): Segment {
    return this.#segments.at(-1)!;
  }

  /** Every entry not wholly below the log start, with the view of its bytes. */
  *entries(): Generator<{ readonly entry: Entry; readonly bytes: Buffer }, void, undefined> {
    for (const segment of this.#segments) {
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
    const entry = { baseOffset, lastOffset: baseOffset, maxTimestamp: batch.maxTimestamp, magic: 2 };
    this.#store(bytes, entry, { baseOffset, partitionLeaderEpoch: leaderEpoch });
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

  /** Reads from `offset` up to, not including, `upTo`. Throws OFFSET_OUT_OF_RANGE outside the log. `whole` overrules `maxBytes` for the first batch. */
  read(offset: bigint, maxBytes: number, upTo: bigint, whole: boolean): LogSlice {
    if (offset < this.#startOffset || offset > this.endOffset) {
      throw new Refusal('OFFSET_OUT_OF_RANGE', `Offset ${offset} is outside ${this.#startOffset} to ${this.endOffset}`);
    }
    const nothing = { records: EMPTY, upperBound: offset };
    if (offset >= upTo) return nothing;
    const first = this.#segments.findLastIndex(({ baseOffset }) => baseOffset <= offset);
    for (let s = Math.max(0, first); s < this.#segments.length; s++) {
      const segment = this.#segments[s]!;
      const entry = segment.entries[segment.indexOf(offset)];
      if (entry === undefined) continue; // a hole up to the next segment
      if (entry.lastOffset >= upTo || (maxBytes < entry.size && !whole)) return nothing;
      const end = segment.entries[segment.indexOf(upTo)]?.position ?? segment.size;
      const to = Math.min(end, entry.position + Math.max(maxBytes, entry.size));
      const after = segment.entries[segment.indexOfPosition(to)] ?? this.#segments[s + 1];
      return { records: segment.slice(entry.position, to), upperBound: after?.baseOffset ?? this.endOffset };
    }
    return nothing;
  }

  /** Moves the log start up and drops the segments wholly below it. Lower offsets change nothing. Throws OFFSET_OUT_OF_RANGE above the high watermark. */
  deleteRecords(to: bigint): void {
    if (to > this.#highWatermark || to < 0n) {
      throw new Refusal('OFFSET_OUT_OF_RANGE', `Cannot move the log start to ${to}: the high watermark is ${this.#highWatermark}`);
    }
    if (to <= this.#startOffset) return;
    this.#startOffset = to;
    while (this.#segments.length > 1 && this.#segments[0]!.nextOffset <= to) {
      this.#surroundings.budget.release(this.#segments.shift()!.size);
    }
    this.epochs.truncateFromStart(to);
    this.producers.transactions.forgetBelow(to);
    this.#surroundings.changed();
  }

  /** Cuts the tail off, as a follower does when its new leader never had it. */
  truncateTo(offset: bigint): void {
    if (offset >= this.endOffset) return;
    const before = this.size;
    while (this.#segments.length > 1 && this.#active.baseOffset >= offset) this.#segments.pop();
    this.#active.truncateTo(offset);
    this.#surroundings.budget.release(before - this.size);
    this.epochs.truncateFromEnd(offset);
    if (this.#highWatermark > this.endOffset) this.#highWatermark = this.endOffset;
    if (this.#startOffset > this.endOffset) this.#startOffset = this.endOffset;
    this.#rebuildProducers();
    this.#surroundings.changed();
  }

  /** Empties the log and lets it begin, and end, at `offset`. */
  startAt(offset: bigint): void {
    this.#surroundings.budget.release(this.size);
    this.#segments = [new Segment(offset)];
    this.#startOffset = offset;
    this.#highWatermark = offset;
    this.epochs.clear();
    this.producers.clear();
    this.#surroundings.changed();
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
  applyRetention(now: bigint): boolean {
    const { retentionMs, retentionBytes, deleted } = this.#surroundings.config();
    if (!deleted) return false;
    const { size } = this;
    let dropped = 0;
    let to = this.#startOffset;
    for (const segment of this.#segments) {
      const old = retentionMs >= 0n && segment.size > 0 && now - segment.maxTimestamp > retentionMs;
      const surplus = retentionBytes >= 0n && BigInt(size - dropped - segment.size) >= retentionBytes;
      if ((!old && !surplus) || segment.nextOffset > this.#highWatermark) break;
      dropped += segment.size;
      to = segment.nextOffset;
    }
    if (to <= this.#startOffset) return false;
    if (to === this.endOffset) this.#segments.push(new Segment(to)); // the active segment rolls, then goes like the others
    this.deleteRecords(to);
    return true;
  }

  /** Gives back the memory of a deleted partition. */
  dispose(): void {
    this.#surroundings.budget.release(this.size);
    this.#segments = [new Segment(this.endOffset)];
    this.#startOffset = this.endOffset;
  }

  #store(bytes: Buffer, entry: Omit<Entry, 'position' | 'size'>, changes?: HeaderChanges): void {
    const { segmentBytes } = this.#surroundings.config();
    this.#surroundings.budget.claim(bytes.length);
    let segment = this.#active;
    if (segment.size > 0 && segment.size + bytes.length > Math.min(segmentBytes, MAX_SEGMENT_BYTES)) {
      segment = new Segment(this.endOffset);
      this.#segments.push(segment);
    }
    segment.append(bytes, entry);
    // In the copy, never in the request: whoever observes frames sees what was really sent.
    if (changes !== undefined) patchBatch(RecordBatch.at(segment.bytesOf(segment.entries.at(-1)!)), changes);
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
    // A control batch that compaction emptied ends a transaction of which nothing is left.
    const [frame] = recordsCount === 0 ? [] : decodeRecordFrames(payload, recordsCount);
    const marker = frame === undefined ? null : decodeEndTxnMarker(decodeRecordBody(frame.body));
    if (marker === null) return () => undefined;
    return this.producers.judgeMarker({ ...marker, producerId, producerEpoch, timestamp }, offset, origin);
  }

  #rebuildProducers(): void {
    this.producers.clear();
    for (const segment of this.#segments) for (const entry of segment.entries) this.#noteProducer(segment.bytesOf(entry), entry);
  }
}
