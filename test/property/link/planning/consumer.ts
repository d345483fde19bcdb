/**
 * Java's consumer, as `CompletedFetch.nextFetchedRecord` walks an answer (KIP-98): written from its algorithm over raw bytes and sharing nothing with the
 * link but the codecs' decompression, so that it can judge what the link has made.
 */
import { decompress } from '../../../../src/codec/compression.ts';
import { compressionOf } from '../../../../src/codec/record-batch.ts';

/** What an application gets, as text that can be compared: offset, time, key, value, headers. */
export type Shown = readonly [offset: number, timestamp: bigint, content: string];

export interface Answer {
  readonly records: Buffer;
  /** Null for those who read uncommitted records, too. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null;
}

/** A log that can be fetched from. */
export interface Readable {
  readonly start: number;
  fetch(offset: number, isolation: Isolation): Answer;
}

export type Isolation = 'read_committed' | 'read_uncommitted';

/** Neither key nor value nor headers. */
export const NO_CONTENT = '010100';

const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT = 0;

/** Everything that a consumer shows which begins at the log start and reads until a fetch brings nothing. */
export const consumeAll = async (log: Readable, isolation: Isolation): Promise<Shown[]> => {
  const shown: Shown[] = [];
  for (let position = log.start; ; ) {
    const answer = log.fetch(position, isolation);
    const { records, next } = await showAnswer(answer, position, isolation);
    shown.push(...records);
    if (next === position) return shown;
    position = next;
  }
};

interface Batch {
  readonly base: bigint;
  readonly last: bigint;
  readonly attributes: number;
  readonly producerId: bigint;
  readonly records: readonly { readonly offset: bigint; readonly timestamp: bigint; readonly body: Buffer }[];
}

const showAnswer = async (
  { records, aborted }: Answer,
  position: number,
  isolation: Isolation,
): Promise<{ readonly records: Shown[]; readonly next: number }> => {
  // The Java class keeps them in a queue ordered by first offset.
  const ahead = [...(aborted ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const void_ = new Set<bigint>();
  const shown: Shown[] = [];
  let nextFetchOffset = BigInt(position);
  for (const batch of await openAnswer(records)) {
    if (isolation === 'read_committed' && batch.producerId > -1n) {
      while (ahead[0] !== undefined && ahead[0].firstOffset <= batch.last) void_.add(ahead.shift()!.producerId);
      if (isAbortMarker(batch)) {
        void_.delete(batch.producerId);
      } else if ((batch.attributes & TRANSACTIONAL) !== 0 && void_.has(batch.producerId)) {
        nextFetchOffset = max(nextFetchOffset, batch.last + 1n);
        continue;
      }
    }
    for (const { offset, timestamp, body } of batch.records) {
      if (offset < nextFetchOffset) continue;
      if ((batch.attributes & CONTROL) === 0) shown.push([Number(offset), timestamp, body.toString('hex')]);
      nextFetchOffset = offset + 1n;
    }
    // After the last record of a batch: also what compaction took from its end is behind us.
    nextFetchOffset = max(nextFetchOffset, batch.last + 1n);
  }
  return { records: shown, next: Number(nextFetchOffset) };
};

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Key: version and type, two bytes each. */
const isAbortMarker = ({ attributes, records: [first] }: Batch): boolean => {
  if ((attributes & CONTROL) === 0 || first === undefined) return false;
  const reader = new VarintReader(first.body);
  const size = Number(reader.next());
  const key = first.body.subarray(reader.at, reader.at + size);
  return key.readInt16BE(2) === ABORT;
};

/** The whole batches of an answer; a cut-off last one is left to the next fetch. */
const openAnswer = async (bytes: Buffer): Promise<Batch[]> => {
  const batches: Batch[] = [];
  for (let at = 0; bytes.length - at >= 61; ) {
    const size = bytes.readInt32BE(at + 8) + 12;
    if (size > bytes.length - at) break;
    batches.push(await openBatch(bytes.subarray(at, at + size)));
    at += size;
  }
  return batches;
};

const openBatch = async (bytes: Buffer): Promise<Batch> => {
  const base = bytes.readBigInt64BE(0);
  const attributes = bytes.readInt16BE(21);
  const baseTimestamp = bytes.readBigInt64BE(27);
  const maxTimestamp = bytes.readBigInt64BE(35);
  const count = bytes.readInt32BE(57);
  const payload = count === 0 ? Buffer.alloc(0) : await decompress(compressionOf(attributes), bytes.subarray(61));
  const reader = new VarintReader(payload);
  const records: Batch['records'][number][] = [];
  for (let n = 0; n < count; n++) {
    const end = Number(reader.next()) + reader.at;
    reader.at++;
    const timestamp = baseTimestamp + reader.next();
    const offset = base + reader.next();
    const body = payload.subarray(reader.at, end);
    records.push({ offset, timestamp: (attributes & LOG_APPEND_TIME) === 0 ? timestamp : maxTimestamp, body });
    reader.at = end;
  }
  if (reader.at !== payload.length) throw new Error(`${payload.length - reader.at} bytes follow the records of the batch at ${base}`);
  return { base, last: base + BigInt(bytes.readInt32BE(23)), attributes, producerId: bytes.readBigInt64BE(43), records };
};

class VarintReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Zigzag. */
  next(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes.readUInt8(this.at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
    }
  }
}
