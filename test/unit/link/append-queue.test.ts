/** What a partition has still to append: sequences, headers, what is made when, and that every byte and every lease is given back exactly once. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../../src/codec/batch-builder.ts';
import { verifyCrc } from '../../../src/codec/batch-crc.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { AppendQueue, type BatchMaker, type Fill } from '../../../src/link/replication/append-queue.ts';
import { sequenceAfter, sequenceOf } from '../../../src/link/replication/batch-stamp.ts';
import type { FrameLease } from '../../../src/link/replication/byte-window.ts';
import { planRecords, type Step } from '../../../src/link/replication/plan.ts';
import type { DenseRun, RebuildOptions } from '../../../src/link/replication/rebuild-batch.ts';
import { type BatchShape, makeBatch } from '../../property/link/simulation/batches.ts';
import { PRODUCER, turns } from './partition-bench.ts';

const MARKERS: Fill = { as: 'markers', timestamp: -1n };
const RECORDS: Fill = { as: 'records', timestamp: 5n };

/** A lease that knows how often it is held, and fails a test that gives it back too often. */
class CountedLease {
  holders = 0;
  isSpoilt = false;
  spoil(): void {
    this.isSpoilt = true;
  }
  hold(): void {
    this.holders++;
  }
  drop(): void {
    this.holders--;
    if (this.holders < 0) throw new Error('a lease was given back that nobody holds');
  }
}

const dense = (count: number): Buffer => makeBatch({ base: 0, offsets: count, leaderEpoch: -1 }, () => 0.5);
const runOf = (offset: number, count: number): DenseRun => ({ offset, count, bytes: dense(count) });

/** Makes what it is told to, when it is told to. */
class ManualMaker implements BatchMaker {
  readonly rebuilds: { readonly from: number; readonly base: number; readonly maxBytes: number | undefined }[] = [];
  readonly fillers: { readonly count: number; readonly timestamp: bigint }[] = [];
  /** Most offsets of a filler. */
  most = 4;
  readonly #waiting: { readonly resolve: (runs: readonly DenseRun[]) => void; readonly reject: (error: unknown) => void }[] = [];

  rebuild(batch: RecordBatch, from: number, { maxBytes }: RebuildOptions): Promise<readonly DenseRun[]> {
    this.rebuilds.push({ from, base: batch.baseOffsetNumber, maxBytes });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async filler(_: string, wanted: number, timestamp: bigint): Promise<DenseRun> {
    this.fillers.push({ count: wanted, timestamp });
    return runOf(0, Math.min(wanted, this.most));
  }

  async finish(...runs: readonly DenseRun[]): Promise<void> {
    this.#waiting.shift()?.resolve(runs);
    await turns(2);
  }

  async break(error: unknown): Promise<void> {
    this.#waiting.shift()?.reject(error);
    await turns(2);
  }
}

class Bench {
  readonly maker = new ManualMaker();
  readonly queue = new AppendQueue(PRODUCER, this.maker);
  readonly lease = new CountedLease();
  readonly made: unknown[] = [];

  constructor(sequence = 0) {
    this.queue.begin(sequence);
  }

  push(shapes: readonly (Omit<BatchShape, 'leaderEpoch'> | Buffer)[], { fill = MARKERS, expected = 0 } = {}): Buffer {
    const bytes = shapes.map((shape) => (Buffer.isBuffer(shape) ? shape : makeBatch({ leaderEpoch: 4, ...shape }, () => 0.3)));
    const records = Buffer.concat(bytes);
    const plan = planRecords(records, { label: 't-0', expected, lastFetchedEpoch: -1, aborted: null, mayFill: true });
    this.queue.push(plan.steps, records, this.lease as unknown as FrameLease, fill);
    return records;
  }

  make(): void {
    this.queue.make((error) => this.made.push(error));
  }

  sequences(): number[] {
    const sequences: number[] = [];
    for (let batch = this.queue.takeBatch(); batch !== null; batch = this.queue.takeBatch()) {
      sequences.push(RecordBatch.at(batch.bytes).baseSequence);
      this.queue.landed(batch);
    }
    return sequences;
  }

