/** The server.properties of a small, quick test broker, as data. */

/** Settings in Kafka's own names. */
export type Properties = Readonly<Record<string, string>>;

/** Where one broker of the cluster lives. */
export interface BrokerAddress {
  readonly id: number;
  readonly port: number;
  /** The KRaft controller listener; without meaning under ZooKeeper. */
  readonly controllerPort: number;
  /** One port for each extra listener, in their order. */
  readonly extraPorts: readonly number[];
}

/** A listener besides the plain one, e.g. `{ name: 'SASL', protocol: 'SASL_PLAINTEXT', config: { 'sasl.enabled.mechanisms': 'PLAIN', … } }`. */
export interface ListenerSpec {
  /** Upper case, as Kafka writes listener names. */
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** Settings of this listener alone, without their `listener.name.<name>.` prefix. */
  readonly config?: Properties;
}

/** Log cleaner, retention and producer expiry within a second or two instead of minutes; use with topic-level `segment.ms`. */
export const FAST_HOUSEKEEPING: Properties = {
  'log.cleaner.backoff.ms': '500',
  'log.retention.check.interval.ms': '2000',
  'log.initial.task.delay.ms': '500',
  'log.segment.delete.delay.ms': '1000',
  'producer.id.expiration.check.interval.ms': '1000',
};

/** ACLs enforced on a KRaft cluster. Its plain listener is anonymous and may do everything; others come through a SASL listener and need rights. */
export const ACLS: Properties = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
};

/** ACLs enforced only on what an ACL names: giving somebody a right on a topic takes that topic away from the anonymous. */
export const ACLS_WHERE_NAMED: Properties = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
};

const HOST = '127.0.0.1';

/** Small buffers, no rebalance delay, no topic made by accident; internal topics sized for this number of brokers. */
function common(brokers: number): Properties {
  const factor = String(brokers);
  return {
    'auto.create.topics.enable': 'false',
    'default.replication.factor': factor,
    'offsets.topic.replication.factor': factor,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.min.isr': brokers === 1 ? '1' : '2',
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    // The default of 128 MiB does not fit a small heap: the broker dies at start.
    'log.cleaner.dedupe.buffer.size': '4194304',
  };
}

function listeners(self: BrokerAddress, extra: readonly ListenerSpec[], internal: Properties): Properties {
  const open = [`PLAINTEXT://${HOST}:${self.port}`, ...extra.map(({ name }, i) => `${name}://${HOST}:${self.extraPorts[i]}`)];
  const all = [...open, ...Object.entries(internal).map(([name, address]) => `${name}://${address}`)];
  const protocols = ['PLAINTEXT:PLAINTEXT', ...Object.keys(internal).map((name) => `${name}:PLAINTEXT`)];
  const perListener = extra.flatMap(({ name, config = {} }) =>
    Object.entries(config).map(([key, value]) => [`listener.name.${name.toLowerCase()}.${key}`, value] as const),
  );
  return {
    listeners: all.join(','),
    'advertised.listeners': open.join(','),
    'listener.security.protocol.map': [...protocols, ...extra.map(({ name, protocol }) => `${name}:${protocol}`)].join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    ...Object.fromEntries(perListener),
  };
}

/** One combined broker and controller of a KRaft cluster. */
export function kraftProperties(
  self: BrokerAddress,
  all: readonly BrokerAddress[],
  extra: readonly ListenerSpec[],
  dataDir: string,
): Properties {
  return {
    ...common(all.length),
    ...listeners(self, extra, { CONTROLLER: `${HOST}:${self.controllerPort}` }),
    'process.roles': 'broker,controller',
    'node.id': String(self.id),
    'controller.quorum.voters': all.map(({ id, controllerPort }) => `${id}@${HOST}:${controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': dataDir,
    // A killed broker is fenced after 9 s by default; tests of failover should not wait that long.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '500',
  };
}

/** One broker of a ZooKeeper cluster. */
export function zooKeeperBrokerProperties(
  self: BrokerAddress,
  all: readonly BrokerAddress[],
  extra: readonly ListenerSpec[],
  dataDir: string,
  zooKeeperPort: number,
): Properties {
  return {
    ...common(all.length),
    ...listeners(self, extra, {}),
    'broker.id': String(self.id),
    'zookeeper.connect': `${HOST}:${zooKeeperPort}`,
    'zookeeper.session.timeout.ms': '4000',
    'log.dirs': dataDir,
  };
}

/** A single ZooKeeper node. */
export const zooKeeperProperties = (port: number, dataDir: string): Properties => ({
  dataDir,
  clientPort: String(port),
  clientPortAddress: HOST,
  maxClientCnxns: '0',
  tickTime: '1000',
  'admin.enableServer': 'false',
});

/** As the text of a .properties file; backslashes (JAAS lines, Windows paths) are escaped. */
export const propertiesText = (properties: Properties): string =>
  Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`)
    .join('');
