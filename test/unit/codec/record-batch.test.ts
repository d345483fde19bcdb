/** The view over one batch: which bytes mean what, and which headers are not believed. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { BATCH_LAYOUT, RecordBatch } from '../../../src/codec/record-batch.ts';
import { LinkError } from '../../../src/errors.ts';

/** A header of rising bytes, so that every field has a value of its own. */
const rising = (): Buffer => {
  const bytes = Buffer.from(Array.from({ length: 61 }, (_, i) => i + 1));
  bytes.writeInt32BE(49, BATCH_LAYOUT.batchLength);
  bytes[BATCH_LAYOUT.magic] = 2;
  bytes.writeInt32BE(3, BATCH_LAYOUT.lastOffsetDelta);
  bytes.writeInt32BE(2, BATCH_LAYOUT.recordsCount);
  return bytes;
};

describe('header fields', () => {
  it('lie where KIP-98 puts them', () => {
    const batch = RecordBatch.at(rising());
    expect({
      baseOffset: batch.baseOffset,
      partitionLeaderEpoch: batch.partitionLeaderEpoch,
      crc: batch.crc,
      attributes: batch.attributes,
      baseTimestamp: batch.baseTimestamp,
      maxTimestamp: batch.maxTimestamp,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
    }).toEqual({
      baseOffset: 0x0102030405060708n,
      partitionLeaderEpoch: 0x0d0e0f10,
      crc: 0x12131415,
      attributes: 0x1617,
      baseTimestamp: 0x1c1d1e1f20212223n,
      maxTimestamp: 0x2425262728292a2bn,
      producerId: 0x2c2d2e2f30313233n,
      producerEpoch: 0x3435,
      baseSequence: 0x36373839,
    });
    expect(batch.lastOffset).toBe(0x0102030405060708n + 3n);
    expect(batch.nextOffset).toBe(0x0102030405060708n + 4n);
    expect(batch.isDense).toBe(false);
    expect(batch.sizeInBytes).toBe(61);
  });

  it('are read from any place in a shared frame', () => {
    const frame = Buffer.concat([Buffer.alloc(7, 0xff), rising(), Buffer.alloc(9, 0xff)]);
    const batch = RecordBatch.at(frame.subarray(3), 4);
    expect(batch.baseOffset).toBe(0x0102030405060708n);
    expect(batch.bytes.equals(rising())).toBe(true);
    expect(batch.payload).toHaveLength(0);
    expect(batch.bytes.buffer).toBe(frame.buffer);
  });

  it.each([
    [0x00, { compression: 'none', timestampType: 'CreateTime', isTransactional: false, isControl: false, hasDeleteHorizon: false }],
    [0x0c, { compression: 'zstd', timestampType: 'LogAppendTime', isTransactional: false, isControl: false, hasDeleteHorizon: false }],
    [0x31, { compression: 'gzip', timestampType: 'CreateTime', isTransactional: true, isControl: true, hasDeleteHorizon: false }],
    [0x43, { compression: 'lz4', timestampType: 'CreateTime', isTransactional: false, isControl: false, hasDeleteHorizon: true }],
  ])('attributes %i', (attributes, expected) => {
    const bytes = rising();
    bytes.writeInt16BE(attributes, BATCH_LAYOUT.attributes);
    expect(RecordBatch.at(bytes)).toMatchObject(expected);
  });

  it('names no codec for ids Kafka does not have', () => {
    const bytes = rising();
    bytes.writeInt16BE(5, BATCH_LAYOUT.attributes);
    const batch = RecordBatch.at(bytes);
    expect(() => batch.compression).toThrow(expect.objectContaining({ code: 'KLINK_CORRUPT_BATCH' }));
  });
});

describe('offsets as numbers', () => {
  it.each([0n, 1n, 0xffffffffn, 0x100000000n, 2n ** 53n - 1n, -1n])('%s', (offset) => {
    const bytes = rising();
    bytes.writeBigInt64BE(offset);
    const batch = RecordBatch.at(bytes);
    expect(batch.baseOffsetNumber).toBe(Number(offset));
    expect(batch.lastOffsetNumber).toBe(Number(offset) + 3);
    expect(batch.nextOffsetNumber).toBe(Number(offset) + 4);
  });

  it.each([2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)])('are refused where a number is not exact: %s', (offset) => {
    const bytes = rising();
    bytes.writeBigInt64BE(offset);
    const batch = RecordBatch.at(bytes);
    expect(batch.baseOffset).toBe(offset);
    expect(() => batch.baseOffsetNumber).toThrow(/beyond 2\^53/);
  });
});

describe('headers that are not believed', () => {
  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['fewer bytes than a header', (bytes) => bytes.subarray(0, 60), /60 bytes left/],
    ['magic 1', (bytes) => write(bytes, (b) => b.writeInt8(1, BATCH_LAYOUT.magic)), /magic is 1/],
    ['a length below the header', (bytes) => write(bytes, (b) => b.writeInt32BE(48, BATCH_LAYOUT.batchLength)), /batchLength 48/],
    ['a negative length', (bytes) => write(bytes, (b) => b.writeInt32BE(-1, BATCH_LAYOUT.batchLength)), /batchLength -1/],
    ['a length beyond the bytes', (bytes) => write(bytes, (b) => b.writeInt32BE(50, BATCH_LAYOUT.batchLength)), /61 bytes at hand/],
    ['offsets that go backwards', (bytes) => write(bytes, (b) => b.writeInt32BE(-1, BATCH_LAYOUT.lastOffsetDelta)), /lastOffsetDelta -1/],
    [
      'an empty range of offsets',
      (bytes) =>
        write(bytes, (b) => {
          b.writeInt32BE(-1, BATCH_LAYOUT.lastOffsetDelta);
          b.writeInt32BE(0, BATCH_LAYOUT.recordsCount);
        }),
      /lastOffsetDelta -1/,
    ],
    ['a negative count', (bytes) => write(bytes, (b) => b.writeInt32BE(-1, BATCH_LAYOUT.recordsCount)), /recordsCount -1/],
    ['more records than offsets', (bytes) => write(bytes, (b) => b.writeInt32BE(5, BATCH_LAYOUT.recordsCount)), /recordsCount 5/],
  ])('%s', (_, damage, message) => {
    const read = (): RecordBatch => RecordBatch.at(damage(rising()));
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 'KLINK_CORRUPT_BATCH', retriable: false }));
  });

  it('a batch without records is not built', async () => {
    await expect(buildBatch([])).rejects.toSatisfy((error) => LinkError.is(error, 'KLINK_MALFORMED'));
  });
});

const write = (bytes: Buffer, change: (bytes: Buffer) => unknown): Buffer => {
  change(bytes);
  return bytes;
};
