/** Starts an embedded Kafka cluster. */
import { LinkError } from '../errors.ts';
import { Broker, type Observer } from './broker.ts';
import { type Clock, randomBytesOf, systemClock } from './clock.ts';
import { type BrokerNode, ClusterState } from './cluster-state.ts';
import { attempt, Refusal } from './refusal.ts';
import type { Release } from './releases.ts';
import { Authorizer, type AuthorizerOptions } from './security/authorizer.ts';
import { TestCluster, type TopicOptions } from './test-cluster.ts';

/** What cluster to start. */
export interface TestClusterOptions {
  /** Default 1. Their ids count from 1. */
  readonly brokers?: number;
  /** The Kafka release that is played: API versions, defaults and rules. Default 4.1. */
  readonly release?: Release;
  /** Topics that are there from the beginning. */
  readonly topics?: Readonly<Record<string, TopicOptions>>;
  /** What the brokers' properties files would say, e.g. `{ 'message.max.bytes': '2000000' }`. Throws for configs an embedded broker does not know. */
  readonly brokerConfig?: Readonly<Record<string, string>>;
  /** Rack of each broker, in the order of their ids. */
  readonly racks?: readonly string[];
  /** Turns authorization on. Without it everything is allowed and the ACL requests answer SECURITY_DISABLED. */
  readonly authorizer?: AuthorizerOptions;
  /** Bytes that all logs together may hold; more is refused with KAFKA_STORAGE_ERROR. Default 1 GiB. */
  readonly maxLogBytes?: number;
  /** Time of waits, sessions and stamps. Default: the machine's. */
  readonly clock?: Clock;
  /** Makes cluster, topic and member ids the same in every run. */
  readonly seed?: number;
}

const DEFAULT_LOG_BYTES = 1024 ** 3;
const MAX_BROKERS = 64;

/**
 * Starts a cluster on free loopback ports and resolves when all its brokers listen.
 *
 * ```ts
 * await using cluster = await startCluster({ brokers: 3, topics: { orders: { partitions: 6, replicationFactor: 3 } } });
 * connect(cluster.bootstrap);
 * ```
 *
 * @throws LinkError `KLINK_CONFIG` for options no cluster can have.
 */
export const startCluster = async (options: TestClusterOptions = {}): Promise<TestCluster> => {
  const { brokers: count = 1, release = '4.1', topics = {}, brokerConfig = {}, racks = [], authorizer, clock = systemClock } = options;
  if (!Number.isInteger(count) || count < 1 || count > MAX_BROKERS) {
    throw new LinkError('KLINK_CONFIG', `An embedded cluster has 1 to ${MAX_BROKERS} brokers, not ${count}`);
  }
  const nodes = Array.from(
    { length: count },
    (_, i): BrokerNode => ({ id: i + 1, host: '127.0.0.1', port: 0, rack: racks[i] ?? null, alive: true }),
  );
  const state = attempt(
    () =>
      new ClusterState({
        release,
        clock,
        random: randomBytesOf(options.seed),
        brokers: nodes,
        brokerConfig,
        authorizer: authorizer === undefined ? null : new Authorizer(authorizer),
        maxLogBytes: options.maxLogBytes ?? DEFAULT_LOG_BYTES,
      }),
  );
  if (state instanceof Refusal) throw new LinkError('KLINK_CONFIG', state.message, { cause: state });
  const observers = new Set<Observer>();
  const brokers = new Map(nodes.map((node) => [node.id, new Broker(node, state, observers)]));
  await Promise.all([...brokers.values()].map((broker) => broker.start()));
  const cluster = new TestCluster(state, brokers, observers);
  try {
    for (const [name, topic] of Object.entries(topics)) await cluster.createTopic(name, topic);
    return cluster;
  } catch (cause) {
    await cluster.stop();
    throw new LinkError('KLINK_CONFIG', (cause as Error).message, { cause });
  }
};
