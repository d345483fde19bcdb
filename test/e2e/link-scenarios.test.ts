/** All scenarios of the link on real brokers: the same files that run on embedded clusters. */
import { afterAll, beforeAll } from 'vitest';
import { realEnvironment } from '../scenarios/environments/real.ts';
import { playScenarios } from '../scenarios/runner.ts';
import { type JavaClient, startJavaClient } from '../support/kafka/java-client.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

let java: JavaClient;
beforeAll(async () => {
  java = await startJavaClient();
});
afterAll(() => java.close());

playScenarios(
  `Kafka ${KAFKA_39} to ${KAFKA_NEWEST}`,
  () => realEnvironment(java, { source: { version: KAFKA_39 }, destination: { version: KAFKA_NEWEST } }),
  { brokers: 1 },
);
