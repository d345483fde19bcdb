/** Scenarios on embedded clusters. */
import { type Release, startCluster, type TestCluster } from '../../../src/testing/index.ts';
import type { ClusterControl, Environment } from '../environment.ts';
import { Workbench } from '../workbench.ts';

export interface EmbeddedOptions {
  readonly brokers: number;
  readonly releases: { readonly source: Release; readonly destination: Release };
}

/** While a client is throttled it gets no data at all; brokers with quotas let some through in between. */
const THROTTLE_MS = 40;

const control = async (cluster: TestCluster, role: string): Promise<ClusterControl> => {
  const bench = await Workbench.open(cluster.bootstrap, role);
  const eachBroker = (act: (broker: number) => void): void => {
    for (const broker of cluster.brokerIds) act(broker);
  };
  let throttling: NodeJS.Timeout | undefined;
  return {
    bootstrap: cluster.bootstrap,
    brokerIds: cluster.brokerIds,
    bench,
    kill: (broker) => cluster.kill(broker),
    stop: (broker) => cluster.kill(broker),
    start: (broker) => cluster.restart(broker),
    stall: async (broker) => cluster.stall(broker),
    resume: async (broker) => cluster.resume(broker),
    moveLeader: async (topic, partition, broker) => cluster.moveLeader(topic, partition, broker),
    throttle: async () => {
      let on = false;
      throttling = setInterval(() => {
        on = !on;
        eachBroker((broker) => cluster.throttle(broker, on ? THROTTLE_MS : 0));
      }, THROTTLE_MS);
    },
    unthrottle: async () => {
      clearInterval(throttling);
      eachBroker((broker) => cluster.throttle(broker, 0));
    },
    appendRaw: async (appends) => {
      for (const { topic, partition, bytes } of appends) cluster.log(topic, partition).appendRaw(bytes);
    },
    truncate: async (cuts) => {
      for (const { topic, partition, offset } of cuts) {
        const { leader } = cluster.log(topic, partition);
        cluster.electUnclean(topic, partition, { leader, truncateTo: BigInt(offset) });
      }
    },
  };
};

export const embeddedEnvironment = async ({ brokers, releases }: EmbeddedOptions): Promise<Environment> => {
  const start = (release: Release): Promise<TestCluster> =>
    startCluster({
      brokers,
      release,
      brokerConfig: { 'default.replication.factor': String(brokers) },
      authorizer: { allowEveryoneIfNoAclFound: true },
    });
  const clusters = await Promise.all([start(releases.source), start(releases.destination)]);
  const source = await control(clusters[0], 'source');
  const destination = await control(clusters[1], 'destination');
  return {
    name: `embedded ${releases.source} to ${releases.destination}`,
    source,
    destination,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([source, destination].map(({ bench }) => bench[Symbol.asyncDispose]()));
      await Promise.all(clusters.map((cluster) => cluster.stop()));
    },
  };
};
