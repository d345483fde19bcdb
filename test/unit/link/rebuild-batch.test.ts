/** Batches taken apart and put together again: what of them changes, and what does not. */
import { describe, expect, it } from 'vitest';
import { assembleBatch, type BatchOptions, buildBatch, type NewRecord } from '../../../src/codec/batch-builder.ts';
import { verifyCrc } from '../../../src/codec/batch-crc.ts';
import { patchBatch } from '../../../src/codec/patch-header.ts';
import { readRecords } from '../../../src/codec/read-records.ts';
import { encodeRecordBody, encodeRecordFrames } from '../../../src/codec/record.ts';
import { BATCH_ATTRIBUTES, BATCH_LAYOUT, type Compression, RecordBatch } from '../../../src/codec/record-batch.ts';
import { RecordSetCursor } from '../../../src/codec/record-set.ts';
import { appendTimeBase, type DenseRun, rebuildBatch } from '../../../src/link/replication/rebuild-batch.ts';
import { changesByLeader, withRightCrc } from '../../support/leader.ts';

const CODECS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const T = 1_700_000_000_000n;

/** Records at these inner offsets; each is large enough that a run of one is worth compressing. */
const recordsAt = (...deltas: readonly number[]): NewRecord[] =>
  deltas.map((offsetDelta) => ({
    offsetDelta,
    key: `key ${offsetDelta}`,
    value: `value ${offsetDelta} `.repeat(30),
    headers: [{ key: 'h', value: null }],
    timestamp: T + BigInt(offsetDelta),
  }));
const batchOf = async (records: readonly NewRecord[], options: BatchOptions = {}): Promise<RecordBatch> =>
  RecordBatch.at(await buildBatch(records, { baseOffset: 100n, producerId: 7n, producerEpoch: 1, baseSequence: 3, ...options }));
const shapes = (runs: readonly DenseRun[]): [offset: number, count: number][] => runs.map(({ offset, count }) => [offset, count]);

/** Every record with the offset it will have. */
const recordsOf = async (runs: readonly DenseRun[]) =>
  (
    await Promise.all(
      runs.map(async ({ offset, bytes }) => {
        const records = await readRecords(RecordBatch.at(bytes));
        return records.map((record) => ({ ...record, offset: record.offset + BigInt(offset) }));
      }),
    )
  ).flat();

describe.each(CODECS)('a sparse %s batch', (compression) => {
  it('becomes dense runs of the same records, as a leader keeps them', async () => {
    const batch = await batchOf(recordsAt(1, 2, 5, 8, 9, 10), { compression, lastOffsetDelta: 12, partitionLeaderEpoch: 4 });
    const runs = await rebuildBatch(batch, 0);
    expect(shapes(runs)).toEqual([
      [101, 2],
      [105, 1],
      [108, 3],
    ]);
    expect(await recordsOf(runs)).toEqual(await readRecords(batch));
    for (const { bytes, count } of runs) {
      const run = RecordBatch.at(bytes);
      expect(run.sizeInBytes).toBe(bytes.length);
      expect([run.baseOffset, run.partitionLeaderEpoch, run.producerId, run.producerEpoch, run.baseSequence]).toEqual([
        0n,
        -1,
        -1n,
        -1,
        -1,
      ]);
      expect([run.recordsCount, run.lastOffsetDelta, run.compression]).toEqual([count, count - 1, compression]);
      expect(await changesByLeader(bytes)).toEqual({});
    }
  });

  it('gives the part from an offset on, also when that offset is gone', async () => {
    const batch = await batchOf(recordsAt(1, 2, 5, 6), { compression });
    expect(shapes(await rebuildBatch(batch, 102))).toEqual([
      [102, 1],
      [105, 2],
    ]);
    expect(shapes(await rebuildBatch(batch, 103))).toEqual([[105, 2]]);
    expect(shapes(await rebuildBatch(batch, 106))).toEqual([[106, 1]]);
    expect(await rebuildBatch(batch, 107)).toEqual([]);
  });

  it('that has lost its last records alone keeps its payload', async () => {
    const batch = await batchOf(recordsAt(0, 1, 2), { compression, lastOffsetDelta: 7 });
    const [run, ...others] = await rebuildBatch(batch, 0);
    expect(others).toEqual([]);
    expect([run?.offset, run?.count]).toEqual([100, 3]);
    expect(RecordBatch.at(run!.bytes).payload.equals(batch.payload)).toBe(true);
    expect(await changesByLeader(run!.bytes)).toEqual({});
  });

  it('with append times gives each record the one of the batch', async () => {
    const batch = await batchOf(recordsAt(1, 3, 4), { compression, logAppendTime: T + 9_000n });
    const runs = await rebuildBatch(batch, 0);
    expect(await recordsOf(runs)).toEqual(await readRecords(batch));
    for (const { bytes } of runs) {
      const run = RecordBatch.at(bytes);
      expect([run.timestampType, run.baseTimestamp, run.maxTimestamp]).toEqual(['CreateTime', T + 9_000n, T + 9_000n]);
      expect(await changesByLeader(bytes)).toEqual({});
    }
  });
});

