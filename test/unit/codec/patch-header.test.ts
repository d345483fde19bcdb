/** The header patch: exactly these bytes change, nothing is read behind the header, damage stays visible. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { computeCrc, payloadCrc, verifyCrc } from '../../../src/codec/batch-crc.ts';
import { patchBatch, rebaseBatch } from '../../../src/codec/patch-header.ts';
import { BATCH_ATTRIBUTES, RecordBatch } from '../../../src/codec/record-batch.ts';

const sample = async (bytes = 3000): Promise<RecordBatch> =>
  RecordBatch.at(
    await buildBatch([{ key: 'k', value: Buffer.alloc(bytes, 'payload '), timestamp: 1_700_000_000_000n }], {
      ...{ baseOffset: 123_456n, partitionLeaderEpoch: 9, producerId: 77n, producerEpoch: 2, baseSequence: 5 },
      transactional: true,
    }),
  );

const differingBytes = (a: Buffer, b: Buffer): number[] => [...a.keys()].filter((i) => a[i] !== b[i]);

describe('rebaseBatch', () => {
  it('sets base offset, producer id, epoch and sequence, and nothing else', async () => {
    const batch = await sample();
    const before = Buffer.from(batch.bytes);
    const payload = payloadCrc(batch);
    rebaseBatch(batch, 0x40000000, -1, -32768, 0x7fffffff);
    expect([batch.baseOffset, batch.producerId, batch.producerEpoch, batch.baseSequence]).toEqual([
      0n,
      0x40000000ffffffffn,
      -32768,
      0x7fffffff,
    ]);
    expect(batch.crc).toBe(computeCrc(batch));
    expect(payloadCrc(batch)).toBe(payload);
    const allowed = new Set([...range(0, 8), ...range(17, 21), ...range(43, 57)]);
    expect(differingBytes(before, batch.bytes).filter((i) => !allowed.has(i))).toEqual([]);
  });

  it('changes nothing when it is repeated', async () => {
    const batch = await sample();
    rebaseBatch(batch, 1, 2, 3, 4);
    const once = Buffer.from(batch.bytes);
    rebaseBatch(batch, 1, 2, 3, 4);
    expect(batch.bytes.equals(once)).toBe(true);
  });

  it('keeps damage detectable, in header or payload', async () => {
    for (const at of [22, 60, 61, 2000]) {
      const batch = await sample();
      batch.buffer[at]! ^= 0x10;
      const difference = computeCrc(batch) ^ batch.crc;
      rebaseBatch(batch, 1, 2, 3, 4);
      expect(verifyCrc(batch)).toBe(false);
      expect(computeCrc(batch) ^ batch.crc).toBe(difference);
    }
  });

  it('does not touch the neighbours of a batch in a set', async () => {
    const one = (await sample(100)).bytes;
    const set = Buffer.concat([one, one, one]);
    rebaseBatch(RecordBatch.at(set, one.length), 1, 2, 3, 4);
    expect(set.subarray(0, one.length).equals(one)).toBe(true);
    expect(set.subarray(2 * one.length).equals(one)).toBe(true);
  });
});

describe('patchBatch', () => {
  it('clears the transactional bit and the producer, as flattening a transaction needs', async () => {
    const batch = await sample();
    patchBatch(batch, {
      attributes: batch.attributes & ~BATCH_ATTRIBUTES.transactional,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
    });
    expect([batch.isTransactional, batch.producerId, batch.producerEpoch, batch.baseSequence]).toEqual([false, -1n, -1, -1]);
    expect(verifyCrc(batch)).toBe(true);
  });

  it('leaves the CRC alone when only fields outside it change', async () => {
    const batch = await sample();
    const { crc } = batch;
    patchBatch(batch, { baseOffset: 2n ** 62n, partitionLeaderEpoch: -1 });
    expect([batch.baseOffset, batch.partitionLeaderEpoch, batch.crc]).toEqual([2n ** 62n, -1, crc]);
  });
});

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
