/** The embedded cluster and real brokers of every other release it plays keep the same rules. */
import { describeRules } from '../integration/testing/rules/on-real-kafka.ts';
import { KAFKA_28, KAFKA_40, KAFKA_41 } from '../support/kafka/versions.ts';

describeRules([
  { version: KAFKA_28, release: '2.8' },
  { version: KAFKA_40, release: '4.0' },
  { version: KAFKA_41, release: '4.1' },
]);
