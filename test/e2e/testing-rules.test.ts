/** The cases that the embedded cluster is held to, run on real brokers: where the two disagree, the case or the embedded cluster is wrong. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKER_RULES, runRule } from '../integration/testing/rules/index.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { KAFKA_28, KAFKA_39, KAFKA_40, KAFKA_41, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const PLAYED = [
  { version: KAFKA_28, release: '2.8' },
  { version: KAFKA_39, release: '3.9' },
  { version: KAFKA_40, release: '4.0' },
  { version: KAFKA_41, release: '4.1' },
  { version: KAFKA_NEWEST, release: '4.4' },
] as const;
/** The releases CI starts; the others belong to the full matrix. */
const ALWAYS: readonly string[] = [KAFKA_39, KAFKA_NEWEST];
const versions = process.env['KAFKA_MATRIX'] === '1' ? PLAYED : PLAYED.filter(({ version }) => ALWAYS.includes(version));

describe.each(versions)('Kafka $version', ({ version, release }) => {
  let kafka: KafkaCluster;
  beforeAll(async () => {
    kafka = await startKafka({ version });
  });
  afterAll(() => kafka?.stop());

  for (const [area, rules] of Object.entries(BROKER_RULES)) {
    describe(area, () => {
      it.each(rules)('$name', (rule) =>
        runRule(rule, { address: kafka.bootstrap[0]!, release }, (actual, expected, what) => expect(actual, what).toEqual(expected)),
      );
    });
  }
});
