/** What becomes of a source batch, by its header and the place where it would land. */
import { describe, expect, it } from 'vitest';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { MIRROR_TOPIC_ERRORS, type MirrorTopicError } from '../../../src/link/mirror-failure.ts';
import { type AppendVerdict, describeVerdict, judgeBatch, sequenceOf } from '../../../src/link/replication/append-plan.ts';
import { type BatchShape, makeBatch } from '../../property/link/simulation/batches.ts';

const batchOf = (shape: Omit<BatchShape, 'leaderEpoch'>): RecordBatch => RecordBatch.at(makeBatch({ leaderEpoch: 0, ...shape }, () => 0.5));

const rows: readonly (readonly [what: string, expected: number, shape: Omit<BatchShape, 'leaderEpoch'>, verdict: AppendVerdict])[] = [
  ['the next batch', 10, { base: 10, offsets: 3 }, 'append'],
  ['the first batch of all', 0, { base: 0, offsets: 1 }, 'append'],
  ['a batch copied before', 10, { base: 7, offsets: 3 }, 'skip'],
  ['one copied long before, whatever it is', 10, { kind: 'control', base: 2, offsets: 1 }, 'skip'],
  ['a batch that begins before and ends behind', 10, { base: 8, offsets: 3 }, 'DESTINATION_DIVERGED'],
  ['a batch behind a hole', 10, { base: 11, offsets: 1 }, 'UNSUPPORTED_OFFSET_GAP'],
  ['a control batch behind a hole', 10, { kind: 'control', base: 12, offsets: 1 }, 'UNSUPPORTED_OFFSET_GAP'],
  ['a marker', 10, { kind: 'control', base: 10, offsets: 1 }, 'UNSUPPORTED_TRANSACTION'],
  ['a transactional batch', 10, { kind: 'transactional', base: 10, offsets: 2 }, 'UNSUPPORTED_TRANSACTION'],
  ['a LogAppendTime batch', 10, { kind: 'append-time', base: 10, offsets: 2 }, 'UNSUPPORTED_TIMESTAMP_TYPE'],
  ['a compacted batch', 10, { kind: 'sparse', base: 10, offsets: 2 }, 'UNSUPPORTED_SPARSE_BATCH'],
  ['an emptied batch', 10, { kind: 'empty', base: 10, offsets: 1 }, 'UNSUPPORTED_SPARSE_BATCH'],
  ['a batch beyond 2^32', 2 ** 40, { base: 2 ** 40, offsets: 5 }, 'append'],
];

describe('judgeBatch', () => {
  it.each(rows)('%s, at %i', (_, expected, shape, verdict) => {
    expect(judgeBatch(expected, batchOf(shape))).toBe(verdict);
  });

  it('says for people where the batch stands and what it is', () => {
    for (const [, expected, shape, verdict] of rows) {
      if (!(MIRROR_TOPIC_ERRORS as readonly string[]).includes(verdict)) continue;
      const text = describeVerdict(verdict as MirrorTopicError, expected, batchOf(shape));
      expect(text).toMatch(new RegExp(`\\b(${expected}|${shape.base})\\b`));
      expect(text.length).toBeGreaterThan(40);
    }
  });
});

describe('sequenceOf', () => {
  it.each([
    [0, 0],
    [7, 7],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [2 ** 31, 0],
    [2 ** 31 + 5, 5],
    [2 ** 45 + 9, 9],
  ])('offset %i has sequence %i', (offset, sequence) => expect(sequenceOf(offset)).toBe(sequence));
});
