/** Log starts on real brokers: moved, refused, brought back by a crash, chosen by time, and found behind messages of real old formats. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/client/clock.ts';
import type { LinkError } from '../../src/errors.ts';
import { RecordDeletion } from '../../src/link/log-start/delete-records.ts';
import { findFirstV2Offset } from '../../src/link/log-start/first-v2-offset.ts';
import { LogStartFollower } from '../../src/link/log-start/log-start-follower.ts';
import { parseStartOffsetSpec, resolveStartOffset } from '../../src/link/log-start/start-offset.ts';
import { readBatchAt } from '../../src/link/replication/read-batch.ts';
import { sampleBatches } from '../scenarios/sample-batches.ts';
import { Workbench } from '../scenarios/workbench.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { type JavaClient, startJavaClient } from '../support/kafka/java-client.ts';
import { ACLS_WHERE_NAMED } from '../support/kafka/properties.ts';
import { KAFKA_28, KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const { signal } = new AbortController();
let java: JavaClient;
beforeAll(async () => {
  java = await startJavaClient();
});
afterAll(() => java?.close());

const errorOf = async (promise: Promise<unknown>): Promise<LinkError> => {
  try {
    await promise;
  } catch (error) {
    return error as LinkError;
  }
  throw new Error('it did not fail');
};

const begin = async ({ cluster }: Workbench, topic: string, spec: string): Promise<number> => {
  const position = parseStartOffsetSpec(spec);
  if ('problem' in position) throw new Error(position.problem);
  return resolveStartOffset(cluster, topic, 0, position, signal);
};

describe.each([KAFKA_39, KAFKA_NEWEST])('on Kafka %s', (version) => {
  /** So often the start of a log is written to disk; a broker's default is a minute. */
  const checkpointMs = 4_000;
  let kafka: KafkaCluster;
  let bench: Workbench;
  let deletion: RecordDeletion;
  beforeAll(async () => {
    // A broker that has just started waits for another half minute before the first time.
    const checkpoints = { 'log.flush.start.offset.checkpoint.interval.ms': String(checkpointMs), 'log.initial.task.delay.ms': '500' };
    kafka = await startKafka({ version, config: { ...ACLS_WHERE_NAMED, ...checkpoints } });
    bench = await Workbench.open(kafka.bootstrap, 'destination');
    deletion = new RecordDeletion(bench.cluster);
  });
  afterAll(async () => {
    await bench?.cluster.close();
    await kafka?.stop();
  });

  it('the starts of many partitions move together', async () => {
    const partitions = Array.from({ length: 6 }, (_, partition) => partition);
    for (const topic of ['orders', 'audit']) {
      await bench.createTopic(topic, { partitions: partitions.length });
      for (const partition of partitions) await bench.append(topic, partition, await sampleBatches({ seed: 1 + partition, batches: 5 }));
    }
    const all = ['orders', 'audit'].flatMap((topic) => partitions.map((partition) => ({ topic, partition, offset: 3 + partition })));
    const starts = await Promise.all(all.map(({ topic, partition, offset }) => deletion.deleteBefore(topic, partition, offset)));
    expect(starts).toEqual(all.map(({ offset }) => offset));
    expect(await deletion.deleteBefore('orders', 5, 2), 'below the start').toBe(8);
    for (const topic of ['orders', 'audit']) {
      const seen = await java.offsets(kafka.bootstrap, topic);
      expect(seen.sort((a, b) => a.partition - b.partition).map(({ start }) => start)).toEqual([3, 4, 5, 6, 7, 8]);
    }
  });

  it('refusals say what to do', async () => {
    await bench.createTopic('compacted', { configs: { 'cleanup.policy': 'compact' } });
    await bench.createTopic('reserved');
    for (const topic of ['compacted', 'reserved']) {
      await java.produce(kafka.bootstrap, topic, { records: [{ partition: 0, key: 'a', value: 'a' }] });
    }
    const policy = await errorOf(deletion.deleteBefore('compacted', 0, 1));
    expect(policy).toMatchObject({ brokerName: 'POLICY_VIOLATION', retriable: false });
    expect(policy.message).toContain('cleanup.policy=[compact,delete]');
    const range = await errorOf(deletion.deleteBefore('reserved', 0, 2));
    expect(range).toMatchObject({ code: 'KLINK_STATE', retriable: true });
    await bench.rights.reserveTopic('reserved');
    const right = await errorOf(deletion.deleteBefore('reserved', 0, 1));
    expect(right).toMatchObject({ code: 'KLINK_AUTH', brokerName: 'TOPIC_AUTHORIZATION_FAILED' });
    expect(right.message).toContain("--operation Delete --topic 'reserved'");
    await bench.rights.releaseTopic('reserved');
    expect(await deletion.deleteBefore('reserved', 0, 1)).toBe(1);
  });

  it('a mirror begins where the Java client would find the time', async () => {
    await bench.createTopic('timed');
    const day = (of: number, ms = 0): number => Date.UTC(2026, 0, of) + ms;
    const config = { 'compression.type': 'lz4', 'linger.ms': '100' };
    for (const of of [1, 3, 2]) {
      const records = Array.from({ length: 50 }, (_, i) => ({ partition: 0, value: `${of}/${i}`, timestamp: day(of, i * 1_000) }));
      await java.produce(kafka.bootstrap, 'timed', { records, config });
    }
    const read = await java.consume(kafka.bootstrap, 'timed');
    const end = read.length;
    for (const spec of ['2025-06-01', '2026-01-01T00:00:20Z', '2026-01-02T00:00:20.500Z', '2026-01-03T00:00:49', '2026-01-03T00:00:50Z']) {
      const expected = read.find(({ timestamp }) => timestamp >= Date.parse(spec.length > 19 || spec.length < 11 ? spec : `${spec}Z`));
      expect(await begin(bench, 'timed', spec), spec).toBe(expected?.offset ?? end);
    }
    expect(await begin(bench, 'timed', 'earliest')).toBe(0);
    expect(await begin(bench, 'timed', 'latest')).toBe(end);
    expect(await begin(bench, 'timed', 'earliest-v2')).toBe(0);
  });

  it('a start that a crash has brought back is moved again, until it stays', async () => {
    await bench.createTopic('crashed');
    await bench.append('crashed', 0, await sampleBatches({ seed: 3, batches: 20 }));
    const { end } = await bench.range('crashed', 0);
    const troubles: LinkError[] = [];
    const seen: number[] = [];
    let crash: Promise<void> | null = null;
    const crashed = (): Promise<void> =>
      (crash ??= kafka
        .broker(1)
        .kill()
        .then(() => kafka.broker(1).start()));
    const follower = new LogStartFollower({
      clock: systemClock,
      random: Math.random,
      retry: bench.cluster.settings.retry,
      times: { pauseMs: 10, recheckMs: checkpointMs * 1.5, rareRetryMs: 60_000 },
      deleteBefore: async (topic, partition, offset, given) => {
        const start = await deletion.deleteBefore(topic, partition, offset, given);
        // At once, before it is on disk; nothing tells the follower.
        if (crash === null) await crashed();
        return start;
      },
      mirrorStart: async (topic, partition) => {
        const { start } = await bench.range(topic, partition);
        seen.push(start);
        return start;
      },
      refresh: (topic, given) => bench.cluster.refreshMetadata([topic], given),
      onTrouble: (error) => troubles.push(error),
    });
    try {
      const target = end - 5;
      follower.observe({ topic: 'crashed', partition: 0, sourceStart: target, ackedOffset: end, mirrorStart: 0 });
      const settled = { mirrorStart: target, target, error: null, isSettled: true };
      await expect.poll(() => follower.status('crashed', 0), { timeout: 60_000 }).toEqual(settled);
      expect(seen).toEqual([0, target]);
      expect((await bench.range('crashed', 0)).start).toBe(target);
      await kafka.broker(1).kill();
      await kafka.broker(1).start();
      expect((await bench.range('crashed', 0)).start).toBe(target);
      expect(troubles).toEqual([]);
    } finally {
      follower.close();
    }
  });
});

