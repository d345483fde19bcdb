/** Promotions and failovers of 50 topics with 300 partitions on real brokers, under live producers, with links that are killed at every step. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';
import { LinkProcess } from '../support/link-process/link-process.ts';
import {
  createTopics,
  deathsOf,
  digestAll,
  endsOf,
  expectStopped,
  fleetOf,
  optionsOf,
  produceAll,
  stopProducers,
  stopUnderKills,
  writeAfresh,
} from './stops.ts';

const TOPICS = Number(process.env['STOP_TOPICS'] ?? 50);
const PARTITIONS = 6;
/** Each process dies when so many mirrors have come to its step. */
const NTH = Math.ceil(TOPICS / 10);
const PATIENCE_MS = 300_000;
/** What the link may write in a second, so that it cannot keep up. */
const SLOW_BYTES_PER_SECOND = 150_000;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}, ${TOPICS} topics, ${TOPICS * PARTITIONS} partitions`, () => {
  let environment: RealEnvironment;
  beforeAll(async () => {
    environment = await realEnvironment({ source: { version: KAFKA_39 }, destination: { version: KAFKA_NEWEST } });
  });
  afterAll(() => environment?.[Symbol.asyncDispose]());

  it('promoted under live producers that are then stopped: no acknowledged record is lost', async () => {
    const fleet = fleetOf(environment, 'promoted', TOPICS, PARTITIONS);
    await createTopics(fleet);
    const producers = await produceAll(fleet, { recordsPerSecond: 1_000, valueBytes: 300 });
    await using first = new LinkProcess(optionsOf(fleet));
    await first.started;
    await expect.poll(() => first.status?.batches ?? 0, { timeout: PATIENCE_MS }).toBeGreaterThan(TOPICS * PARTITIONS);
    await first.kill();
    // The first one that promotes begins, and dies, while the producers write.
    let acknowledged: number[] = [];
    const { kills } = await stopUnderKills(fleet, 'promote', deathsOf('PROMOTE', NTH), {
      afterFirst: async () => {
        acknowledged = (await stopProducers(producers)).map(({ acked }) => acked);
      },
    });
    const stops = await expectStopped(fleet, 'PROMOTE');
    const digests = await digestAll(fleet);
    for (const [index, { source, destination }] of digests.entries()) {
      expect(destination, fleet.topics[index]).toEqual(source);
      expect(sum(destination.map(({ count }) => count)), fleet.topics[index]).toBe(acknowledged[index]);
    }
    const ends = await endsOf(fleet, 'source');
    for (const [index, topic] of fleet.topics.entries())
      expect(stops.get(topic), topic).toMatchObject({ offsets: ends[index], lags: ends[index]!.map(() => 0) });
    await writeAfresh(fleet);
    console.log(`promoted: ${sum(acknowledged)} acknowledged records, none lost, with ${kills} kills of the link`);
  });

  it('failed over after the source was killed: exactly the reported lag is missing', async () => {
    const { java, clusters, destination } = environment;
    const fleet = fleetOf(environment, 'failed-over', TOPICS, PARTITIONS);
    await createTopics(fleet);
    const options = optionsOf(fleet);
    // A small window, so that what is not written is not here either.
    const slow = { ...options, settings: { ...options.settings, bufferBytes: 1_048_576 } };
    const [beginning, ...later] = deathsOf('FAILOVER', NTH);
    await using first = new LinkProcess(slow, { death: beginning! });
    const producers = await produceAll(fleet, { recordsPerSecond: 2_000, valueBytes: 1_000 });
    await first.started;
    await expect.poll(() => first.status?.batches ?? 0, { timeout: PATIENCE_MS }).toBeGreaterThan(TOPICS * PARTITIONS);
    await java.setQuota(destination.bootstrap, fleet.name, SLOW_BYTES_PER_SECOND);
    // The time in which a lag comes about.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const acknowledged = (await stopProducers(producers)).map(({ acked }) => acked);
    const ends = await endsOf(fleet, 'source');
    // What the link says of the source is as old as its last answer: here, as old as the end of the producers.
    const heard = async (): Promise<boolean> => {
      const mirrors = new Map((await first.mirrors()).map((mirror) => [mirror.topic, mirror]));
      return fleet.topics.every((topic, index) =>
        mirrors.get(topic)!.partitions.every(({ sourceEnd, partition }) => sourceEnd === ends[index]![partition]),
      );
    };
    await expect.poll(heard, { timeout: PATIENCE_MS, interval: 200 }).toBe(true);
    expect(first.status?.lag ?? 0).toBeGreaterThan(0);
    await Promise.all(clusters.source.brokers.map((broker) => broker.kill()));
    await java.setQuota(destination.bootstrap, fleet.name, null);
    // The one that saw the source is asked, and dies too.
    await expect(first.stopMirrors('failover', PATIENCE_MS)).rejects.toThrow('ended');
    const { kills } = await stopUnderKills(fleet, 'failover', later, { timeoutMs: 3_000 });
    const stops = await expectStopped(fleet, 'FAILOVER');
    await Promise.all(clusters.source.brokers.map((broker) => broker.start()));
    await clusters.source.awaitReady();
    expect(await endsOf(fleet, 'source')).toEqual(ends);
    const here = await endsOf(fleet, 'destination');
    for (const [index, topic] of fleet.topics.entries()) {
      const missing = ends[index]!.map((end, partition) => end - here[index]![partition]!);
      expect(stops.get(topic), topic).toMatchObject({ offsets: here[index], lags: missing });
    }
    const digests = await digestAll(fleet);
    const records = digests.map((sides) => sum(sides.destination.map(({ count }) => count)));
    const lag = sum([...stops.values()].flatMap(({ lags }) => lags ?? []));
    expect(sum(records) + lag).toBe(sum(acknowledged));
    expect(lag).toBeGreaterThan(0);
    await writeAfresh(fleet);
    console.log(
      `failed over: ${sum(acknowledged)} acknowledged records, ${lag} reported as missing and missing, with ${kills + 1} kills of the link`,
    );
  });
});
