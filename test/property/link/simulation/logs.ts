/** The logs of one partition on both sides, with the rules by which real brokers read and append; independent of the engine. */
import type { Random } from '../../../../src/client/clock.ts';
import { computeCrc } from '../../../../src/codec/batch-crc.ts';
import { RecordBatch } from '../../../../src/codec/record-batch.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { type BatchKind, makeBatch, makeOldMessage } from './batches.ts';

export interface Entry {
  readonly base: number;
  readonly next: number;
  readonly bytes: Buffer;
}

/** What both sides have: a leader, its epoch, and batches. */
export abstract class SimLog {
  leader: number;
  leaderEpoch = 0;
  entries: Entry[] = [];
  start = 0;
  /** Up to here every in-sync replica has it: what consumers may read. */
  highWatermark = 0;

  constructor(leader: number) {
    this.leader = leader;
  }

  get end(): number {
    return this.entries.at(-1)?.next ?? this.start;
  }

  /** As a consumer reads: whole batches from the one that holds `offset`, the last one perhaps cut off. */
  read(offset: number, maxBytes: number, wholeFirst: boolean): Buffer {
    const found: Buffer[] = [];
    let bytes = 0;
    for (const entry of this.entries) {
      if (entry.next <= offset || entry.next > this.highWatermark) continue;
      if (bytes >= maxBytes) break;
      found.push(entry.bytes);
      bytes += entry.bytes.length;
    }
    const first = found[0]?.length ?? 0;
    return Buffer.concat(found).subarray(0, wholeFirst ? Math.max(first, maxBytes) : maxBytes);
  }
}

/** The source: producers append, and what the engine has to notice happens here. */
export class SourceLog extends SimLog {
  /** Where each leader epoch begins. */
  readonly #epochs: { readonly epoch: number; readonly start: number }[] = [{ epoch: 0, start: 0 }];
  /** What a copy must be, by base offset: as it was appended, also after retention or compaction took it away. */
  readonly history = new Map<number, Buffer>();

  append(random: Random, kind: BatchKind = 'data', offsets = 1 + Math.floor(random() * 4)): void {
    // Few sizes, so that batches that differ are often equally long.
    const size = { payloadBytes: random() < 0.7 ? 8 : 30 };
    this.#push(makeBatch({ kind, base: this.end, offsets, leaderEpoch: this.leaderEpoch, ...size }, random), offsets);
  }

  appendOldMessage(): void {
    this.#push(makeOldMessage(this.end), 1);
  }

  /** A batch whose header cannot be: the count is above its range. */
  appendCorrupt(random: Random): void {
    this.#push(makeBatch({ base: this.end, offsets: 2, leaderEpoch: this.leaderEpoch }, random, { recordsCount: 9 }), 2);
  }

  /** Offsets without a batch, as compaction leaves them. */
  skip(random: Random, offsets: number): void {
    const bytes = makeBatch({ base: this.end + offsets, offsets: 1, leaderEpoch: this.leaderEpoch }, random);
    this.#keep({ base: this.end + offsets, next: this.end + offsets + 1, bytes });
  }

  /** The cleaner: a batch that was copied long ago loses a record, or goes as a whole. The last batch of a log always stays. */
  compact(random: Random, below: number): void {
    const old = this.entries.slice(0, -1).filter(({ next }) => next <= below);
    // Often the very batch at which a mirror ends: that is the one it is recognised by.
    const chosen = random() < 0.5 ? old.at(-1) : old[Math.floor(random() * old.length)];
    if (chosen === undefined) return;
    const { base, next } = chosen;
    const at = this.entries.indexOf(chosen);
    const leaderEpoch = chosen.bytes.readInt32BE(12);
    const kept = next - base > 1 && random() < 0.5;
    const bytes = makeBatch({ kind: 'sparse', base, offsets: next - base, leaderEpoch }, random);
    this.entries.splice(at, 1, ...(kept ? [{ base, next, bytes }] : []));
  }

  /** So many answers about its end are those of a new leader that does not know its high watermark yet. */
  lateAnswers = 0;
  #wasLate = false;

