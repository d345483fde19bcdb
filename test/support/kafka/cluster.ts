/** Starts real Kafka clusters of one or three brokers for tests, and takes everything down again. */
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KafkaBroker } from './broker.ts';
import { useClassArchive } from './class-archive.ts';
import { kafkaJars } from './jars.ts';
import { type JavaSources, javaClasses } from './java-classes.ts';
import { type Jvm, startJvm } from './jvm.ts';
import { freePorts } from './ports.ts';
import {
  type BrokerAddress,
  kraftProperties,
  type ListenerSpec,
  type Properties,
  propertiesText,
  zooKeeperBrokerProperties,
  zooKeeperProperties,
} from './properties.ts';
import { KAFKA_NEWEST, releaseOf } from './versions.ts';

/** What kind of cluster to start. */
export interface KafkaOptions {
  /** Default: the newest of the matrix. 2.8.2 runs with ZooKeeper. */
  readonly version?: string;
  /** Default 1. */
  readonly brokers?: 1 | 3;
  /** Settings of every broker, over the harness's own; topic defaults too (`log.retention.ms`, `compression.type`, …). */
  readonly config?: Properties;
  /** Listeners besides the plain one. */
  readonly listeners?: readonly ListenerSpec[];
  /** Classes that the brokers find on their class path, for `config` to name. */
  readonly plugins?: JavaSources;
  /** Class path entries behind Kafka's own. */
  readonly libraries?: readonly string[];
  /** Heap of each broker in MiB. Default 256; 96 is the least that works. */
  readonly heapMb?: number;
  /** Default: the archive of its classes, where there is one. */
  readonly jvmArgs?: readonly string[];
  /** Ends the start, or the running cluster, at once. */
  readonly signal?: AbortSignal;
}

/** A running cluster. */
export interface KafkaCluster extends AsyncDisposable {
  readonly version: string;
  readonly clusterId: string;
  /** `host:port` of the plain listener of each broker. */
  readonly bootstrap: readonly string[];
  readonly brokers: readonly KafkaBroker[];
  /** The broker of that id. Throws if there is none. */
  broker(id: number): KafkaBroker;
  /** `host:port` of an extra listener of each broker. */
  bootstrapOf(listener: string): readonly string[];
  /** Resolves when every running broker answers and lists every running broker. */
  awaitReady(timeoutMs?: number): Promise<void>;
  /** The last lines of each process, for the message of a failed test. */
  logs(): string;
  /** Kills every process and removes the data. Safe to call twice. */
  stop(): Promise<void>;
}

