/** One mirrored partition: where it stands, what waits to be appended, what is on its way. No I/O: fetchers and appenders call it. */
import { rebaseBatch } from '../../codec/patch-header.ts';
import { BATCH_LAYOUT, LOG_OVERHEAD_BYTES, type RecordBatch } from '../../codec/record-batch.ts';
import { RecordSetCursor } from '../../codec/record-set.ts';
import { LinkError } from '../../errors.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import { type AppendVerdict, describeVerdict, judgeBatch, sequenceOf } from './append-plan.ts';
import type { FrameLease } from './byte-window.ts';

/**
 * - `aligning`: the destination's log end is being read and compared with the source.
 * - `mirroring`: fetch and append run.
 * - `draining`: something went wrong; what is on its way must be answered before the partition aligns anew.
 * - `failed`: stopped for good, see {@link PartitionMirror.error}.
 * - `closed`: the link is closing.
 */
export type PartitionPhase = 'aligning' | 'mirroring' | 'draining' | 'failed' | 'closed';

/** The producer under which every process of a link writes; the broker's sequence check then means "append only here". */
export interface LinkProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** Where a partition begins to fetch, found by comparing both logs. */
export interface Alignment {
  /** The destination's log end: the next offset to copy. */
  readonly offset: number;
  /** Leader epoch of the last copied batch at the source, or -1. */
  readonly lastFetchedEpoch: number;
  readonly sourceStart: number;
  readonly sourceEnd: number;
}

/** One batch on its way to the destination. */
export interface OutgoingBatch {
  readonly offset: number;
  readonly nextOffset: number;
  /** The whole batch, header patched; a view of the fetched frame. */
  readonly bytes: Buffer;
  readonly lease: FrameLease;
}

/** What a fetch brought for one partition. */
export interface FetchedRecords {
  /** The offset that was asked for. */
  readonly fetchOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly records: Buffer | null;
  readonly lease: FrameLease;
}

/** Who is told when something changes. */
export interface PartitionListener {
  /** There is a batch to send. */
  readyToAppend(mirror: PartitionMirror): void;
  /** There is room to fetch more. */
  readyToFetch(mirror: PartitionMirror): void;
  /** More of the source is known, or more of it has arrived. */
  progressed(mirror: PartitionMirror): void;
  /** Nothing is on its way any more; the partition must be aligned anew. */
  drained(mirror: PartitionMirror): void;
  phaseChanged(mirror: PartitionMirror, from: PartitionPhase): void;
}

interface Run {
  readonly buffer: Buffer;
  readonly view: DataView;
  readonly end: number;
  readonly lease: FrameLease;
  position: number;
  offset: number;
}

/** A broker remembers the last five batches of a producer: more in flight, and a repeated one would not be recognised. */
const MAX_IN_FLIGHT = 5;

export class PartitionMirror {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly partition: number;
  phase: PartitionPhase = 'aligning';
  /** Why the partition failed, or what disturbed it last; null while all is well. */
  error: LinkError | null = null;
  /** Next source offset to fetch. */
  fetchOffset = 0;
  lastFetchedEpoch = -1;
  /** Destination's log end, as far as acknowledged. */
  ackedOffset = 0;
  sourceStart = 0;
  sourceEnd = 0;
  /** By the link's clock, milliseconds: when the source last answered for this partition. */
  lastFetchedAt = Number.NEGATIVE_INFINITY;
  bytes = 0;
  batches = 0;
  /** Times in a row that the partition had to be aligned anew, without a sign between that all is well. */
  disturbances = 0;

  readonly #queueLimit: number;
  readonly #listener: PartitionListener;
  readonly #idHigh: number;
  readonly #idLow: number;
  readonly #epoch: number;
  readonly #runs: Run[] = [];
  #queuedBytes = 0;
  #inFlight = 0;
  /**
   * A leader that has no state of the link's producer takes any sequence as its first. So the first batch of a run goes alone: were it
   * refused for a moment and its successor not, that one would land where the first belongs.
   */
  #inFlightLimit = 1;
  /** A failure that takes effect when everything before it has been acknowledged. */
  #stop: MirrorFailure | null = null;

  constructor(
    id: { readonly topic: string; readonly sourceTopic: string; readonly partition: number },
    producer: LinkProducer,
    queueLimitBytes: number,
    listener: PartitionListener,
  ) {
    this.topic = id.topic;
    this.sourceTopic = id.sourceTopic;
    this.partition = id.partition;
    this.#queueLimit = queueLimitBytes;
    this.#listener = listener;
    this.#idHigh = Number(producer.producerId >> 32n);
    this.#idLow = Number(BigInt.asIntN(32, producer.producerId));
    this.#epoch = producer.producerEpoch;
  }

