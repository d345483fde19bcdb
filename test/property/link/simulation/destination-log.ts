/** The destination's log: appends by the rules of real brokers (broker-facts A.1, A.4, B.3), with what they remember of producers. */

import type { Random } from '../../../../src/client/clock.ts';
import { computeCrc } from '../../../../src/codec/batch-crc.ts';
import { patchBatch } from '../../../../src/codec/patch-header.ts';
import { RecordBatch } from '../../../../src/codec/record-batch.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { controlRecord, encodeBatch, randomRecords } from './record-batches.ts';
import { CODEC_BITS, CONTROL, LOG_APPEND_TIME, readBatch, shownBy, TRANSACTIONAL } from './record-reader.ts';
import { type Entry, SimLog } from './sim-log.ts';

export interface DestinationEntry extends Entry {
  readonly kind: 'batch' | 'marker' | 'foreign';
}

export interface ProducerState {
  readonly epoch: number;
  /** Of the last batch: what a producer's memory ages by. */
  readonly lastTimestamp: number;
  /** The last five: what a broker recognises as repeated. */
  readonly batches: readonly { readonly first: number; readonly last: number; readonly base: number }[];
}

export interface ProduceAnswer {
  readonly errorCode: number;
  readonly baseOffset: number;
}

export interface Marker {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly isCommit: boolean;
  readonly time: number;
}

const SEQUENCES = 2 ** 31;
const REMEMBERED = 5;
const refused = (errorCode: number): ProduceAnswer => ({ errorCode, baseOffset: -1 });

export class DestinationLog extends SimLog<DestinationEntry> {
  /** Told of everything that the link has appended. */
  onAppend: (entry: DestinationEntry) => void = () => {};
  /** Milliseconds since 1970. */
  startMovedAt = Number.NEGATIVE_INFINITY;
  readonly #producers = new Map<bigint, ProducerState>();

  get producers(): ReadonlyMap<bigint, ProducerState> {
    return this.#producers;
  }

  /** What is to be seen at an offset. */
  shownAt(offset: number): string | undefined {
    return offset < this.start ? undefined : this.entryAt(offset)?.shown.get(offset);
  }

