/** Scenarios of logs that no producer has written as they are: holes, transactions, append times, starts above zero. A consumer sees no difference. */
import { expect } from 'vitest';
import { buildBatch, buildEndTxnMarker, type NewRecord } from '../../src/codec/index.ts';
import { renderVerifyReport } from '../../src/index.ts';
import { emptyBatch, plainRecord, sampleBatches } from './sample-batches.ts';
import type { Scenario, Stage } from './stage.ts';

const record = (key: string): NewRecord => ({ key, value: `value of ${key}`, timestamp: BigInt(Date.now()) });
const at = (offset: number) => ({ baseOffset: BigInt(offset), partitionLeaderEpoch: 0 });
const producer = (id: number, baseSequence = 0) => ({ producerId: BigInt(id), producerEpoch: 0, baseSequence });
const marker = (result: 'commit' | 'abort', offset: number, id: number): Buffer =>
  buildEndTxnMarker(
    { result, coordinatorEpoch: 0 },
    { ...at(offset), producerId: BigInt(id), producerEpoch: 0, timestamp: BigInt(Date.now()) },
  );

/** What a cleaner leaves: holes, sparse batches of every codec, an empty one, one with a delete horizon. Returns the end. */
export const compacted = async (from: number): Promise<{ readonly bytes: Buffer; readonly end: number }> => {
  const parts: Buffer[] = [];
  let end = from + 7;
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const records = [0, 3, 4, 9].map((offsetDelta) => ({ ...record(`${compression}-${offsetDelta}`), offsetDelta }));
    parts.push(await buildBatch(records, { ...at(end), compression, lastOffsetDelta: 11 }));
    end += 12;
  }
  parts.push(emptyBatch(end, 2));
  end += 3 + 40;
  parts.push(await buildBatch([{ ...record('tombstone'), value: null }], { ...at(end), deleteHorizon: BigInt(Date.now() + 86_400_000) }));
  return { bytes: Buffer.concat(parts), end: end + 1 };
};

/** Three producers at once: one commits, one aborts, one commits over two batches. */
export const transactions = async (from: number): Promise<{ readonly bytes: Buffer; readonly end: number }> => {
  const batch = (offset: number, id: number, keys: readonly string[], sequence = 0): Promise<Buffer> =>
    buildBatch(keys.map(record), { ...at(offset), ...producer(id, sequence), transactional: true, compression: 'gzip' });
  return {
    bytes: Buffer.concat([
      await batch(from, 901, ['committed-1', 'committed-2']),
      await batch(from + 2, 902, ['aborted-1', 'aborted-2']),
      await buildBatch([record('between')], { ...at(from + 4), ...producer(950) }),
      await batch(from + 5, 903, ['late-1']),
      marker('abort', from + 6, 902),
      marker('commit', from + 7, 901),
      await batch(from + 8, 903, ['late-2'], 1),
      await batch(from + 9, 902, ['second-try'], 2),
      marker('commit', from + 10, 903),
      marker('commit', from + 11, 902),
    ]),
    end: from + 12,
  };
};

export const withRaw = async (
  stage: Stage,
  make: (from: number) => Promise<{ readonly bytes: Buffer; readonly end: number }>,
): Promise<string> => {
  const topic = stage.topic();
  await stage.source.bench.createTopic(topic);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 21, batches: 4 }));
  const { end } = await stage.source.bench.range(topic, 0);
  const made = await make(end);
  await stage.source.appendRaw([{ topic, partition: 0, bytes: made.bytes }]);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 22, batches: 4 }));
  return topic;
};

/** Mirrors it, adds to it, and begins in the middle of it once more: the same records every time. */
const mirrorsExactly = async (stage: Stage, topic: string): Promise<void> => {
  const link = await stage.link([topic]);
  await link.caughtUp({ timeoutMs: 30_000 });
  await stage.expectSameRecords(topic);
  const report = await link.verify([topic]);
  expect(report.identical, renderVerifyReport(report)).toBe(true);
  expect(link.mirror(topic)).toMatchObject({ state: 'ACTIVE', fillPolicy: 'markers', lag: 0n });
  expect(link.mirror(topic).partitions[0]!.filledOffsets).toBeGreaterThan(0n);
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 23, batches: 2 }));
  await link.caughtUp({ timeoutMs: 30_000 });
  await link.close();
  await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 24, batches: 2 }));
  const again = await stage.link([topic]);
  await again.caughtUp({ timeoutMs: 30_000 });
  expect(again.mirror(topic).partitions[0]!.filledOffsets).toBe(0n);
  const digests = await stage.environment.digests?.(topic);
  if (digests !== undefined) expect(digests.destination).toEqual(digests.source);
  await stage.expectSameRecords(topic);
};

