/** A source that keeps the older part of its logs in a remote tier: its brokers serve them as any other, and the mirror has all of it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLink } from 'kafka-link';
import { describe, expect, it } from 'vitest';
import { ListOffsets } from '../../src/protocol/messages/list-offsets.ts';
import { realEnvironment } from '../scenarios/environments/real.ts';
import { sampleBatches } from '../scenarios/sample-batches.ts';
import { tieredStorageJars } from '../support/kafka/jars.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const PARTITIONS = 3;
/** ListOffsets: the first offset that is on the broker's own disk (KIP-405). */
const EARLIEST_LOCAL = -4n;

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}`, () => {
  it('what a source has in a remote tier alone is copied as everything else', async () => {
    const tier = await mkdtemp(join(tmpdir(), 'kafka-link-tier-'));
    try {
      await using kafka = await realEnvironment({
        source: {
          version: KAFKA_39,
          libraries: [(await tieredStorageJars(KAFKA_39)).classpath],
          config: {
            'remote.log.storage.system.enable': 'true',
            'remote.log.storage.manager.class.name': 'org.apache.kafka.server.log.remote.storage.LocalTieredStorage',
            'remote.log.metadata.manager.listener.name': 'PLAINTEXT',
            'rlmm.config.remote.log.metadata.topic.replication.factor': '1',
            'rlmm.config.remote.log.metadata.topic.num.partitions': '1',
            'rsm.config.dir': tier,
            'remote.log.manager.task.interval.ms': '200',
            'log.retention.check.interval.ms': '200',
            'log.initial.task.delay.ms': '100',
          },
        },
        destination: { version: KAFKA_NEWEST },
      });
      const { source, destination } = kafka;
      const configs = { 'remote.storage.enable': 'true', 'local.retention.bytes': '1', 'segment.bytes': '20000' };
      await source.bench.createTopic('orders', { partitions: PARTITIONS, configs });
      for (let partition = 0; partition < PARTITIONS; partition++) {
        await source.bench.append('orders', partition, await sampleBatches({ seed: partition, batches: 60 }));
      }
      const firstLocal = async (): Promise<readonly bigint[]> => {
        const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({ partitionIndex, timestamp: EARLIEST_LOCAL }));
        const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: 'orders', partitions }] };
        const { topics } = await source.bench.cluster.send(ListOffsets, body, { leader: { topic: 'orders', partition: 0 } });
        return topics[0]!.partitions.map(({ offset }) => offset);
      };
      await expect.poll(async () => (await firstLocal()).every((offset) => offset > 0n), PATIENCE).toBe(true);
      expect(await readdir(tier, { recursive: true })).toContainEqual(expect.stringMatching(/\.log$/));
      expect((await source.bench.range('orders', 0)).start).toBe(0);
      await using link = await createLink({
        name: 'from-a-tier',
        source: { bootstrap: source.bootstrap },
        destination: { bootstrap: destination.bootstrap },
        topics: ['orders'],
      });
      await link.caughtUp({ timeoutMs: PATIENCE.timeout });
      const digests = await kafka.digests('orders');
      expect(digests.destination).toEqual(digests.source);
      expect((await link.verify(['orders'])).identical).toBe(true);
      expect((await link.runTask('TopicConfigsSync')).errors).toEqual([]);
      await source.bench.append('orders', 0, await sampleBatches({ seed: 9, batches: 2 }));
      await link.caughtUp({ timeoutMs: PATIENCE.timeout });
      const after = await kafka.digests('orders');
      expect(after.destination).toEqual(after.source);
    } finally {
      await rm(tier, { recursive: true, force: true });
    }
  });
});
