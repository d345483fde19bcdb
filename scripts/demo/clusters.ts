/** The two clusters of the demo: embedded ones in this process, or real Apache Kafka. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCluster } from 'kafka-link/testing';
import { startKafka } from '../../test/support/kafka/cluster.ts';
import { kafkaJars } from '../../test/support/kafka/jars.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../../test/support/kafka/versions.ts';

interface DemoCluster {
  /** What it is, for people. */
  readonly kind: string;
  readonly bootstrap: readonly string[];
  readonly replicas: number;
  /** Kills one broker, the way a machine dies. */
  killOne(): Promise<void>;
  /** Starts it again, with the log it had. */
  reviveOne(): Promise<void>;
  killAll(): Promise<void>;
  /** The bytes of a partition's log, as they are stored: without a client, and after the brokers are dead as well. */
  storedLog(topic: string, partition: number): Promise<Buffer>;
  stop(): Promise<void>;
}

export interface DemoClusters {
  readonly source: DemoCluster;
  readonly destination: DemoCluster;
}

/** Tells what is being waited for. */
export type Progress = (text: string) => void;

const EMBEDDED_BROKERS = 3;

const startEmbedded = async (): Promise<DemoCluster> => {
  const cluster = await startCluster({ brokers: EMBEDDED_BROKERS });
  return {
    kind: `embedded, ${EMBEDDED_BROKERS} brokers`,
    bootstrap: cluster.bootstrap,
    replicas: EMBEDDED_BROKERS,
    killOne: () => cluster.kill(1),
    reviveOne: () => cluster.restart(1),
    killAll: async () => {
      for (const id of cluster.brokerIds) await cluster.kill(id);
    },
    storedLog: async (topic, partition) => Buffer.concat(cluster.log(topic, partition).entries()),
    stop: () => cluster.stop(),
  };
};

const startReal = async (version: string, signal: AbortSignal): Promise<DemoCluster> => {
  const cluster = await startKafka({ version, signal });
  const broker = cluster.broker(1);
  return {
    kind: `Apache Kafka ${version}`,
    bootstrap: cluster.bootstrap,
    replicas: 1,
    killOne: () => broker.kill('SIGKILL'),
    reviveOne: () => broker.start(),
    killAll: () => broker.kill('SIGKILL'),
    storedLog: async (topic, partition) => {
      const directory = join(broker.dataDir, `${topic}-${partition}`);
      const segments = (await readdir(directory)).filter((name) => name.endsWith('.log')).sort();
      return Buffer.concat(await Promise.all(segments.map((name) => readFile(join(directory, name)))));
    },
    stop: () => cluster.stop(),
  };
};

/** Starts both. With real brokers: the last release of the 3.x line as source, the newest as destination. */
export const startClusters = async (real: boolean, progress: Progress, signal: AbortSignal): Promise<DemoClusters> => {
  if (!real) return { source: await startEmbedded(), destination: await startEmbedded() };
  for (const version of [KAFKA_39, KAFKA_NEWEST]) {
    progress(`fetching Apache Kafka ${version} from Maven Central (the first time only)`);
    await kafkaJars(version);
    signal.throwIfAborted();
  }
  progress(`starting Kafka ${KAFKA_39} and Kafka ${KAFKA_NEWEST}`);
  const starting = [startReal(KAFKA_39, signal), startReal(KAFKA_NEWEST, signal)] as const;
  await Promise.allSettled(starting);
  const [source, destination] = await Promise.all(starting);
  return { source, destination };
};
