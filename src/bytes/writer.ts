/** Writes Kafka's primitive wire types into a list of chunks; large buffers are linked, never copied. */
import { keepShape } from './keep-shape.ts';
import { MalformedError } from './malformed.ts';
import { MAX_STRING_BYTES } from './reader.ts';

/** Below this size a copy into the head buffer costs less than one more entry in the vectored write. */
const LINK_FROM_BYTES = 1024;

/** Strings up to this length are written character by character as long as they are ASCII: less than what two calls into the runtime cost. */
const SHORT_STRING = 64;

/** Heads of frames are small and short-lived: a piece of a slab costs less than a buffer and a view of its own. */
const SLAB_BYTES = 64 * 1024;

interface Slab {
  readonly buffer: Buffer;
  readonly view: DataView;
  /** First byte that no writer has taken. */
  free: number;
}

const newSlab = (size: number): Slab => {
  const buffer = Buffer.allocUnsafeSlow(size);
  return { buffer, view: new DataView(buffer.buffer), free: 0 };
};
let slab = newSlab(SLAB_BYTES);

const uvarintSize = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;

const isAscii = (value: string): boolean => {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0x7f) return false;
  return true;
};

/**
 * An append-only list of chunks, ready for one vectored socket write. A chunk that is full is left as it is and a new one is begun,
 * so nothing is ever moved. Values that their type cannot hold throw `MalformedError` (`KLINK_MALFORMED`) instead of wrapping around.
 */
export class Writer {
  #chunks: Buffer[] = [];
  #closed = 0;
  #buffer!: Buffer;
  #view!: DataView;
  #start = 0;
  #pos = 0;
  /** First byte of {@link #buffer} that is not this writer's. */
  #end = 0;
  #capacity = 0;

  constructor(capacity = 512) {
    this.#open(capacity);
  }

  /** Bytes written so far, linked buffers included. */
  get size(): number {
    return this.#closed + this.#pos - this.#start;
  }

  /** The chunks in order. The writer may go on after this. */
  finish(): Buffer[] {
    this.#close();
    return this.#chunks;
  }

  #close(): void {
    if (this.#pos === this.#start) return;
    this.#chunks.push(this.#buffer.subarray(this.#start, this.#pos));
    this.#closed += this.#pos - this.#start;
    this.#start = this.#pos;
  }

