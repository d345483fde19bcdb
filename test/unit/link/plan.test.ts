/** What becomes of source batches, by their headers, the aborted list and the place where they would land: batch by batch, and as steps. */
import { describe, expect, it } from 'vitest';
import { buildBatch, buildEndTxnMarker } from '../../../src/codec/batch-builder.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import type { MirrorTopicError } from '../../../src/link/mirror-failure.ts';
import { type BatchVerdict, judgeBatch, type PlanContext, planRecords, type Step } from '../../../src/link/replication/plan.ts';
import { type BatchShape, makeBatch, makeOldMessage } from '../../property/link/simulation/batches.ts';

type Shape = Omit<BatchShape, 'leaderEpoch'>;
const bytesOf = (shape: Shape): Buffer => makeBatch({ leaderEpoch: 4, ...shape }, () => 0.5);
const batchOf = (shape: Shape): RecordBatch => RecordBatch.at(bytesOf(shape));

const verdicts: readonly (readonly [what: string, expected: number, shape: Shape, verdict: BatchVerdict])[] = [
  ['the next batch', 10, { base: 10, offsets: 3 }, 'append'],
  ['the first batch of all', 0, { base: 0, offsets: 1 }, 'append'],
  ['a batch copied before', 10, { base: 7, offsets: 3 }, 'skip'],
  ['one copied long before, whatever it is', 10, { kind: 'control', base: 2, offsets: 1 }, 'skip'],
  ['a batch that begins before and ends behind', 10, { base: 8, offsets: 3 }, 'rebuild'],
  ['a batch behind a hole', 10, { base: 11, offsets: 1 }, 'append'],
  ['a marker', 10, { kind: 'control', base: 10, offsets: 1 }, 'fill'],
  ['a transactional batch', 10, { kind: 'transactional', base: 10, offsets: 2 }, 'append'],
  ['a LogAppendTime batch', 10, { kind: 'append-time', base: 10, offsets: 2 }, 'rebuild'],
  ['a compacted batch', 10, { kind: 'sparse', base: 10, offsets: 2 }, 'rebuild'],
  ['an emptied batch', 10, { kind: 'empty', base: 10, offsets: 1 }, 'fill'],
  ['an emptied batch of which a part is copied', 10, { kind: 'empty', base: 8, offsets: 5 }, 'fill'],
  ['a batch beyond 2^32', 2 ** 40, { base: 2 ** 40, offsets: 5 }, 'append'],
];

describe('judgeBatch', () => {
  it.each(verdicts)('%s, at %i', (_, expected, shape, verdict) => {
    expect(judgeBatch(expected, batchOf(shape), false)).toBe(verdict);
    expect(judgeBatch(expected, batchOf(shape), true)).toBe(verdict === 'skip' ? 'skip' : 'fill');
  });

  it('opens a LogAppendTime batch only when its header alone cannot tell the time of its records', async () => {
    const record = { value: 'a', timestamp: 5_000n };
    const appendTime = async (records: readonly (typeof record)[], options = {}): Promise<BatchVerdict> =>
      judgeBatch(0, RecordBatch.at(await buildBatch(records, { logAppendTime: 9_000n, ...options })), false);
    expect(await appendTime([record])).toBe('append');
    expect(await appendTime([record, record])).toBe('rebuild');
    expect(await appendTime([record], { compression: 'gzip' })).toBe('rebuild');
  });
});

const abortMarker = (base: number, producerId: bigint): Buffer =>
  buildEndTxnMarker(
    { result: 'abort', coordinatorEpoch: 0 },
    { baseOffset: BigInt(base), partitionLeaderEpoch: 4, producerId, producerEpoch: 0, timestamp: 1n },
  );

const planOf = (records: Buffer, context: Partial<PlanContext> = {}) =>
  planRecords(records, { label: 't-0', expected: 0, lastFetchedEpoch: 3, aborted: null, mayFill: true, ...context });
const answer = (...shapes: readonly Shape[]): Buffer => Buffer.concat(shapes.map(bytesOf));
const outline = (steps: readonly Step[]) => steps.map(({ kind, offset, nextOffset }) => [kind, offset, nextOffset]);

