/** Runs the cases on real brokers: where they and the embedded cluster disagree, the case or the embedded cluster is wrong. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiVersions } from '../../../../src/protocol/messages/api-versions.ts';
import { DescribeConfigs } from '../../../../src/protocol/messages/describe-configs.ts';
import { apiByKey } from '../../../../src/protocol/messages/index.ts';
import { Produce } from '../../../../src/protocol/messages/produce.ts';
import { SaslAuthenticate } from '../../../../src/protocol/messages/sasl-authenticate.ts';
import { SaslHandshake } from '../../../../src/protocol/messages/sasl-handshake.ts';
import { type Release, startCluster } from '../../../../src/testing/index.ts';
import { type KafkaCluster, startKafka } from '../../../support/kafka/cluster.ts';
import { RawClient } from '../raw-client.ts';
import { Given } from './given.ts';
import { RESTLESS } from './housekeeping.ts';
import { BROKER_RULES, runRule } from './index.ts';
import { REPLICA_RULES, runReplicaRule } from './replicas.ts';

const SASL: readonly number[] = [SaslHandshake.key, SaslAuthenticate.key];

/** A release as the embedded cluster plays it, and the version that stands for it. */
export interface PlayedRelease {
  readonly version: string;
  readonly release: Release;
}

/** What a broker says of itself when it was told nothing. */
const selfDescription = async (address: string, release: Release) => {
  await using client = await RawClient.to(address);
  const given = new Given({ address, release }, client, (actual, expected, what) => expect(actual, what).toEqual(expected));
  const topic = await given.plainTopic();
  const { apiKeys } = await client.ask(ApiVersions, 0, {});
  const { results } = await client.ask(DescribeConfigs, 3, {
    resources: [{ resourceType: 2, resourceName: topic, configurationKeys: null }],
    includeSynonyms: true,
  });
  const configs = results[0]!.configs.map(({ name, value, configSource, configType, readOnly }) => ({
    name,
    value,
    configSource,
    configType,
    readOnly,
  }));
  return { apiKeys, configs: configs.sort((a, b) => (a.name < b.name ? -1 : 1)) };
};

/** Declares every case for each of these releases. */
export const describeRules = (played: readonly PlayedRelease[]): void => {
  describe.each(played)('Kafka $version', ({ version, release }) => {
    let kafka: KafkaCluster;
    beforeAll(async () => {
      kafka = await startKafka({ version, config: RESTLESS });
    });
    afterAll(() => kafka?.stop());

    it('speaks the versions and has the topic configs that the embedded cluster plays', async () => {
      await using embedded = await startCluster({ release });
      const [real, played] = await Promise.all([kafka, embedded].map(({ bootstrap }) => selfDescription(bootstrap[0]!, release)));
      const describedHere = real!.apiKeys.flatMap(({ apiKey, minVersion, maxVersion }) => {
        const versionsHere = apiByKey(apiKey)?.versions;
        if (versionsHere === undefined || SASL.includes(apiKey)) return [];
        const quirk = apiKey === Produce.key && minVersion === 0 && release.startsWith('4');
        return {
          apiKey,
          minVersion: quirk ? 0 : Math.max(minVersion, versionsHere.min),
          maxVersion: Math.min(maxVersion, versionsHere.max),
        };
      });
      expect(played!.apiKeys).toEqual(describedHere.sort((a, b) => a.apiKey - b.apiKey));
      expect(played!.configs).toEqual(real!.configs);
    });

    for (const [area, rules] of Object.entries(BROKER_RULES)) {
      describe(area, () => {
        it.each(rules)('$name', (rule) =>
          runRule(rule, { address: kafka.bootstrap[0]!, release }, (actual, expected, what) => expect(actual, what).toEqual(expected)),
        );
      });
    }
  });
};

/** Declares the cases for three brokers of a release. */
export const describeReplicaRules = ({ version, release }: PlayedRelease): void => {
  describe(`three brokers of Kafka ${version}`, () => {
    let kafka: KafkaCluster;
    beforeAll(async () => {
      kafka = await startKafka({ version, brokers: 3 });
    });
    afterAll(() => kafka?.stop());

    it.each(REPLICA_RULES)('$name', (rule) =>
      runReplicaRule(
        rule,
        { release, address: (broker) => kafka.bootstrap[broker - 1]!, stop: (broker) => kafka.broker(broker).stop() },
        (actual, expected, what) => expect(actual, what).toEqual(expected),
      ),
    );
  });
};
