/** Reads Kafka's primitive wire types from one frame, checking every length against what is left before it is believed. */
import { keepShape } from './keep-shape.ts';
import { MalformedError } from './malformed.ts';

/** Kafka refuses longer strings in both encodings, although a compact length could say more. */
export const MAX_STRING_BYTES = 0x7fff;

/**
 * A cursor over one frame. Every view it returns (`bytes`, `records`) shares the frame's memory.
 * It sits on a `DataView`, which V8 reads about ten times faster than `Buffer.readInt32BE`.
 * Every method throws {@link MalformedError} (`KLINK_MALFORMED`) when the bytes end early or cannot be meant.
 */
export class Reader {
  readonly buffer: Buffer;
  /** Next byte to read, counted from the start of {@link buffer}. */
  pos: number;
  /** First byte that does not belong to this reader. */
  end: number;
  readonly #view: DataView;

  constructor(buffer: Buffer, pos = 0, end = buffer.length) {
    this.buffer = buffer;
    this.pos = pos;
    this.end = end;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  get remaining(): number {
    return this.end - this.pos;
  }

  /** Moves over `size` bytes and returns where they began. */
  span(size: number): number {
    const at = this.pos;
    if (size > this.end - at) throw this.malformed(`needs ${size} more bytes, but only ${this.end - at} are left`);
    this.pos = at + size;
    return at;
  }

  malformed(reason: string): MalformedError {
    return new MalformedError(reason, this.pos);
  }

  bool(): boolean {
    return this.#view.getUint8(this.span(1)) !== 0;
  }

  int8(): number {
    return this.#view.getInt8(this.span(1));
  }

  int16(): number {
    return this.#view.getInt16(this.span(2));
  }

  uint16(): number {
    return this.#view.getUint16(this.span(2));
  }

  int32(): number {
    return this.#view.getInt32(this.span(4));
  }

  uint32(): number {
    return this.#view.getUint32(this.span(4));
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.span(8));
  }

  float64(): number {
    return this.#view.getFloat64(this.span(8));
  }

  /** 16 bytes, as the 22 characters of unpadded base64url in which Kafka's own tools print ids. */
  uuid(): string {
    const at = this.span(16);
    return this.buffer.toString('base64url', at, at + 16);
  }

  /**
   * Unsigned varint of at most 32 bits (KIP-482). Over-long encodings (`80 00` for 0) are taken, as Kafka takes them; bits beyond 32,
   * which Kafka drops, are refused.
   */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#view.getUint8(this.span(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.#view.getUint8(this.span(1));
    if (last > 0x0f) throw this.malformed('varint is wider than 32 bits');
    return (value | (last << 28)) >>> 0;
  }

  string(): string {
    return this.nullableString() ?? this.#nullRefused('string');
  }

  nullableString(): string | null {
    const size = this.int16();
    return size === -1 ? null : this.#utf8(size);
  }

  compactString(): string {
    return this.compactNullableString() ?? this.#nullRefused('string');
  }

  compactNullableString(): string | null {
    const size = this.uvarint() - 1;
    return size === -1 ? null : this.#utf8(size);
  }

  bytes(): Buffer {
    return this.nullableBytes() ?? this.#nullRefused('bytes');
  }

  nullableBytes(): Buffer | null {
    const size = this.int32();
    return size === -1 ? null : this.#slice(size);
  }

  compactBytes(): Buffer {
    return this.compactNullableBytes() ?? this.#nullRefused('bytes');
  }

  compactNullableBytes(): Buffer | null {
    const size = this.uvarint() - 1;
    return size === -1 ? null : this.#slice(size);
  }

  /** Element count of an array, or -1 for null. `minimum` is the least number of bytes that one element can take. */
  arrayLength(minimum: number): number {
    return this.#count(this.int32(), minimum);
  }

  compactArrayLength(minimum: number): number {
    return this.#count(this.uvarint() - 1, minimum);
  }

  #count(count: number, minimum: number): number {
    if (count < -1) throw this.malformed(`array length ${count} is negative`);
    if (count * minimum > this.remaining) throw this.malformed(`array of ${count} elements cannot fit in the ${this.remaining} bytes left`);
    return count;
  }

  #utf8(size: number): string {
    if (size < 0) throw this.malformed(`string length ${size} is negative`);
    if (size > MAX_STRING_BYTES) throw this.malformed(`string of ${size} bytes is longer than ${MAX_STRING_BYTES}`);
    const at = this.span(size);
    return this.buffer.toString('utf8', at, at + size);
  }

  #slice(size: number): Buffer {
    if (size < 0) throw this.malformed(`bytes length ${size} is negative`);
    const at = this.span(size);
    return this.buffer.subarray(at, at + size);
  }

  #nullRefused(type: string): never {
    throw this.malformed(`null ${type} where none is allowed`);
  }
}

keepShape(new Reader(Buffer.alloc(0)));
