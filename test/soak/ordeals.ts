/** What is done to links and brokers under load. Each ordeal ends with both logs compared; how long it takes is the caller's choice. */
import { between } from '../scenarios/seeded.ts';
import type { KafkaCluster } from '../support/kafka/cluster.ts';
import { LinkProcess } from '../support/link-process/link-process.ts';
import { type Arena, CODECS, PARTITIONS, type Verdict } from './arena.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A topic under live producers and one link; `ordeal` may replace the link. */
const underLoad = async (arena: Arena, topic: string, ordeal: (link: LinkProcess) => Promise<LinkProcess>): Promise<Verdict> => {
  await arena.environment.source.bench.createTopic(topic, { partitions: PARTITIONS });
  const producers = await arena.produce(topic);
  const first = new LinkProcess(arena.linkOptions(topic));
  let last = first;
  try {
    await first.started;
    last = await ordeal(first);
    return await arena.judge(topic, producers, last);
  } finally {
    await Promise.all([first.kill(), last.kill()]);
  }
};

/** The link's process is killed at random moments, and started again each time. */
export const killTheLink = (arena: Arena, topic: string, kills: number, random: () => number): Promise<Verdict> =>
  underLoad(arena, topic, async (first) => {
    let link = first;
    for (let i = 0; i < kills; i++) {
      // Some die before they have begun to mirror.
      if (random() < 0.8) await link.started;
      await pause(between(random, 0, 1_000));
      await link.kill();
      link = new LinkProcess(arena.linkOptions(topic));
    }
    await link.started;
    return link;
  });

/** Every broker of both sides is killed or stopped and started again, one after the other. */
export const restartBrokers = (arena: Arena, topic: string, random: () => number): Promise<Verdict> =>
  underLoad(arena, topic, async (link) => {
    const { source, destination } = arena.environment.clusters;
    for (const cluster of [source, destination]) {
      for (const broker of cluster.brokers) {
        if (random() < 0.5) await broker.kill();
        else await broker.stop();
        await pause(between(random, 0, 2_000));
        await broker.start();
        await cluster.awaitReady();
        await pause(1_000);
      }
    }
    return link;
  });

/** A leader of each side moves about once a second. Resolves with how many moves there were. */
export const moveLeaders = async (
  arena: Arena,
  topic: string,
  seconds: number,
  random: () => number,
): Promise<Verdict & { readonly moves: number }> => {
  let moves = 0;
  const verdict = await underLoad(arena, topic, async (link) => {
    const until = performance.now() + seconds * 1_000;
    const moveOn = async ({ bootstrap, brokers }: KafkaCluster): Promise<void> => {
      while (performance.now() < until) {
        const next = pause(1_000);
        await arena.environment.java.moveLeader(bootstrap, topic, between(random, 0, PARTITIONS - 1), between(random, 1, brokers.length));
        moves++;
        await next;
      }
    };
    const { source, destination } = arena.environment.clusters;
    await Promise.all([moveOn(source), moveOn(destination)]);
    return link;
  });
  return { ...verdict, moves };
};

/** Two processes of the same link at once; now and then one of them dies and comes back. */
export const twoProcesses = (arena: Arena, topic: string, rounds: number, random: () => number): Promise<Verdict> =>
  underLoad(arena, topic, async (first) => {
    let [one, other] = [first, new LinkProcess(arena.linkOptions(topic))];
    await other.started;
    for (let i = 0; i < rounds; i++) {
      await pause(between(random, 1_000, 3_000));
      await other.kill();
      [one, other] = [new LinkProcess(arena.linkOptions(topic)), one];
      await one.started;
    }
    await pause(1_000);
    if (other.failures.length > 0) throw new Error(`one of two links failed: ${other.failures.join('; ')}`);
    await other.kill();
    return one;
  });

/** So many bytes lie in the source before the link starts, in every codec, and live producers go on while they are copied. */
export const volume = async (arena: Arena, topic: string, bytes: number): Promise<Verdict & { readonly mirroredPerSecond: number }> => {
  const { java, source } = arena.environment;
  await source.bench.createTopic(topic, { partitions: PARTITIONS });
  const valueBytes = 4_000;
  let produced = 0;
  for (const [index, codec] of CODECS.entries()) {
    const { acked } = await java.produce(source.bootstrap, topic, {
      count: Math.ceil(bytes / CODECS.length / valueBytes),
      partitions: PARTITIONS,
      seed: index + 100,
      valueBytes,
      // What does not compress keeps the volume honest.
      random: true,
      keys: 1_000,
      headers: 1,
      config: { 'compression.type': codec, 'batch.size': '250000', 'linger.ms': '20', 'buffer.memory': '67108864' },
    });
    produced += acked;
  }
  const producers = await arena.produce(topic);
  const link = new LinkProcess(arena.linkOptions(topic));
  try {
    await link.started;
    const began = performance.now();
    while ((link.status?.bytes ?? 0) < bytes) {
      if (!link.running || link.failures.length > 0) throw new Error(link.log());
      await pause(50);
    }
    const seconds = (performance.now() - began) / 1_000;
    const verdict = await arena.judge(topic, producers, link, produced);
    return { ...verdict, mirroredPerSecond: Math.round(bytes / seconds) };
  } finally {
    await link.kill();
  }
};
