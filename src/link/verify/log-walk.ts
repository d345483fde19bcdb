/** Walks a log by headers from offset to offset: at each there is a batch to be seen, one that is hidden, a hole, or bytes that are no batch. */
import { corruptBatch } from '../../codec/corrupt-batch.ts';
import { RecordBatch, RecordSetCursor, verifyCrc } from '../../codec/index.ts';
import { LinkError } from '../../errors.ts';
import { AbortedTransactions } from '../replication/aborted-transactions.ts';
import type { LogReader } from './log-reader.ts';
import { type OpenedBatch, openBatch, type VisibleRecord } from './visible-records.ts';

/**
 * - `data`: a batch whose records are for consumers.
 * - `hidden`: a control batch, or one of an aborted transaction.
 * - `hole`: no batch.
 * - `damaged`: what is there cannot be trusted, nor where it says that it ends.
 */
export type EntryKind = 'data' | 'hidden' | 'hole' | 'damaged';

const NOTHING: OpenedBatch = { records: [], ghosts: 0 };

/** What lies at the offsets `from` up to, not including, `next`. */
export class LogEntry {
  readonly kind: EntryKind;
  readonly from: number;
  readonly next: number;
  readonly batch: RecordBatch | null;
  readonly #reason: string | null;
  #isIntact: boolean | null = null;
  #opened: OpenedBatch | null = null;
  #taken = 0;

  constructor(kind: EntryKind, from: number, next: number, batch: RecordBatch | null = null, reason: string | null = null) {
    this.kind = kind;
    this.from = from;
    this.next = next;
    this.batch = batch;
    this.#reason = reason;
  }

  /** Whether the bytes are those of the checksum. Reads all of them, once. */
  get isIntact(): boolean {
    this.#isIntact ??= this.batch === null || verifyCrc(this.batch);
    return this.#isIntact;
  }

  /** What is wrong with the bytes; null when nothing is. Reads all of them, once. */
  get damage(): string | null {
    if (this.kind === 'damaged') return this.#reason;
    return this.batch === null || this.isIntact ? null : wrongCrc(this.batch);
  }

  /** What of a `data` batch consumers see; nothing of anything else. Rejects with `KLINK_CORRUPT_BATCH` when it cannot be opened. */
  async open(): Promise<OpenedBatch> {
    this.#opened ??= this.kind === 'data' && this.batch !== null ? await openBatch(this.batch) : NOTHING;
    return this.#opened;
  }

