/** The scenarios of the link on real brokers: the same files that run on embedded clusters. */
import { realEnvironment } from '../scenarios/environments/real.ts';
import { playScenarios } from '../scenarios/runner.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

playScenarios(
  `Kafka ${KAFKA_39} to ${KAFKA_NEWEST}, one broker each`,
  () => realEnvironment({ source: { version: KAFKA_39 }, destination: { version: KAFKA_NEWEST } }),
  { brokers: 1 },
);
