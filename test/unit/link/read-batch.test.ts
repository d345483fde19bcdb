/** When two batches are copies of one: what a link rewrites may differ, everything else may not. */
import { describe, expect, it } from 'vitest';
import { assembleBatch } from '../../../src/codec/batch-builder.ts';
import { type HeaderChanges, patchBatch } from '../../../src/codec/patch-header.ts';
import { BATCH_ATTRIBUTES, RecordBatch } from '../../../src/codec/record-batch.ts';
import { sameBatch, samePayload } from '../../../src/link/replication/read-batch.ts';

const HEADER = {
  baseOffset: 40n,
  partitionLeaderEpoch: 3,
  attributes: BATCH_ATTRIBUTES.transactional | 1,
  lastOffsetDelta: 4,
  baseTimestamp: 1_000n,
  maxTimestamp: 2_000n,
  producerId: 9n,
  producerEpoch: 1,
  baseSequence: 17,
  recordsCount: 4,
};
const PAYLOAD = Buffer.from('payload');
const batchOf = (changes: Partial<typeof HEADER> = {}, payload = PAYLOAD): RecordBatch =>
  RecordBatch.at(assembleBatch({ ...HEADER, ...changes }, payload));

describe('sameBatch', () => {
  it('takes what a link makes of a batch for its copy, wherever it lies in memory', () => {
    const behindOthers = Buffer.concat([batchOf({ baseOffset: 2n }).bytes, batchOf().bytes]);
    const copy = RecordBatch.at(behindOthers, batchOf().sizeInBytes);
    patchBatch(copy, { partitionLeaderEpoch: 8, producerId: 2n ** 40n, producerEpoch: 0, baseSequence: 40, attributes: 1 });
    expect(copy.crc).not.toBe(batchOf().crc);
    expect(sameBatch(batchOf(), copy)).toBe(true);
  });

  it.each<[string, HeaderChanges]>([
    ['offset', { baseOffset: 41n }],
    ['range', { lastOffsetDelta: 5 }],
    ['codec', { attributes: BATCH_ATTRIBUTES.transactional | 2 }],
    ['timestamp type', { attributes: BATCH_ATTRIBUTES.transactional | BATCH_ATTRIBUTES.logAppendTime | 1 }],
    ['kind', { attributes: BATCH_ATTRIBUTES.transactional | BATCH_ATTRIBUTES.control | 1 }],
    ['delete horizon', { attributes: BATCH_ATTRIBUTES.transactional | BATCH_ATTRIBUTES.deleteHorizon | 1 }],
    ['first time', { baseTimestamp: 1_001n }],
    ['last time', { maxTimestamp: 2_001n }],
  ])('tells batches apart by their %s', (_, changes) => {
    const other = batchOf();
    patchBatch(other, changes);
    expect(sameBatch(batchOf(), other)).toBe(false);
    expect(samePayload(batchOf(), other)).toBe(true);
  });

  it.each<[string, RecordBatch]>([
    ['a flipped bit', batchOf({}, Buffer.from('payloae'))],
    ['another byte', batchOf({}, Buffer.from('payload!'))],
    ['one record less', batchOf({ recordsCount: 3 })],
    ['nothing', batchOf({}, Buffer.alloc(0))],
  ])('tells batches apart by their payload: %s', (_, other) => {
    expect(sameBatch(batchOf(), other)).toBe(false);
    expect(samePayload(batchOf(), other)).toBe(false);
  });
});
