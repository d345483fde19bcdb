/** What a consumer is shown of a batch, read from its bytes as KIP-98 describes them and by no code of the link, so that it can judge the link. */
import { gunzipSync } from 'node:zlib';

export interface BatchFacts {
  readonly base: number;
  /** The offset after the batch. */
  readonly next: number;
  readonly attributes: number;
  readonly count: number;
  readonly maxTimestamp: number;
  readonly producerId: bigint;
}

/** A record with everything that a consumer sees of it as one text: two are alike when their texts are equal. */
export interface ShownRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly text: string;
}

export const CODEC_BITS = 0x07;
export const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;
export const DELETE_HORIZON = 0x40;

const HEADER_BYTES = 61;
/** Neither key nor value nor headers. */
export const EMPTY_BODY = '010100';

const int64At = (bytes: Buffer, at: number): number => Number(bytes.readBigInt64BE(at));

export const factsOf = (bytes: Buffer): BatchFacts => {
  const base = int64At(bytes, 0);
  return {
    base,
    next: base + bytes.readInt32BE(23) + 1,
    attributes: bytes.readInt16BE(21),
    count: bytes.readInt32BE(57),
    maxTimestamp: int64At(bytes, 35),
    producerId: bytes.readBigInt64BE(43),
  };
};

/** Every record in the batch, also those of control batches. Throws when the payload is not what the header says. */
export const readBatch = (bytes: Buffer): ShownRecord[] => {
  const { base, attributes, count, maxTimestamp } = factsOf(bytes);
  const baseTimestamp = int64At(bytes, 27);
  const packed = bytes.subarray(HEADER_BYTES);
  // Whatever the codec is called, in the simulation it is gzip: see instant-compression.ts.
  const payload = (attributes & CODEC_BITS) === 0 ? packed : gunzipSync(packed);
  const reader = new VarintReader(payload);
  const records: ShownRecord[] = [];
  for (let n = 0; n < count; n++) {
    const end = reader.varint() + reader.at;
    reader.at++;
    const timestampDelta = reader.varint();
    const offset = base + reader.varint();
    if (end > payload.length || reader.at > end) throw new Error(`record ${n} of the batch at ${base} overruns`);
    const timestamp = (attributes & LOG_APPEND_TIME) === 0 ? baseTimestamp + timestampDelta : maxTimestamp;
    records.push({ offset, timestamp, text: `${timestamp} ${payload.toString('hex', reader.at, end)}` });
    reader.at = end;
  }
  if (reader.at !== payload.length) throw new Error(`${payload.length - reader.at} bytes follow the records of the batch at ${base}`);
  return records;
};

/** What a consumer shows whose position was at the batch's first offset: records before that are none of its business. */
export const shownBy = (bytes: Buffer): ReadonlyMap<number, string> => {
  const { base, attributes } = factsOf(bytes);
  if ((attributes & CONTROL) !== 0) return new Map();
  return new Map(
    readBatch(bytes)
      .filter(({ offset }) => offset >= base)
      .map(({ offset, text }) => [offset, text]),
  );
};

class VarintReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Zigzag; in numbers up to 2^53 rather than in bits, which end at 32. */
  varint(): number {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = this.#bytes.readUInt8(this.at++);
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }
}
