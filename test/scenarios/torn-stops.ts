/** Scenarios of links that die while they stop a mirror, at every step of the list that they work through; the next process needs the link's name alone. */
import { expect } from 'vitest';
import { createLink, describeLink, type Logger } from '../../src/index.ts';
import { STOP_STEPS } from '../../src/link/operations/stop-steps.ts';
import { Network } from './network.ts';
import { sampleBatches } from './sample-batches.ts';
import { inState, type Scenario, type Stage } from './stage.ts';

const PARTITIONS = 2;
const COMMITTED_BEYOND = 1_000;

type Moment = (fields: { readonly step?: string; readonly to?: string }) => boolean;

interface Death {
  readonly when: string;
  readonly isDue: Moment;
}

/** Before each step, and when the last one was written down. */
const deaths = (verb: keyof typeof STOP_STEPS): readonly Death[] => [
  ...STOP_STEPS[verb].map(({ name }): Death => ({ when: `before '${name}'`, isDue: ({ step }) => step === name })),
  { when: 'as soon as it is stopped', isDue: ({ to }) => to === 'STOPPED' },
];

/** A logger that cuts a link off from the world at the moment of its death. */
const deadly = (network: Network, isDue: Moment): { readonly logger: Logger; readonly died: Promise<void> } => {
  let tell!: () => void;
  const died = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const ignored = (): void => {};
  const info = (fields: object): void => {
    if (!isDue(fields)) return;
    network.sever();
    tell();
  };
  return { logger: { debug: ignored, info, warn: ignored, error: ignored }, died };
};

const tornOff = async (stage: Stage, verb: keyof typeof STOP_STEPS, index: number, { when, isDue }: Death): Promise<void> => {
  const topic = stage.topic(`${verb.toLowerCase()}-${index}`);
  const name = `${topic}-link`;
  const { source, destination } = stage;
  await source.bench.createTopic(topic, { partitions: PARTITIONS, configs: { 'retention.ms': '86400000' } });
  for (let partition = 0; partition < PARTITIONS; partition++)
    await source.bench.append(topic, partition, await sampleBatches({ seed: index + partition + 1, batches: 3 }));
  const [network, later] = [new Network(), new Network()];
  const { logger, died } = deadly(network, isDue);
  const link = await stage.link([topic], { name, logger, openTransport: network.openTransport });
  await link.caughtUp({ timeoutMs: 60_000 });
  await link.runTask('TopicConfigsSync');
  const ends = (await destination.bench.walkAll(topic)).map(({ end }) => end);
  if (verb === 'FAILOVER') {
    // A copied offset whose records did not come any more.
    await destination.bench.commit(`${topic}-group`, topic, 0, ends[0]! + COMMITTED_BEYOND);
    for (const each of [network, later]) each.block(source.bootstrap);
  }
  const stopping = verb === 'PROMOTE' ? link.promote([topic]) : link.failover([topic]);
  await Promise.race([
    died,
    stopping.then((outcomes) => {
      if (outcomes.some(({ error }) => error !== null)) throw outcomes[0]!.error;
    }),
  ]);
  await died;
  await link.close({ timeoutMs: 0 });
  await stopping;

  const at = { bootstrap: destination.bootstrap };
  await using next = await createLink({ name, destination: at, openTransport: later.openTransport }, { timeoutMs: 5_000 });
  const { stop } = await inState(next, topic, 'STOPPED');
  expect(stop, when).toMatchObject({ by: verb, offsets: ends, lags: ends.map(() => 0) });
  await stage.expectEqualLogs(topic);
  expect(await destination.bench.configs(topic)).toMatchObject({ 'retention.ms': '86400000' });
  if (verb === 'FAILOVER') expect(await destination.bench.committed(`${topic}-group`, topic, 0)).toBe(ends[0]);
  const { mirrors } = await describeLink(name, { destination: at });
  // Stopped once, however often it was begun.
  expect(mirrors[0]!.history.filter(({ to }) => to === 'STOPPED')).toHaveLength(1);
  expect(mirrors[0]!.history.filter(({ to }) => to === 'FAILED')).toEqual([]);
  await destination.bench.append(topic, 0, await sampleBatches({ seed: 77, batches: 1 }));
};

const scenarioOf = (verb: keyof typeof STOP_STEPS, what: string): Scenario => ({
  name: `${what} by a process that dies at each step is brought to its end by the next one`,
  // Side by side: each has a topic and a link of its own.
  play: async (stage) => {
    await Promise.all(deaths(verb).map((death, index) => tornOff(stage, verb, index, death)));
  },
});

export const tornStopScenarios: readonly Scenario[] = [scenarioOf('PROMOTE', 'a promotion'), scenarioOf('FAILOVER', 'a failover')];
