/** Batches with nothing in them: as many offsets as asked for, no more bytes than promised, and nobody else's memory. */
import { describe, expect, it } from 'vitest';
import { verifyCrc } from '../../../src/codec/batch-crc.ts';
import { decompress } from '../../../src/codec/compression.ts';
import { rebaseBatch } from '../../../src/codec/patch-header.ts';
import { readRecords } from '../../../src/codec/read-records.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import {
  FILLER_BYTES_PER_OFFSET,
  type FillerKind,
  fillerBatch,
  fillerBatchLimit,
  PADDING_TIMESTAMP,
} from '../../../src/link/replication/filler-batch.ts';
import { changesByLeader } from '../../support/leader.ts';

const KINDS: readonly FillerKind[] = ['records', 'ghosts'];
const T = 1_700_000_000_000n;

describe.each(KINDS)('%s', (kind) => {
  it.each([1, 2, 27, 28, 29, 1_000])('take up %i offsets', async (offsets) => {
    const bytes = await fillerBatch(kind, offsets, T);
    const batch = RecordBatch.at(bytes);
    expect([batch.sizeInBytes, batch.recordsCount, batch.lastOffsetDelta]).toEqual([bytes.length, offsets, offsets - 1]);
    expect([batch.baseOffset, batch.producerId, batch.producerEpoch, batch.baseSequence]).toEqual([0n, -1n, -1, -1]);
    expect([batch.baseTimestamp, batch.maxTimestamp, batch.attributes & ~7]).toEqual([T, T, 0]);
    expect(verifyCrc(batch)).toBe(true);
    const empty = { key: null, value: null, headers: [], timestamp: T };
    const offsetOf = (index: number): bigint => (kind === 'ghosts' ? -(2n ** 31n) : BigInt(index));
    expect(await readRecords(batch)).toEqual(Array.from({ length: offsets }, (_, index) => ({ ...empty, offset: offsetOf(index) })));
  });

  it.each([1n, 0n, -1n, T, 2n ** 62n])('are kept by a leader as they are, at time %i', async (timestamp) => {
    for (const offsets of [1, 500, fillerBatchLimit(kind)])
      expect(await changesByLeader(await fillerBatch(kind, offsets, timestamp))).toEqual({});
  });

  it('stay below the size that was asked for', async () => {
    for (const maxBytes of [400, 1_000, 1_024, 5_000, 10_240, 30_000, 65_536, 100_000, 1_048_588]) {
      const limit = fillerBatchLimit(kind, maxBytes);
      // Not only at the limit: what zstd makes of fewer must not be more.
      for (const offsets of [1, Math.ceil(limit / 7), Math.ceil(limit / 2), limit]) {
        expect((await fillerBatch(kind, offsets, T)).length).toBeLessThanOrEqual(maxBytes);
      }
    }
  });

  it('cost what the estimate says', async () => {
    const offsets = fillerBatchLimit(kind);
    const share = (await fillerBatch(kind, offsets, T)).length / offsets / FILLER_BYTES_PER_OFFSET[kind];
    expect(share).toBeGreaterThan(0.95);
    expect(share).toBeLessThan(1.05);
  });

  it('are the caller’s own: a patched header is not seen by the next', async () => {
    for (const offsets of [3, fillerBatchLimit(kind)]) {
      const [first, reference] = [await fillerBatch(kind, offsets, T), await fillerBatch(kind, offsets, T)];
      rebaseBatch(RecordBatch.at(first), 1, 2, 3, 4);
      expect(verifyCrc(RecordBatch.at(first))).toBe(true);
      expect((await fillerBatch(kind, offsets, T)).equals(reference)).toBe(true);
    }
  });

  it('are one for a single offset, however small the limit, and never more than a leader can bear', () => {
    expect(fillerBatchLimit(kind, 0)).toBe(1);
    expect(fillerBatchLimit(kind)).toBe(fillerBatchLimit(kind, 1 << 30));
    expect(fillerBatchLimit(kind)).toBe(kind === 'records' ? 100_000 : 50_000);
  });

  it.each([0, -1, 0.5, 100_001, Number.NaN])('of %d offsets there are none', async (offsets) => {
    await expect(fillerBatch(kind, offsets, T)).rejects.toMatchObject({ code: 'KLINK_INTERNAL' });
  });
});

it('a padding batch of full size is some 60 kB, of a time that is old but a time', async () => {
  const bytes = await fillerBatch('records', fillerBatchLimit('records'), PADDING_TIMESTAMP);
  const batch = RecordBatch.at(bytes);
  expect([batch.compression, batch.maxTimestamp]).toEqual(['zstd', 1n]);
  expect(bytes.length).toBeLessThan(61_000);
  expect((await decompress('zstd', batch.payload)).length).toBeGreaterThan(800_000);
});

it('compresses only what becomes smaller', async () => {
  const sizes = await Promise.all(
    [1, 10, 100].map(async (offsets) => RecordBatch.at(await fillerBatch('records', offsets, T)).compression),
  );
  expect(sizes).toEqual(['none', 'zstd', 'zstd']);
});
