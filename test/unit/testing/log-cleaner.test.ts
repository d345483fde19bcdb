/** The log cleaner where nothing outside can look: rounds that are overtaken, records that are too young, what is not played. Its results are compared with real brokers in e2e. */
import { describe, expect, it } from 'vitest';
import { buildBatch, type NewRecord } from '../../../src/codec/batch-builder.ts';
import { verifyCrc } from '../../../src/codec/batch-crc.ts';
import { readRecords } from '../../../src/codec/read-records.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { logConfigOf } from '../../../src/testing/config/topic-configs.ts';
import { cleanerHabits, cleanLog } from '../../../src/testing/log/cleaning/clean-log.ts';
import { MemoryBudget } from '../../../src/testing/log/memory-budget.ts';
import { PartitionLog } from '../../../src/testing/log/partition-log.ts';

const logOf = (configs: Record<string, string> = {}) => {
  const budget = new MemoryBudget(1 << 20);
  const values: Record<string, string> = {
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'max.message.bytes': '1000000',
    'segment.bytes': '1000000',
    'index.interval.bytes': '4096',
    'delete.retention.ms': '1000',
    ...configs,
  };
  const config = logConfigOf((name) => values[name]);
  const clock = { now: 5_000n };
  const log = new PartitionLog({ config: () => config, budget, release: '4.1', now: () => clock.now, changed: () => undefined });
  const put = async (keys: string, timestamp = 0n): Promise<void> => {
    const records = [...keys].map((key): NewRecord => ({ key, value: key === key.toUpperCase() ? null : 'v', timestamp }));
    const bytes = await buildBatch(records.map(({ key, ...rest }) => ({ key: String(key).toLowerCase(), ...rest })));
    log.append({ bytes, changes: {}, logAppendTime: -1n }, 0);
  };
  const clean = (force = false) => cleanLog(log, { config, now: clock.now, habits: cleanerHabits('4.1'), force });
  const left = async (): Promise<string[]> => {
    const found: string[] = [];
    for (const { bytes } of log.entries()) {
      for (const { key, offset, value } of await readRecords(RecordBatch.at(bytes)))
        found.push(`${key}${offset}${value === null ? '!' : ''}`);
    }
    return found;
  };
  return { log, budget, clock, put, clean, left };
};

describe('a round', () => {
  it('leaves the active segment alone, and does nothing when nothing else is there', async () => {
    const { log, put, clean, left } = logOf();
    await put('aa');
    expect(await clean()).toBe(null);
    expect(await clean(true)).toBe(null);
    log.roll();
    await put('a');
    expect(await clean()).toEqual({ from: 0n, to: 2n });
    expect(await left()).toEqual(['a1', 'a2']);
    expect(await clean()).toBe(null);
    log.roll();
    expect(await clean()).toEqual({ from: 2n, to: 3n });
    expect(await left()).toEqual(['a2']);
  });

  it('gives memory back, keeps the log end, and writes right checksums', async () => {
    const { log, budget, put, clean } = logOf();
    for (const keys of ['abc', 'abc', 'ab']) await put(keys);
    log.roll();
    await put('z');
    const before = budget.used;
    await clean();
    expect(budget.used).toBe(log.size);
    expect(budget.used).toBeLessThan(before);
    expect([log.startOffset, log.endOffset, log.highWatermark]).toEqual([0n, 9n, 9n]);
    const batches = [...log.entries()].map(({ bytes }) => RecordBatch.at(bytes));
    expect(batches.map(({ baseOffset, recordsCount, lastOffsetDelta }) => [baseOffset, recordsCount, lastOffsetDelta])).toEqual([
      [3n, 1, 2],
      [6n, 2, 1],
      [8n, 1, 0],
    ]);
    expect(batches.map((batch) => verifyCrc(batch))).toEqual([true, true, true]);
  });

  it('by force drops what is due though nothing is dirty', async () => {
    const { log, clock, put, clean, left } = logOf();
    await put('aA');
    log.roll();
    await clean();
    expect(await left()).toEqual(['a1!']);
    clock.now += 1_000n;
    expect(await clean()).toBe(null);
    expect(await clean(true)).toEqual({ from: 2n, to: 2n });
    expect(await left()).toEqual([]);
  });

  it('stops before the first segment with a record younger than min.compaction.lag.ms', async () => {
    const { log, clock, put, clean, left } = logOf({ 'min.compaction.lag.ms': '100' });
    for (const time of [1_000n, 4_950n, 1_000n]) {
      await put('aa', time);
      log.roll();
    }
    expect(await clean()).toEqual({ from: 0n, to: 2n });
    expect(await left()).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
    clock.now = 5_050n;
    expect(await clean()).toEqual({ from: 2n, to: 6n });
    expect(await left()).toEqual(['a5']);
  });

  it('joins small segments up to segment.bytes', async () => {
    const { log, put, clean } = logOf({ 'segment.bytes': '250' });
    for (const keys of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await put(keys);
      log.roll();
    }
    await clean();
    expect(log.segments.map(({ baseOffset, entries }) => [baseOffset, entries.length])).toEqual([
      [0n, 3],
      [3n, 3],
      [6n, 0],
    ]);
  });

  it('begins at the log start when that has overtaken it', async () => {
    const { log, put, clean } = logOf();
    await put('ab');
    log.roll();
    await put('cd');
    log.roll();
    log.deleteRecords(3n);
    expect(await clean()).toEqual({ from: 3n, to: 4n });
    expect([...log.entries()].map(({ entry }) => entry.baseOffset)).toEqual([2n]);
  });
});

describe('a round that is overtaken', () => {
  it('begins again when the tail was cut, and never brings back what is gone', async () => {
    const { log, put, clean, left } = logOf();
    for (const keys of ['ab', 'ab', 'ab']) {
      await put(keys);
      log.roll();
    }
    const round = clean();
    log.truncateTo(4n);
    await put('c');
    expect(await round).toEqual({ from: 0n, to: 4n });
    expect(await left()).toEqual(['a2', 'b3', 'c4']);
  });

  it('two at once end as one after the other', async () => {
    const { log, budget, put, clean, left } = logOf();
    for (const keys of ['ab', 'ab', 'ab']) {
      await put(keys);
      log.roll();
    }
    expect(await Promise.all([clean(), clean()])).toEqual([{ from: 0n, to: 6n }, null]);
    expect(await left()).toEqual(['a4', 'b5']);
    expect(budget.used).toBe(log.size);
  });

  it('lets appends go on meanwhile', async () => {
    const { log, put, clean, left } = logOf();
    await put('aa');
    log.roll();
    const round = clean();
    await put('a');
    await round;
    expect(await left()).toEqual(['a1', 'a2']);
    expect(log.endOffset).toBe(3n);
  });
});

it('offsets that do not rise and messages of old formats are RangeErrors, and the log stays as it was', async () => {
  const ghosts = logOf();
  const records = [1, 0].map((offsetDelta, i) => ({ key: `k${i}`, value: null, timestamp: 0n, offsetDelta }));
  ghosts.log.append({ bytes: await buildBatch(records, { lastOffsetDelta: 1 }), changes: {}, logAppendTime: -1n }, 0);
  ghosts.log.roll();
  await expect(ghosts.clean()).rejects.toThrow('do not rise');
  expect(ghosts.log.size).toBeGreaterThan(0);

  const old = logOf();
  const message = Buffer.alloc(26);
  message.writeInt32BE(14, 8);
  old.log.appendRaw(message);
  old.log.roll();
  await expect(old.clean()).rejects.toThrow('magic 0');
});
