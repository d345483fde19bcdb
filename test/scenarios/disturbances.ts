/** Scenarios of trouble that passes: the mirror goes on by itself, and nothing is lost, doubled or misplaced. */
import { expect } from 'vitest';
import { type FrameMessage, frameChannel } from '../../src/client/diagnostics.ts';
import type { ClusterLink, WarningEvent } from '../../src/index.ts';
import { decodeResponse } from '../../src/protocol/frame.ts';
import { Fetch } from '../../src/protocol/messages/fetch.ts';
import { Produce } from '../../src/protocol/messages/produce.ts';
import { BackgroundWriter } from './background-writer.ts';
import { Network } from './network.ts';
import { batchOfBytes, sampleBatches } from './sample-batches.ts';
import { inState, reaches, type Scenario, type Stage } from './stage.ts';

const PARTITIONS = 3;

/** A mirrored topic under constant writes, `trouble`, and both sides compared. */
const underLoad = async (
  stage: Stage,
  trouble: (topic: string, writer: BackgroundWriter, link: ClusterLink) => Promise<void>,
  options: Parameters<Stage['link']>[1] = {},
): Promise<void> => {
  const topic = stage.topic();
  await stage.source.bench.createTopic(topic, { partitions: PARTITIONS });
  const link = await stage.link([topic], options);
  const writer = new BackgroundWriter(stage.source.bench, topic, PARTITIONS);
  await writer.wrote(2 * PARTITIONS);
  await trouble(topic, writer, link);
  await writer.wrote(2 * PARTITIONS);
  await writer.stop();
  await stage.expectMirrored(link, topic);
  await inState(link, topic, 'ACTIVE');
};

const destinationAway: Scenario = {
  name: 'a broker of the destination dies under load and comes back',
  play: (stage) =>
    underLoad(stage, async (topic) => {
      const broker = await stage.destination.bench.leaderOf(topic, 0);
      await stage.destination.kill(broker);
      await stage.destination.start(broker);
    }),
};

const sourceAway: Scenario = {
  name: 'the whole source dies under load, which shows, and comes back',
  play: (stage) =>
    underLoad(
      stage,
      async (topic, _, link) => {
        const { brokerIds } = stage.source;
        for (const broker of brokerIds) await stage.source.kill(broker);
        await inState(link, topic, 'SOURCE_UNAVAILABLE');
        expect(link.status()).toMatchObject({ state: 'UNAVAILABLE', error: { code: 'KLINK_CONNECT' } });
        await Promise.all(brokerIds.map((broker) => stage.source.start(broker)));
        await inState(link, topic, 'ACTIVE');
      },
      { settings: { requestTimeoutMs: 1_000 } },
    ),
};

const leaderMoves: Scenario = {
  name: 'leaders move on both sides',
  brokers: 3,
  play: (stage) =>
    underLoad(stage, async (topic, writer) => {
      for (const round of [1, 2]) {
        for (const cluster of [stage.source, stage.destination]) {
          const { brokerIds } = cluster;
          const at = brokerIds.indexOf(await cluster.bench.leaderOf(topic, 0));
          await cluster.moveLeader(topic, 0, brokerIds[(at + round) % brokerIds.length]!);
          await writer.wrote(PARTITIONS);
        }
      }
    }),
};

const failover: Scenario = {
  name: 'leaders die on both sides, others take over, and they come back',
  brokers: 3,
  play: (stage) =>
    underLoad(stage, async (topic, writer) => {
      for (const cluster of [stage.source, stage.destination]) {
        const broker = await cluster.bench.leaderOf(topic, 0);
        await cluster.kill(broker);
        await writer.wrote(PARTITIONS);
        await cluster.start(broker);
      }
    }),
};

const droppedConnections: Scenario = {
  name: 'connections drop again and again',
  play: async (stage) => {
    const network = new Network();
    await underLoad(
      stage,
      async (_, writer) => {
        for (let i = 0; i < 8; i++) {
          network.cut();
          await writer.wrote(2);
        }
      },
      { openTransport: network.openTransport },
    );
    expect(network.opened).toBeGreaterThan(8);
  },
};

const lostAnswers: Scenario = {
  name: 'answers to appends are lost after the append',
  play: async (stage) => {
    const network = new Network();
    await underLoad(
      stage,
      async (_, writer) => {
        for (let i = 0; i < 5; i++) {
          network.loseAnswers(Produce, 1);
          await writer.wrote(2 * PARTITIONS);
        }
      },
      { openTransport: network.openTransport },
    );
    expect(network.lostAnswers).toBeGreaterThan(0);
  },
};

