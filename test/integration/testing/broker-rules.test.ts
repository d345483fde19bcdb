/** The embedded cluster keeps the rules that real brokers keep. The same cases run on real Kafka in test/e2e. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RELEASES, startCluster, type TestCluster } from '../../../src/testing/index.ts';
import { embeddedHousekeeping } from './rules/housekeeping.ts';
import { BROKER_RULES, runRule } from './rules/index.ts';

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