/** What the names of all data directories begin with, in the system's temporary directory; the pid of the owner follows. */
export const CLUSTER_DIRECTORY = 'kafka-link-cluster-';
const directories = new Set<string>();
process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Starts a cluster and resolves when it is ready to take topics. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const {
    version = KAFKA_NEWEST,
    brokers: count = 1,
    config = {},
    listeners = [],
    plugins,
    libraries = [],
    heapMb = 256,
    jvmArgs = useClassArchive(version),
    signal,
  } = options;
  signal?.throwIfAborted();
  const { mode } = releaseOf(version);
  const [jars, guard] = await Promise.all([kafkaJars(version), javaClasses('guard')]);
  const extra = plugins === undefined ? [] : [await javaClasses(plugins, version)];
  sweepLeftovers();
  const directory = await mkdtemp(join(tmpdir(), `${CLUSTER_DIRECTORY}${process.pid}-`));
  directories.add(directory);
  const classpath = [guard, jars.classpath, ...extra, ...libraries].join(delimiter);
  const addresses: BrokerAddress[] = [];
  for (let id = 1; id <= count; id++) {
    const [port = 0, controllerPort = 0, ...extraPorts] = await freePorts(2 + listeners.length);
    addresses.push({ id, port, controllerPort, extraPorts });
  }
  let zooKeeper: Jvm | undefined;
  const brokers: KafkaBroker[] = [];
  // May run twice at once: an abort during the start kills what is there, the failed start then kills what came after.
  const stop = async (): Promise<void> => {
    signal?.removeEventListener('abort', stop);
    zooKeeper?.signal('SIGKILL');
    await Promise.all([...brokers.map((broker) => broker.kill('SIGKILL')), zooKeeper?.exited]);
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    directories.delete(directory);
  };
  signal?.addEventListener('abort', stop, { once: true });
  const logs = (): string => [...brokers.map((broker) => broker.logTail()), zooKeeper?.tail() ?? ''].join('\n');

  try {
    let zooKeeperPort = 0;
    if (mode === 'zookeeper') {
      [zooKeeperPort = 0] = await freePorts(1);
      zooKeeper = await startZooKeeper(classpath, directory, zooKeeperPort);
    }
    const formatId = randomClusterId();
    for (const self of addresses) {
      const dataDir = join(directory, `broker-${self.id}`);
      const file = join(directory, `broker-${self.id}.properties`);
      const own =
        mode === 'kraft'
          ? kraftProperties(self, addresses, listeners, dataDir)
          : zooKeeperBrokerProperties(self, addresses, listeners, dataDir, zooKeeperPort);
      await mkdir(dataDir);
      await writeFile(file, propertiesText({ ...own, ...config }));
      const extra = Object.fromEntries(listeners.map(({ name }, i) => [name, self.extraPorts[i]!]));
      brokers.push(new KafkaBroker({ address: self, listeners: extra, dataDir, propertiesFile: file, classpath, heapMb, jvmArgs }));
    }
    if (mode === 'kraft') await Promise.all(brokers.map((broker) => broker.format(formatId)));
    signal?.throwIfAborted();
    await Promise.all(brokers.map((broker) => broker.launch()));
    const awaitReady = async (timeoutMs = 60_000): Promise<void> => {
      const ids = brokers.filter((broker) => broker.running).map((broker) => broker.id);
      await Promise.all(brokers.filter((broker) => broker.running).map((broker) => broker.awaitReady(ids, timeoutMs)));
    };
    await awaitReady();
    signal?.throwIfAborted();
    const { clusterId } = await brokers[0]!.view();
    return {
      version,
      clusterId: clusterId ?? formatId,
      bootstrap: brokers.map((broker) => `${broker.host}:${broker.port}`),
      brokers,
      broker: (id) => {
        const found = brokers.find((broker) => broker.id === id);
        if (!found) throw new RangeError(`no broker ${id} in this cluster`);
        return found;
      },
      bootstrapOf: (listener) => brokers.map((broker) => `${broker.host}:${broker.listenerPort(listener)}`),
      awaitReady,
      logs,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (cause) {
    const said = logs();
    await stop();
    signal?.throwIfAborted();
    throw new Error(`Kafka ${version} did not start: ${cause instanceof Error ? cause.message : cause}\n${said}`, { cause });
  }
}

async function startZooKeeper(classpath: string, directory: string, port: number): Promise<Jvm> {
  const dataDir = join(directory, 'zookeeper');
  const file = join(directory, 'zookeeper.properties');
  await mkdir(dataDir);
  await writeFile(file, propertiesText(zooKeeperProperties(port, dataDir)));
  // Brokers retry until it listens, so its start needs no wait of its own.
  return startJvm({
    classpath,
    mainClass: 'Guard',
    args: ['org.apache.zookeeper.server.quorum.QuorumPeerMain', file],
    jvmArgs: ['-Xmx64m', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'],
    cwd: directory,
  });
}

/** Base64url of 16 random bytes. It must not begin with a dash, which the format command takes for an option. */
function randomClusterId(): string {
  const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
  return id.startsWith('-') ? randomClusterId() : id;
}

/** Removes what test processes left that were killed before they could. */
function sweepLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(CLUSTER_DIRECTORY)) continue;
    const pid = Number(name.slice(CLUSTER_DIRECTORY.length).split('-')[0]);
    if (!isAlive(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
