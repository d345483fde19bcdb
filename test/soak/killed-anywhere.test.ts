/** A thousand real topics: the link is killed at any moment and started by its name alone, and nothing of it is lost, repeated or changed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLink } from '../../src/index.ts';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { runSeed, seeded } from '../scenarios/seeded.ts';
import { describeAfresh } from '../support/described.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';
import { byNameAlone, compareAll, createAll, killAtAnyMoment, lasting, made, thousand, writeAll } from './killed-anywhere.ts';

const TOPICS = Number(process.env['REAL_TOPICS'] ?? 1_000);
const KILLS = 8;
const PATIENCE_MS = 600_000;
const seed = runSeed();

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}, ${TOPICS} topics of one partition, seed ${seed}`, () => {
  let environment: RealEnvironment;
  beforeAll(async () => {
    // A thousand logs, each with index files of a size that is meant for large ones.
    const config = { 'log.index.size.max.bytes': '65536' };
    environment = await realEnvironment({
      source: { version: KAFKA_39, config, heapMb: 512 },
      destination: { version: KAFKA_NEWEST, config, heapMb: 512 },
    });
  });
  afterAll(() => environment?.[Symbol.asyncDispose]());

  it(`is killed ${KILLS} times while it is made and ${KILLS} times afterwards`, async () => {
    const random = seeded(seed);
    const all = thousand(environment, 'wide', TOPICS);
    await createAll(all);
    await writeAll(all, 1);
    for (let kill = 0; kill < KILLS; kill++) await killAtAnyMoment(made(all), random, 15_000);
    const link = await createLink(made(all), { timeoutMs: PATIENCE_MS });
    try {
      await link.caughtUp({ timeoutMs: PATIENCE_MS });
      const [paused, stopped] = [all.topics.filter((_, index) => index % 10 === 1), all.topics.filter((_, index) => index % 10 === 2)];
      const outcomes = [...(await link.pause(paused)), ...(await link.failover(stopped, { timeoutMs: PATIENCE_MS }))];
      expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
      await link.configure([{ op: 'SET', name: 'metadata.max.age.ms', value: '7000' }]);
    } finally {
      await link.close();
    }
    const before = await lasting(all);
    const mirrored = { ...all, topics: all.topics.filter((_, index) => index % 10 !== 2) };
    await writeAll(mirrored, 2);
    for (let kill = 0; kill < KILLS; kill++) await killAtAnyMoment(byNameAlone(all), random, 15_000);
    const { tookMs, cpuMs, sinceStartMs, description } = await describeAfresh(all.name, environment.destination.bootstrap);
    expect(description.mirrors).toHaveLength(TOPICS);
    expect(await lasting(all)).toEqual(before);

    const last = await createLink(byNameAlone(all), { timeoutMs: PATIENCE_MS });
    try {
      expect(last.mirrors()).toHaveLength(TOPICS);
      expect(last.mirrors({ state: 'FAILED' })).toEqual([]);
      const resumed = await last.resume('all');
      expect(resumed).toHaveLength(all.topics.filter((_, index) => index % 10 === 1).length);
      await last.caughtUp({ timeoutMs: PATIENCE_MS });
    } finally {
      await last.close();
    }
    const offsets = await compareAll(mirrored);
    console.log(
      `${TOPICS} topics, ${offsets} offsets compared, ${2 * KILLS} kills of the link; described in ${tookMs} ms (${cpuMs} ms CPU, ${sinceStartMs} ms after the start of the process)`,
    );
  });
});
