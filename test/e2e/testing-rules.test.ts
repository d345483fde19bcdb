/** The embedded cluster and real brokers of the releases that CI starts keep the same rules. */
import { describeReplicaRules, describeRules } from '../integration/testing/rules/on-real-kafka.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

describeRules([
  { version: KAFKA_39, release: '3.9' },
  { version: KAFKA_NEWEST, release: '4.4' },
]);
describeReplicaRules({ version: KAFKA_NEWEST, release: '4.4' });
