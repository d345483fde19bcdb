/** What becomes of source batches where transactions are copied as they are: what goes under whom, what ends where, and what still is a hole. */
import { describe, expect, it } from 'vitest';
import { assembleBatch, buildBatch, buildEndTxnMarker } from '../../../src/codec/batch-builder.ts';
import { encodeRecordBody, encodeRecordFrames } from '../../../src/codec/record.ts';
import { BATCH_ATTRIBUTES } from '../../../src/codec/record-batch.ts';
import { type PlanContext, planRecords } from '../../../src/link/replication/plan.ts';

const MAPPED = 2n ** 62n;
const at = (offset: number) => ({ baseOffset: BigInt(offset), partitionLeaderEpoch: 4 });
const data = (offset: number, count: number, producerId: bigint, producerEpoch = 0, more: object = {}): Promise<Buffer> =>
  buildBatch(
    Array.from({ length: count }, (_, index) => ({ value: `${offset + index}`, timestamp: 5n })),
    { ...at(offset), producerId, producerEpoch, baseSequence: 3, transactional: true, ...more },
  );
const plain = (offset: number, count: number): Promise<Buffer> => data(offset, count, 50n, 0, { transactional: false });
const end = (offset: number, producerId: bigint, producerEpoch = 0, result: 'commit' | 'abort' = 'commit', coordinatorEpoch = 2): Buffer =>
  buildEndTxnMarker({ result, coordinatorEpoch }, { ...at(offset), producerId, producerEpoch, timestamp: 5n });

const plan = (records: readonly Buffer[], context: Partial<PlanContext> = {}) =>
  planRecords(Buffer.concat(records), {
    label: 't-0',
    expected: 0,
    lastFetchedEpoch: 3,
    aborted: null,
    mayFill: true,
    transactions: 'exact',
    ...context,
  });
const outline = (records: readonly Buffer[], context: Partial<PlanContext> = {}) =>
  plan(records, context).steps.map((step) => [
    step.kind,
    step.offset,
    step.nextOffset,
    ...('producer' in step && step.producer !== null ? [step.producer.producerId - MAPPED, step.producer.producerEpoch] : []),
    ...(step.kind === 'end' ? [step.end.producerId - MAPPED, step.end.producerEpoch, step.end.commit, step.end.coordinatorEpoch] : []),
  ]);

describe('a plan of exact transactions', () => {
  it('makes a step of batches of one producer and epoch, and one of each marker', async () => {
    const records = [
      await data(0, 2, 7n),
      await data(2, 1, 7n),
      await data(3, 1, 8n),
      await plain(4, 1),
      await plain(5, 2),
      end(7, 8n, 1, 'abort'),
      end(8, 7n, 0, 'commit', 5),
      await data(9, 1, 7n),
      await data(10, 1, 7n, 1),
    ];
    expect(outline(records)).toEqual([
      ['append', 0, 3, 7n, 0],
      ['append', 3, 4, 8n, 0],
      ['append', 4, 7],
      ['end', 7, 8, 8n, 1, false, 2],
      ['end', 8, 9, 7n, 0, true, 5],
      ['append', 9, 10, 7n, 0],
      ['append', 10, 11, 7n, 1],
    ]);
  });

  it('does not care whether a transaction was aborted', async () => {
    const records = [await data(0, 2, 7n), end(2, 7n, 0, 'abort')];
    expect(outline(records).map(([kind]) => kind)).toEqual(['append', 'end']);
  });

  it('rebuilds what lost records, in its transaction, and fills holes and what was emptied', async () => {
    const records = [
      await data(2, 1, 7n, 0, { lastOffsetDelta: 3 }),
      assembleBatch(
        {
          ...at(6),
          attributes: BATCH_ATTRIBUTES.transactional | BATCH_ATTRIBUTES.control,
          lastOffsetDelta: 0,
          baseTimestamp: -1n,
          maxTimestamp: 5n,
          producerId: 7n,
          producerEpoch: 0,
          recordsCount: 0,
        },
        Buffer.alloc(0),
      ),
      end(9, 7n),
    ];
    expect(outline(records)).toEqual([
      ['fill', 0, 2],
      ['rebuild', 2, 6, 7n, 0],
      ['fill', 6, 9],
      ['end', 9, 10, 7n, 0, true, 2],
    ]);
  });

  it('fills fillers of another link, and control records of types that nobody knows', async () => {
    const unknown = assembleBatch(
      {
        ...at(1),
        attributes: BATCH_ATTRIBUTES.control | BATCH_ATTRIBUTES.transactional,
        lastOffsetDelta: 0,
        baseTimestamp: 5n,
        maxTimestamp: 5n,
        producerId: 7n,
        producerEpoch: 0,
        recordsCount: 1,
      },
      encodeRecordFrames([
        {
          attributes: 0,
          timestampDelta: 0n,
          offsetDelta: 0,
          body: encodeRecordBody({ key: Buffer.from([0, 0, 0, 7]), value: null, headers: [] }),
        },
      ]),
    );
    expect(outline([end(0, -2n), unknown, end(2, -9n)])).toEqual([['fill', 0, 3]]);
    expect(plan([end(0, -2n)], { mayFill: false }).stop?.reason).toBe('UNSUPPORTED_TRANSACTION');
  });

  it('needs no right to fill for the ends of transactions', async () => {
    const { steps, stop } = plan([await data(0, 1, 7n), end(1, 7n)], { mayFill: false });
    expect(steps.map(({ kind }) => kind)).toEqual(['append', 'end']);
    expect(stop).toBeNull();
  });

  it('stops at a producer that has no place at the destination', async () => {
    const { steps, stop } = plan([await data(0, 1, 7n), await data(1, 1, 2n ** 60n)]);
    expect(steps).toHaveLength(1);
    expect(stop?.reason).toBe('UNSUPPORTED_TRANSACTION');
    expect(stop?.message).toMatch(/offset 1 .*1152921504606846976.*committed/);
  });

  it('takes a marker that is cut to pieces for what it is', () => {
    const broken = end(0, 7n);
    broken.writeInt8(126, 61);
    expect(plan([broken]).stop?.reason).toBe('CORRUPT_SOURCE_BATCH');
  });
});
