/** The log itself: what is read is what was appended, through holes, truncation, deletion and growth. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildBatch, buildEndTxnMarker } from '../../../src/codec/batch-builder.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { batchesOf } from '../../../src/codec/record-set.ts';
import { logConfigOf } from '../../../src/testing/config/topic-configs.ts';
import { MemoryBudget } from '../../../src/testing/log/memory-budget.ts';
import { PartitionLog } from '../../../src/testing/log/partition-log.ts';
import { Refusal } from '../../../src/testing/refusal.ts';

const MANY = 1 << 30;
const logOf = ({ limit = MANY, configs = {} }: { limit?: number; configs?: Record<string, string> } = {}) => {
  const budget = new MemoryBudget(limit);
  const defaults: Record<string, string> = {
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'max.message.bytes': '1000000',
    'segment.bytes': '1000000',
    'index.interval.bytes': '4096',
  };
  const config = logConfigOf((name) => ({ ...defaults, ...configs })[name] ?? undefined);
  const clock = { now: 0n };
  const log = new PartitionLog({ config: () => config, budget, release: '4.1', now: () => clock.now, changed: () => undefined });
  return { log, budget, clock };
};
const batch = (count: number, options: Parameters<typeof buildBatch>[1] = {}): Promise<Buffer> =>
  buildBatch(
    Array.from({ length: count }, (_, i) => ({ value: `v${i}`, timestamp: 1000n })),
    options,
  );
const accepted = (bytes: Buffer) => ({ bytes, changes: {}, logAppendTime: -1n });
const offsetsOf = (records: Buffer): bigint[] => [...batchesOf(records)].map(({ baseOffset }) => baseOffset);
const readAll = (log: PartitionLog): bigint[] => {
  const found: bigint[] = [];
  for (let at = log.startOffset; at < log.endOffset; ) {
    const { records } = log.read(at, { maxBytes: MANY, upTo: log.endOffset, whole: true });
    if (records.length === 0) break;
    const batches = [...batchesOf(records)];
    found.push(...batches.map(({ baseOffset }) => baseOffset));
    at = batches.at(-1)!.nextOffset;
  }
  return found;
};
const codeOf = (task: () => unknown): number => {
  try {
    task();
    return 0;
  } catch (error) {
    if (error instanceof Refusal) return error.errorCode;
    throw error;
  }
};

describe('appending and reading', () => {
  it('any appends come back in order, from any offset, in slices of any size', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 30 });
    const batches = await Promise.all([1, 2, 3, 4, 5, 6].map((count) => batch(count)));
    fc.assert(
      fc.property(
        sizes,
        fc.nat(),
        fc.integer({ min: 1, max: 600 }),
        fc.constantFrom('200', '1000000'),
        (counts, where, maxBytes, segmentBytes) => {
          const { log } = logOf({ configs: { 'segment.bytes': segmentBytes } });
          const bases: bigint[] = [];
          for (const count of counts) bases.push(log.append(accepted(batches[count - 1]!), 0).baseOffset);
          const end = BigInt(counts.reduce((sum, count) => sum + count, 0));
          expect(log.endOffset).toBe(end);
          const from = BigInt(where) % end;
          const expected = bases.filter((base, i) => base + BigInt(counts[i]!) > from);
          const found: bigint[] = [];
          for (let at = from; at < end; ) {
            const { records } = log.read(at, { maxBytes: maxBytes, upTo: end, whole: true });
            const whole = [...batchesOf(records)];
            expect(whole.length).toBeGreaterThan(0);
            found.push(...whole.map(({ baseOffset }) => baseOffset));
            at = whole.at(-1)!.nextOffset;
          }
          expect(found).toEqual(expected);
        },
      ),
    );
  });

  it('reads nothing beyond the bound, nor a first batch that is too large unless it is asked whole', async () => {
    const { log } = logOf();
    const bytes = await batch(3);
    log.append(accepted(bytes), 0);
    log.append(accepted(bytes), 0);
    expect(offsetsOf(log.read(0n, { maxBytes: MANY, upTo: 3n, whole: true }).records)).toEqual([0n]);
    expect(log.read(3n, { maxBytes: MANY, upTo: 3n, whole: true }).records.length).toBe(0);
    expect(log.read(0n, { maxBytes: bytes.length - 1, upTo: 6n, whole: false }).records.length).toBe(0);
    expect(log.read(0n, { maxBytes: bytes.length - 1, upTo: 6n, whole: true }).records.length).toBe(bytes.length);
    expect(codeOf(() => log.read(7n, { maxBytes: MANY, upTo: 6n, whole: true }))).toBe(1);
  });

  it('a slice stays what it was while the log grows, is truncated and written again', async () => {
    const { log } = logOf();
    const bytes = await batch(1);
    log.append(accepted(bytes), 0);
    log.append(accepted(bytes), 0);
    const { records } = log.read(0n, { maxBytes: MANY, upTo: 2n, whole: true });
    const before = records.toString('hex');
    log.truncateTo(1n);
    for (let i = 0; i < 200; i++) log.append(accepted(await batch(2)), 1);
    expect(records.toString('hex')).toBe(before);
  });

  it('the request bytes are not touched', async () => {
    const { log } = logOf();
    const bytes = await batch(2);
    const before = bytes.toString('hex');
    log.append(accepted(bytes), 4);
    log.append({ bytes, changes: { maxTimestamp: 77n }, logAppendTime: -1n }, 4);
    expect(bytes.toString('hex')).toBe(before);
    const stored = [...batchesOf(log.read(0n, { maxBytes: MANY, upTo: 4n, whole: true }).records)];
    expect(stored.map(({ baseOffset, partitionLeaderEpoch, maxTimestamp }) => [baseOffset, partitionLeaderEpoch, maxTimestamp])).toEqual([
      [0n, 4, 1000n],
      [2n, 4, 77n],
    ]);
  });

  it('a batch larger than segment.bytes is RECORD_LIST_TOO_LARGE; more than the budget is KAFKA_STORAGE_ERROR', async () => {
    const bytes = await batch(3);
    expect(codeOf(() => logOf({ configs: { 'segment.bytes': '60' } }).log.append(accepted(bytes), 0))).toBe(18);
    const { log } = logOf({ limit: bytes.length + 1 });
    log.append(accepted(bytes), 0);
    expect(codeOf(() => log.append(accepted(bytes), 0))).toBe(56);
    expect(log.endOffset).toBe(3n);
  });
});

describe('stored bytes as they are', () => {
  it('holes between and inside batches, an empty batch, a far base', async () => {
    const { log } = logOf();
    const sparse = await batch(2, { baseOffset: 100n, lastOffsetDelta: 9 });
    const far = await batch(1, { baseOffset: 10_000_000_000_000n });
    log.appendRaw(Buffer.concat([await batch(3), sparse]));
    log.appendRaw(far);
    expect(log.endOffset).toBe(10_000_000_000_001n);
    expect(readAll(log)).toEqual([0n, 100n, 10_000_000_000_000n]);
    expect(offsetsOf(log.read(50n, { maxBytes: MANY, upTo: log.endOffset, whole: true }).records)).toEqual([100n]);
    expect(offsetsOf(log.read(110n, { maxBytes: MANY, upTo: log.endOffset, whole: true }).records)).toEqual([10_000_000_000_000n]);
    expect(() => log.appendRaw(sparse)).toThrow(RangeError);
    expect(() => log.appendRaw(far.subarray(0, 30))).toThrow(RangeError);
  });

  it('messages of magic 0 and 1, which clear the epochs', async () => {
    const { log } = logOf();
    const message = (offset: bigint, magic: 0 | 1): Buffer => {
      const bytes = Buffer.alloc(12 + 14 + (magic === 1 ? 8 : 0));
      bytes.writeBigInt64BE(offset);
      bytes.writeInt32BE(bytes.length - 12, 8);
      bytes.writeInt8(magic, 16);
      return bytes;
    };
    log.append(accepted(await batch(1)), 3);
    log.appendRaw(Buffer.concat([message(1n, 1), message(2n, 0), message(7n, 0)]));
    expect([log.endOffset, log.epochs.latest]).toEqual([8n, -1]);
    const { records } = log.read(2n, { maxBytes: MANY, upTo: 8n, whole: true });
    expect([records.length, records.readBigInt64BE(0), records.readBigInt64BE(26)]).toEqual([52, 2n, 7n]);
    expect(() => log.appendRaw(message(9n, 2 as 1))).toThrow(RangeError);
  });

  it('control batches end transactions, also when they come as bytes', async () => {
    const { log } = logOf();
    const transactional = { producerId: 9n, producerEpoch: 0, baseSequence: 0, transactional: true };
    log.appendRaw(await batch(2, transactional));
    expect(log.lastStableOffset).toBe(0n);
    log.appendRaw(
      buildEndTxnMarker({ result: 'abort', coordinatorEpoch: 0 }, { baseOffset: 2n, producerId: 9n, producerEpoch: 0, timestamp: 5n }),
    );
    expect(log.lastStableOffset).toBe(3n);
    expect(log.producers.transactions.abortedBetween(0n, 3n)).toEqual([{ producerId: 9n, firstOffset: 0n, lastOffset: 2n, aborted: true }]);
  });
});

describe('cutting', () => {
  it('truncation takes producers, transactions and epochs back', async () => {
    const { log } = logOf();
    const from = (baseSequence: number, transactional = false) =>
      batch(2, { producerId: 5n, producerEpoch: 0, baseSequence, transactional });
    log.append(accepted(await from(0)), 0);
    log.append(accepted(await from(2)), 1);
    log.append(accepted(await from(4, true)), 2);
    expect(log.lastStableOffset).toBe(4n);
    log.truncateTo(2n);
    expect([log.endOffset, log.highWatermark, log.lastStableOffset]).toEqual([2n, 2n, 2n]);
    expect(log.epochs.entries).toEqual([{ epoch: 0, startOffset: 0n }]);
    const [later, again] = [await from(4), await from(2)];
    expect(codeOf(() => log.append(accepted(later), 3))).toBe(45);
    expect(log.append(accepted(again), 3).baseOffset).toBe(2n);
  });

  it('truncating inside a batch drops all of it', async () => {
    const { log } = logOf();
    log.append(accepted(await batch(3)), 0);
    log.append(accepted(await batch(3)), 0);
    log.truncateTo(4n);
    expect([log.endOffset, readAll(log)]).toEqual([4n, [0n]]);
  });

  it('deleting records frees whole segments and keeps the batch the start lies in', async () => {
    const bytes = await batch(3);
    const { log, budget } = logOf({ configs: { 'segment.bytes': String(bytes.length) } });
    for (let i = 0; i < 4; i++) log.append(accepted(bytes), i);
    log.deleteRecords(7n);
    expect(budget.used).toBe(2 * bytes.length);
    expect(log.startOffset).toBe(7n);
    expect(log.epochs.entries).toEqual([
      { epoch: 2, startOffset: 7n },
      { epoch: 3, startOffset: 9n },
    ]);
    expect(offsetsOf(log.read(7n, { maxBytes: MANY, upTo: 12n, whole: true }).records)).toEqual([6n]);
    expect(codeOf(() => log.read(6n, { maxBytes: MANY, upTo: 12n, whole: true }))).toBe(1);
    expect(codeOf(() => log.deleteRecords(13n))).toBe(1);
    log.dispose();
    expect(budget.used).toBe(0);
  });

  it('a log may begin anywhere', async () => {
    const { log } = logOf();
    log.append(accepted(await batch(3)), 0);
    log.startAt(1_000n);
    expect([log.startOffset, log.endOffset, log.highWatermark]).toEqual([1_000n, 1_000n, 1_000n]);
    expect(log.append(accepted(await batch(3)), 0).baseOffset).toBe(1_000n);
  });

  it('retention drops old segments by time and by size, never what is not replicated', async () => {
    const bytes = await batch(1);
    const configs = { 'segment.bytes': String(bytes.length), 'retention.ms': '500' };
    const retainedAt = ({ log, clock }: ReturnType<typeof logOf>, now: bigint): boolean => {
      clock.now = now;
      return log.applyRetention();
    };
    const byTime = logOf({ configs });
    for (let i = 0; i < 3; i++) byTime.log.append(accepted(bytes), 0);
    expect(retainedAt(byTime, 1_400n)).toBe(false);
    expect(retainedAt(byTime, 1_501n)).toBe(true);
    expect([byTime.log.startOffset, byTime.log.endOffset]).toEqual([3n, 3n]);
    expect(byTime.log.append(accepted(bytes), 0).baseOffset).toBe(3n);

    const bySize = logOf({ configs: { 'segment.bytes': String(bytes.length), 'retention.bytes': String(2 * bytes.length) } });
    for (let i = 0; i < 5; i++) bySize.log.append(accepted(bytes), 0);
    retainedAt(bySize, 1_000n);
    expect(bySize.log.startOffset).toBe(3n);

    const held = logOf({ configs });
    held.log.holdHighWatermark();
    held.log.append(accepted(bytes), 0);
    expect(retainedAt(held, 10_000n)).toBe(false);
  });

  it('records without a time are as old as their segment; a hole goes with the segment before it', async () => {
    const timeless = await buildBatch([{ value: 'x', timestamp: -1n }]);
    const { log, clock } = logOf({ configs: { 'retention.ms': '500', 'segment.bytes': '100' } });
    clock.now = 1_000n;
    log.append(accepted(timeless), 0);
    log.appendRaw(await buildBatch([{ value: 'young', timestamp: 1_400n }], { baseOffset: 90n }));
    clock.now = 1_500n;
    expect(log.applyRetention()).toBe(false);
    clock.now = 1_501n;
    expect(log.applyRetention()).toBe(true);
    expect(log.startOffset).toBe(90n);
  });

  it('a log start that a crash loses is where the first segment begins', async () => {
    const bytes = await batch(3);
    const { log } = logOf({ configs: { 'segment.bytes': String(bytes.length * 2) } });
    for (let i = 0; i < 4; i++) log.append(accepted(bytes), 0);
    log.deleteRecords(10n);
    log.loseStart();
    expect([log.startOffset, readAll(log)]).toEqual([6n, [6n, 9n]]);
  });

  it('a log cut inside a batch or a hole ends there', async () => {
    const { log } = logOf();
    log.append(accepted(await batch(3)), 0);
    log.appendRaw(await batch(1, { baseOffset: 50n }));
    log.truncateTo(20n);
    expect([log.endOffset, readAll(log)]).toEqual([20n, [0n]]);
    log.truncateTo(2n);
    expect([log.endOffset, readAll(log)]).toEqual([2n, []]);
    expect(log.append(accepted(await batch(1)), 0).baseOffset).toBe(2n);
  });
});

describe('segments', () => {
  const at = (timestamp: bigint, records = 1): Promise<Buffer> =>
    buildBatch(Array.from({ length: records }, () => ({ value: 'x', timestamp })));
  const bases = (log: PartitionLog): bigint[] => log.segments.map(({ baseOffset }) => baseOffset);

  it('end by bytes, by the time of records, by the clock where records have none, and where an index would overflow', async () => {
    const { log, clock } = logOf({ configs: { 'segment.ms': '1000' } });
    for (const time of [5_000n, 6_000n, 5_500n, 6_001n, 7_001n, 7_002n]) log.append(accepted(await at(time)), 0);
    expect(bases(log)).toEqual([0n, 3n, 5n]);
    log.roll();
    clock.now = 1_000n;
    log.append(accepted(await at(-1n)), 0);
    clock.now = 2_001n;
    log.append(accepted(await at(-1n)), 0);
    expect(bases(log)).toEqual([0n, 3n, 5n, 6n, 7n]);
    log.appendRaw(await buildBatch([{ value: 'far', timestamp: -1n }], { baseOffset: 2n ** 31n + 7n }));
    log.appendRaw(await buildBatch([{ value: 'farther', timestamp: -1n }], { baseOffset: 2n ** 32n + 8n }));
    expect(bases(log).slice(-2)).toEqual([2n ** 31n + 7n, 2n ** 32n + 8n]);
  });

  it('an empty one is not closed', () => {
    const { log } = logOf();
    log.roll();
    expect(bases(log)).toEqual([0n]);
  });
});

describe('aborted transactions of a read', () => {
  const transaction = async (log: PartitionLog, producerId: bigint, records: number, result: 'abort' | 'commit'): Promise<void> => {
    log.append(accepted(await batch(records, { producerId, producerEpoch: 0, baseSequence: 0, transactional: true })), 0);
    log.appendMarker(buildEndTxnMarker({ result, coordinatorEpoch: 0 }, { producerId, producerEpoch: 0, timestamp: 1n }), 0);
  };
  const pids = (log: PartitionLog, from: bigint, maxBytes: number): bigint[] | undefined =>
    log.read(from, { maxBytes, upTo: log.lastStableOffset, whole: true, committed: true }).aborted?.map(({ producerId }) => producerId);

  it('reach as far as the sparse index of the segment knows, not as far as the records', async () => {
    const { log } = logOf({ configs: { 'index.interval.bytes': '150' } });
    for (const producerId of [1n, 2n, 3n, 4n]) await transaction(log, producerId, 1, producerId === 2n ? 'commit' : 'abort');
    // The index names every third batch: those at 3 and 6.
    expect(pids(log, 0n, 1)).toEqual([1n]);
    expect(pids(log, 2n, 1)).toEqual([]);
    expect(pids(log, 3n, 1)).toEqual([3n]);
    expect(pids(log, 5n, 1)).toEqual([3n]);
    expect(pids(log, 6n, 1)).toEqual([4n]);
    expect(pids(log, 8n, 1)).toEqual([]);
    const whole = logOf().log;
    for (const producerId of [1n, 2n, 3n, 4n]) await transaction(whole, producerId, 1, 'abort');
    expect(pids(whole, 0n, 1)).toEqual([1n, 2n, 3n, 4n]);
    whole.roll();
    await transaction(whole, 5n, 1, 'abort');
    expect(pids(whole, 0n, MANY)).toEqual([1n, 2n, 3n, 4n]);
  });

  it('are not told of when the first batch does not fit, or nothing is left up to the end', async () => {
    const { log } = logOf();
    await transaction(log, 1n, 1, 'abort');
    expect(log.read(0n, { maxBytes: 5, upTo: 2n, whole: false, committed: true }).aborted).toBe(null);
    expect(log.read(0n, { maxBytes: 0, upTo: 2n, whole: false, committed: true }).aborted?.length).toBe(1);
    expect(log.read(2n, { maxBytes: 5, upTo: 2n, whole: false, committed: true }).aborted).toEqual([]);
    expect(log.read(0n, { maxBytes: 5, upTo: 2n, whole: true }).aborted).toBe(null);
  });
});

describe('epochs', () => {
  it('tells where each epoch ends, also those it never had', async () => {
    const { log } = logOf();
    for (const epoch of [1, 1, 4, 6]) log.append(accepted(await batch(2)), epoch);
    const endOf = (epoch: number) => {
      const end = log.epochs.endOf(epoch, log.endOffset);
      return [end.epoch, end.endOffset];
    };
    expect([0, 1, 2, 4, 5, 6, 7, -1].map(endOf)).toEqual([
      [0, 0n],
      [1, 4n],
      [1, 4n],
      [4, 6n],
      [4, 6n],
      [6, 8n],
      [-1, -1n],
      [-1, -1n],
    ]);
    expect([log.epochs.epochAt(0n), log.epochs.epochAt(5n), log.epochs.epochAt(7n)]).toEqual([1, 4, 6]);
  });

  it('an epoch that comes again lower replaces what contradicts it', () => {
    const { log } = logOf();
    log.epochs.assign(3, 0n);
    log.epochs.assign(5, 10n);
    log.epochs.assign(4, 7n);
    expect(log.epochs.entries).toEqual([
      { epoch: 3, startOffset: 0n },
      { epoch: 4, startOffset: 7n },
    ]);
  });
});

it('a view of a batch is a view of the log', async () => {
  const { log } = logOf();
  log.append(accepted(await batch(2)), 0);
  const [first] = [...log.entries()];
  expect(RecordBatch.at(first!.bytes).recordsCount).toBe(2);
});
