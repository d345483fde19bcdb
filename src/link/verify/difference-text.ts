/** What stands on both sides of a difference, in words and a few bytes of hex. */
import { decodeRecordBody, type RecordContent } from '../../codec/record.ts';
import { LinkError } from '../../errors.ts';
import type { DifferenceText } from './difference.ts';
import type { LogEntry } from './log-walk.ts';
import type { VisibleRecord } from './visible-records.ts';

/** The parts of a record in which two can differ, each a kind of difference; `payload` when one cannot be taken apart. */
export type RecordPart = 'key' | 'value' | 'headers' | 'timestamp' | 'payload';

export interface RecordMismatch {
  /** The first part that differs. */
  readonly part: RecordPart;
  readonly text: DifferenceText;
}

/** Bytes before the first one that differs. */
const LEAD_BYTES = 4;

/** At most `bytes` bytes from `from` on, `…` where there are more. */
const hexOf = (field: Buffer | null, bytes: number, from = 0): string => {
  if (field === null || field.length === 0) return field === null ? 'null' : 'empty';
  const shown = field.subarray(from, from + bytes).toString('hex');
  return `${from > 0 ? '…' : ''}${shown}${from + bytes < field.length ? '…' : ''}`;
};

/** A record in one line; `bytes` of its key and of its value. */
export const recordText = ({ timestamp, body }: VisibleRecord, bytes: number): string => {
  const content = contentOf(body);
  if (content === null) return `timestamp ${timestamp}, unreadable ${hexOf(body, bytes)}`;
  const { key, value, headers } = content;
  return `timestamp ${timestamp}, key ${hexOf(key, bytes)}, value ${hexOf(value, bytes)}, ${headers.length} headers`;
};

/** What differs between two records that are not the same. Header keys that are no UTF-8 differ by their bytes. */
export const compareContents = (source: VisibleRecord, destination: VisibleRecord, bytes: number): RecordMismatch => {
  const [left, right] = [contentOf(source.body), contentOf(destination.body)];
  const differing = left === null || right === null ? (['payload'] as const) : differingParts(left, right, source, destination);
  const [part] = differing;
  const excerpted = (a: Buffer | null, b: Buffer | null): DifferenceText => ({ ...excerpts(a, b, bytes), detail: sentence(differing) });
  switch (part) {
    case 'key':
    case 'value':
      return { part, text: excerpted(left?.[part] ?? null, right?.[part] ?? null) };
    case 'timestamp':
      return {
        part,
        text: { source: String(source.timestamp), destination: String(destination.timestamp), detail: sentence(differing) },
      };
    default:
      return { part, text: excerpted(source.body, destination.body) };
  }
};

type Parts = readonly [RecordPart, ...RecordPart[]];

const differingParts = (left: RecordContent, right: RecordContent, source: VisibleRecord, destination: VisibleRecord): Parts => {
  const parts: RecordPart[] = [];
  if (!sameField(left.key, right.key)) parts.push('key');
  if (!sameField(left.value, right.value)) parts.push('value');
  // The rest of two bodies with the same key and value.
  if (parts.length === 0 && !source.body.equals(destination.body)) parts.push('headers');
  if (source.timestamp !== destination.timestamp) parts.push('timestamp');
  const [first = 'headers', ...rest] = parts;
  return [first, ...rest];
};

const sentence = (parts: Parts): string => `${parts.join(' and ')} ${parts.length === 1 && parts[0] !== 'headers' ? 'differs' : 'differ'}`;

const contentOf = (body: Buffer): RecordContent | null => {
  try {
    return decodeRecordBody(body);
  } catch (error) {
    if (LinkError.is(error, 'KLINK_CORRUPT_BATCH')) return null;
    throw error;
  }
};

/** The bytes around the first one that differs. */
const excerpts = (a: Buffer | null, b: Buffer | null, bytes: number): Pick<DifferenceText, 'source' | 'destination'> => {
  const from = Math.max(0, firstDifference(a, b) - LEAD_BYTES);
  return { source: hexOf(a, bytes, from), destination: hexOf(b, bytes, from) };
};

/** A batch by its header; null where there is none. */
export const batchText = ({ kind, batch }: LogEntry): string | null => {
  if (batch === null) return kind === 'hole' ? null : 'no batch';
  const { baseOffset, recordsCount, sizeInBytes, crc } = batch;
  return `base offset ${baseOffset}, ${recordsCount} records, ${sizeInBytes} bytes, CRC ${crc.toString(16).padStart(8, '0')}`;
};

/** The beginnings of two payloads. */
export const payloadTexts = (source: LogEntry, destination: LogEntry, bytes: number): Pick<DifferenceText, 'source' | 'destination'> => {
  const text = ({ kind, batch }: LogEntry): string | null => (kind === 'data' && batch !== null ? hexOf(batch.payload, bytes) : null);
  return { source: text(source), destination: text(destination) };
};

const firstDifference = (a: Buffer | null, b: Buffer | null): number => {
  const shorter = Math.min(a?.length ?? 0, b?.length ?? 0);
  let at = 0;
  while (at < shorter && a?.[at] === b?.[at]) at++;
  return at;
};

const sameField = (a: Buffer | null, b: Buffer | null): boolean => (a === null || b === null ? a === b : a.equals(b));
