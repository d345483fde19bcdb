/** Walks a `records` field: batch after batch, up to a cut-off last one or to messages of the old formats. */
import { keepShape } from '../bytes/keep-shape.ts';
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
 * const cursor = new RecordSetCursor().open(records);
 * while (cursor.next()) sizes.push(cursor.batch.sizeInBytes);
 * if (cursor.stop === 'message-set') throw new Error(`magic ${cursor.magic} at offset ${cursor.messageOffset}`);
 * ```
 */
export class RecordSetCursor {
  /** The batch `next` has moved to; overwritten by the following `next`, and void once that has returned false. */
  readonly batch: RecordBatch = new RecordBatch();
  /** Why the walk ended; meaningful once `next` has returned false. */
  stop: WalkStop = 'end';
  /** The first byte the walk has not passed. After `cut` and `message-set`: where that entry begins. */
  position = 0;
  /** After `cut`: bytes the whole entry claims to take, or 0 when not even its size arrived. A fetch must allow at least this much. */
  announcedBytes = 0;
  /** After `message-set`: 0 or 1. */
  magic = 2;
  /** After `message-set`: the offset of that message; of a compressed one, the offset of its last inner message. */
  messageOffset = -1n;

  readonly #maxBatchBytes: number;
  #buffer: Buffer = emptyBytes;

  /** `maxBatchBytes`: a cut-off batch that claims more is corrupt (default 256 MiB). */
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
    this.messageOffset = -1n;
    return this;
  }

  /**
   * Moves {@link batch} to the next whole batch; false at the end of the walk, see {@link stop}.
   * Throws `KLINK_CORRUPT_BATCH`, naming the byte, for sizes and counts that cannot be; the position stays at that entry.
   */
  next(): boolean {
    const { batch, position } = this;
    const available = this.#buffer.length - position;
    batch.moveTo(this.#buffer, position);
    if (available < BATCH_HEADER_BYTES || batch.magic !== 2) return this.#end(available);
    const size = batch.sizeInBytes;
    if (size > available) return this.#end(available);
    batch.check(available);
    this.position = position + size;
    return true;
  }

  /** Settles why there is no whole v2 batch here. Always false, so that `next` can return it. */
  #end(available: number): false {
    const { batch, position } = this;
    if (available === 0) {
      this.stop = 'end';
      return false;
    }
    this.stop = 'cut';
    if (available < LOG_OVERHEAD_BYTES) return false;
    const length = batch.batchLength;
    if (length < MIN_ENTRY_LENGTH || length > this.#maxBatchBytes - LOG_OVERHEAD_BYTES) {
      throw corruptBatch(
        `Corrupt record set at byte ${position}: an entry claims ${length} bytes, possible are ${MIN_ENTRY_LENGTH} to ${this.#maxBatchBytes - LOG_OVERHEAD_BYTES}`,
      );
    }
    this.announcedBytes = length + LOG_OVERHEAD_BYTES;
    if (available <= BATCH_LAYOUT.magic) return false;
    const magic = batch.magic;
    if (magic < 0 || magic > 2) throw corruptBatch(`Corrupt record set at byte ${position}: magic ${magic} is unknown`);
    if (magic < 2) {
      this.stop = 'message-set';
      this.magic = magic;
      this.messageOffset = batch.baseOffset;
    } else if (length < BATCH_HEADER_BYTES - LOG_OVERHEAD_BYTES) {
      throw corruptBatch(`Corrupt record set at byte ${position}: batchLength ${length} is less than a v2 header`);
    }
    return false;
  }
}

/**
 * The whole v2 batches of a record set, each yielded as a view of its own that may be kept. For tests and tools; loops over many batches use
 * {@link RecordSetCursor}. A cut-off last batch is left out. Throws `KLINK_CORRUPT_BATCH` as the cursor does, and at messages of magic 0 or 1.
 */
export function* batchesOf(buffer: Buffer, maxBatchBytes?: number): Generator<RecordBatch, void, undefined> {
  const cursor = new RecordSetCursor(maxBatchBytes).open(buffer);
  while (cursor.next()) yield RecordBatch.at(buffer, cursor.batch.position);
  if (cursor.stop === 'message-set') {
    throw corruptBatch(`No record batch at byte ${cursor.position}: a message of magic ${cursor.magic}, offset ${cursor.messageOffset}`);
  }
}

keepShape(new RecordSetCursor());