  /** The records of the opened entry up to, not including, offset `end`; each is given once. Those before {@link from} are left out. */
  takeBefore(end: number): readonly VisibleRecord[] {
    const records = this.#opened?.records ?? [];
    while (this.#taken < records.length && records[this.#taken]!.offset < this.from) this.#taken++;
    const first = this.#taken;
    while (this.#taken < records.length && records[this.#taken]!.offset < end) this.#taken++;
    return records.slice(first, this.#taken);
  }
}

/** Called when a batch begins below the end of the one before it: its offsets are there twice. */
export type OnRepeat = (from: number, to: number) => void;

const EMPTY = Buffer.alloc(0);

export class LogWalk {
  readonly #reader: LogReader;
  readonly #to: number;
  readonly #onRepeat: OnRepeat;
  readonly #cursor = new RecordSetCursor();
  #position: number;
  #entry: LogEntry | null = null;
  /** The batch that follows a hole. */
  #ahead: RecordBatch | null = null;
  #aborted = new AbortedTransactions(null);
  /** Where the bytes at hand were asked for. */
  #filledAt: number | null = null;
  /** Where the log ended then. */
  #end = 0;
  /** The log has nothing more. */
  #isOver = false;
  /** The position is known to be the end of a batch, and not an offset inside one. */
  #isBoundary = false;

  /** `to` is an offset that the log has reached; every entry ends there at the latest. */
  constructor(reader: LogReader, from: number, to: number, onRepeat: OnRepeat = () => {}) {
    this.#reader = reader;
    this.#position = from;
    this.#to = to;
    this.#onRepeat = onRepeat;
  }

  /** What lies at the position; null when that has to be read first, see {@link fill}. */
  get entry(): LogEntry | null {
    this.#entry ??= this.#find();
    return this.#entry;
  }

  /** Reads on from the position. Rejects as `LogReader.read` does. */
  async fill(signal: AbortSignal): Promise<void> {
    const { records, abortedTransactions, end } = await this.#reader.read(this.#position, this.#to, signal);
    this.#end = end;
    this.#filledAt = this.#position;
    this.#cursor.open(records ?? EMPTY);
    this.#aborted = new AbortedTransactions(abortedTransactions);
    this.#isOver = records === null || records.length === 0;
  }

  /** Goes on to `offset`, which is in the entry or at its end. */
  advance(offset: number): void {
    this.#position = offset;
    if (this.#entry === null || offset < this.#entry.next) return;
    this.#entry = null;
    this.#isBoundary = true;
  }

  /** Goes on at `offset` with bytes to be read anew: those at hand cannot be trusted. */
  restart(offset: number): void {
    this.#position = offset;
    this.#entry = null;
    this.#ahead = null;
    this.#filledAt = null;
    this.#isBoundary = false;
  }

  /** The entry at the position and everything up to `to`, one after the other; a damaged one is the last. */
  async *entries(signal: AbortSignal): AsyncGenerator<LogEntry, void, undefined> {
    while (this.#position < this.#to) {
      const { entry } = this;
      if (entry === null) {
        await this.fill(signal);
        continue;
      }
      yield entry;
      if (entry.kind === 'damaged') return;
      this.advance(entry.next);
    }
  }

  #find(): LogEntry | null {
    const at = this.#position;
    if (this.#filledAt === null) return null;
    if (this.#isOver) return new LogEntry('hole', at, this.#to);
    try {
      const batch = this.#batchAt(at);
      if (batch === null) return null;
      const base = batch.baseOffsetNumber;
      if (base > at) {
        this.#ahead = batch;
        return new LogEntry('hole', at, Math.min(base, this.#to));
      }
      return this.#entryOf(batch, at);
    } catch (error) {
      if (!LinkError.is(error, 'KLINK_CORRUPT_BATCH')) throw error;
      return new LogEntry('damaged', at, this.#to, null, error.message);
    }
  }

  #entryOf(batch: RecordBatch, at: number): LogEntry {
    const next = Math.min(batch.nextOffsetNumber, this.#to);
    const isAborted = !batch.isControl && this.#aborted.includes(batch);
    if (!batch.isControl && !isAborted) return new LogEntry('data', at, next, batch);
    const hidden = new LogEntry('hidden', at, next, batch);
    if (!hidden.isIntact) return new LogEntry('damaged', at, next, batch, wrongCrc(batch));
    if (batch.isControl) this.#aborted.includes(batch);
    return hidden;
  }

  /** The first batch that ends behind offset `at`; null when the bytes at hand are used up. */
  #batchAt(at: number): RecordBatch | null {
    for (;;) {
      const batch = this.#ahead ?? this.#nextBatch(at);
      this.#ahead = null;
      if (batch === null) return null;
      const { baseOffsetNumber: base, nextOffsetNumber: next } = batch;
      if (base >= this.#end) throw corruptBatch(`Offset ${at}: a batch says that it begins at ${base}, but the log ends at ${this.#end}`);
      if (base < at && this.#isBoundary) this.#onRepeat(base, Math.min(next, at));
      if (next > at) return batch;
    }
  }

  #nextBatch(at: number): RecordBatch | null {
    const cursor = this.#cursor;
    if (cursor.next()) return RecordBatch.at(cursor.batch.buffer, cursor.batch.position);
    if (cursor.stop === 'message-set') {
      throw corruptBatch(
        `Offset ${at}: a message of format v${cursor.magic} (offset ${cursor.messageOffset}), from before Kafka 0.11; links do not copy those`,
      );
    }
    // Brokers return the first batch whole, however large.
    if (this.#filledAt === at) {
      const { announcedBytes } = cursor;
      throw corruptBatch(
        `Offset ${at}: ${announcedBytes > 0 ? `a batch claims ${announcedBytes} bytes, which do not come` : 'it is in no batch that comes'}`,
      );
    }
    return null;
  }
}

/** What is said of a batch with a wrong checksum. */
const wrongCrc = ({ baseOffset, lastOffset }: RecordBatch): string =>
  `The batch at offsets ${baseOffset} to ${lastOffset} is damaged: its CRC is not that of its bytes`;