  /** Goes on in a piece of a slab. */
  #open(capacity: number): void {
    if (slab.buffer.length - slab.free < capacity) slab = newSlab(Math.max(capacity, SLAB_BYTES));
    this.#buffer = slab.buffer;
    this.#view = slab.view;
    this.#start = slab.free;
    this.#pos = slab.free;
    slab.free += capacity;
    this.#end = slab.free;
    this.#capacity = capacity;
  }

  #claim(size: number): number {
    if (this.#pos + size > this.#end) {
      this.#close();
      this.#open(Math.max(size, Math.min(this.#capacity * 2, SLAB_BYTES)));
    }
    const at = this.#pos;
    this.#pos += size;
    return at;
  }

  #integer(value: number, min: number, max: number, type: string): number {
    if (!Number.isInteger(value) || value < min || value > max) throw new MalformedError(`${value} is not an ${type}`, -1);
    return value;
  }

  bool(value: boolean): void {
    const at = this.#claim(1); // before #view is read: claiming may replace it
    this.#view.setUint8(at, value ? 1 : 0);
  }

  int8(value: number): void {
    this.#integer(value, -0x80, 0x7f, 'int8');
    const at = this.#claim(1);
    this.#view.setInt8(at, value);
  }

  int16(value: number): void {
    this.#integer(value, -0x8000, 0x7fff, 'int16');
    const at = this.#claim(2);
    this.#view.setInt16(at, value);
  }

  uint16(value: number): void {
    this.#integer(value, 0, 0xffff, 'uint16');
    const at = this.#claim(2);
    this.#view.setUint16(at, value);
  }

  int32(value: number): void {
    this.#integer(value, -0x8000_0000, 0x7fff_ffff, 'int32');
    const at = this.#claim(4);
    this.#view.setInt32(at, value);
  }

  uint32(value: number): void {
    this.#integer(value, 0, 0xffff_ffff, 'uint32');
    const at = this.#claim(4);
    this.#view.setUint32(at, value);
  }

  int64(value: bigint): void {
    if (typeof value !== 'bigint') throw new MalformedError(`${value} is not a bigint`, -1);
    if (BigInt.asIntN(64, value) !== value) throw new MalformedError(`${value} is not an int64`, -1);
    const at = this.#claim(8);
    this.#view.setBigInt64(at, value);
  }

  float64(value: number): void {
    const at = this.#claim(8);
    this.#view.setFloat64(at, value);
  }

  /** Takes 22 characters of unpadded base64url. */
  uuid(value: string): void {
    const at = this.#claim(16);
    if (value.length !== 22 || this.#buffer.write(value, at, 16, 'base64url') !== 16)
      throw new MalformedError(`'${value}' is not a uuid`, -1);
  }

  uvarint(value: number): void {
    let rest = this.#integer(value, 0, 0xffff_ffff, 'unsigned varint');
    let at = this.#claim(uvarintSize(rest));
    while (rest > 0x7f) {
      this.#view.setUint8(at++, (rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.#view.setUint8(at, rest);
  }

  string(value: string): void {
    this.#utf8(value, false);
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.#utf8(value, false);
  }

  compactString(value: string): void {
    this.#utf8(value, true);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0);
    else this.#utf8(value, true);
  }

  bytes(value: Buffer): void {
    this.int32(this.#buffered(value).length);
    this.raw(value);
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.int32(-1);
    else this.bytes(value);
  }

  compactBytes(value: Buffer): void {
    this.uvarint(this.#buffered(value).length + 1);
    this.raw(value);
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.uvarint(0);
    else this.compactBytes(value);
  }

  /** Element count, -1 for a null array. */
  arrayLength(count: number): void {
    this.int32(count);
  }

  compactArrayLength(count: number): void {
    this.uvarint(count + 1);
  }

  /** Appends bytes as they are: small ones copied, large ones linked (the caller must not change them until they are sent). */
  raw(value: Buffer): void {
    if (value.length >= LINK_FROM_BYTES) {
      this.#close();
      this.#chunks.push(value);
      this.#closed += value.length;
    } else if (value.length > 0) {
      const at = this.#claim(value.length);
      value.copy(this.#buffer, at);
    }
  }

  #buffered(value: Buffer): Buffer {
    if (!Buffer.isBuffer(value)) throw new MalformedError(`${value} is not a Buffer`, -1);
    return value;
  }

  #utf8(value: string, compact: boolean): void {
    if (typeof value !== 'string') throw new MalformedError(`${value} is not a string`, -1);
    if (value.length <= SHORT_STRING && isAscii(value)) {
      if (compact) this.uvarint(value.length + 1);
      else this.int16(value.length);
      const at = this.#claim(value.length);
      for (let i = 0; i < value.length; i++) this.#view.setUint8(at + i, value.charCodeAt(i));
      return;
    }
    const size = Buffer.byteLength(value);
    if (size > MAX_STRING_BYTES) throw new MalformedError(`string of ${size} bytes is longer than ${MAX_STRING_BYTES}`, -1);
    // Half a surrogate pair has no UTF-8; it would silently become another character.
    if (size !== value.length && /\p{Surrogate}/u.test(value)) throw new MalformedError('string holds half a surrogate pair', -1);
    if (compact) this.uvarint(size + 1);
    else this.int16(size);
    const at = this.#claim(size);
    this.#buffer.write(value, at, size, 'utf8');
  }
}

keepShape(new Writer());