describe('a batch with append times and no holes', () => {
  const equalTimes = recordsAt(0, 1, 2).map((record) => ({ ...record, timestamp: T }));

  it.each(CODECS)('keeps its %s payload when its records were made in the same millisecond', async (compression) => {
    const batch = await batchOf(equalTimes, { compression, logAppendTime: T + 5n });
    const [run, ...others] = await rebuildBatch(batch, 0);
    expect(others).toEqual([]);
    const copy = RecordBatch.at(run!.bytes);
    expect(copy.payload.equals(batch.payload)).toBe(true);
    expect([copy.timestampType, copy.baseTimestamp, copy.maxTimestamp]).toEqual(['CreateTime', T + 5n, T + 5n]);
    expect(await recordsOf([run!])).toEqual(await readRecords(batch));
    expect(await changesByLeader(run!.bytes)).toEqual({});
    expect(verifyCrc(batch), 'the source is left as it was').toBe(true);
    expect(batch.baseOffset).toBe(100n);
  });

  it('keeps it too when all deltas are the same but not 0', async () => {
    const records = encodeRecordFrames([0, 1].map((offsetDelta) => ({ attributes: 0, timestampDelta: 40n, offsetDelta, body: BODY })));
    const shifted = RecordBatch.at(rawBatch(records, 2, { attributes: BATCH_ATTRIBUTES.logAppendTime, maxTimestamp: T }));
    const [run] = await rebuildBatch(shifted, 0);
    expect(RecordBatch.at(run!.bytes).baseTimestamp).toBe(T - 40n);
    expect((await recordsOf([run!])).map(({ timestamp }) => timestamp)).toEqual([T, T]);
  });

  it('is encoded anew when they were not', async () => {
    const batch = await batchOf(recordsAt(0, 1, 2), { compression: 'zstd', logAppendTime: T + 5n });
    const [run, ...others] = await rebuildBatch(batch, 0);
    expect(others).toEqual([]);
    expect(await recordsOf([run!])).toEqual(await readRecords(batch));
    expect(RecordBatch.at(run!.bytes).baseTimestamp).toBe(T + 5n);
  });
});

describe('a delete horizon', () => {
  const horizon = T + 86_400_000n;

  it('stays, with deltas that may be negative', async () => {
    const batch = await batchOf(recordsAt(1, 2, 5), { compression: 'lz4', deleteHorizon: horizon });
    const runs = await rebuildBatch(batch, 0);
    expect(await recordsOf(runs)).toEqual(await readRecords(batch));
    const headers = runs.map(({ bytes }) => RecordBatch.at(bytes));
    expect(headers.map((run) => [run.hasDeleteHorizon, run.baseTimestamp, run.maxTimestamp])).toEqual([
      [true, horizon, T + 2n],
      [true, horizon, T + 5n],
    ]);
    for (const { bytes } of runs) expect(await changesByLeader(bytes)).toEqual({});
  });

  it.each(['sparse', 'dense'])('stays in a %s batch with append times, whose deltas then lead from the one to the other', async (shape) => {
    const records = shape === 'sparse' ? recordsAt(1, 2, 5) : recordsAt(0, 1, 2).map((record) => ({ ...record, timestamp: T }));
    const batch = await batchOf(records, { deleteHorizon: horizon, logAppendTime: T + 77n });
    const runs = await rebuildBatch(batch, 0);
    for (const { bytes } of runs)
      expect([RecordBatch.at(bytes).hasDeleteHorizon, RecordBatch.at(bytes).baseTimestamp]).toEqual([true, horizon]);
    expect((await recordsOf(runs)).map(({ timestamp }) => timestamp)).toEqual(records.map(() => T + 77n));
  });
});

