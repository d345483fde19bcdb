/** Fifty topics with three hundred partitions under live Java producers, and links that stop their mirrors and are killed at each step meanwhile. */
import { expect } from 'vitest';
import { describeLink, type LinkOptions } from '../../src/index.ts';
import { STOP_STEPS } from '../../src/link/operations/stop-steps.ts';
import type { RealEnvironment } from '../scenarios/environments/real.ts';
import type { LiveProducer, Tally } from '../support/kafka/java-client.ts';
import { type Death, LinkProcess, type ProcessOutcome } from '../support/link-process/link-process.ts';

export interface Fleet {
  readonly environment: RealEnvironment;
  readonly name: string;
  readonly topics: readonly string[];
  /** Of each topic. */
  readonly partitions: number;
}

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const STOP_MS = 600_000;
const AT_ONCE = 8;

export const fleetOf = (environment: RealEnvironment, name: string, topics: number, partitions: number): Fleet => ({
  environment,
  name,
  topics: Array.from({ length: topics }, (_, index) => `${name}-${index}`),
  partitions,
});

/** In small groups: a broker that is asked for all at once only gets slower. */
const each = async <T, R>(items: readonly T[], act: (item: T, index: number) => Promise<R>): Promise<R[]> => {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE)
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map((item, index) => act(item, from + index)))));
  return results;
};

export const createTopics = async ({ environment, topics, partitions }: Fleet): Promise<void> => {
  await each(topics, (topic) => environment.java.createTopic(environment.source.bootstrap, topic, { partitions }));
};

/** An idempotent producer for each topic, in all codecs. */
export const produceAll = (
  { environment, topics, partitions }: Fleet,
  { recordsPerSecond, valueBytes }: { readonly recordsPerSecond: number; readonly valueBytes: number },
): Promise<LiveProducer[]> =>
  each(topics, (topic, index) =>
    environment.java.startLive(environment.source.bootstrap, topic, {
      partitions,
      seed: index + 1,
      recordsPerSecond: recordsPerSecond / topics.length,
      valueBytes,
      random: true,
      keys: 20,
      headers: 1,
      config: {
        'compression.type': CODECS[index % CODECS.length]!,
        'linger.ms': '50',
        'buffer.memory': '2097152',
        'delivery.timeout.ms': '120000',
      },
    }),
  );

/** Stops them; each must have had every record acknowledged. */
export const stopProducers = async (producers: readonly LiveProducer[]): Promise<Tally[]> => {
  const tallies = await each(producers, (producer) => producer.stop());
  for (const { failed, error } of tallies) expect({ failed, error }).toEqual({ failed: 0, error: null });
  return tallies;
};

export const optionsOf = ({ environment, name, topics }: Fleet): LinkOptions => ({
  name,
  source: { bootstrap: environment.source.bootstrap, clientId: name },
  destination: { bootstrap: environment.destination.bootstrap, clientId: name },
  topics,
  settings: { metadataMaxAgeMs: 1_000, retryBackoffMs: 50, topicConfigSyncMs: 1_000 },
});

/** What is enough for a link that was started before. */
const byName = ({ environment, name }: Fleet): LinkOptions => ({ name, destination: { bootstrap: environment.destination.bootstrap } });

/** One death for each step of the list, after some mirrors have passed it. */
export const deathsOf = (verb: keyof typeof STOP_STEPS, nth: number): readonly Death[] =>
  STOP_STEPS[verb].map(({ name }) => ({ step: name, nth }));

export interface KilledStop {
  readonly kills: number;
  readonly outcomes: readonly ProcessOutcome[];
}

/** A mirror that is still being compared with its source cannot be promoted yet. Rejects when the process ends first. */
const compared = async (link: LinkProcess): Promise<void> => {
  while ((await link.mirrors()).some(({ state }) => state === 'PENDING_MIRROR')) await new Promise((resolve) => setTimeout(resolve, 100));
};

