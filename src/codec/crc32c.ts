/** CRC-32C (Castagnoli), and the arithmetic that moves a checksum over bytes without reading them. */
import crc32cPackage from 'crc-32/crc32c.js';

/**
 * CRC-32C of `bytes`, as the unsigned number Kafka stores. Pass the result for the bytes before as `previous` to go on where that stopped:
 * `crc32c(b, crc32c(a))` is the checksum of `a` followed by `b`, so linked buffers need not be joined.
 */
export const crc32c = (bytes: Uint8Array, previous = 0): number => crc32cPackage.buf(bytes, previous) >>> 0;

/*
 * A CRC is a polynomial over GF(2): appending n zero bytes to a message multiplies the raw remainder by x^(8n) mod P. The initial value and the final
 * XOR cancel in the difference of two messages of equal length, hence
 *
 *   crc(new) = crc(old) ^ shift(raw remainder of (old ^ new) in the changed range, number of bytes that follow it)
 *
 * whatever follows. Multiplying by x^(8·2^k) is a linear map; its matrix is kept as 8 rows of 16 entries, one row per nibble of the operand, so
 * that one set bit of n costs eight look-ups. 31 maps of 512 bytes: all of them fit the first-level cache.
 */
const POLYNOMIAL = 0x82f63b78;
const POWERS = 31;
const MAP = 8 * 16;
const maps = new Int32Array(POWERS * MAP);

/** a·b mod P; bit 31 is the coefficient of x^0, as in every reflected CRC. */
const multiply = (a: number, b: number): number => {
  let product = 0;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= b;
    b = b & 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product;
};

for (let k = 0, power = 1 << 23; k < POWERS; k++, power = multiply(power, power)) {
  for (let entry = 0; entry < MAP; entry++) maps[k * MAP + entry] = multiply((entry & 15) << (4 * (entry >> 4)), power);
}

const apply = (map: number, crc: number): number =>
  maps[map + (crc & 15)]! ^
  maps[map + 16 + ((crc >>> 4) & 15)]! ^
  maps[map + 32 + ((crc >>> 8) & 15)]! ^
  maps[map + 48 + ((crc >>> 12) & 15)]! ^
  maps[map + 64 + ((crc >>> 16) & 15)]! ^
  maps[map + 80 + ((crc >>> 20) & 15)]! ^
  maps[map + 96 + ((crc >>> 24) & 15)]! ^
  maps[map + 112 + (crc >>> 28)]!;

/**
 * The raw remainder `remainder` after `zeros` more zero bytes (0 … 2^31 − 1), in O(log zeros). Signed, for further XORs.
 * With CRCs of equal-length messages in place of remainders, their difference may be shifted the same way.
 */
export const crc32cShift = (remainder: number, zeros: number): number => {
  for (let map = 0; zeros !== 0; zeros >>>= 1, map += MAP) {
    if (zeros & 1) remainder = apply(map, remainder);
  }
  return remainder | 0;
};

/**
 * Feeds one 32-bit word, read little-endian from the message, into a raw remainder (no initial value, no final XOR). The differences of old and new
 * words go through here; a header is nine of them.
 */
export const crc32cFeed32 = (remainder: number, word: number): number => apply(2 * MAP, remainder ^ word);

/** The same for a 16-bit word, read little-endian. */
export const crc32cFeed16 = (remainder: number, word: number): number => apply(MAP, remainder ^ (word & 0xffff));