describe(`on Kafka ${KAFKA_28}, with messages of formats v0 and v1`, () => {
  let kafka: KafkaCluster;
  let bench: Workbench;
  beforeAll(async () => {
    kafka = await startKafka({ version: KAFKA_28 });
    bench = await Workbench.open(kafka.bootstrap, 'source');
  });
  afterAll(async () => {
    await bench?.cluster.close();
    await kafka?.stop();
  });

  /** Written by the Java producer while the topic had this format. Resolves with the log end. */
  const write = async (topic: string, format: string | null, count: number, codec: string): Promise<number> => {
    if (format !== null) await bench.setConfigs(topic, { 'message.format.version': format });
    const config = { 'enable.idempotence': 'false', 'compression.type': codec, 'batch.size': '500', acks: 'all' };
    await java.produce(kafka.bootstrap, topic, { count, partitions: 1, valueBytes: 60, config });
    return (await bench.range(topic, 0)).end;
  };

  it.each(['none', 'gzip', 'lz4', 'snappy'])('the first v2 batch is found, written with %s', async (codec) => {
    const topic = `aged-${codec}`;
    await bench.createTopic(topic);
    await write(topic, '0.9.0', 230, codec);
    const old = await write(topic, '0.10.2', 170, codec);
    expect(await findFirstV2Offset(bench.cluster, topic, 0, { start: 0, end: old }, signal)).toBeNull();
    expect(await begin(bench, topic, 'earliest-v2')).toBe(old);
    const end = await write(topic, '2.8', 300, codec);
    expect(old).toBe(400);
    expect(await findFirstV2Offset(bench.cluster, topic, 0, { start: 0, end }, signal)).toBe(old);
    expect(await begin(bench, topic, 'earliest')).toBe(0);
    expect(await begin(bench, topic, 'earliest-v2')).toBe(old);
    // What lies on both sides, as another way of reading sees it.
    expect(await readBatchAt(bench.cluster, topic, 0, old - 1)).toBe('old-format');
    expect(await readBatchAt(bench.cluster, topic, 0, old)).toMatchObject({ baseOffset: BigInt(old), magic: 2 });
    await bench.deleteRecords(topic, 0, 100);
    expect(await begin(bench, topic, 'earliest')).toBe(100);
    expect(await begin(bench, topic, 'earliest-v2')).toBe(old);
    await bench.deleteRecords(topic, 0, old + 1);
    expect(await begin(bench, topic, 'earliest-v2')).toBe(old + 1);
  });
});
