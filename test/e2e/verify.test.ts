/** Verification on real brokers: of mirrors that are made here from what Kafka's own consumer sees, with nothing of the link. */
import { type VerifiedPartition, type VerifyOptions, verifyMirror } from 'kafka-link';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBatch } from '../../src/codec/index.ts';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { between, runSeed, seeded } from '../scenarios/seeded.ts';
import type { JavaRecord, ProduceOptions } from '../support/kafka/java-client.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const seed = runSeed();
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const LINK = { producerId: -2n, commit: true };

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}, seed ${seed}`, () => {
  let environment: RealEnvironment;
  beforeAll(async () => {
    environment = await realEnvironment({ source: { version: KAFKA_39 }, destination: { version: KAFKA_NEWEST } });
  });
  afterAll(() => environment?.[Symbol.asyncDispose]());

  const verify = async (topic: string, more: Partial<VerifyOptions> = {}): Promise<VerifiedPartition> => {
    const { source, destination } = environment;
    const bootstraps = { source: { bootstrap: source.bootstrap }, destination: { bootstrap: destination.bootstrap } };
    return (await verifyMirror({ ...bootstraps, topics: [topic], ...more })).partitions[0]!;
  };

  const produce = (topic: string, options: ProduceOptions) => environment.java.produce(environment.source.bootstrap, topic, options);

  /** What Kafka's consumer sees of the source, at the same offsets: runs of records as batches of any codec, markers wherever it sees nothing. */
  const mirror = async (topic: string): Promise<{ readonly records: readonly JavaRecord[]; readonly end: number }> => {
    const { source, destination, java } = environment;
    const random = seeded(seed);
    const isolation = { isolation: 'read_committed' } as const;
    const records = await java.consume(source.bootstrap, topic, isolation);
    const end = (await java.offsets(source.bootstrap, topic, isolation))[0]!.end;
    await destination.bench.createTopic(topic);
    for (let at = 0, i = 0; at < end; ) {
      const run: JavaRecord[] = [];
      while (records[i]?.offset === at + run.length && run.length < 200 && (run.length === 0 || random() < 0.99)) run.push(records[i++]!);
      if (run.length === 0) {
        await destination.bench.writeMarker(topic, 0, LINK);
        at++;
        continue;
      }
      const compression = CODECS[between(random, 0, CODECS.length - 1)]!;
      const batch = await buildBatch(
        run.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp: BigInt(timestamp) })),
        { compression },
      );
      await destination.bench.append(topic, 0, [batch]);
      at += run.length;
    }
    return { records, end };
  };

  const STREAM = { count: 400, keys: 20, headers: 2, nullValueEvery: 7, maxValueBytes: 300, flushEvery: 30 } as const;

  it('a mirror of records in every codec is identical, and one damaged bit on the disk of either side is found', async () => {
    const topic = 'codecs';
    await environment.source.bench.createTopic(topic);
    for (const codec of CODECS) await produce(topic, { ...STREAM, config: { 'compression.type': codec } });
    const { records, end } = await mirror(topic);
    expect(await verify(topic)).toMatchObject({
      verdict: 'identical',
      to: BigInt(end),
      records: records.length,
      differences: [],
      error: null,
    });

    for (const side of ['source', 'destination'] as const) {
      const { batches } = await environment[side].bench.walk(topic, 0);
      const { baseOffset, lastOffset } = batches[Math.floor(batches.length / 2)]!;
      await environment[side].damage(topic, 0, baseOffset);
      const { verdict, differences, position } = await verify(topic, { maxDifferences: 1_000 });
      expect(verdict).toBe('different');
      const found = differences.filter(({ kind }) => kind === `corrupt-${side}`);
      // In pieces, where the damage of the other side lies across.
      expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(lastOffset - baseOffset + 1);
      expect(Number(found[0]!.offset)).toBe(baseOffset);
      expect(Number(found.at(-1)!.lastOffset)).toBe(lastOffset);
      expect(position).toBe(BigInt(end));
    }
  });

  it('transactions, committed and aborted: what a read_committed consumer sees is what counts', async () => {
    const topic = 'transactions';
    await environment.source.bench.createTopic(topic);
    for (const id of ['one', 'two']) {
      await produce(topic, { ...STREAM, transaction: { id, size: 9, abortEvery: 3 }, config: { 'compression.type': 'lz4' } });
    }
    const { records, end } = await mirror(topic);
    expect(records.length).toBeLessThan(end - 100);
    const found = await verify(topic);
    expect(found).toMatchObject({
      verdict: 'identical',
      to: BigInt(end),
      records: records.length,
      filledOffsets: end - records.length,
      error: null,
    });
  });

  it('times that the broker gave', async () => {
    const topic = 'append-times';
    await environment.source.bench.createTopic(topic, { configs: { 'message.timestamp.type': 'LogAppendTime' } });
    await produce(topic, { ...STREAM, timestamp: Date.now() - 86_400_000 });
    const { records } = await mirror(topic);
    expect(await verify(topic)).toMatchObject({ verdict: 'identical', records: records.length, differences: [] });
  });

  it('in parts, at a rate, while a broker of each side is started anew', async () => {
    const topic = 'restarts';
    await environment.source.bench.createTopic(topic);
    await produce(topic, { ...STREAM, count: 3_000 });
    const { end } = await mirror(topic);
    const half = BigInt(Math.floor(end / 2));
    let restarted: Promise<void> | null = null;
    const restart = async (): Promise<void> => {
      for (const side of [environment.source, environment.destination]) {
        const [broker = 1] = side.brokerIds;
        await side.stop(broker);
        await side.start(broker);
      }
    };
    const first = await verify(topic, {
      to: [{ topic, partition: 0, offset: half }],
      fetchBytes: 10_000,
      bytesPerSecond: 200_000,
      progressIntervalMs: 10,
      onProgress: () => {
        restarted ??= restart();
      },
    });
    expect(restarted).not.toBeNull();
    await restarted;
    expect(first).toMatchObject({ verdict: 'identical', position: half, error: null });
    const from = [{ topic, partition: 0, offset: first.position }];
    expect(await verify(topic, { from })).toMatchObject({ verdict: 'identical', from: half, position: BigInt(end) });
  });
});
