/** Every release as a source of every release as a destination, `npm run test:matrix`: dense logs, transactions, compacted logs, and messages of old formats. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payloadCrc, RecordBatch } from '../../src/codec/index.ts';
import { environmentOf } from '../scenarios/environments/real.ts';
import { sampleBatches } from '../scenarios/sample-batches.ts';
import { failsWith, Stage } from '../scenarios/stage.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { type JavaClient, startJavaClient } from '../support/kafka/java-client.ts';
import { FAST_HOUSEKEEPING } from '../support/kafka/properties.ts';
import { KAFKA_28, KAFKA_NEWEST, MATRIX } from '../support/kafka/versions.ts';

/** 2.8 is on its way out: a place to come from, not to go to. */
const DESTINATIONS = MATRIX.filter(({ version }) => version !== KAFKA_28);
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const PARTITIONS = 3;

let java: JavaClient;
const sources = new Map<string, KafkaCluster>();
beforeAll(async () => {
  java = await startJavaClient();
  for (const { version } of MATRIX) sources.set(version, await startKafka({ version, config: FAST_HOUSEKEEPING }));
}, 300_000);
afterAll(async () => {
  await java?.close();
  for (const cluster of sources.values()) await cluster.stop();
});

/** What Java producers write in every codec, idempotent and not, and what only a hand-made producer would. */
const fill = async (stage: Stage, topic: string, seed: number): Promise<number> => {
  const { bench, bootstrap } = stage.source;
  let written = 0;
  for (const [index, codec] of CODECS.entries()) {
    const config = { 'compression.type': codec, 'enable.idempotence': String(index % 2 === 0), 'batch.size': '2000' };
    const stream = { count: 600, partitions: PARTITIONS, seed: seed + index, maxValueBytes: 500, valueBytes: 0, headers: 2, keys: 20 };
    written += (await java.produce(bootstrap, topic, { ...stream, nullValueEvery: 9, config })).acked;
  }
  await bench.append(topic, 1, await sampleBatches({ seed, batches: 10 }));
  return written;
};

/** A topic with transactions of Java's producer, every other of them aborted. */
const withTransactions = async (stage: Stage): Promise<string> => {
  const topic = stage.topic('transactions');
  const { bench, bootstrap } = stage.source;
  await bench.createTopic(topic);
  await bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 4 }));
  await java.produce(bootstrap, topic, { count: 40, transaction: { id: topic, size: 5, abortEvery: 2 } });
  return topic;
};

/** A topic from whose log the cleaner has taken records, and then takes no more. */
const thinnedOut = async (stage: Stage): Promise<string> => {
  const topic = stage.topic('compacted');
  const { bench, bootstrap } = stage.source;
  const cleaned = {
    'cleanup.policy': 'compact',
    'segment.ms': '500',
    'min.cleanable.dirty.ratio': '0.00001',
    'delete.retention.ms': '0',
  };
  await bench.createTopic(topic, { configs: cleaned });
  const keyed = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ key: `k${(from + i) % 7}`, value: `v${from + i}` }));
  const config = { 'batch.size': '200' };
  await java.produce(bootstrap, topic, { records: keyed(0, 60), config });
  const isDense = async (): Promise<boolean> => {
    // The active segment is never cleaned: it rolls with the next record after segment.ms.
    await java.produce(bootstrap, topic, { records: keyed(60, 63), config });
    const { batches, start } = await bench.walk(topic, 0);
    return batches.every(
      ({ baseOffset, lastOffset, recordsCount }, i) =>
        recordsCount === lastOffset - baseOffset + 1 && baseOffset === (i === 0 ? start : batches[i - 1]!.lastOffset + 1),
    );
  };
  await expect.poll(isDense, { timeout: 60_000, interval: 700 }).toBe(false);
  await bench.setConfigs(topic, { 'cleanup.policy': 'delete', 'retention.ms': '-1' });
  return topic;
};