  expectAllGivenBack(): void {
    expect([this.queue.bytes, this.lease.holders, this.queue.isEmpty]).toEqual([0, 0, true]);
  }
}

describe('sequences', () => {
  it.each([
    [0, 0],
    [7, 7],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [2 ** 31, 0],
    [2 ** 31 + 5, 5],
    [2 ** 45 + 9, 9],
  ])('a log that begins at offset %i begins with %i', (offset, sequence) => expect(sequenceOf(offset)).toBe(sequence));

  it.each([
    [0, 3, 3],
    [2 ** 31 - 4, 3, 2 ** 31 - 1],
    [2 ** 31 - 1, 1, 0],
    [2 ** 31 - 2, 7, 5],
    [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 2],
  ])('%i and %i records later comes %i', (sequence, count, next) => expect(sequenceAfter(sequence, count)).toBe(next));

  it('count records, not offsets: markers take none', () => {
    const bench = new Bench(100);
    bench.push([
      { base: 0, offsets: 3 },
      { base: 8, offsets: 2 },
      { kind: 'control', base: 10, offsets: 1 },
      { base: 11, offsets: 1 },
    ]);
    const found: unknown[] = [];
    while (!bench.queue.isEmpty) {
      found.push(...bench.sequences());
      const fill = bench.queue.takeFill(100);
      if (fill !== null) found.push(fill);
    }
    expect(found).toEqual([100, { offset: 3, nextOffset: 8 }, 103, { offset: 10, nextOffset: 11 }, 105]);
  });

  it('wrap in the middle of a batch, and go on', () => {
    const bench = new Bench(2 ** 31 - 2);
    bench.push([
      { base: 0, offsets: 3 },
      { base: 3, offsets: 2 },
    ]);
    expect(bench.sequences()).toEqual([2 ** 31 - 2, 1]);
  });

  it('count what was made like what was copied', async () => {
    const bench = new Bench(10);
    bench.push([
      { base: 0, offsets: 1 },
      { kind: 'sparse', base: 1, offsets: 6 },
      { base: 7, offsets: 1 },
    ]);
    expect(bench.sequences()).toEqual([10]);
    bench.make();
    await bench.maker.finish(runOf(1, 2), runOf(4, 3));
    expect(bench.sequences()).toEqual([11]);
    expect(bench.queue.takeFill(9)).toEqual({ offset: 3, nextOffset: 4 });
    expect(bench.sequences()).toEqual([13, 16]);
  });

  it('begin anew where they are told to', () => {
    const bench = new Bench(10);
    bench.push([{ base: 0, offsets: 4 }]);
    bench.queue.clear();
    bench.queue.begin(3);
    bench.push([{ base: 0, offsets: 4 }]);
    expect(bench.sequences()).toEqual([3]);
  });

  it('begin with the offset of the first batch, and not with that of the markers before it, when nothing is remembered of the link', () => {
    const bench = new Bench(10);
    bench.queue.begin(null);
    bench.push([
      { base: 3, offsets: 2 },
      { base: 6, offsets: 1 },
    ]);
    expect(bench.queue.takeFill(9)).toEqual({ offset: 0, nextOffset: 3 });
    expect(bench.sequences()).toEqual([3]);
    expect(bench.queue.takeFill(9)).toEqual({ offset: 5, nextOffset: 6 });
    expect(bench.sequences()).toEqual([5]);
  });
});

describe('the header of a batch', () => {
  const sent = async (
    ...given: Parameters<typeof buildBatch>
  ): Promise<{ readonly batch: RecordBatch; readonly original: RecordBatch }> => {
    const bench = new Bench();
    const records = Buffer.from(bench.push([await buildBatch(...given)]));
    const batch = RecordBatch.at(bench.queue.takeBatch()?.bytes ?? Buffer.alloc(0));
    expect(verifyCrc(batch)).toBe(true);
    expect(batch).toMatchObject({ baseOffset: 0n, ...PRODUCER, baseSequence: 0 });
    return { batch, original: RecordBatch.at(records) };
  };

  it('loses the transactional bit and nothing else', async () => {
    const options = { transactional: true, compression: 'gzip', deleteHorizon: 7_000n, producerId: 3n, producerEpoch: 1 } as const;
    const { batch, original } = await sent([{ value: 'a'.repeat(99), timestamp: 9_000n }], options);
    expect(original.attributes ^ batch.attributes).toBe(0x10);
    expect(batch).toMatchObject({ baseTimestamp: 7_000n, maxTimestamp: 9_000n });
    expect(batch.payload.equals(original.payload)).toBe(true);
  });

  it('says as a producer would what the broker said about the time', async () => {
    const { batch, original } = await sent([{ value: 'a', timestamp: 5_000n }], { logAppendTime: 8_000n, transactional: true });
    expect([original.timestampType, batch.timestampType, batch.isTransactional]).toEqual(['LogAppendTime', 'CreateTime', false]);
    expect(batch).toMatchObject({ baseTimestamp: 8_000n, maxTimestamp: 8_000n });
    expect(batch.payload.equals(original.payload)).toBe(true);
  });
});

describe('ends of transactions', () => {
  const end = (offset: number, producerId: bigint): Step => ({
    kind: 'end',
    offset,
    nextOffset: offset + 1,
    end: { producerId, producerEpoch: 3, commit: offset % 2 === 0, coordinatorEpoch: 7 },
  });
  const takenFrom = (steps: readonly Step[], count: number): (readonly bigint[])[] => {
    const bench = new Bench();
    bench.queue.push(steps, Buffer.alloc(0), bench.lease as unknown as FrameLease, MARKERS);
    const taken: (readonly bigint[])[] = [];
    for (let fill = bench.queue.takeFill(count); fill !== null; fill = bench.queue.takeFill(count)) {
      expect(fill.nextOffset - fill.offset).toBe(fill.ends?.length);
      taken.push((fill.ends ?? []).map(({ producerId }) => producerId));
    }
    bench.expectAllGivenBack();
    return taken;
  };

  it('that follow each other go together, so many at a time', () => {
    const steps = [5, 6, 7, 8, 9].map((offset) => end(offset, BigInt(offset)));
    expect(takenFrom(steps, 10)).toEqual([[5n, 6n, 7n, 8n, 9n]]);
    expect(takenFrom(steps, 2)).toEqual([[5n, 6n], [7n, 8n], [9n]]);
  });

  it('of one producer never do: a broker merges what it answers about them', () => {
    const steps = [1n, 2n, 1n, 1n, 3n].map((producerId, index) => end(10 + index, producerId));
    expect(takenFrom(steps, 10)).toEqual([[1n, 2n], [1n], [1n, 3n]]);
  });

  it('wait for what fills the offsets before them', () => {
    const bench = new Bench();
    bench.queue.pushFill(0, 4, MARKERS);
    bench.queue.push([end(4, 8n)], Buffer.alloc(0), bench.lease as unknown as FrameLease, MARKERS);
    expect(bench.queue.takeFill(10)).toEqual({ offset: 0, nextOffset: 4 });
    expect(bench.queue.takeFill(10)).toEqual({
      offset: 4,
      nextOffset: 5,
      ends: [{ producerId: 8n, producerEpoch: 3, commit: true, coordinatorEpoch: 7 }],
    });
  });
});

describe('what has to be made', () => {
  it('is made once, when it comes next, and tells so once', async () => {
    const bench = new Bench();
    bench.push([
      { base: 0, offsets: 1 },
      { kind: 'sparse', base: 1, offsets: 3 },
    ]);
    bench.make();
    expect(bench.maker.rebuilds).toEqual([]);
    bench.sequences();
    expect(bench.queue.next).toBe('make');
    bench.make();
    bench.make();
    expect(bench.maker.rebuilds).toEqual([{ from: 1, base: 1, maxBytes: 1_048_576 }]);
    expect([bench.queue.takeBatch(), bench.queue.takeFill(1), bench.made]).toEqual([null, null, []]);
    await bench.maker.finish(runOf(1, 1));
    expect(bench.made).toEqual([null]);
    expect(bench.queue.opened).toBe(1);
  });

  it('begins where the mirror ends, and may become as large as the batch was', async () => {
    const bench = new Bench();
    bench.push([{ base: 0, offsets: 6, payloadBytes: 1_200_000 }], { expected: 4 });
    bench.make();
    expect(bench.maker.rebuilds).toEqual([{ from: 4, base: 0, maxBytes: 1_200_061 }]);
    await bench.maker.finish(runOf(4, 2));
    const batch = bench.queue.takeBatch();
    expect(batch).toMatchObject({ offset: 4, nextOffset: 6, origin: 'rebuilt', lease: null });
  });

  it.each([
    ['in front, between and behind', [runOf(2, 1), runOf(5, 2)], ['fill 0-2', 'batch 2-3', 'fill 3-5', 'batch 5-7', 'fill 7-9']],
    ['everywhere, since no record is left', [], ['fill 0-9']],
    ['nowhere, since it was cut into pieces', [runOf(0, 4), runOf(4, 5)], ['batch 0-4', 'batch 4-9']],
  ])('of a sparse batch is followed by fill %s', async (_, runs, order) => {
    const bench = new Bench();
    bench.push([{ kind: 'sparse', base: 0, offsets: 9 }]);
    bench.make();
    await bench.maker.finish(...runs);
    const found: string[] = [];
    for (;;) {
      const batch = bench.queue.takeBatch();
      const fill = bench.queue.takeFill(100);
      if (batch !== null) {
        found.push(`batch ${batch.offset}-${batch.nextOffset}`);
        bench.queue.landed(batch);
      }
      if (fill !== null) found.push(`fill ${fill.offset}-${fill.nextOffset}`);
      if (batch === null && fill === null) break;
    }
    expect(found).toEqual(order);
    bench.expectAllGivenBack();
  });

  it('is filler where markers are not used, five batches ahead, in the time that was told', async () => {
    const bench = new Bench();
    bench.queue.pushFill(10, 33, RECORDS);
    bench.make();
    await turns(2);
    expect(bench.made).toEqual([null]);
    expect(bench.maker.fillers).toEqual([23, 19, 15, 11, 7].map((count) => ({ count, timestamp: 5n })));
    const batches = [1, 2, 3, 4, 5].map(() => bench.queue.takeBatch());
    expect(batches.map((batch) => [batch?.offset, batch?.nextOffset, batch?.origin])).toEqual(
      [10, 14, 18, 22, 26].map((offset) => [offset, offset + 4, 'filler']),
    );
    expect(bench.queue.next).toBe('make');
    for (const batch of batches) if (batch !== null) bench.queue.landed(batch);
    bench.make();
    await turns(2);
    expect(bench.queue.takeBatch()).toMatchObject({ offset: 30, nextOffset: 33 });
    expect(bench.queue.isEmpty).toBe(true);
  });

  it('and cannot be says why, and may be tried again', async () => {
    const bench = new Bench();
    bench.push([{ kind: 'sparse', base: 0, offsets: 3 }]);
    bench.make();
    const broken = new Error('broken');
    await bench.maker.break(broken);
    expect(bench.made).toEqual([broken]);
    expect(bench.queue.next).toBe('make');
    bench.make();
    await bench.maker.finish(runOf(0, 1));
    expect(bench.made).toEqual([broken, null]);
  });
});

describe('bytes and leases', () => {
  it('of copied batches are given back when each has landed, the frame with the last of them', () => {
    const bench = new Bench();
    const records = bench.push([
      { base: 0, offsets: 1 },
      { base: 1, offsets: 1 },
      { base: 5, offsets: 1 },
    ]);
    expect([bench.queue.bytes, bench.lease.holders]).toEqual([records.length, 2]);
    const [first, second] = [bench.queue.takeBatch(), bench.queue.takeBatch()];
    expect(bench.queue.bytes).toBe(records.length);
    expect(bench.lease.holders).toBe(3);
    if (second !== null) bench.queue.landed(second);
    expect([bench.queue.bytes, bench.lease.holders]).toEqual([(records.length / 3) * 2, 2]);
    if (first !== null) bench.queue.landed(first);
    expect([bench.queue.bytes, bench.lease.holders]).toEqual([records.length / 3, 1]);
    expect(bench.queue.takeFill(9)).toEqual({ offset: 2, nextOffset: 5 });
    const third = bench.queue.takeBatch();
    if (third !== null) bench.queue.landed(third);
    bench.expectAllGivenBack();
  });

  it('of a rebuilt batch are given back when it was opened; what was made of it counts instead', async () => {
    const bench = new Bench();
    bench.push([{ kind: 'sparse', base: 0, offsets: 4, payloadBytes: 500 }]);
    expect([bench.queue.bytes, bench.lease.holders]).toEqual([561, 1]);
    bench.make();
    const runs = [runOf(0, 1), runOf(2, 2)];
    await bench.maker.finish(...runs);
    const sizes = runs.map(({ bytes }) => bytes.length);
    expect([bench.queue.bytes, bench.lease.holders]).toEqual([(sizes[0] ?? 0) + (sizes[1] ?? 0), 0]);
    bench.sequences();
    bench.queue.takeFill(9);
    bench.sequences();
    bench.expectAllGivenBack();
    expect(bench.lease.isSpoilt).toBe(false);
  });

  it.each([
    ['before anything was done', async () => {}],
    ['with a batch on its way', async ({ queue }: Bench) => void queue.takeBatch()],
    [
      'while a batch is being opened',
      async (bench: Bench) => {
        bench.sequences();
        bench.make();
      },
    ],
    [
      'with what was made of a batch',
      async (bench: Bench) => {
        bench.sequences();
        bench.make();
        await bench.maker.finish(runOf(2, 1), runOf(4, 1));
      },
    ],
    [
      'with some of that on its way',
      async (bench: Bench) => {
        bench.sequences();
        bench.make();
        await bench.maker.finish(runOf(2, 1), runOf(4, 1));
        bench.queue.takeBatch();
      },
    ],
    [
      'in the middle of fill',
      async (bench: Bench) => {
        bench.sequences();
        bench.make();
        await bench.maker.finish(runOf(2, 1));
        bench.sequences();
        bench.queue.takeFill(1);
      },
    ],
  ])('are given back by a queue that is cleared %s', async (_, act) => {
    const bench = new Bench();
    const onTheirWay: NonNullable<ReturnType<AppendQueue['takeBatch']>>[] = [];
    const take = bench.queue.takeBatch.bind(bench.queue);
    bench.queue.takeBatch = () => {
      const batch = take();
      if (batch !== null) onTheirWay.push(batch);
      return batch;
    };
    const land = bench.queue.landed.bind(bench.queue);
    bench.queue.landed = (batch) => {
      onTheirWay.splice(onTheirWay.indexOf(batch), 1);
      land(batch);
    };
    bench.push([
      { base: 0, offsets: 1 },
      { base: 1, offsets: 1 },
      { kind: 'sparse', base: 2, offsets: 4 },
      { base: 8, offsets: 1 },
    ]);
    await act(bench);
    const made = bench.made.length;
    bench.queue.clear();
    expect([bench.queue.isEmpty, bench.queue.next]).toEqual([true, 'nothing']);
    expect(bench.queue.bytes).toBe(onTheirWay.reduce((sum, { bytes }) => sum + bytes.length, 0));
    expect(bench.lease.holders).toBe(onTheirWay.filter(({ lease }) => lease !== null).length);
    await bench.maker.finish(runOf(2, 1), runOf(4, 1));
    for (const batch of [...onTheirWay]) bench.queue.landed(batch);
    expect(bench.made.length).toBe(made);
    bench.expectAllGivenBack();
  });

  it('of a queue that begins anew while something is still being made are its own', async () => {
    const bench = new Bench();
    bench.push([{ kind: 'sparse', base: 0, offsets: 4 }]);
    bench.make();
    bench.queue.clear();
    bench.queue.begin(0);
    const records = bench.push([{ kind: 'sparse', base: 0, offsets: 4 }]);
    bench.make();
    expect(bench.maker.rebuilds.length).toBe(2);
    expect(bench.lease.isSpoilt, 'the first one is still being read').toBe(true);
    // The first of them: too late.
    await bench.maker.finish(runOf(0, 1));
    expect([bench.made, bench.queue.next, bench.queue.bytes]).toEqual([[], 'make', records.length]);
    await bench.maker.finish(runOf(0, 2));
    expect(bench.made).toEqual([null]);
    expect(bench.queue.takeBatch()).toMatchObject({ offset: 0, nextOffset: 2 });
  });

  it('of what failed too late are not missed', async () => {
    const bench = new Bench();
    bench.push([{ kind: 'sparse', base: 0, offsets: 4 }]);
    bench.make();
    bench.queue.clear();
    await bench.maker.break(new Error('too late'));
    expect(bench.made).toEqual([]);
    bench.expectAllGivenBack();
  });
});