/** Processes that only know the link's name stop all its mirrors; each dies at its moment, the last one lives. */
export const stopUnderKills = async (
  fleet: Fleet,
  what: 'promote' | 'failover',
  deaths: readonly Death[],
  { timeoutMs = 30_000, afterFirst = async () => {} }: { readonly timeoutMs?: number; readonly afterFirst?: () => Promise<void> } = {},
): Promise<KilledStop> => {
  let kills = 0;
  for (const death of deaths) {
    await using link = new LinkProcess(byName(fleet), { death, timeoutMs });
    // It may go on with what the one before has begun, and die, before anybody asks.
    await link.started
      .then(() => compared(link))
      .then(() => link.stopMirrors(what, STOP_MS))
      .then(
        () => {
          throw new Error(`the link did not come to '${death.step}' ${death.nth} times\n${link.log()}`);
        },
        async (error: unknown) => {
          if (link.running) throw error;
        },
      );
    await link.ended;
    if (kills++ === 0) await afterFirst();
  }
  await using last = new LinkProcess(byName(fleet), { timeoutMs });
  await last.started;
  await compared(last);
  const outcomes = await last.stopMirrors(what, STOP_MS);
  await expect
    .poll(async () => (await last.mirrors()).filter(({ state }) => state !== 'STOPPED').length, { timeout: STOP_MS, interval: 500 })
    .toBe(0);
  expect(last.failures).toEqual([]);
  await last.close();
  return { kills, outcomes };
};

/** All mirrors are stopped, by that verb, and each only once, as a process sees it that has nothing but the name. */
export const expectStopped = async (fleet: Fleet, by: keyof typeof STOP_STEPS) => {
  const { mirrors } = await describeLink(fleet.name, { destination: { bootstrap: fleet.environment.destination.bootstrap } });
  expect(mirrors.map(({ topic }) => topic).sort()).toEqual([...fleet.topics].sort());
  for (const { topic, state, stop, history } of mirrors) {
    expect({ state, by: stop?.by }, topic).toEqual({ state: 'STOPPED', by });
    expect(
      history.filter(({ to }) => to === 'STOPPED' || to === 'FAILED'),
      topic,
    ).toMatchObject([{ to: 'STOPPED' }]);
  }
  return new Map(mirrors.map((mirror) => [mirror.topic, mirror.stop!]));
};

/** New producers write to every partition of every mirror: an idempotent one, and a transactional one that also aborts. */
export const writeAfresh = async ({ environment, topics, partitions }: Fleet): Promise<void> => {
  const { java, destination } = environment;
  const count = partitions * 4;
  const committed = async (topic: string): Promise<number> => {
    const digest = await java.digest(destination.bootstrap, topic, { isolation: 'read_committed', config: { 'fetch.max.wait.ms': '20' } });
    return digest.reduce((sum, { count: records }) => sum + records, 0);
  };
  await each(topics, async (topic) => {
    const before = await committed(topic);
    const idempotent = await java.produce(destination.bootstrap, topic, { count, partitions, config: { 'enable.idempotence': 'true' } });
    expect({ topic, acked: idempotent.acked, partitions: idempotent.partitions.length }).toEqual({ topic, acked: count, partitions });
    const plan = { id: `fresh-${topic}`, size: count / 4, abortEvery: 4 };
    await java.produce(destination.bootstrap, topic, { count, partitions, transaction: plan });
    // Three of four transactions count.
    expect({ topic, records: await committed(topic) }).toEqual({ topic, records: before + count + (3 * count) / 4 });
  });
};

/** Per topic and partition, as Kafka's own consumer reads it: both sides, in the order of the topics. */
export const digestAll = ({ environment, topics }: Fleet) => each(topics, (topic) => environment.digests(topic));

export const endsOf = ({ environment, topics }: Fleet, side: 'source' | 'destination') =>
  each(topics, async (topic) => (await environment.java.offsets(environment[side].bootstrap, topic)).map(({ end }) => end));
