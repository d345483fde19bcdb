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
  };
  const config = logConfigOf((name) => ({ ...defaults, ...configs })[name] ?? undefined);
  return { log: new PartitionLog({ config: () => config, budget, changed: () => undefined }), budget };
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
    const { records } = log.read(at, MANY, log.endOffset, true);
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
            const { records } = log.read(at, maxBytes, end, true);
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
    expect(offsetsOf(log.read(0n, MANY, 3n, true).records)).toEqual([0n]);
    expect(log.read(3n, MANY, 3n, true).records.length).toBe(0);
    expect(log.read(0n, bytes.length - 1, 6n, false).records.length).toBe(0);
    expect(log.read(0n, bytes.length - 1, 6n, true).records.length).toBe(bytes.length);
    expect(codeOf(() => log.read(7n, MANY, 6n, true))).toBe(1);
  });

  it('a slice stays what it was while the log grows, is truncated and written again', async () => {
    const { log } = logOf();
    const bytes = await batch(1);
    log.append(accepted(bytes), 0);
    log.append(accepted(bytes), 0);
    const { records } = log.read(0n, MANY, 2n, true);
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
    const stored = [...batchesOf(log.read(0n, MANY, 4n, true).records)];
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
    expect(offsetsOf(log.read(50n, MANY, log.endOffset, true).records)).toEqual([100n, 10_000_000_000_000n]);
    expect(offsetsOf(log.read(110n, MANY, log.endOffset, true).records)).toEqual([10_000_000_000_000n]);
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
    const { records } = log.read(2n, MANY, 8n, true);
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
    expect(log.endOffset).toBe(3n);
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
    expect(offsetsOf(log.read(7n, MANY, 12n, true).records)).toEqual([6n]);
    expect(codeOf(() => log.read(6n, MANY, 12n, true))).toBe(1);
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
    const { log } = logOf({ configs });
    for (let i = 0; i < 3; i++) log.append(accepted(bytes), 0);
    expect(log.applyRetention(1_400n)).toBe(false);
    expect(log.applyRetention(1_501n)).toBe(true);
    expect([log.startOffset, log.endOffset]).toEqual([3n, 3n]);
    expect(log.append(accepted(bytes), 0).baseOffset).toBe(3n);

    const bySize = logOf({ configs: { 'segment.bytes': String(bytes.length), 'retention.bytes': String(2 * bytes.length) } }).log;
    for (let i = 0; i < 5; i++) bySize.append(accepted(bytes), 0);
    bySize.applyRetention(1_000n);
    expect(bySize.startOffset).toBe(3n);

    const held = logOf({ configs }).log;
    held.holdHighWatermark();
    held.append(accepted(bytes), 0);
    expect(held.applyRetention(10_000n)).toBe(false);
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
