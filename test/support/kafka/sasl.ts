/** A SASL/PLAIN listener for test brokers and the Java client settings that go with it, so that a test can be somebody. */
import type { ListenerSpec } from './properties.ts';

/** The listener's name, for `KafkaCluster.bootstrapOf`. */
export const SASL_LISTENER = 'SASL';

const MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule required';

/** A listener that knows these users and their passwords. */
export const saslPlainListener = (users: Readonly<Record<string, string>>): ListenerSpec => ({
  name: SASL_LISTENER,
  protocol: 'SASL_PLAINTEXT',
  config: {
    'sasl.enabled.mechanisms': 'PLAIN',
    'plain.sasl.jaas.config': `${MODULE} ${Object.entries(users)
      .map(([user, password]) => `user_${user}="${password}"`)
      .join(' ')};`,
  },
});

/** The settings of a Java client that is this user. */
export const saslPlainClient = (user: string, password: string): Readonly<Record<string, string>> => ({
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': 'PLAIN',
  'sasl.jaas.config': `${MODULE} username="${user}" password="${password}";`,
});
