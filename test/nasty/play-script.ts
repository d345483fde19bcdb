/** Carries out a script on a real cluster, step by step, and in the end keeps the cleaner away, so that the logs stay as they are. */
import { buildBatch, type NewRecord } from '../../src/codec/index.ts';
import { between, seeded } from '../scenarios/seeded.ts';
import type { Workbench } from '../scenarios/workbench.ts';
import type { KafkaCluster } from '../support/kafka/cluster.ts';
import { KAFKA_28 } from '../support/kafka/versions.ts';
import { awaitCleaner } from './cleaner-watch.ts';
import type { NastyJava, ProducerAct } from './nasty-java.ts';
import { partitionsOf, type Script, type Step } from './script.ts';

/** Where scripts are played: one broker, whose files tell how far the cleaner is. */
export interface Playhouse {
  readonly cluster: KafkaCluster;
  readonly bench: Workbench;
  readonly java: NastyJava;
}

const CLEANER_PATIENCE_MS = 10_000;
const PADDING_BATCH = 50_000;
const NO_TIMESTAMP = -1n;
const EPOCH = 1_700_000_000_000n;

type Play<K extends Step['do']> = (house: Playhouse, script: Script, step: Extract<Step, { do: K }>) => Promise<unknown>;

const act = ({ java }: Playhouse, _: Script, step: { readonly do: ProducerAct; readonly producer: string }): Promise<void> =>
  java.act(step.producer, step.do);

const PLAYS: { readonly [K in Step['do']]: Play<K> } = {
  begin: act,
  commit: act,
  abort: act,
  die: act,
  close: act,
  open: ({ java, cluster }, _, { producer, config, transactionalId }) =>
    java.openProducer(cluster.bootstrap, producer, config, transactionalId),
  send: ({ java }, _, { producer, records }) => java.send(producer, records),
  expire: ({ java, cluster }, _, { transactionalId }) => java.awaitExpired(cluster.bootstrap, transactionalId),
  configure: ({ bench }, _, { topic, set }) => bench.setConfigs(topic, set),
  trim: async ({ bench }, _, { topic, partition, share }) => {
    const { start, end } = await bench.range(topic, partition);
    await bench.deleteRecords(topic, partition, start + Math.floor((end - start) * share));
  },
  'append-timeless': async ({ bench }, _, { topic, partition, records, seed }) => {
    await bench.append(topic, partition, [await buildBatch(timelessRecords(records, seed))]);
  },
  pad: async ({ bench }, _, { topic, partition, offsets }) => {
    for (let left = offsets; left > 0; left -= PADDING_BATCH) {
      const records = Array.from({ length: Math.min(left, PADDING_BATCH) }, () => ({ timestamp: EPOCH }));
      await bench.append(topic, partition, [await buildBatch(records, { compression: 'zstd' })]);
    }
    await bench.deleteRecords(topic, partition, offsets);
  },
  clean: async ({ java, cluster }, { topics }, step) => {
    const partitions = partitionsOf(topics.filter(({ name }) => step.topics.includes(name)));
    const bounds = await java.bounds({ bootstrap: cluster.bootstrap, isolation: 'read_committed', partitions });
    const cleanable = partitions.map((one, i) => ({ ...one, start: bounds[i]!.start, stableEnd: bounds[i]!.end }));
    const waiting = await awaitCleaner(cluster.brokers[0]!.dataDir, cleanable, CLEANER_PATIENCE_MS);
    if (waiting.length > 0) throw new Error(`the cleaner did not come to ${JSON.stringify(waiting)}`);
  },
};

const timelessRecords = (count: number, seed: number): NewRecord[] => {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, i) => ({
    key: 'timeless',
    value: `${seed}-${i}`,
    timestamp: random() < 0.5 ? NO_TIMESTAMP : EPOCH + BigInt(between(random, 0, 1_000)),
  }));
};

/** From Kafka 3.6 on brokers limit how far ahead of their clock a record may be. */
const AS_FAR_AHEAD_AS_WANTED = { 'message.timestamp.after.max.ms': '9223372036854775807' };

/** Creates the topics of a script. */
export const createTopics = async ({ bench, cluster }: Playhouse, { topics }: Script): Promise<void> => {
  const common = cluster.version === KAFKA_28 ? {} : AS_FAR_AHEAD_AS_WANTED;
  for (const { name, partitions, configs } of topics) await bench.createTopic(name, { partitions, configs: { ...common, ...configs } });
};

/** Does everything the script says, in its topics. */
export const playScript = async (house: Playhouse, script: Script): Promise<void> => {
  for (const step of script.steps) await play(house, script, step);
  for (const { name, traits } of script.topics) {
    if (traits.compacted) await house.bench.setConfigs(name, { 'cleanup.policy': 'delete' });
  }
  for (const step of script.finale) await play(house, script, step);
};

const play = async (house: Playhouse, script: Script, step: Step): Promise<void> => {
  try {
    await (PLAYS[step.do] as Play<typeof step.do>)(house, script, step);
  } catch (cause) {
    const { do: what, ...rest } = step;
    const of = JSON.stringify(rest, (key, value: unknown) => (key === 'records' ? undefined : value));
    const at = [...script.steps, ...script.finale].indexOf(step);
    throw new Error(`step ${at} of ${script.topics[0]?.name}'s script, ${what} ${of}: ${(cause as Error).message}`, { cause });
  }
};

/** Lets the cleaner come to these topics once more, and keeps it away again when it has passed. */
export const cleanAgain = async (house: Playhouse, script: Script): Promise<void> => {
  const topics = script.topics.filter(({ traits }) => traits.compacted).map(({ name }) => name);
  for (const topic of topics) await house.bench.setConfigs(topic, { 'cleanup.policy': 'compact' });
  await play(house, script, { do: 'clean', topics });
  for (const topic of topics) await house.bench.setConfigs(topic, { 'cleanup.policy': 'delete' });
};
