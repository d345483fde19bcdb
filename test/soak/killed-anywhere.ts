/** A link over a thousand real topics, whose process is killed again and again and started elsewhere with nothing but its name. */
import { expect } from 'vitest';
import { describeLink, type LinkDescription, type LinkOptions } from '../../src/index.ts';
import type { RealEnvironment } from '../scenarios/environments/real.ts';
import { between } from '../scenarios/seeded.ts';
import { LinkProcess } from '../support/link-process/link-process.ts';

const AT_ONCE = 16;
const PATIENCE_MS = 600_000;

export interface ThousandTopics {
  readonly environment: RealEnvironment;
  readonly name: string;
  readonly topics: readonly string[];
}

export const thousand = (environment: RealEnvironment, name: string, count: number): ThousandTopics => ({
  environment,
  name,
  topics: Array.from({ length: count }, (_, index) => `${name}-${index}`),
});

const eachOf = async <T>(items: readonly T[], act: (item: T, index: number) => Promise<unknown>): Promise<void> => {
  for (let from = 0; from < items.length; from += AT_ONCE)
    await Promise.all(items.slice(from, from + AT_ONCE).map((item, index) => act(item, from + index)));
};

export const createAll = ({ environment, topics }: ThousandTopics): Promise<void> =>
  eachOf(topics, (topic) => environment.java.createTopic(environment.source.bootstrap, topic));

/** A few records for each topic: how many differs from topic to topic. */
export const writeAll = ({ environment, topics }: ThousandTopics, seed: number): Promise<void> =>
  eachOf(topics, (topic, index) =>
    environment.java.produce(environment.source.bootstrap, topic, { count: 1 + ((index + seed) % 7), seed: seed + index, headers: 1 }),
  );

export const at = ({ environment }: ThousandTopics) => ({ destination: { bootstrap: environment.destination.bootstrap } });

/** As it is made; afterwards its name is enough. */
export const made = (thing: ThousandTopics): LinkOptions => ({
  name: thing.name,
  source: { bootstrap: thing.environment.source.bootstrap },
  ...at(thing),
  topics: thing.topics,
  settings: { metadataMaxAgeMs: 5_000, consumerOffsetSyncMs: 12_345 },
});

export const byNameAlone = (thing: ThousandTopics): LinkOptions => ({ name: thing.name, ...at(thing) });

/** Starts a process, and kills it when its time has come, whatever it does then. */
export const killAtAnyMoment = async (options: LinkOptions, random: () => number, maxMs: number): Promise<void> => {
  await using link = new LinkProcess(options, { timeoutMs: PATIENCE_MS });
  await new Promise((resolve) => setTimeout(resolve, between(random, 0, maxMs)));
  expect(link.running, link.log()).toBe(true);
};

/** What must be the same whoever runs the link: configs, states, and what became of each mirror. */
export const lasting = async (thing: ThousandTopics): Promise<Omit<LinkDescription, 'mirrors'> & { readonly mirrors: object }> => {
  const { mirrors, ...rest } = await describeLink(thing.name, at(thing));
  return {
    ...rest,
    mirrors: Object.fromEntries(mirrors.map(({ topic, sourceTopic, state, stop }) => [topic, { sourceTopic, state, stop }])),
  };
};

/** Both logs of every topic, batch by batch. Resolves with the number of their offsets. */
export const compareAll = async ({ environment, topics }: ThousandTopics): Promise<number> => {
  const { source, destination } = environment;
  let offsets = 0;
  await eachOf(topics, async (topic) => {
    const [from, to] = await Promise.all([source.bench.walkAll(topic), destination.bench.walkAll(topic)]);
    const content = from.map(({ start, end, batches }) => ({ start, end, batches }));
    expect(
      to.map(({ start, end, batches }) => ({ start, end, batches })),
      topic,
    ).toEqual(content);
    offsets += content.reduce((sum, { end }) => sum + end, 0);
  });
  return offsets;
};