describe('planRecords', () => {
  it('makes one step of batches that follow each other, and of all that is filled between two of them', () => {
    const records = answer(
      { base: 0, offsets: 2 },
      { base: 2, offsets: 1 },
      { kind: 'control', base: 3, offsets: 1 },
      { kind: 'empty', base: 6, offsets: 3 },
      { kind: 'control', base: 9, offsets: 1 },
      { base: 12, offsets: 1 },
      { kind: 'sparse', base: 13, offsets: 4 },
      { kind: 'sparse', base: 17, offsets: 2 },
      { base: 19, offsets: 1 },
    );
    const { steps, nextOffset, lastFetchedEpoch, stop } = planOf(records);
    expect(outline(steps)).toEqual([
      ['append', 0, 3],
      ['fill', 3, 12],
      ['append', 12, 13],
      ['rebuild', 13, 17],
      ['rebuild', 17, 19],
      ['append', 19, 20],
    ]);
    expect({ nextOffset, lastFetchedEpoch, stop }).toEqual({ nextOffset: 20, lastFetchedEpoch: 4, stop: null });
  });

  it('points at the bytes of every step', () => {
    const records = answer(
      { base: 0, offsets: 2 },
      { base: 2, offsets: 1 },
      { kind: 'sparse', base: 3, offsets: 2 },
      { base: 5, offsets: 1 },
    );
    const size = records.length / 4;
    const places = planOf(records).steps.map((step) => ('position' in step ? [step.position, step.end] : null));
    expect(places).toEqual([
      [0, 2 * size],
      [2 * size, 3 * size],
      [3 * size, 4 * size],
    ]);
  });

  it('tells the size of the largest batch, one that was copied before or cut off included', async () => {
    const small = bytesOf({ base: 0, offsets: 1 });
    const large = await buildBatch([{ value: 'x'.repeat(1_000), timestamp: 5n }], { baseOffset: 1n, partitionLeaderEpoch: 4 });
    expect(planOf(Buffer.alloc(0)).largestBatch).toBe(0);
    expect(planOf(Buffer.concat([small, large])).largestBatch).toBe(large.length);
    expect(planOf(Buffer.concat([small, large]), { expected: 10 }).largestBatch).toBe(large.length);
    expect(planOf(Buffer.concat([small, large.subarray(0, 20)])).largestBatch).toBe(large.length);
    expect(planOf(Buffer.concat([small, large.subarray(0, 10)])).largestBatch).toBe(small.length);
  });

  it('leaves the bytes alone', () => {
    const records = answer({ base: 0, offsets: 2, kind: 'transactional' }, { kind: 'sparse', base: 5, offsets: 4 });
    const before = Buffer.from(records);
    planOf(records);
    expect(records.equals(before)).toBe(true);
  });

  it('begins where the mirror ends, wherever the answer begins', () => {
    const records = answer(
      { base: 0, offsets: 3 },
      { kind: 'control', base: 3, offsets: 1 },
      { base: 4, offsets: 4 },
      { base: 8, offsets: 1 },
    );
    expect(outline(planOf(records, { expected: 4 }).steps)).toEqual([['append', 4, 9]]);
    expect(outline(planOf(records, { expected: 6 }).steps)).toEqual([
      ['rebuild', 6, 8],
      ['append', 8, 9],
    ]);
    expect(planOf(records, { expected: 6 }).stop).toBeNull();
  });

  it('has nothing to do where nothing new has come', () => {
    const nothing = { steps: [], nextOffset: 4, lastFetchedEpoch: 3, lastTimestamp: null, stop: null };
    for (const records of [Buffer.alloc(0), answer({ base: 0, offsets: 4 }), answer({ base: 4, offsets: 1 }).subarray(0, 50)]) {
      expect(planOf(records, { expected: 4 })).toMatchObject(nothing);
    }
  });

  it('fills what was aborted and leaves the same producer’s next transaction alone', () => {
    const transactional = (base: number, producerId: bigint): Buffer =>
      makeBatch({ kind: 'transactional', base, offsets: 1, leaderEpoch: 4 }, () => 0.5, { producerId });
    const records = Buffer.concat([transactional(0, 1n), transactional(1, 2n), abortMarker(2, 2n), transactional(3, 2n)]);
    const { steps } = planOf(records, { aborted: [{ producerId: 2n, firstOffset: 0n }] });
    expect(outline(steps)).toEqual([
      ['append', 0, 1],
      ['fill', 1, 3],
      ['append', 3, 4],
    ]);
  });

  it('follows the aborted list through batches that lie below the mirror’s end', () => {
    const batch = makeBatch({ kind: 'transactional', base: 1, offsets: 1, leaderEpoch: 4 }, () => 0.5, { producerId: 2n });
    const records = Buffer.concat([abortMarker(0, 2n), batch]);
    const aborted = [{ producerId: 2n, firstOffset: 0n }];
    expect(outline(planOf(records, { aborted, expected: 1 }).steps)).toEqual([['append', 1, 2]]);
  });

  it('tells the time of the last batch that has records', () => {
    const timed = (base: number, maxTimestamp: bigint, kind: BatchShape['kind'] = 'data'): Buffer =>
      makeBatch({ base, offsets: 2, leaderEpoch: 4, kind }, () => 0.5, { maxTimestamp });
    expect(planOf(Buffer.concat([timed(0, 10n), timed(2, 7n), timed(4, 99n, 'empty')])).lastTimestamp).toBe(7n);
    expect(planOf(timed(0, 99n, 'empty')).lastTimestamp).toBeNull();
  });
});