const compactedLog: Scenario = {
  name: 'holes, sparse batches of every codec, an empty batch and a delete horizon',
  play: async (stage) => mirrorsExactly(stage, await withRaw(stage, compacted)),
};

const transactional: Scenario = {
  name: 'transactions that were committed and aborted, of several producers at once',
  play: async (stage) => {
    const topic = await withRaw(stage, transactions);
    const link = await stage.link([topic]);
    await link.caughtUp({ timeoutMs: 30_000 });
    const [log] = await stage.expectSameRecords(topic);
    expect(log!.records.map(({ key }) => Buffer.from(key ?? '', 'hex').toString())).toEqual(
      expect.arrayContaining(['committed-1', 'between', 'late-1', 'late-2', 'second-try']),
    );
    // Whoever reads without regard to transactions sees no more than that at the mirror.
    const { batches } = await stage.destination.bench.walk(topic, 0);
    expect(batches.reduce((sum, { attributes, recordsCount }) => sum + (attributes & 0x20 ? 0 : recordsCount), 0)).toBe(
      log!.records.length,
    );
  },
};

const openTransaction: Scenario = {
  name: 'a transaction that is open holds the mirror back until it ends',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 31, batches: 2 }));
    const { end } = await stage.source.bench.range(topic, 0);
    const open = await buildBatch([record('open')], { ...at(end), ...producer(904), transactional: true });
    await stage.source.appendRaw([{ topic, partition: 0, bytes: open }]);
    await stage.source.bench.append(topic, 0, [await buildBatch([plainRecord('behind it')])]);
    const link = await stage.link([topic]);
    await link.caughtUp({ timeoutMs: 30_000 });
    await stage.expectSameRecords(topic);
    expect((await stage.destination.bench.range(topic, 0)).end).toBe(end);
    await expect.poll(() => link.mirror(topic).partitions[0]!.openOffsets).toBe(2n);
    await stage.source.bench.writeMarker(topic, 0, { producerId: 904n, commit: true });
    await link.caughtUp({ timeoutMs: 30_000 });
    const [log] = await stage.expectSameRecords(topic);
    expect(log!.end).toBe(end + 3);
  },
};

const appendTimes: Scenario = {
  name: 'times that the source broker has given, also where its topic was changed on the way',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 3 }));
    await stage.source.bench.setConfigs(topic, { 'message.timestamp.type': 'LogAppendTime' });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 3, batches: 12 }));
    const apart = [record('early'), { ...record('late'), timestamp: BigInt(Date.now() + 5_000) }];
    await stage.source.bench.append(topic, 0, [await buildBatch(apart, { compression: 'lz4' }), await buildBatch(apart)]);
    await stage.source.bench.setConfigs(topic, { 'message.timestamp.type': 'CreateTime' });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 4, batches: 3 }));
    const link = await stage.link([topic]);
    await link.caughtUp({ timeoutMs: 30_000 });
    await stage.expectSameRecords(topic);
    expect(link.mirror(topic).partitions[0]!.rebuiltBatches).toBeGreaterThan(0);
  },
};

const startChoices: Scenario = {
  name: 'a mirror that begins later than its source, by time and at its end, keeps the offsets of the source',
  play: async (stage) => {
    const [byTime, latest] = [stage.topic('by-time'), stage.topic('latest')];
    const middle = Date.parse('2026-03-01T00:00:00Z');
    for (const topic of [byTime, latest]) {
      await stage.source.bench.createTopic(topic);
      const days = Array.from({ length: 10 }, (_, day) => ({
        ...record(`day-${day}`),
        timestamp: BigInt(middle + (day - 5) * 86_400_000),
      }));
      for (const day of days) await stage.source.bench.append(topic, 0, [await buildBatch([day, { ...day, key: 'again' }])]);
    }
    const timed = await stage.link([byTime], { name: `${byTime}-link`, settings: { startOffset: '2026-03-01T00:00:00Z' } });
    const late = await stage.link([latest], { name: `${latest}-link`, settings: { startOffset: 'latest' } });
    for (const topic of [byTime, latest]) await stage.source.bench.append(topic, 0, [await buildBatch([record('new')])]);
    await Promise.all([timed.caughtUp({ timeoutMs: 30_000 }), late.caughtUp({ timeoutMs: 30_000 })]);
    await stage.expectMirrorStart(byTime, 0, 10);
    await stage.expectMirrorStart(latest, 0, 20);
    for (const [topic, start] of [
      [byTime, 10],
      [latest, 20],
    ] as const) {
      const [source] = await stage.visible('source', topic);
      const [destination] = await stage.visible('destination', topic);
      expect(destination!.records).toEqual(source!.records.filter(({ offset }) => offset >= start));
      expect(destination!.end).toBe(source!.end);
    }
  },
};

export const unevenLogScenarios: readonly Scenario[] = [compactedLog, transactional, openTransaction, appendTimes, startChoices];