describe('what else a batch can be', () => {
  it('emptied by compaction: there is nothing to send', async () => {
    const header = { baseOffset: 60n, attributes: 0, lastOffsetDelta: 4, baseTimestamp: -1n, maxTimestamp: T, recordsCount: 0 };
    expect(await rebuildBatch(RecordBatch.at(assembleBatch(header, Buffer.alloc(0))), 0)).toEqual([]);
  });

  it('without times: they stay −1', async () => {
    const records = recordsAt(1, 4).map((record) => ({ ...record, timestamp: -1n }));
    const runs = await rebuildBatch(await batchOf(records), 0);
    expect(runs.map(({ bytes }) => [RecordBatch.at(bytes).baseTimestamp, RecordBatch.at(bytes).maxTimestamp])).toEqual([
      [-1n, -1n],
      [-1n, -1n],
    ]);
    for (const { bytes } of runs) expect(await changesByLeader(bytes)).toEqual({});
  });

  it('of a transaction: the bit goes, unless it is to stay', async () => {
    const batch = await batchOf(recordsAt(1, 3), { transactional: true });
    const bits = (runs: readonly DenseRun[]): boolean[] => runs.map(({ bytes }) => RecordBatch.at(bytes).isTransactional);
    expect(bits(await rebuildBatch(batch, 0))).toEqual([false, false]);
    expect(bits(await rebuildBatch(batch, 0, { transactional: true }))).toEqual([true, true]);
  });

  it('of small records: what compression would make larger goes without', async () => {
    const small = recordsAt(1, 3, 4).map((record) => ({ ...record, value: 'v' }));
    for (const { bytes } of await rebuildBatch(await batchOf(small, { compression: 'gzip' }), 0)) {
      expect(RecordBatch.at(bytes).compression).toBe('none');
    }
    const noise = Buffer.from(Array.from({ length: 400 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24));
    const [run] = await rebuildBatch(await batchOf([{ value: noise, timestamp: T, offsetDelta: 1 }], { compression: 'lz4' }), 0);
    expect(RecordBatch.at(run!.bytes).compression).toBe('none');
    expect(await changesByLeader(run!.bytes)).toEqual({});
  });

  it.each(['none', 'zstd'] as const)('too large for one message (%s): it is split, down to single records', async (compression) => {
    const random = recordsAt(1, 2, 3, 4, 5).map((record) => ({
      ...record,
      value: `${record.value} ${Math.imul(record.offsetDelta!, 2654435761)}`,
    }));
    const batch = await batchOf(random, { compression });
    const whole = await rebuildBatch(batch, 0);
    expect(shapes(whole)).toEqual([[101, 5]]);
    const maxBytes = Math.ceil(whole[0]!.bytes.length * 0.8);
    const runs = await rebuildBatch(batch, 0, { maxBytes });
    expect(runs.length).toBeGreaterThan(1);
    expect(Math.max(...runs.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(maxBytes);
    expect(await recordsOf(runs)).toEqual(await readRecords(batch));
    expect(shapes(await rebuildBatch(batch, 0, { maxBytes: 1 }))).toEqual([101, 102, 103, 104, 105].map((offset) => [offset, 1]));
  });

  it('one whose payload could stay, but which is too large', async () => {
    const batch = await batchOf(recordsAt(0, 1, 2, 3), { lastOffsetDelta: 9 });
    const runs = await rebuildBatch(batch, 0, { maxBytes: batch.sizeInBytes - 1 });
    expect(shapes(runs)).toEqual([
      [100, 2],
      [102, 2],
    ]);
  });

  it('part of a set over which a cursor moves on meanwhile', async () => {
    const batches = [await batchOf(recordsAt(1, 3), { compression: 'gzip' }), await batchOf(recordsAt(0), { baseOffset: 104n })];
    const cursor = new RecordSetCursor().open(Buffer.concat(batches.map(({ bytes }) => bytes)));
    cursor.next();
    const rebuilding = rebuildBatch(cursor.batch, 0);
    cursor.next();
    expect(shapes(await rebuilding)).toEqual([
      [101, 1],
      [103, 1],
    ]);
  });
});

const BODY = encodeRecordBody({ key: null, value: Buffer.from('x'), headers: [] });
const rawBatch = (payload: Buffer, recordsCount: number, changes: object = {}): Buffer =>
  assembleBatch({ attributes: 0, lastOffsetDelta: 9, baseTimestamp: T, maxTimestamp: T, recordsCount, ...changes }, payload);
const framesAt = (...deltas: readonly number[]): Buffer =>
  encodeRecordFrames(deltas.map((offsetDelta) => ({ attributes: 0, timestampDelta: 0n, offsetDelta, body: BODY })));

describe('is refused', () => {
  const refused = expect.objectContaining({ code: 'KLINK_CORRUPT_BATCH', retriable: false });
  const corrupt = (bytes: Buffer, options: Parameters<typeof rebuildBatch>[2] = {}): Promise<void> =>
    expect(rebuildBatch(RecordBatch.at(bytes), 0, options)).rejects.toEqual(refused);

  it('a batch with one flipped bit anywhere under its CRC', async () => {
    const { bytes } = await batchOf(recordsAt(1, 3));
    for (let at = BATCH_LAYOUT.crc; at < bytes.length; at++) {
      // Count and range are refused by the view itself before there is anything to rebuild.
      if (
        (at >= BATCH_LAYOUT.lastOffsetDelta && at < BATCH_LAYOUT.baseTimestamp) ||
        (at >= BATCH_LAYOUT.recordsCount && at < BATCH_LAYOUT.records)
      )
        continue;
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at & 7);
      await corrupt(damaged);
    }
  });

  it('says where the batch stands', async () => {
    const { bytes } = await batchOf(recordsAt(1, 3));
    bytes[bytes.length - 1]! ^= 1;
    await expect(rebuildBatch(RecordBatch.at(bytes), 0)).rejects.toThrow(/offsets 100 to 103 is damaged/);
  });

  it.each([
    ['a repeated offset', [2, 2]],
    ['offsets that go back', [5, 3]],
    ['a negative offset', [-1, 3]],
    ['an offset behind the range', [3, 10]],
    ['ghosts', [-(2 ** 31), -(2 ** 31)]],
  ])('%s', (_, deltas) => corrupt(rawBatch(framesAt(...deltas), deltas.length)));

  it('fewer and more records than the header says', async () => {
    await corrupt(rawBatch(framesAt(0, 1, 2), 2));
    await corrupt(rawBatch(framesAt(0, 1, 2), 4));
  });

  it('a payload that is not what its codec writes, and a codec that is none', async () => {
    for (const attributes of [1, 2, 3, 4, 5, 7]) await corrupt(rawBatch(framesAt(1, 2), 2, { attributes }));
  });

  it.each(CODECS)('a %s payload that grows beyond what is allowed', async (compression) => {
    const { bytes } = await batchOf([{ value: Buffer.alloc(100_000), timestamp: T, offsetDelta: 1 }], { compression });
    await corrupt(bytes, { maxOutput: 99_999 });
    await expect(rebuildBatch(RecordBatch.at(bytes), 0, { maxOutput: 200_000 })).resolves.toHaveLength(1);
  });
});

describe('appendTimeBase', () => {
  const one = [{ value: 'v', timestamp: T }];

  it('is the base under which a header patch does what a rebuild does', async () => {
    for (const timestampDelta of [0n, 5n, -5n, 2n ** 40n]) {
      const payload = encodeRecordFrames([{ attributes: 0, timestampDelta, offsetDelta: 0, body: BODY }]);
      const header = { attributes: BATCH_ATTRIBUTES.logAppendTime, lastOffsetDelta: 0, baseTimestamp: T, maxTimestamp: T + 9n };
      const batch = RecordBatch.at(assembleBatch({ ...header, recordsCount: 1 }, payload));
      const [run] = await rebuildBatch(batch, 0);
      const baseTimestamp = appendTimeBase(batch)!;
      patchBatch(batch, { attributes: 0, baseTimestamp });
      expect(batch.bytes.toString('hex')).toBe(run!.bytes.toString('hex'));
    }
  });

  it('is null for what a header patch cannot do, or cannot be told to', async () => {
    expect(appendTimeBase(await batchOf(one)), 'CreateTime').toBeNull();
    expect(appendTimeBase(await batchOf(one, { logAppendTime: T, compression: 'snappy' })), 'compressed').toBeNull();
    expect(appendTimeBase(await batchOf(recordsAt(0, 1), { logAppendTime: T })), 'two records').toBeNull();
    expect(appendTimeBase(await batchOf(one, { logAppendTime: T + 1n, deleteHorizon: T + 5n })), 'a horizon that would move').toBeNull();
    expect(appendTimeBase(await batchOf(one, { logAppendTime: T, deleteHorizon: T + 5n })), 'one that stays').toBe(T + 5n);
    expect(appendTimeBase(await batchOf(one, { logAppendTime: T })), 'none').toBe(T);
    const cut = { attributes: BATCH_ATTRIBUTES.logAppendTime, lastOffsetDelta: 0 };
    for (const payload of ['', '14', '1400', '1400ff', 'ffffffffff', `1400${'ff'.repeat(11)}`]) {
      expect(appendTimeBase(RecordBatch.at(rawBatch(Buffer.from(payload, 'hex'), 1, cut))), payload).toBeNull();
    }
  });
});

it('a batch of extreme times wraps around as in Java, and still reads the same', async () => {
  const payload = encodeRecordFrames([1, 2].map((offsetDelta) => ({ attributes: 0, timestampDelta: 2n ** 62n, offsetDelta, body: BODY })));
  const times = {
    baseTimestamp: 2n ** 62n,
    maxTimestamp: -(2n ** 62n),
    attributes: BATCH_ATTRIBUTES.logAppendTime | BATCH_ATTRIBUTES.deleteHorizon,
  };
  const runs = await rebuildBatch(RecordBatch.at(withRightCrc(rawBatch(payload, 2, times))), 0);
  const [frame] = await readRecords(RecordBatch.at(runs[0]!.bytes));
  expect(BigInt.asIntN(64, frame!.timestamp)).toBe(-(2n ** 62n));
});