  /** A Produce of the link. With `acks` 1 the high watermark stays behind until {@link replicate}. */
  produce(sent: Buffer, acks: number): ProduceAnswer {
    const batch = RecordBatch.at(sent);
    const refusal = validate(batch, sent);
    if (refusal !== ErrorCode.NONE) return refused(refusal);
    const { producerId, producerEpoch, baseSequence: first, lastOffsetDelta } = batch;
    const last = (first + lastOffsetDelta) % SEQUENCES;
    const state = this.#producers.get(producerId);
    if (state !== undefined) {
      if (producerEpoch < state.epoch) return refused(ErrorCode.INVALID_PRODUCER_EPOCH);
      const repeated = state.batches.find((known) => known.first === first && known.last === last);
      if (repeated !== undefined) return { errorCode: ErrorCode.NONE, baseOffset: repeated.base };
      const expected = ((state.batches.at(-1)?.last ?? -1) + 1) % SEQUENCES;
      if (first !== expected) return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    const base = this.end;
    const bytes = Buffer.from(sent);
    patchBatch(RecordBatch.at(bytes), {
      baseOffset: BigInt(base),
      partitionLeaderEpoch: this.leaderEpoch,
      // A CreateTime topic: accepted since 3.6, and silently given other times.
      attributes: batch.attributes & ~LOG_APPEND_TIME,
    });
    this.#keep({ base, next: base + lastOffsetDelta + 1, bytes, shown: shownBy(bytes), kind: 'batch' });
    if (acks === -1) this.replicate();
    return { errorCode: ErrorCode.NONE, baseOffset: base };
  }

  /** One control record, for whoever may: nothing is checked but the epoch of a producer that is known. */
  writeMarker({ producerId, producerEpoch, isCommit, time }: Marker): number {
    if (producerId === -1n) return ErrorCode.UNKNOWN_SERVER_ERROR;
    if (producerEpoch < (this.#producers.get(producerId)?.epoch ?? 0)) return ErrorCode.INVALID_PRODUCER_EPOCH;
    const base = this.end;
    const bytes = encodeBatch(
      { base, next: base + 1, leaderEpoch: this.leaderEpoch, producerId: Number(producerId), isTransactional: true, isControl: true },
      [controlRecord(base, time, isCommit ? 'commit' : 'abort')],
    );
    this.#keep({ base, next: base + 1, bytes, shown: new Map(), kind: 'marker' });
    return ErrorCode.NONE;
  }

  /** -1: up to the high watermark. */
  deleteRecords(offset: number, now: number): { readonly errorCode: number; readonly lowWatermark: number } {
    const before = offset === -1 ? this.highWatermark : offset;
    if (before < 0 || before > this.highWatermark) return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 };
    if (before > this.start) this.startMovedAt = now;
    this.start = Math.max(this.start, before);
    return { errorCode: ErrorCode.NONE, lowWatermark: this.start };
  }

  /** Segments below the log start are deleted: what was in them does not come back. */
  dropDeleted(): void {
    this.entries = this.entries.filter(({ next }) => next > this.start);
  }

  /** The mirror's own cleaner: it takes markers, for which no consumer has a use. The last batch of a log always stays. */
  clean(random: Random): void {
    const last = this.entries.at(-1);
    this.entries = this.entries.filter((entry) => entry === last || entry.kind !== 'marker' || random() < 0.5);
  }

  /** A crash before the log start was on disk: it is where the oldest segment begins. */
  forgetStart(): void {
    this.start = Math.min(this.start, this.entries[0]?.base ?? this.start);
  }

  /** Somebody else's producer. */
  writeForeign(random: Random): void {
    const base = this.end;
    const bytes = encodeBatch({ base, next: base + 1, leaderEpoch: 0, producerId: -1 }, randomRecords(random, base, 1, 1));
    this.entries.push({ base, next: base + 1, bytes, shown: shownBy(bytes), kind: 'foreign' });
    this.replicate();
  }

  replicate(): void {
    this.highWatermark = this.end;
  }

  /** A follower takes over: it has what is below the high watermark, and perhaps not the rest. Returns the number of offsets lost. */
  moveLeader(leader: number, losesTail: boolean): number {
    const before = this.end;
    this.leader = leader;
    this.leaderEpoch++;
    if (losesTail) this.entries = this.entries.filter(({ next }) => next <= this.highWatermark);
    this.replicate();
    this.#producers.clear();
    for (const entry of this.entries) this.#remember(entry);
    return before - this.end;
  }

  /** What `producer.id.expiration.ms` does at each of its checks: it compares a clock with the time of records. */
  forgetProducers(before: number): void {
    for (const [producerId, { lastTimestamp }] of this.#producers) if (lastTimestamp < before) this.#producers.delete(producerId);
  }

  #keep(entry: DestinationEntry): void {
    this.entries.push(entry);
    this.#remember(entry);
    this.onAppend(entry);
  }

  #remember({ base, bytes }: Entry): void {
    const { producerId, producerEpoch, baseSequence: first, lastOffsetDelta, isControl, maxTimestamp } = RecordBatch.at(bytes);
    if (producerId < 0n) return;
    const known = this.#producers.get(producerId)?.batches ?? [];
    const written = isControl ? [] : [{ first, last: (first + lastOffsetDelta) % SEQUENCES, base }];
    const batches = [...known, ...written].slice(-REMEMBERED);
    this.#producers.set(producerId, { epoch: producerEpoch, lastTimestamp: Number(maxTimestamp), batches });
  }
}

/** The checks of `LogValidator`, in its order. */
const validate = (batch: RecordBatch, sent: Buffer): number => {
  if (batch.sizeInBytes !== sent.length || batch.baseOffset !== 0n) return ErrorCode.INVALID_RECORD;
  if (computeCrc(batch) !== batch.crc) return ErrorCode.CORRUPT_MESSAGE;
  const { attributes, recordsCount, lastOffsetDelta } = batch;
  if (recordsCount < 1 || lastOffsetDelta + 1 !== recordsCount || (attributes & CONTROL) !== 0) return ErrorCode.INVALID_RECORD;
  if ((attributes & TRANSACTIONAL) !== 0) return ErrorCode.INVALID_TXN_STATE;
  if (batch.producerId > -1n && batch.baseSequence < 0) return ErrorCode.INVALID_RECORD;
  try {
    const offsets = readBatch(sent).map(({ offset }) => offset);
    // Only compressed batches have their inner offsets looked at.
    const isRenumbered = (attributes & CODEC_BITS) !== 0 && offsets.some((offset, index) => offset !== index);
    return isRenumbered ? ErrorCode.UNKNOWN_SERVER_ERROR : ErrorCode.NONE;
  } catch {
    return ErrorCode.INVALID_RECORD;
  }
};
