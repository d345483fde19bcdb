/** The log cleaner of the embedded cluster leaves of random logs, round by round, what the cleaners of real brokers leave of the same logs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Release, startCluster } from '../../src/testing/index.ts';
import { CompactionScript, compactionPlan } from '../integration/testing/compaction.ts';
import { RawClient } from '../integration/testing/raw-client.ts';
import { Given } from '../integration/testing/rules/given.ts';
import { embeddedHousekeeping, RESTLESS } from '../integration/testing/rules/housekeeping.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const PLAYED: readonly { readonly version: string; readonly release: Release }[] = [
  { version: KAFKA_39, release: '3.9' },
  { version: KAFKA_NEWEST, release: '4.4' },
];
const SEEDS = [1, 2, 3, 4, 5, 6];

describe.each(PLAYED)('Kafka $version', ({ version, release }) => {
  let kafka: KafkaCluster;
  beforeAll(async () => {
    kafka = await startKafka({ version, config: RESTLESS });
  });
  afterAll(() => kafka?.stop());

  it.each(SEEDS)('log %i', async (seed) => {
    await using embedded = await startCluster({ release });
    await using here = await RawClient.to(embedded.bootstrap[0]!);
    await using there = await RawClient.to(kafka.bootstrap[0]!);
    const equal = (actual: unknown, expected: unknown, what?: string): void => expect(actual, what).toEqual(expected);
    const housekeeping = embeddedHousekeeping(embedded);
    const played = await CompactionScript.begin(new Given({ address: embedded.bootstrap[0]!, release, housekeeping }, here, equal));
    const real = await CompactionScript.begin(new Given({ address: kafka.bootstrap[0]!, release }, there, equal));
    for (const [i, round] of compactionPlan(seed).entries()) {
      const endAll = i > 0;
      const wait = await played.play(round, { endAll, wait: true });
      await real.play(round, { endAll, wait });
      expect(await played.seen(), `after round ${i + 1}`).toEqual(await real.seen());
    }
  });
});
