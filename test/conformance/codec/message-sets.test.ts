/** Message sets of magic 0 and 1, as clients before 0.11 wrote them and brokers still serve them: recognised, and opened as far as compression goes. */
import { describe, expect, it } from 'vitest';
import { decompress } from '../../../src/codec/compression.ts';
import { compressionOf } from '../../../src/codec/record-batch.ts';
import { RecordSetCursor } from '../../../src/codec/record-set.ts';
import { goldens } from './golden.ts';

const sets = goldens(/^magic/);

it('covers both magics in all codecs they know', () => {
  expect(sets.map(({ name }) => name).sort()).toEqual(
    ['magic0', 'magic1'].flatMap((magic) => ['gzip', 'lz4', 'none', 'snappy'].map((codec) => `${magic}-${codec}`)),
  );
});

describe.each(sets)('$name', ({ name, bytes }) => {
  const magic = Number(name[5]);
  const compressed = !name.endsWith('none');

  it('stops the walk with magic and offset', () => {
    const cursor = new RecordSetCursor().open(bytes);
    expect(cursor.next()).toBe(false);
    // A wrapper carries the offset of its last inner message.
    expect([cursor.stop, cursor.magic, cursor.messageOffset, cursor.position]).toEqual(['message-set', magic, compressed ? 502n : 500n, 0]);
  });

  it('stops the walk the same way when it is cut off after the magic', () => {
    const cursor = new RecordSetCursor().open(bytes.subarray(0, 17));
    expect(cursor.next()).toBe(false);
    expect([cursor.stop, cursor.magic]).toEqual(['message-set', magic]);
    cursor.open(bytes.subarray(0, 16));
    expect(cursor.next()).toBe(false);
    expect(cursor.stop).toBe('cut');
  });
});

describe.each(sets.filter(({ name }) => !name.endsWith('none')))('$name', ({ name, bytes, lines }) => {
  it('opens its wrapper, wrong LZ4 header checksums included', async () => {
    const magic = Number(name[5]);
    // [offset 8][size 4][crc 4][magic 1][attributes 1][timestamp 8, magic 1][key −1][value length 4][value]
    const valueAt = magic === 0 ? 26 : 34;
    const value = bytes.subarray(valueAt, valueAt + bytes.readInt32BE(valueAt - 4));
    const inner = await decompress(compressionOf(bytes[17]!), value);
    const offsets: number[] = [];
    for (let at = 0; at < inner.length; at += 12 + inner.readInt32BE(at + 8)) offsets.push(Number(inner.readBigInt64BE(at)));
    expect(offsets).toEqual(magic === 0 ? [500, 501, 502] : [0, 1, 2]);
    expect(lines).toHaveLength(3);
    expect(inner.includes('tombstone')).toBe(true);
  });
});

it('has the LZ4 checksum that only Kafka wrote, in the magic 0 golden file', () => {
  const { bytes } = sets.find(({ name }) => name === 'magic0-lz4')!;
  expect(bytes.subarray(26, 33).toString('hex')).toBe('04224d1860401a');
});
