/** Records inside a v2 batch (KIP-98), in two layers: frames for those who only move records, contents for those who read them. */
import { MalformedError } from '../bytes/malformed.ts';
import { Reader } from '../bytes/reader.ts';
import { readVarint, readVarlong, varintSize, varlongSize, writeVarint, writeVarlong } from '../bytes/varint.ts';
import { corruptBatch } from './corrupt-batch.ts';

/** A record as it stands in a batch, with its key, value and headers left encoded: can be moved to another batch without loss. */
export interface RecordFrame {
  /** Unused by Kafka, always 0 in practice. */
  readonly attributes: number;
  /** Milliseconds relative to the batch's `baseTimestamp`; negative ones are legal. */
  readonly timestampDelta: bigint;
  /** Relative to the batch's `baseOffset`. */
  readonly offsetDelta: number;
  /** Encoded key, value and headers. */
  readonly body: Buffer;
}

/** Order and duplicates of header keys are kept, as Kafka does. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** What an application wrote. A null value is a tombstone on compacted topics. */
export interface RecordContent {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** Length, attributes, two deltas, two lengths and a header count of one byte each: nothing is shorter. */
const MIN_RECORD_BYTES = 7;
/** A header with an empty key and a null value. */
const MIN_HEADER_BYTES = 2;

/**
 * The `count` frames of an uncompressed payload; bodies are views of it. Throws `KLINK_CORRUPT_BATCH` when a record overruns its length or the payload,
 * when varints are too long or too wide, or when `count` is not exactly what the payload holds: the rules brokers apply to a produced batch.
 */
export const decodeRecordFrames = (payload: Buffer, count: number): RecordFrame[] =>
  reading(payload, (reader) => {
    if (count < 0 || count * MIN_RECORD_BYTES > payload.length)
      throw reader.malformed(`${count} records cannot be in ${payload.length} bytes`);
    const frames = new Array<RecordFrame>(count);
    for (let i = 0; i < count; i++) frames[i] = readFrame(reader, payload);
    if (reader.remaining > 0) throw reader.malformed(`${reader.remaining} bytes follow the last of ${count} records`);
    return frames;
  });

const readFrame = (reader: Reader, payload: Buffer): RecordFrame => {
  const size = readVarint(reader);
  if (size < 0) throw reader.malformed(`record length ${size} is negative`);
  const start = reader.span(size);
  const whole = reader.end;
  reader.pos = start;
  reader.end = start + size;
  const attributes = reader.int8();
  const timestampDelta = readVarlong(reader);
  const offsetDelta = readVarint(reader);
  const body = payload.subarray(reader.pos, reader.end);
  reader.pos = reader.end;
  reader.end = whole;
  return { attributes, timestampDelta, offsetDelta, body };
};

/** The inverse of {@link decodeRecordFrames}: an uncompressed payload. */
export const encodeRecordFrames = (frames: readonly RecordFrame[]): Buffer => {
  let total = 0;
  const sizes = frames.map((frame) => {
    const size = 1 + varlongSize(frame.timestampDelta) + varintSize(frame.offsetDelta) + frame.body.length;
    total += varintSize(size) + size;
    return size;
  });
  const payload = Buffer.allocUnsafe(total);
  let at = 0;
  frames.forEach((frame, i) => {
    at = writeVarint(payload, at, sizes[i]!);
    at = payload.writeInt8(frame.attributes, at);
    at = writeVarlong(payload, at, frame.timestampDelta);
    at = writeVarint(payload, at, frame.offsetDelta);
    at += frame.body.copy(payload, at);
  });
  return payload;
};

/**
 * Key, value and headers of a frame; key and values are views of it. Throws `KLINK_CORRUPT_BATCH` for lengths that do not fit, a null header key, or bytes
 * after the last header. A header key that is not UTF-8 comes back with replacement characters, as in Kafka's own clients: to move a record, move its frame.
 */
export const decodeRecordBody = (body: Buffer): RecordContent =>
  reading(body, (reader) => {
    const key = readBytes(reader, body);
    const value = readBytes(reader, body);
    const count = readVarint(reader);
    if (count < 0 || count * MIN_HEADER_BYTES > reader.remaining) {
      throw reader.malformed(`${count} headers cannot be in ${reader.remaining} bytes`);
    }
    const headers = new Array<RecordHeader>(count);
    for (let i = 0; i < count; i++) headers[i] = readHeader(reader, body);
    if (reader.remaining > 0) throw reader.malformed(`${reader.remaining} bytes follow the last header`);
    return { key, value, headers };
  });

const readHeader = (reader: Reader, body: Buffer): RecordHeader => {
  const key = readBytes(reader, body);
  if (key === null) throw reader.malformed('null header key');
  return { key: key.toString(), value: readBytes(reader, body) };
};

const readBytes = (reader: Reader, from: Buffer): Buffer | null => {
  const size = readVarint(reader);
  if (size === -1) return null;
  if (size < 0) throw reader.malformed(`length ${size} is negative`);
  const start = reader.span(size);
  return from.subarray(start, start + size);
};

/** The inverse of {@link decodeRecordBody}. */
export const encodeRecordBody = ({ key, value, headers }: RecordContent): Buffer => {
  const fields = [key, value];
  let size = varintSize(headers.length);
  const headerFields = headers.flatMap((header) => [Buffer.from(header.key), header.value]);
  for (const field of [...fields, ...headerFields]) size += field === null ? 1 : varintSize(field.length) + field.length;
  const body = Buffer.allocUnsafe(size);
  let at = 0;
  const write = (field: Buffer | null): void => {
    at = writeVarint(body, at, field?.length ?? -1);
    if (field !== null) at += field.copy(body, at);
  };
  fields.forEach(write);
  at = writeVarint(body, at, headers.length);
  headerFields.forEach(write);
  return body;
};

/** Turns what the byte room throws into this room's error. */
const reading = <T>(bytes: Buffer, read: (reader: Reader) => T): T => {
  try {
    return read(new Reader(bytes));
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    throw corruptBatch(`Corrupt record at byte ${cause.offset} of the uncompressed payload: ${cause.reason}`, cause);
  }
};
