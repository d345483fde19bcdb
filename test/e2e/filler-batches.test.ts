/** Rebuilt and filler batches on a real broker: taken at their offsets, stored as sent, and seen by Java's consumer as the page on visibility says. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildBatch } from '../../src/codec/batch-builder.ts';
import { BATCH_LAYOUT, COMPRESSION_IDS, RecordBatch } from '../../src/codec/record-batch.ts';
import { type FillerKind, fillerBatch, fillerBatchLimit, PADDING_TIMESTAMP } from '../../src/link/replication/filler-batch.ts';
import { rebuildBatch } from '../../src/link/replication/rebuild-batch.ts';
import { ErrorCode } from '../../src/protocol/error-codes.ts';
import { RawClient } from '../integration/testing/raw-client.ts';
import { Given } from '../integration/testing/rules/given.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { type JavaClient, type JavaRecord, type RecordToWrite, startJavaClient } from '../support/kafka/java-client.ts';
import { FAST_HOUSEKEEPING } from '../support/kafka/properties.ts';

const T = 1_700_000_000_000;
const MAX_TIMESTAMP = -3n;
/** The first version that knows it. */
const LIST_OFFSETS = 7;
const ISOLATIONS = ['read_uncommitted', 'read_committed'] as const;

let kafka: KafkaCluster;
let java: JavaClient;
let client: RawClient;
let given: Given;

const connect = async (): Promise<void> => {
  client = await RawClient.to(kafka.bootstrap[0]!);
  given = new Given({ address: kafka.bootstrap[0]!, release: '4.4' }, client, (actual, expected, what) =>
    expect(actual, what).toEqual(expected),
  );
};

beforeAll(async () => {
  [kafka, java] = await Promise.all([startKafka({ config: FAST_HOUSEKEEPING }), startJavaClient()]);
  await connect();
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await Promise.all([java?.close(), kafka?.stop()]);
});

/** Appends one batch after the other, each at the offset it was made for. */
class Mirror {
  readonly topic: string;
  /** Next offset. */
  end = 0;
  readonly sent: Buffer[] = [];

  constructor(topic: string) {
    this.topic = topic;
  }

  async append(bytes: Buffer, count: number): Promise<void> {
    expect(await given.outcome(this.topic, bytes, { version: 11 }), `offset ${this.end}`).toEqual([ErrorCode.NONE, BigInt(this.end)]);
    this.sent.push(bytes);
    this.end += count;
  }

  async fillTo(offset: number, kind: FillerKind, timestamp: bigint): Promise<void> {
    while (this.end < offset) {
      const count = Math.min(offset - this.end, fillerBatchLimit(kind));
      await this.append(await fillerBatch(kind, count, timestamp), count);
    }
  }
}

/** Every batch of a topic; a fetch gives those of one segment. */
const readAll = async (topic: string): Promise<RecordBatch[]> => {
  const end = await given.endOf(topic);
  const batches: RecordBatch[] = [];
  for (let next = 0n; next < end; next = batches.at(-1)!.nextOffset) batches.push(...(await given.batches(topic, next)));
  return batches;
};

/** Without what a leader writes into every batch: base offset and leader epoch. */
const asSent = (bytes: Buffer): string => {
  const copy = Buffer.from(bytes);
  copy.fill(0, BATCH_LAYOUT.baseOffset, BATCH_LAYOUT.batchLength);
  copy.fill(0, BATCH_LAYOUT.partitionLeaderEpoch, BATCH_LAYOUT.magic);
  return copy.toString('hex');
};
/** The type of the timestamps is the one thing that a mirror of a LogAppendTime topic says otherwise. */
const seen = (records: readonly JavaRecord[]) => records.map(({ timestampType: _, ...record }) => record);