const stops: readonly (readonly [what: string, last: Buffer, reason: MirrorTopicError, says: RegExp])[] = [
  ['a batch that overlaps', bytesOf({ base: 1, offsets: 4 }), 'CORRUPT_SOURCE_BATCH', /offset 2 .*offset 1 follows those up to 1/],
  ['a batch that was there before', bytesOf({ base: 0, offsets: 2 }), 'CORRUPT_SOURCE_BATCH', /offset 0 follows those up to 1/],
  ['an old message', makeOldMessage(2), 'UNSUPPORTED_MESSAGE_FORMAT', /format v1 from offset 2/],
  [
    'a count above its range',
    makeBatch({ base: 2, offsets: 2, leaderEpoch: 4 }, () => 0.5, { recordsCount: 9 }),
    'CORRUPT_SOURCE_BATCH',
    /recordsCount 9/,
  ],
];

describe('a plan ends', () => {
  it.each(stops)('with %s, and keeps the steps before', (_, last, reason, says) => {
    const { steps, nextOffset, stop } = planOf(Buffer.concat([bytesOf({ base: 0, offsets: 2 }), last, bytesOf({ base: 9, offsets: 1 })]));
    expect(outline(steps)).toEqual([['append', 0, 2]]);
    expect(nextOffset).toBe(2);
    expect(stop).toMatchObject({ reason });
    expect(stop?.message).toContain('t-0');
    expect(stop?.message).toMatch(says);
  });

  it.each([
    ['a hole', { base: 5, offsets: 1 }, 'UNSUPPORTED_OFFSET_GAP', /no records from offset 2 to 4/],
    ['a marker', { kind: 'control', base: 2, offsets: 1 }, 'UNSUPPORTED_TRANSACTION', /offsets 2 to 2 is the marker/],
    ['an emptied batch', { kind: 'empty', base: 2, offsets: 3 }, 'UNSUPPORTED_SPARSE_BATCH', /offsets 2 to 4 holds 0 records for 3/],
    ['a sparse batch', { kind: 'sparse', base: 2, offsets: 3 }, 'UNSUPPORTED_SPARSE_BATCH', /offsets 2 to 4 holds 2 records for 3/],
    ['a marker behind a hole', { kind: 'control', base: 7, offsets: 1 }, 'UNSUPPORTED_OFFSET_GAP', /from offset 2 to 6/],
  ] as const)('with %s where nothing may be filled, and says which right is missing', (_, shape, reason, says) => {
    const records = answer({ base: 0, offsets: 2 }, shape, { base: 9, offsets: 1 });
    const { steps, nextOffset, stop } = planOf(records, { mayFill: false });
    expect(outline(steps)).toEqual([['append', 0, 2]]);
    expect(nextOffset).toBe(2);
    expect(stop).toMatchObject({ reason });
    expect(stop?.message).toMatch(says);
    expect(stop?.message).toMatch(/ALTER or CLUSTER_ACTION/);
  });

  it('nowhere for want of a right that nothing needs', () => {
    const records = answer(
      { base: 0, offsets: 2 },
      { base: 2, offsets: 1, kind: 'transactional' },
      { base: 3, offsets: 2, kind: 'append-time' },
    );
    expect(outline(planOf(records, { mayFill: false, expected: 1 }).steps)).toEqual([
      ['rebuild', 1, 2],
      ['append', 2, 3],
      ['rebuild', 3, 5],
    ]);
  });
});