  /** Offsets that the source has and the destination has not, as of the last fetch. */
  get lag(): number {
    return Math.max(0, this.sourceEnd - this.ackedOffset);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A full queue leaves the fetch until it has drained. */
  get wantsRecords(): boolean {
    return this.phase === 'mirroring' && this.#stop === null && this.#queuedBytes < this.#queueLimit;
  }

  /** Mirroring, but held back because its queue is full. */
  get isHeldBack(): boolean {
    return this.phase === 'mirroring' && this.#stop === null && this.#queuedBytes >= this.#queueLimit;
  }

  /** The last fetch said that the source has more than was fetched. */
  get hasBacklog(): boolean {
    return this.fetchOffset < this.sourceEnd;
  }

  get hasBatchToSend(): boolean {
    return this.phase === 'mirroring' && this.#runs.length > 0 && this.#inFlight < this.#inFlightLimit;
  }

  get label(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** Both logs agree up to `alignment.offset`: fetch and append from there. */
  begin(alignment: Alignment): void {
    if (this.phase !== 'aligning') return;
    this.fetchOffset = alignment.offset;
    this.ackedOffset = alignment.offset;
    this.lastFetchedEpoch = alignment.lastFetchedEpoch;
    this.sourceStart = alignment.sourceStart;
    this.sourceEnd = alignment.sourceEnd;
    this.error = null;
    this.#inFlightLimit = 1;
    this.#change('mirroring');
    this.#listener.readyToFetch(this);
  }

  /** Takes over what a fetch brought. An answer to a question that is out of date is ignored. */
  accept({ fetchOffset, highWatermark, logStartOffset, records, lease }: FetchedRecords, now: number): void {
    if (this.phase !== 'mirroring' || fetchOffset !== this.fetchOffset || this.#stop !== null) return;
    this.lastFetchedAt = now;
    this.sourceEnd = Math.max(highWatermark, this.fetchOffset);
    this.sourceStart = logStartOffset;
    const isEmpty = records === null || records.length === 0;
    if (isEmpty && this.ackedOffset === this.fetchOffset) this.#recovered();
    this.#listener.progressed(this);
    if (isEmpty) return;
    this.#walk(records, lease);
    this.#stopIfDone();
    if (this.hasBatchToSend) this.#listener.readyToAppend(this);
  }

  /** Queues what can be appended, up to the first batch that cannot: that one stops the partition once the others have arrived. */
  #walk(records: Buffer, lease: FrameLease): void {
    // Of this call alone: a cursor that is kept would keep the whole frame of its last records.
    const cursor = new RecordSetCursor().open(records);
    const { batch } = cursor;
    const offset = this.fetchOffset;
    let from = -1;
    let end = 0;
    for (let verdict = this.#judgeNext(cursor); verdict !== null; verdict = this.#judgeNext(cursor)) {
      if (verdict === 'append') {
        if (from < 0) from = batch.position;
        end = cursor.position;
        this.#rebase(batch);
      } else if (from >= 0 && batch.baseOffsetNumber < this.fetchOffset) {
        this.#stopAtCorruption(`a batch at offset ${batch.baseOffset} follows those up to ${this.fetchOffset - 1}`);
      } else if (verdict !== 'skip') {
        this.#stop = new MirrorFailure(verdict, `${this.label}: ${describeVerdict(verdict, this.fetchOffset, batch)}`);
      }
    }
    if (this.#stop === null && cursor.stop === 'message-set') {
      this.#stop = new MirrorFailure(
        'UNSUPPORTED_MESSAGE_FORMAT',
        `${this.label}: the source has messages of format v${cursor.magic} from offset ${cursor.messageOffset}; only v2 record batches (Kafka 0.11 and later) are mirrored`,
      );
    }
    if (from < 0) return;
    lease.hold();
    this.#queuedBytes += end - from;
    const view = new DataView(records.buffer, records.byteOffset, records.length);
    this.#runs.push({ buffer: records, view, position: from, end, offset, lease });
  }

  /** Null at the end of the walk: nothing follows, or the partition is to stop here. */
  #judgeNext(cursor: RecordSetCursor): AppendVerdict | null {
    try {
      return this.#stop === null && cursor.next() ? judgeBatch(this.fetchOffset, cursor.batch) : null;
    } catch (error) {
      if (!LinkError.is(error)) throw error;
      this.#stopAtCorruption(error.message, error);
      return null;
    }
  }

