/** Apache Kafka's MirrorMaker 2, tuned for the comparison: large batches and fetches, pipelined, nothing but the copying switched on. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mirrorMakerJars } from '../test/support/kafka/jars.ts';
import { startJvm } from '../test/support/kafka/jvm.ts';
import { propertiesText } from '../test/support/kafka/properties.ts';

export interface MirrorMakerOptions {
  /** Unique among the runs on one destination: Connect goes on where a run of the same name stopped. */
  readonly name: string;
  readonly source: readonly string[];
  readonly destination: readonly string[];
  readonly topic: string;
  readonly tasks: number;
  /** The codec of the source, so that both sides write the same. */
  readonly compression: string;
}

export interface MirrorMaker extends AsyncDisposable {
  readonly pid: number;
  tail(): string;
}

const HEAP_MB = 2048;
const BATCH_BYTES = 262_144;

const properties = ({ name, source, destination, topic, tasks, compression }: MirrorMakerOptions): Record<string, string> => {
  const switchedOff = [
    'emit.heartbeats',
    'emit.checkpoints',
    'sync.topic.acls',
    'sync.topic.configs',
    'sync.group.offsets',
    'refresh.topics',
    'refresh.groups',
  ];
  const replicated = [
    '',
    'checkpoints.topic.',
    'heartbeats.topic.',
    'offset-syncs.topic.',
    'offset.storage.',
    'status.storage.',
    'config.storage.',
  ];
  const consumer = {
    'fetch.max.bytes': '52428800',
    'max.partition.fetch.bytes': '10485760',
    'fetch.min.bytes': '1',
    'max.poll.records': '10000',
    'receive.buffer.bytes': '-1',
  };
  const producer = {
    'batch.size': String(BATCH_BYTES),
    'linger.ms': '100',
    'buffer.memory': '134217728',
    'max.request.size': '10485760',
    'max.in.flight.requests.per.connection': '5',
    'send.buffer.bytes': '-1',
    'compression.type': compression,
  };
  return {
    clusters: `${name}, dst`,
    [`${name}.bootstrap.servers`]: source.join(','),
    'dst.bootstrap.servers': destination.join(','),
    [`${name}->dst.enabled`]: 'true',
    [`dst->${name}.enabled`]: 'false',
    [`${name}->dst.topics`]: `^${topic}$`,
    'tasks.max': String(tasks),
    'replication.policy.class': 'org.apache.kafka.connect.mirror.IdentityReplicationPolicy',
    'offset.flush.interval.ms': '10000',
    ...Object.fromEntries(switchedOff.map((key) => [`${key}.enabled`, 'false'])),
    ...Object.fromEntries(replicated.map((key) => [`${key}replication.factor`, '1'])),
    ...Object.fromEntries(Object.entries(consumer).map(([key, value]) => [`${name}.consumer.${key}`, value])),
    ...Object.fromEntries(Object.entries(producer).map(([key, value]) => [`dst.producer.${key}`, value])),
  };
};

/** Starts one MirrorMaker process that copies one topic. */
export const startMirrorMaker = async (options: MirrorMakerOptions): Promise<MirrorMaker> => {
  const directory = await mkdtemp(join(tmpdir(), 'kafka-link-bench-'));
  const file = join(directory, 'mm2.properties');
  await writeFile(file, propertiesText(properties(options)));
  const jvm = await startJvm({
    classpath: (await mirrorMakerJars()).classpath,
    mainClass: 'org.apache.kafka.connect.mirror.MirrorMaker',
    args: [file],
    // Kafka's own start script, but for a heap that is large from the start.
    jvmArgs: [
      `-Xms${HEAP_MB}m`,
      `-Xmx${HEAP_MB}m`,
      '-server',
      '-XX:+UseG1GC',
      '-XX:MaxGCPauseMillis=20',
      '-XX:InitiatingHeapOccupancyPercent=35',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    ],
    cwd: directory,
  });
  return {
    pid: jvm.pid,
    tail: jvm.tail,
    [Symbol.asyncDispose]: async () => {
      jvm.signal('SIGKILL');
      await jvm.exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
};