  /** Once in the life of a log: three such answers in a row are believed. */
  beLate(answers: number): void {
    if (!this.#wasLate) this.lateAnswers = answers;
    this.#wasLate = true;
  }

  moveLeader(leader: number): void {
    this.leader = leader;
    this.leaderEpoch++;
    this.#epochs.push({ epoch: this.leaderEpoch, start: this.end });
  }

  /** An unclean election: the new leader lacks the last batches. */
  loseTail(batches: number, leader: number): void {
    for (const { base } of this.entries.splice(Math.max(0, this.entries.length - batches))) this.history.delete(base);
    this.highWatermark = this.end;
    while ((this.#epochs.at(-1)?.start ?? 0) > this.end && this.#epochs.length > 1) this.#epochs.pop();
    this.moveLeader(leader);
  }

  expire(batches: number): void {
    this.start = this.entries[batches - 1]?.next ?? this.start;
    this.entries.splice(0, batches);
  }

  /** KIP-595: where the history of a fetcher that last saw `epoch` ends at this leader. */
  endOfEpoch(epoch: number): { readonly epoch: number; readonly endOffset: number } {
    const known = this.#epochs.filter((entry) => entry.epoch <= epoch);
    const last = known.at(-1) ?? { epoch: -1, start: 0 };
    return { epoch: last.epoch, endOffset: this.#epochs[known.length]?.start ?? this.end };
  }

  #push(bytes: Buffer, offsets: number): void {
    this.#keep({ base: this.end, next: this.end + offsets, bytes });
  }

  #keep(entry: Entry): void {
    this.entries.push(entry);
    this.history.set(entry.base, Buffer.from(entry.bytes));
    this.highWatermark = this.end;
  }
}

interface ProducerState {
  readonly epoch: number;
  /** The last five: what a broker recognises as repeated. */
  readonly batches: readonly { readonly first: number; readonly last: number; readonly base: number }[];
}

export interface ProduceAnswer {
  readonly errorCode: number;
  readonly baseOffset: number;
}

const SEQUENCES = 2 ** 31;
const REMEMBERED = 5;

/** The destination: compare-and-append as a broker does it (broker-facts A.1, A.4). */
export class DestinationLog extends SimLog {
  /** How often something was written that is not the source's batch at that offset; told by {@link onAppend}. */
  onAppend: (entry: Entry) => void = () => {};
  readonly #producers = new Map<bigint, ProducerState>();

  /** A Produce of the link. With `acks` 1 the high watermark stays behind until {@link replicate}. */
  produce(sent: Buffer, acks: number): ProduceAnswer {
    const batch = RecordBatch.at(sent);
    const refused = (errorCode: number): ProduceAnswer => ({ errorCode, baseOffset: -1 });
    if (batch.sizeInBytes !== sent.length || batch.baseOffset !== 0n || !batch.isDense || batch.isControl)
      return refused(ErrorCode.INVALID_RECORD);
    if (computeCrc(batch) !== batch.crc) return refused(ErrorCode.CORRUPT_MESSAGE);
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
    bytes.writeBigInt64BE(BigInt(base), 0);
    bytes.writeInt32BE(this.leaderEpoch, 12);
    this.#keep({ base, next: base + lastOffsetDelta + 1, bytes });
    if (acks === -1) this.replicate();
    return { errorCode: ErrorCode.NONE, baseOffset: base };
  }

  /** Somebody else's producer. */
  writeForeign(random: Random): void {
    this.#keep({
      base: this.end,
      next: this.end + 1,
      bytes: makeBatch({ base: this.end, offsets: 1, leaderEpoch: 0 }, random, { producerId: -1n }),
    });
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

  #keep(entry: Entry): void {
    this.entries.push(entry);
    this.#remember(entry);
    this.onAppend(entry);
  }

  #remember({ base, bytes }: Entry): void {
    const { producerId, producerEpoch, baseSequence: first, lastOffsetDelta } = RecordBatch.at(bytes);
    if (producerId < 0n) return;
    const batches = [...(this.#producers.get(producerId)?.batches ?? []), { first, last: (first + lastOffsetDelta) % SEQUENCES, base }];
    this.#producers.set(producerId, { epoch: producerEpoch, batches: batches.slice(-REMEMBERED) });
  }
}

/** Whether a batch at the destination is the source's, in everything that a link must not change. Byte positions as KIP-98 has them. */
export const isCopyOf = (source: Buffer | undefined, copy: Buffer): boolean =>
  source?.length === copy.length &&
  source.compare(copy, 0, 12, 0, 12) === 0 &&
  source.compare(copy, 21, 43, 21, 43) === 0 &&
  source.compare(copy, 57, copy.length, 57, source.length) === 0;
