/** Zig-zag varints, as used inside records (KIP-98): signed 32 bits and signed 64 bits. */
import { MalformedError } from './malformed.ts';
import type { Reader } from './reader.ts';

/** Bytes that `value` takes as a zig-zag varint of 32 bits. */
export const varintSize = (value: number): number => {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let size = 1;
  while (rest > 0x7f) {
    rest >>>= 7;
    size++;
  }
  return size;
};

/** Writes a zig-zag varint of 32 bits at `pos`; returns the position behind it. The caller makes sure of the room. */
export const writeVarint = (buffer: Buffer, pos: number, value: number): number => {
  if ((value | 0) !== value) throw new MalformedError(`${value} is not an int32`, -1);
  let at = pos;
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
};

/** Reads a zig-zag varint of 32 bits. */
export const readVarint = (reader: Reader): number => {
  const raw = reader.uvarint();
  return (raw >>> 1) ^ -(raw & 1);
};

/** Bytes that `value` takes as a zig-zag varint of 64 bits. */
export const varlongSize = (value: bigint): number => {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  let size = 1;
  while (rest > 0x7fn) {
    rest >>= 7n;
    size++;
  }
  return size;
};

/** Writes a zig-zag varint of 64 bits at `pos`; returns the position behind it. */
export const writeVarlong = (buffer: Buffer, pos: number, value: bigint): number => {
  if (BigInt.asIntN(64, value) !== value) throw new MalformedError(`${value} is not an int64`, -1);
  let at = pos;
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  while (rest > 0x7fn) {
    buffer[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  buffer[at++] = Number(rest);
  return at;
};

/** Reads a zig-zag varint of 64 bits (at most 10 bytes). */
export const readVarlong = (reader: Reader): bigint => {
  let low = 0;
  // The first 28 bits in plain numbers: nearly every timestamp and offset delta ends there.
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = reader.int8();
    low |= (byte & 0x7f) << shift;
    if (byte >= 0) return BigInt((low >>> 1) ^ -(low & 1));
  }
  let value = BigInt(low);
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = reader.int8();
    if (shift === 63n && (byte & 0xff) > 1) throw reader.malformed('varlong is wider than 64 bits');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte >= 0) return (value >> 1n) ^ -(value & 1n);
  }
  throw reader.malformed('varlong is longer than 10 bytes');
};