/** Calls `seen` for every answer of this kind that asks for silence. Returns the function that ends it. */
const watchThrottling = (api: typeof Produce | typeof Fetch, seen: () => void): (() => void) => {
  const watch = (message: unknown): void => {
    const { side, apiKey, apiVersion, frame } = message as FrameMessage;
    if (side === 'response' && apiKey === api.key && decodeResponse(api, apiVersion, frame).throttleTimeMs > 0) seen();
  };
  frameChannel.subscribe(watch);
  return () => frameChannel.unsubscribe(watch);
};

const throttled: Scenario = {
  name: 'the source throttles, then the destination',
  play: async (stage) => {
    // More than the quota of a test lets through at once.
    const batches = Array.from({ length: 22 }, () => batchOfBytes(15_000));
    for (const [side, api] of [['source', Fetch] as const, ['destination', Produce] as const]) {
      const [topic, clientId] = [stage.topic(side), stage.topic(`throttled-${side}`)];
      await stage.source.bench.createTopic(topic);
      await stage.source.bench.append(topic, 0, await Promise.all(batches));
      await stage[side].throttle(clientId);
      let throttledAnswers = 0;
      const unwatch = watchThrottling(api, () => throttledAnswers++);
      try {
        await stage.expectMirrored(await stage.link([topic], { [side]: { bootstrap: stage[side].bootstrap, clientId } }), topic);
        expect(throttledAnswers, side).toBeGreaterThan(0);
      } finally {
        unwatch();
        await stage[side].unthrottle(clientId);
      }
    }
  },
};

const notEnoughReplicas: Scenario = {
  name: 'the destination has not enough replicas for a while',
  brokers: 3,
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    const link = await stage.link([topic], { replicationFactor: 3, topicConfigs: { 'min.insync.replicas': '3' } });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 1, batches: 3 }));
    await stage.expectMirrored(link, topic);
    const leader = await stage.destination.bench.leaderOf(topic, 0);
    const follower = stage.destination.brokerIds.find((id) => id !== leader)!;
    await stage.destination.stop(follower);
    const warned = warning(link, 'NOT_ENOUGH_REPLICAS');
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 2, batches: 3 }));
    await warned;
    expect(link.mirror(topic).state).toBe('ACTIVE');
    await stage.destination.start(follower);
    await stage.expectMirrored(link, topic);
  },
};

/** Resolves when the link has warned of this. */
const warning = (link: ClusterLink, name: string): Promise<void> =>
  new Promise((resolve) => {
    const hear = ({ error }: WarningEvent): void => {
      if (!error.message.includes(name)) return;
      link.off('warning', hear);
      resolve();
    };
    link.on('warning', hear);
  });

const stalledBrokers: Scenario = {
  name: 'brokers hang without dropping connections',
  play: (stage) =>
    underLoad(
      stage,
      async (topic, writer) => {
        for (const cluster of [stage.destination, stage.source]) {
          const broker = await cluster.bench.leaderOf(topic, 0);
          await cluster.stall(broker);
          // Longer than a request may take: connections are given up and opened anew.
          await new Promise((resolve) => setTimeout(resolve, 1_500));
          await cluster.resume(broker);
          await writer.wrote(PARTITIONS);
        }
      },
      { settings: { requestTimeoutMs: 500, connectTimeoutMs: 500 } },
    ),
};

const twoProcesses: Scenario = {
  name: 'two links of one name mirror the same topic at once, from the very start',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: PARTITIONS });
    await stage.source.bench.append(topic, 0, await sampleBatches({ seed: 5, batches: 30 }));
    const writer = new BackgroundWriter(stage.source.bench, topic, PARTITIONS);
    const [one, two] = await Promise.all([stage.link([topic]), stage.link([topic])]);
    expect(one.linkId).toBe(two.linkId);
    await writer.wrote(40);
    await writer.stop();
    const { end } = await stage.source.bench.range(topic, 0);
    await Promise.all([reaches(one, topic, 0, end), reaches(two, topic, 0, end)]);
    await stage.expectMirrored(one, topic);
    await stage.expectMirrored(two, topic);
    expect([one.mirror(topic).state, two.mirror(topic).state]).toEqual(['ACTIVE', 'ACTIVE']);
  },
};

export const disturbanceScenarios: readonly Scenario[] = [
  sourceAway,
  destinationAway,
  leaderMoves,
  failover,
  droppedConnections,
  lostAnswers,
  throttled,
  notEnoughReplicas,
  stalledBrokers,
  twoProcesses,
];