describe.each(DESTINATIONS)('to Kafka $version', ({ version }) => {
  let destination: KafkaCluster;
  beforeAll(async () => {
    destination = await startKafka({ version });
  });
  afterAll(() => destination?.stop());

  it.each(MATRIX)('from Kafka $version', async (release) => {
    await using environment = await environmentOf(java, sources.get(release.version)!, destination);
    await using stage = new Stage(environment);
    const topic = stage.topic(`from-${release.version}`);
    await stage.source.bench.createTopic(topic, { partitions: PARTITIONS });
    let written = await fill(stage, topic, 10);
    const link = await stage.link([topic]);
    await stage.expectMirrored(link, topic);
    written += await fill(stage, topic, 20);
    await stage.expectMirrored(link, topic);
    const { destination: digests } = await environment.digests(topic);
    expect(digests.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(written);
  });

  it.each(MATRIX)('transactions and what the log cleaner leaves, from Kafka $version', async (release) => {
    await using environment = await environmentOf(java, sources.get(release.version)!, destination);
    await using stage = new Stage(environment);
    const topics = [await withTransactions(stage), await thinnedOut(stage)];
    const link = await stage.link(topics);
    await link.caughtUp({ timeoutMs: 60_000 });
    for (const topic of topics) {
      const { source, destination: mirror } = await environment.digests(topic, 'read_committed');
      expect(mirror).toEqual(source);
      expect(source.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(0);
      await stage.expectSameRecords(topic);
    }
  });
});

/** Two messages of an old format; what comes after them is of the present one. */
const writeOld = async ({ source: { bench, bootstrap } }: Stage, topic: string, format: string): Promise<void> => {
  await bench.setConfigs(topic, { 'message.format.version': format });
  const config = { 'enable.idempotence': 'false', 'compression.type': 'gzip', acks: 'all' };
  await java.produce(bootstrap, topic, { records: [{ value: 'old' }, { value: 'older' }], config });
  await bench.setConfigs(topic, { 'message.format.version': '2.8' });
};

describe('messages of old formats', () => {
  let destination: KafkaCluster;
  beforeAll(async () => {
    destination = await startKafka({ version: KAFKA_NEWEST });
  });
  afterAll(() => destination?.stop());

  it.each(['0.9.0', '0.10.2'])('of format %s: the mirror stops before them, and another begins behind them', async (format) => {
    await using environment = await environmentOf(java, sources.get(KAFKA_28)!, destination);
    await using stage = new Stage(environment);
    const { bench } = stage.source;
    const topic = stage.topic();
    await bench.createTopic(topic);
    await bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 4 }));
    const { end } = await bench.range(topic, 0);
    await writeOld(stage, topic, format);
    expect((await bench.walk(topic, 0)).oldFormatAt).not.toBeNull();
    await failsWith(await stage.link([topic]), topic, 'UNSUPPORTED_MESSAGE_FORMAT');
    await stage.expectCopiedUpTo(topic, 0, end);

    const behind = stage.topic('behind');
    await bench.createTopic(behind);
    await writeOld(stage, behind, format);
    const { end: firstOfV2 } = await bench.range(behind, 0);
    const newer = await sampleBatches({ seed: 2, batches: 4 });
    await bench.append(behind, 0, newer);
    const stopped = await stage.link([behind], { name: `${behind}-stopped` });
    const { error } = await failsWith(stopped, behind, 'UNSUPPORTED_MESSAGE_FORMAT');
    expect(error?.message).toContain(`begin at offset ${firstOfV2}`);
    await stopped.close();
    await stage.destination.bench.deleteTopic(behind);
    const link = await stage.link([behind], { name: `${behind}-link`, settings: { startOffset: 'earliest-v2' } });
    await link.caughtUp({ timeoutMs: 60_000 });
    await stage.expectMirrorStart(behind, 0, firstOfV2);
    const { source, destination: mirror } = await environment.digests(behind);
    expect(mirror).toMatchObject([{ count: source[0]!.count - firstOfV2, firstOffset: firstOfV2, lastOffset: source[0]!.lastOffset }]);
    const { batches } = await stage.destination.bench.walk(behind, 0);
    expect(batches.map(({ payloadCrc }) => payloadCrc)).toEqual(newer.map((batch) => payloadCrc(RecordBatch.at(batch, 0))));
  });
});
