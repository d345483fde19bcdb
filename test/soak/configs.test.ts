/** Every dynamic config of a link changes while Java producers write as much as the machine bears, in all codecs; test/scenarios/live-configs.ts in long. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLink } from '../../src/index.ts';
import { type RealEnvironment, realEnvironment } from '../scenarios/environments/real.ts';
import { CHANGEABLE, changeThrough } from '../scenarios/live-configs.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';
import { Arena, PARTITIONS } from './arena.ts';

const RECORDS_PER_SECOND = 10_000;
const PATIENCE_MS = 600_000;
/** For which each value counts. */
const MEANWHILE_MS = 300;

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}`, () => {
  let environment: RealEnvironment;
  beforeAll(async () => {
    environment = await realEnvironment({ source: { version: KAFKA_39 }, destination: { version: KAFKA_NEWEST } });
  });
  afterAll(() => environment?.[Symbol.asyncDispose]());

  it(`${CHANGEABLE.length} configs at ${RECORDS_PER_SECOND} records per second`, async () => {
    const arena = new Arena(environment, RECORDS_PER_SECOND);
    const topic = 'configured';
    await environment.source.bench.createTopic(topic, { partitions: PARTITIONS });
    const producers = await arena.produce(topic);
    const link = await createLink(arena.linkOptions(topic));
    const prefixed = await createLink({ ...arena.linkOptions(topic), name: 'prefixed', settings: { clusterLinkPrefix: 'p.' } });
    const failures: unknown[] = [];
    for (const each of [link, prefixed]) each.on('mirror', ({ to, error }) => void (to === 'FAILED' && failures.push(error)));
    try {
      const began = performance.now();
      for (const option of CHANGEABLE)
        await changeThrough(
          option === 'consumerGroupPrefixEnable' ? prefixed : link,
          option,
          () => new Promise((resolve) => setTimeout(resolve, MEANWHILE_MS)),
        );
      const seconds = (performance.now() - began) / 1_000;
      const tallies = await Promise.all(producers.map((producer) => producer.stop()));
      for (const { failed, error } of tallies) expect({ failed, error }).toEqual({ failed: 0, error: null });
      await Promise.all([link, prefixed].map((each) => each.caughtUp({ timeoutMs: PATIENCE_MS })));
      expect(failures).toEqual([]);
      const { source, destination } = await environment.digests(topic);
      expect(destination).toEqual(source);
      expect(await environment.java.digest(environment.destination.bootstrap, `p.${topic}`)).toEqual(source);
      const acknowledged = tallies.reduce((sum, { acked }) => sum + acked, 0);
      expect(destination.reduce((sum, { count }) => sum + count, 0)).toBe(acknowledged);
      console.log(
        `${CHANGEABLE.length} configs changed in ${Math.round(seconds)} s under ${Math.round(acknowledged / seconds)} records per second`,
      );
    } finally {
      await Promise.all([link.close(), prefixed.close()]);
    }
  });
});
