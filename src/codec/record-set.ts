/** Walks a `records` field: batch after batch, up to a cut-off last one or to messages of the old formats. */
import { corruptBatch } from './corrupt-batch.ts';
import { BATCH_HEADER_BYTES, BATCH_LAYOUT, LOG_OVERHEAD_BYTES, RecordBatch } from './record-batch.ts';

/**
 * Why a walk ended.
 * - `end`: after the last whole batch.
 * - `cut`: in a batch that goes on beyond the buffer. Normal: brokers send slices of a segment file.
 * - `message-set`: at a message of magic 0 or 1 (Kafka before 0.11), of which this walk reads only offset and magic.
 */
export type WalkStop = 'end' | 'cut' | 'message-set';

/** Largest batch believed when the caller names no limit: more than the 100 MiB a broker takes in one request by default. */
const DEFAULT_MAX_BATCH_BYTES = 256 * 1024 * 1024;
/** A magic 0 message with neither key nor value: the shortest thing a log can hold after the 12 bytes of offset and size. */
const MIN_ENTRY_LENGTH = 14;

const emptyBytes = Buffer.alloc(0);

/**
 * Walks record sets with a single reused {@link RecordBatch}; no allocation per batch.
 *
 * ```ts
 * const cursor = new RecordSetCursor();
 * cursor.open(records);
 * while (cursor.next()) lengths.push(cursor.batch.sizeInBytes);
 * if (cursor.stop === 'message-set') throw new Error(`magic ${cursor.magic} at offset ${cursor.firstOffset}`);
 * ```
 */
export class RecordSetCursor {
  /** The batch `next` has moved to. Overwritten by the following `next`. */
  readonly batch: RecordBatch = new RecordBatch();
  /** Why the walk ended; meaningful once `next` has returned false. */
  stop: WalkStop = 'end';
  /** Where the walk stands: the first byte it has not passed. After `cut` or `message-set`, where that entry begins. */
  position = 0;
  /** After `cut`: bytes the entry claims to take as a whole, or 0 when not even its size arrived. A fetch must allow at least this much. */
  announcedBytes = 0;
  /** After `message-set`: 0 or 1. */
  magic = 2;

  readonly #maxBatchBytes: number;
  /** Looks at the entry after {@link batch}, so that a cut or an old message does not spoil the last good one. */
  readonly #ahead: RecordBatch = new RecordBatch();
  #buffer: Buffer = emptyBytes;

  /** `maxBatchBytes`: a batch that claims more is corrupt (default 256 MiB). */
  constructor(maxBatchBytes: number = DEFAULT_MAX_BATCH_BYTES) {
    this.#maxBatchBytes = maxBatchBytes;
  }

  /** Starts over on another record set. */
  open(buffer: Buffer, position = 0): this {
    this.#buffer = buffer;
    this.position = position;
    this.stop = 'end';
    this.announcedBytes = 0;
    this.magic = 2;
    return this;
  }

  /**
   * Moves to the next whole batch; false at the end of the walk, see {@link stop}.
   * Throws `KLINK_CORRUPT_BATCH`, naming the byte, for lengths and counts that cannot be; the position stays at that entry.
   */
  next(): boolean {
    const buffer = this.#buffer;
    const position = this.position;
    const available = buffer.length - position;
    if (available < BATCH_HEADER_BYTES) return this.#last(available);
    const batch = this.batch;
    batch.moveTo(buffer, position);
    if (batch.magic !== 2) return this.#last(available);
    const size = batch.batchLength + LOG_OVERHEAD_BYTES;
    if (size > available) return this.#last(available);
    batch.check(available);
    this.position = position + size;
    return true;
  }
}
