/** How a link recognises the last batch of a mirror when it is not the source's batch byte for byte. */
import { describe, expect, it } from 'vitest';
import { assembleBatch, buildBatch, buildEndTxnMarker, type NewRecord } from '../../../src/codec/batch-builder.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { isCopyOf, isEmptyAt } from '../../../src/link/replication/copied-records.ts';
import { fillerBatch } from '../../../src/link/replication/filler-batch.ts';

const record = (offset: number, timestamp = 100n): NewRecord & { readonly offset: number } => ({
  offset,
  timestamp,
  key: `k${offset}`,
  value: `v${offset}`,
});

/** The records of these offsets in a batch from `base` to `last`. */
const batchOf = async (
  offsets: readonly number[],
  base = offsets[0] ?? 0,
  last = offsets.at(-1) ?? base,
  more: object = {},
): Promise<RecordBatch> =>
  RecordBatch.at(
    offsets.length === 0
      ? assembleBatch(
          {
            baseOffset: BigInt(base),
            attributes: 0,
            lastOffsetDelta: last - base,
            baseTimestamp: -1n,
            maxTimestamp: 100n,
            recordsCount: 0,
          },
          Buffer.alloc(0),
        )
      : await buildBatch(
          offsets.map((offset) => ({ ...record(offset), offsetDelta: offset - base })),
          { baseOffset: BigInt(base), lastOffsetDelta: last - base, compression: 'gzip', ...more },
        ),
  );

const marker = (offset: number): RecordBatch =>
  RecordBatch.at(
    buildEndTxnMarker(
      { result: 'commit', coordinatorEpoch: 0 },
      { baseOffset: BigInt(offset), producerId: 7n, producerEpoch: 0, timestamp: 5n },
    ),
  );

const filler = async (kind: 'records' | 'ghosts', base: number, offsets: number): Promise<RecordBatch> => {
  const bytes = await fillerBatch(kind, offsets, 100n);
  bytes.writeBigInt64BE(BigInt(base));
  return RecordBatch.at(bytes);
};

/** Where the source has records: 10 to 13. */
const dense = () => batchOf([10, 11, 12, 13]);
const sparse = () => batchOf([10, 13], 10, 14);
const committed = { isAborted: false };
const aborted = { isAborted: true };

describe('a copy', () => {
  it.each([
    ['holds the rest of a batch in whose middle the log starts', batchOf([12, 13]), dense(), committed, true],
    ['holds a run of a batch that compaction has made sparse', batchOf([13]), sparse(), committed, true],
    ['still holds what compaction took after it was made', dense(), sparse(), committed, true],
    ['still holds what is gone altogether', batchOf([10, 11]), batchOf([], 10, 13), committed, true],
    ['has the append time as its own', batchOf([10, 11]), batchOf([10, 11], 10, 11, { logAppendTime: 100n }), committed, true],
    [
      'has the time of its producer, not the append time',
      batchOf([10, 11]),
      batchOf([10, 11], 10, 11, { logAppendTime: 900n }),
      committed,
      false,
    ],
    ['lacks a record', batchOf([12], 12, 13), dense(), committed, false],
    ['has another record there', (async () => shifted(await batchOf([10, 11]), 1))(), dense(), committed, false],
    ['has a record that the source has elsewhere', (async () => shifted(await batchOf([13]), -1))(), dense(), committed, false],
    ['reaches beyond the batch of the source', dense(), batchOf([10, 11, 12]), committed, false],
    ['was not committed', dense(), batchOf([10, 11, 12, 13], 10, 13, { transactional: true }), aborted, false],
    ['was committed', dense(), batchOf([10, 11, 12, 13], 10, 13, { transactional: true }), committed, true],
    ['has data where a transaction ends', batchOf([10]), marker(10), committed, false],
    ['has ghosts where a transaction was aborted', filler('ghosts', 10, 4), dense(), aborted, true],
    ['has ghosts where there are records', filler('ghosts', 10, 4), dense(), committed, false],
    ['has ghosts over two batches without records', filler('ghosts', 9, 3), marker(10), committed, true],
  ])('%s', async (_, copy, original, fate, expected) => {
    expect(await isCopyOf(await copy, { batch: await original, ...fate }, () => false)).toBe(expected);
  });

  it('shows fillers only where it may', async () => {
    const [copy, batch] = [await filler('records', 10, 4), await dense()];
    expect(await isCopyOf(copy, { batch, ...aborted }, () => true)).toBe(true);
    expect(await isCopyOf(copy, { batch, ...aborted }, (offset) => offset < 13)).toBe(false);
    expect(await isCopyOf(copy, { batch, ...committed }, () => true)).toBe(false);
  });

  it('that is damaged is not opened', async () => {
    const copy = await batchOf([12, 13]);
    copy.buffer.writeUInt8(copy.buffer.readUInt8(copy.buffer.length - 1) ^ 1, copy.buffer.length - 1);
    await expect(isCopyOf(copy, { batch: await dense(), ...committed }, () => true)).rejects.toMatchObject({ code: 'KLINK_CORRUPT_BATCH' });
  });
});

const shifted = (batch: RecordBatch, by: number): RecordBatch => {
  batch.buffer.writeBigInt64BE(batch.baseOffset + BigInt(by), batch.position);
  return batch;
};

it.each([
  ['a record', dense(), committed, 11, false],
  ['a record that compaction took', sparse(), committed, 11, true],
  ['an aborted record', dense(), aborted, 11, true],
  ['a marker', marker(11), committed, 11, true],
] as const)('tells whether %s is to be seen', async (_, batch, fate, offset, expected) => {
  expect(await isEmptyAt({ batch: await batch, ...fate }, offset)).toBe(expected);
});