describe.each(['CreateTime', 'LogAppendTime'])('a topic with %s that the log cleaner has been at', (timestampType) => {
  const source = `cleaned-${timestampType}`;
  let batches: RecordBatch[];
  let records: JavaRecord[];

  beforeAll(async () => {
    const config = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.00001', 'segment.ms': '1' };
    await java.createTopic(kafka.bootstrap, source, { config: { ...config, 'message.timestamp.type': timestampType } });
    const keys = new Set<string>();
    for (const [round, compression] of [...Object.keys(COMPRESSION_IDS), 'none'].entries()) {
      const written = Array.from({ length: 40 }, (_, i): RecordToWrite => {
        // The first two batches lose everything at their ends, the others something in between.
        const isHot = round < 2 ? i < 5 || i > 30 : i % 3 === 0;
        const key = isHot ? `hot ${i % 4}` : `${round} ${i}`;
        keys.add(key);
        const value = i % 7 === 0 ? null : `value ${i} `.repeat(1 + (i % 30));
        return { key, value, headers: [{ key: 'h', value: i % 2 === 0 ? null : `${i}` }], timestamp: T + round * 1_000 + i };
      });
      await java.produce(kafka.bootstrap, source, {
        records: written,
        config: { 'compression.type': compression, 'linger.ms': '100', 'batch.size': '200000' },
      });
    }
    // The newest segment is never cleaned.
    await java.produce(kafka.bootstrap, source, { records: [{ key: 'end', value: 'of the log', timestamp: T + 1_000_000 }] });
    await vi.waitFor(
      async () => {
        records = await java.consume(kafka.bootstrap, source);
        expect(records).toHaveLength(keys.size + 1);
      },
      { timeout: 60_000, interval: 300 },
    );
    batches = await readAll(source);
  });

  it('has the shapes that need to be rebuilt', () => {
    expect(batches.at(-1)!.nextOffset).toBe(241n);
    expect(batches.filter(({ isDense }) => !isDense).length).toBeGreaterThanOrEqual(5);
    expect(batches.some(({ hasDeleteHorizon }) => hasDeleteHorizon)).toBe(true);
    expect(new Set(batches.map((batch) => batch.timestampType))).toEqual(new Set([timestampType]));
    expect(new Set(batches.map(({ compression }) => compression)).size).toBe(5);
  });

  it.each(['ghosts', 'records'] as const)('is copied with %s between its records', async (kind) => {
    const mirror = new Mirror(await given.topic());
    let newest = -1n;
    for (const batch of batches) {
      for (const run of await rebuildBatch(batch, mirror.end)) {
        await mirror.fillTo(run.offset, kind, newest);
        await mirror.append(run.bytes, run.count);
        newest = RecordBatch.at(run.bytes).maxTimestamp;
      }
      await mirror.fillTo(batch.nextOffsetNumber, kind, newest);
    }
    expect((await readAll(mirror.topic)).map(({ bytes }) => asSent(bytes))).toEqual(mirror.sent.map(asSent));

    expect(await java.offsets(kafka.bootstrap, mirror.topic)).toEqual(await java.offsets(kafka.bootstrap, source));
    for (const isolation of ISOLATIONS) {
      const copied = await java.consume(kafka.bootstrap, mirror.topic, { isolation });
      if (kind === 'ghosts') expect(seen(copied)).toEqual(seen(records));
      else {
        expect(copied.map(({ offset }) => offset)).toEqual(Array.from({ length: mirror.end }, (_, offset) => offset));
        expect(seen(copied.filter(({ key }) => key !== null))).toEqual(seen(records));
        expect(copied.filter(({ key, value, headers }) => key === null && value === null && headers.length === 0)).toHaveLength(
          mirror.end - records.length,
        );
      }
    }
    const lookup = async (topic: string, timestamp: bigint): Promise<[bigint, bigint]> => {
      const { offset, timestamp: found } = await given.offsetOf(topic, timestamp, { version: LIST_OFFSETS });
      return [offset, found];
    };
    for (const timestamp of [MAX_TIMESTAMP, 0n, BigInt(T), ...records.map((record) => BigInt(record.timestamp))]) {
      expect(await lookup(mirror.topic, timestamp), `lookup of ${timestamp}`).toEqual(await lookup(source, timestamp));
    }
  });
});

it('padding is cut off without a trace, and stays cut off when the broker is killed', async () => {
  const start = 250_000;
  const mirror = new Mirror(await given.topic());
  await mirror.fillTo(start, 'records', PADDING_TIMESTAMP);
  const times = { timestamp: BigInt(T), key: 'k' };
  await mirror.append(
    await buildBatch(
      [
        { ...times, value: 'first' },
        { ...times, value: 'second' },
      ],
      { compression: 'zstd' },
    ),
    2,
  );
  expect(await java.deleteRecords(kafka.bootstrap, mirror.topic, 0, start)).toBe(start);
  const expectMirrored = async (): Promise<void> => {
    expect(await java.offsets(kafka.bootstrap, mirror.topic)).toEqual([{ partition: 0, start, end: start + 2 }]);
    for (const isolation of ISOLATIONS) {
      expect((await java.consume(kafka.bootstrap, mirror.topic, { isolation })).map(({ offset }) => offset)).toEqual([start, start + 1]);
    }
  };
  await expectMirrored();

  // The first record is newer than the padding by more than segment.ms: it has begun a segment of its own, and the ones before go.
  const segments = async (): Promise<string[]> => {
    const files = await readdir(join(kafka.broker(1).dataDir, `${mirror.topic}-0`));
    return files.filter((name) => name.endsWith('.log'));
  };
  await vi.waitFor(async () => expect(await segments()).toEqual([`${String(start).padStart(20, '0')}.log`]), {
    timeout: 60_000,
    interval: 200,
  });
  await kafka.broker(1).kill();
  await kafka.broker(1).start();
  await expectMirrored();
});