  #stopAtCorruption(what: string, cause?: LinkError): void {
    this.#stop = new MirrorFailure(
      'CORRUPT_SOURCE_BATCH',
      `${this.label}: what the source sent for offset ${this.fetchOffset} cannot be: ${what}`,
      cause,
    );
  }

  #rebase(batch: RecordBatch): void {
    const { lastOffsetDelta, partitionLeaderEpoch } = batch;
    rebaseBatch(batch, this.#idHigh, this.#idLow, this.#epoch, sequenceOf(this.fetchOffset));
    this.lastFetchedEpoch = partitionLeaderEpoch;
    this.fetchOffset += lastOffsetDelta + 1;
  }

  /** The next batch to send, or null. The caller answers for each with {@link acknowledge} or {@link unanswered}. */
  takeBatch(): OutgoingBatch | null {
    const run = this.#runs[0];
    if (run === undefined || !this.hasBatchToSend) return null;
    const { position, offset, lease } = run;
    const size = run.view.getInt32(position + BATCH_LAYOUT.batchLength) + LOG_OVERHEAD_BYTES;
    const nextOffset = offset + run.view.getInt32(position + BATCH_LAYOUT.lastOffsetDelta) + 1;
    const bytes = run.buffer.subarray(position, position + size);
    run.position += size;
    run.offset = nextOffset;
    // The run's own hold goes over to its last batch.
    if (run.position < run.end) lease.hold();
    else this.#runs.shift();
    this.#inFlight++;
    return { offset, nextOffset, bytes, lease };
  }

  /** The destination has appended the batch at `baseOffset`, or says that it did so before. */
  acknowledge(batch: OutgoingBatch, baseOffset: number): void {
    this.#landed(batch);
    if (this.phase !== 'mirroring' && this.phase !== 'draining') return;
    if (baseOffset !== batch.offset) {
      this.fail(displaced(this.label, batch.offset, baseOffset));
      return;
    }
    this.ackedOffset = Math.max(this.ackedOffset, batch.nextOffset);
    this.bytes += batch.bytes.length;
    this.batches++;
    this.#inFlightLimit = MAX_IN_FLIGHT;
    if (this.phase === 'mirroring') this.#recovered();
    this.#listener.progressed(this);
    if (this.phase === 'draining') {
      this.#drainedIfDone();
      return;
    }
    this.#stopIfDone();
    if (this.hasBatchToSend) this.#listener.readyToAppend(this);
    if (this.wantsRecords) this.#listener.readyToFetch(this);
  }

  /** Whether the batch was appended is unknown, or it was refused: align anew once nothing is on its way. */
  unanswered(batch: OutgoingBatch, error: LinkError): void {
    this.#landed(batch);
    if (this.phase === 'mirroring') this.disturb(error);
    else if (this.phase === 'draining') this.#drainedIfDone();
  }

  /** Whatever was queued is dropped and fetched again: the destination's log end is the only checkpoint. */
  disturb(error: LinkError): void {
    if (this.phase !== 'mirroring') return;
    this.error = error;
    this.disturbances++;
    this.#dropQueue();
    this.#change('draining');
    this.#drainedIfDone();
  }

  /** Stops the partition for good. */
  fail(failure: LinkError): void {
    if (this.phase === 'failed' || this.phase === 'closed') return;
    this.error = failure;
    this.#dropQueue();
    this.#change('failed');
  }

  close(): void {
    if (this.phase === 'closed') return;
    this.#dropQueue();
    if (this.phase !== 'failed') this.#change('closed');
  }

  /** A batch was acknowledged, or there is nothing to copy: whatever disturbed the partition is over. */
  #recovered(): void {
    this.disturbances = 0;
    this.error = null;
  }

  #landed(batch: OutgoingBatch): void {
    this.#inFlight--;
    this.#queuedBytes -= batch.bytes.length;
    batch.lease.drop();
  }

  #stopIfDone(): void {
    if (this.#stop !== null && this.#inFlight === 0 && this.#runs.length === 0) this.fail(this.#stop);
  }

  #drainedIfDone(): void {
    if (this.phase !== 'draining' || this.#inFlight > 0) return;
    this.#change('aligning');
    this.#listener.drained(this);
  }

  #dropQueue(): void {
    for (const run of this.#runs) {
      this.#queuedBytes -= run.end - run.position;
      run.lease.drop();
    }
    this.#runs.length = 0;
    this.#stop = null;
  }

  #change(phase: PartitionPhase): void {
    const from = this.phase;
    this.phase = phase;
    this.#listener.phaseChanged(this, from);
  }
}

/** A batch has landed at another offset than its own: the mirror's log is not what the link has made of it. */
const displaced = (label: string, offset: number, landed: number): MirrorFailure => {
  const where = `${label}: the batch of source offset ${offset} landed at ${landed}`;
  return landed > offset
    ? new MirrorFailure(
        'DESTINATION_FOREIGN_WRITE',
        `${where}. Somebody else wrote ${landed - offset} offset(s) into the mirror; its records from there on are not at their offsets. ` +
          'Deny writes to the topic, delete it and mirror it anew',
      )
    : new MirrorFailure(
        'DESTINATION_DIVERGED',
        `${where}: the mirror's log has lost ${offset - landed} offset(s) that were copied (the topic was made anew, or an unclean election). ` +
          'Its records from there on are not at their offsets: delete it and mirror it anew',
      );
};
