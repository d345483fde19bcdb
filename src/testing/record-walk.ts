/** Reads over the records of a payload as a broker does: keeps nothing, checks that every length fits. */
import { Reader } from '../bytes/reader.ts';
import { readVarint, readVarlong } from '../bytes/varint.ts';

/** What a broker looks at in each record. */
export type VisitRecord = (index: number, timestampDelta: bigint, offsetDelta: number, hasKey: boolean) => void;

/**
 * Visits exactly `count` records. Throws `KLINK_MALFORMED` when a record overruns its length or the payload, when a length is negative, when a header has
 * no key, or when bytes remain.
 */
export const walkRecords = (payload: Buffer, count: number, visit: VisitRecord): void => {
  const reader = new Reader(payload);
  for (let index = 0; index < count; index++) {
    const size = readVarint(reader);
    if (size < 0) throw reader.malformed(`record length ${size} is negative`);
    const end = reader.pos + size;
    if (end > payload.length) throw reader.malformed(`a record of ${size} bytes overruns the payload`);
    reader.end = end;
    reader.span(1); // attributes, which nobody uses
    const timestampDelta = readVarlong(reader);
    const offsetDelta = readVarint(reader);
    const hasKey = skipBytes(reader) >= 0;
    skipBytes(reader);
    skipHeaders(reader);
    if (reader.pos !== end) throw reader.malformed(`${end - reader.pos} bytes follow the last header`);
    reader.end = payload.length;
    visit(index, timestampDelta, offsetDelta, hasKey);
  }
  if (reader.remaining > 0) throw reader.malformed(`${reader.remaining} bytes follow the last of ${count} records`);
};

/** Returns the length, −1 for null. */
const skipBytes = (reader: Reader): number => {
  const size = readVarint(reader);
  if (size < -1) throw reader.malformed(`length ${size} is negative`);
  if (size > 0) reader.span(size);
  return size;
};

const skipHeaders = (reader: Reader): void => {
  const headers = readVarint(reader);
  if (headers < 0) throw reader.malformed(`${headers} headers`);
  for (let i = 0; i < headers; i++) {
    if (skipBytes(reader) < 0) throw reader.malformed('null header key');
    skipBytes(reader);
  }
};
