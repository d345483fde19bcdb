/** Walks stored bytes entry by entry, batches of magic 2 and messages of magic 0 and 1 alike, without opening them. */
import { BATCH_HEADER_BYTES, LOG_OVERHEAD_BYTES, RecordBatch } from '../../codec/record-batch.ts';
import type { Entry } from './segment.ts';

/** CRC, magic, attributes, key and value length: the least a message of magic 0 takes behind offset and size. */
const MIN_MESSAGE_LENGTH = 14;
/** Where a magic 1 message keeps its time. */
const MESSAGE_TIMESTAMP_AT = 18;

/**
 * The entries of `bytes`; the first begins at `position` 0. Throws RangeError when they are not whole entries.
 * A compressed message set of the old formats tells only its last offset: its base is taken to be the offset after the entry before it.
 */
export function* rawEntries(bytes: Buffer, nextOffset: bigint): Generator<Entry, void, undefined> {
  const batch = new RecordBatch();
  for (let position = 0, next = nextOffset; position < bytes.length; ) {
    const available = bytes.length - position;
    if (available < LOG_OVERHEAD_BYTES + MIN_MESSAGE_LENGTH) throw new RangeError(`${available} bytes at the end are no entry`);
    batch.moveTo(bytes, position);
    const size = batch.sizeInBytes;
    if (size < LOG_OVERHEAD_BYTES + MIN_MESSAGE_LENGTH || size > available) {
      throw new RangeError(`the entry at byte ${position} claims ${size} of ${available} bytes`);
    }
    const entry = batch.magic === 2 ? batchEntry(batch, size) : messageEntry(batch, size, next);
    yield entry;
    next = entry.lastOffset + 1n;
    position += size;
  }
}

const batchEntry = (batch: RecordBatch, size: number): Entry => {
  if (size < BATCH_HEADER_BYTES) throw new RangeError(`the batch at byte ${batch.position} is shorter than its header`);
  const { position, baseOffset, lastOffset, maxTimestamp } = batch;
  return { position, size, baseOffset, lastOffset, maxTimestamp, magic: 2 };
};

const messageEntry = ({ buffer, position, magic, baseOffset: lastOffset }: RecordBatch, size: number, next: bigint): Entry => {
  if (magic !== 0 && magic !== 1) throw new RangeError(`the entry at byte ${position} has the unknown magic ${magic}`);
  const timed = magic === 1 && size >= MESSAGE_TIMESTAMP_AT + 8;
  const maxTimestamp = timed ? buffer.readBigInt64BE(position + MESSAGE_TIMESTAMP_AT) : -1n;
  return { position, size, baseOffset: next < lastOffset ? next : lastOffset, lastOffset, maxTimestamp, magic };
};
