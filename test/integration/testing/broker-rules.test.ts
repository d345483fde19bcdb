/** The embedded cluster keeps the rules that real brokers keep. The same cases run on real Kafka in test/e2e. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RELEASES, startCluster, type TestCluster } from '../../../src/testing/index.ts';
import { embeddedHousekeeping } from './rules/housekeeping.ts';
import { BROKER_RULES, runRule } from './rules/index.ts';
import { REPLICA_RULES, runReplicaRule } from './rules/replicas.ts';

describe.each(RELEASES)('embedded %s', (release) => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster({ release });
  });
  afterAll(() => cluster.stop());

  for (const [area, rules] of Object.entries(BROKER_RULES)) {
    describe(area, () => {
      it.each(rules)('$name', (rule) =>
        runRule(rule, { address: cluster.bootstrap[0]!, release, housekeeping: embeddedHousekeeping(cluster) }, (actual, expected, what) =>
          expect(actual, what).toEqual(expected),
        ),
      );
    });
  }
});

describe('three embedded brokers', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster({ brokers: 3, release: '4.4' });
  });
  afterAll(() => cluster.stop());

  it.each(REPLICA_RULES)('$name', (rule) =>
    runReplicaRule(
      rule,
      { release: '4.4', address: (broker) => cluster.bootstrap[broker - 1]!, stop: (broker) => cluster.kill(broker) },
      (actual, expected, what) => expect(actual, what).toEqual(expected),
    ),
  );
});
