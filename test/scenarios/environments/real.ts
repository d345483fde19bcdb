/** Scenarios on real Kafka clusters: processes are killed and stopped, and log files are changed under a broker that is down. */
import { type KafkaCluster, type KafkaOptions, startKafka } from '../../support/kafka/cluster.ts';
import type { JavaClient } from '../../support/kafka/java-client.ts';
import { ACLS_WHERE_NAMED } from '../../support/kafka/properties.ts';
import type { ClusterControl, Environment } from '../environment.ts';
import { Workbench } from '../workbench.ts';
import { appendToLogFile, truncateLogFile } from './log-file.ts';

const QUOTA_BYTES_PER_SECOND = 20_000;

const control = async (cluster: KafkaCluster, java: JavaClient, role: string): Promise<ClusterControl> => {
  const bench = await Workbench.open(cluster.bootstrap, role);
  /** Changes log files as nothing but a crash can: the broker must not see it happen. */
  const whileDown = async (topic: string, partition: number, change: (dataDir: string) => Promise<void>): Promise<void> => {
    const broker = cluster.broker(await bench.leaderOf(topic, partition));
    await broker.kill();
    await change(broker.dataDir);
    await broker.start();
    await bench.awaitTopic(topic, partition + 1);
  };
  return {
    bootstrap: cluster.bootstrap,
    brokerIds: cluster.brokers.map(({ id }) => id),
    bench,
    kill: (broker) => cluster.broker(broker).kill(),
    stop: (broker) => cluster.broker(broker).stop(),
    start: async (broker) => {
      await cluster.broker(broker).start();
      await cluster.awaitReady();
    },
    stall: (broker) => cluster.broker(broker).kill('SIGSTOP'),
    resume: (broker) => cluster.broker(broker).kill('SIGCONT'),
    moveLeader: (topic, partition, broker) => java.moveLeader(cluster.bootstrap, topic, partition, broker),
    throttle: (clientId) => java.setQuota(cluster.bootstrap, clientId, QUOTA_BYTES_PER_SECOND),
    unthrottle: (clientId) => java.setQuota(cluster.bootstrap, clientId, null),
    appendRaw: async (appends) => {
      const [first] = appends;
      if (first === undefined) return;
      await whileDown(first.topic, first.partition, async (dataDir) => {
        for (const { topic, partition, bytes } of appends) await appendToLogFile(dataDir, topic, partition, bytes);
      });
      for (const { topic, partition } of appends) await bench.awaitTopic(topic, partition + 1);
    },
    truncate: (topic, partition, offset) => whileDown(topic, partition, (dataDir) => truncateLogFile(dataDir, topic, partition, offset)),
  };
};

export const realEnvironment = async (
  java: JavaClient,
  options: { readonly source: KafkaOptions; readonly destination: KafkaOptions },
): Promise<Environment> => {
  const start = (given: KafkaOptions): Promise<KafkaCluster> => startKafka({ ...given, config: { ...ACLS_WHERE_NAMED, ...given.config } });
  const clusters: KafkaCluster[] = [];
  try {
    // One after the other: side by side they only slow each other down on a small machine.
    clusters.push(await start(options.source));
    clusters.push(await start(options.destination));
    const [a, b] = clusters as [KafkaCluster, KafkaCluster];
    const [source, destination] = [await control(a, java, 'source'), await control(b, java, 'destination')];
    return {
      name: `Kafka ${a.version} to ${b.version}`,
      source,
      destination,
      digests: async (topic) => ({
        source: await java.digest(a.bootstrap, topic),
        destination: await java.digest(b.bootstrap, topic),
      }),
      [Symbol.asyncDispose]: async () => {
        await Promise.all([source, destination].map(({ bench }) => bench[Symbol.asyncDispose]()));
        await Promise.all(clusters.map((cluster) => cluster.stop()));
      },
    };
  } catch (error) {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
    throw error;
  }
};
