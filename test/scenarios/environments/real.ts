/** Scenarios on real Kafka clusters: processes are killed and stopped, and log files are changed under a broker that is down. */
import type { IsolationLevel } from '../../../src/client/fetch-partition.ts';
import { type KafkaCluster, type KafkaOptions, startKafka } from '../../support/kafka/cluster.ts';
import { type JavaClient, type PartitionDigest, startJavaClient } from '../../support/kafka/java-client.ts';
import { ACLS_WHERE_NAMED } from '../../support/kafka/properties.ts';
import type { ClusterControl, Environment } from '../environment.ts';
import { Workbench } from '../workbench.ts';
import { appendToLogFile, damageLogFile, truncateLogFile } from './log-file.ts';

const QUOTA_BYTES_PER_SECOND = 30_000;
/** A consumer that closes waits for the fetch it has under way. */
const QUICK_TO_CLOSE = { 'fetch.max.wait.ms': '20' };

const control = async (cluster: KafkaCluster, java: JavaClient, role: string): Promise<ClusterControl> => {
  const bench = await Workbench.open(cluster.bootstrap, role);
  /** Changes log files as nothing but a crash can: the broker must not see it happen. */
  const whileDown = async <T extends { topic: string; partition: number }>(
    changes: readonly T[],
    change: (dataDir: string, one: T) => Promise<void>,
  ): Promise<void> => {
    const [first] = changes;
    if (first === undefined) return;
    const broker = cluster.broker(await bench.leaderOf(first.topic, first.partition));
    const topics = [...new Set(changes.map(({ topic }) => topic))];
    await bench.cluster.refreshMetadata(topics);
    const partitions = topics.map((topic) => bench.cluster.metadata.topic(topic)?.partitions.length ?? 0);
    await broker.kill();
    for (const one of changes) await change(broker.dataDir, one);
    await broker.start();
    for (const [index, topic] of topics.entries()) await bench.awaitTopic(topic, partitions[index]!);
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
    appendRaw: (appends) => whileDown(appends, (dataDir, { topic, partition, bytes }) => appendToLogFile(dataDir, topic, partition, bytes)),
    damage: async (topic, partition, offset) =>
      damageLogFile(cluster.broker(await bench.leaderOf(topic, partition)).dataDir, topic, partition, offset),
    truncate: (cuts) => whileDown(cuts, (dataDir, { topic, partition, offset }) => truncateLogFile(dataDir, topic, partition, offset)),
  };
};

/** Scenarios know only {@link Environment}; tests of endurance use the clusters themselves. */
export interface RealEnvironment extends Environment {
  readonly java: JavaClient;
  readonly digests: (
    topic: string,
    isolation?: IsolationLevel,
  ) => Promise<{ readonly source: PartitionDigest[]; readonly destination: PartitionDigest[] }>;
  readonly clusters: { readonly source: KafkaCluster; readonly destination: KafkaCluster };
}

/** Starts two clusters and stops them with the environment. */
export const realEnvironment = async (options: {
  readonly source: KafkaOptions;
  readonly destination: KafkaOptions;
}): Promise<RealEnvironment> => {
  // Controllers of several nodes would need rights on each other before any can be given.
  const start = (given: KafkaOptions): Promise<KafkaCluster> =>
    startKafka(given.brokers === 3 ? given : { ...given, config: { ...ACLS_WHERE_NAMED, ...given.config } });
  const running: AsyncDisposable[] = [];
  const stop = async (): Promise<void> => {
    for (const one of running.reverse()) await one[Symbol.asyncDispose]();
  };
  const keep = async <T extends AsyncDisposable>(starting: Promise<T>): Promise<T> => {
    const one = await starting;
    running.push(one);
    return one;
  };
  try {
    // One after the other: side by side they only slow each other down on a small machine.
    const source = await keep(start(options.source));
    const destination = await keep(start(options.destination));
    const java = await keep(startJavaClient());
    const others: ClusterControl[] = [];
    return {
      ...(await keep(environmentOf(java, source, destination))),
      others: async (count) => {
        while (others.length < count) {
          const cluster = await keep(start({ version: destination.version }));
          const other = await control(cluster, java, `cluster ${others.length + 3}`);
          running.push(other.bench);
          others.push(other);
        }
        return others.slice(0, count);
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Of clusters that run already, and go on afterwards. */
export const environmentOf = async (java: JavaClient, a: KafkaCluster, b: KafkaCluster): Promise<RealEnvironment> => {
  const [source, destination] = [await control(a, java, 'source'), await control(b, java, 'destination')];
  return {
    name: `Kafka ${a.version} to ${b.version}`,
    java,
    clusters: { source: a, destination: b },
    source,
    destination,
    others: () => Promise.reject(new Error('there are only the clusters that run already')),
    digests: async (topic, isolation = 'read_uncommitted') => {
      const [ofSource, ofDestination] = await Promise.all(
        [a, b].map(({ bootstrap }) => java.digest(bootstrap, topic, { isolation, config: QUICK_TO_CLOSE })),
      );
      return { source: ofSource!, destination: ofDestination! };
    },
    [Symbol.asyncDispose]: async () => {
      for (const { bench } of [source, destination]) await bench[Symbol.asyncDispose]();
    },
  };
};
