/** Scenarios on embedded clusters. */

import { RecordBatch } from '../../../src/codec/index.ts';
import { Fetch, Produce } from '../../../src/protocol/index.ts';
import { type Release, startCluster, type TestCluster } from '../../../src/testing/index.ts';
import type { ClusterControl, Environment } from '../environment.ts';
import { Workbench } from '../workbench.ts';

export interface EmbeddedOptions {
  readonly brokers: number;
  readonly releases: { readonly source: Release; readonly destination: Release };
}

/** Silence after every second answer. A throttled fetch brings no data at all; brokers with quotas let some through in between. */
const THROTTLE_MS = 40;

const control = async (cluster: TestCluster, role: string): Promise<ClusterControl> => {
  const bench = await Workbench.open(cluster.bootstrap, role);
  const eachBroker = (act: (broker: number) => void): void => {
    for (const broker of cluster.brokerIds) act(broker);
  };
  let unthrottle = (): void => {};
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
      let on = true;
      const set = (): void => eachBroker((broker) => cluster.throttle(broker, on ? THROTTLE_MS : 0));
      set();
      unthrottle = cluster.observe(({ direction, api }) => {
        if (direction !== 'response' || (api !== Fetch && api !== Produce)) return;
        on = !on;
        set();
      });
    },
    unthrottle: async () => {
      unthrottle();
      eachBroker((broker) => cluster.throttle(broker, 0));
    },
    appendRaw: async (appends) => {
      for (const { topic, partition, bytes } of appends) cluster.log(topic, partition).appendRaw(bytes);
    },
    damage: async (topic, partition, offset) => {
      const log = cluster.log(topic, partition);
      const from = log.batches().findIndex((batch) => batch.baseOffset === BigInt(offset));
      const bytes = Buffer.concat(log.entries().slice(from));
      const { sizeInBytes } = RecordBatch.at(bytes);
      bytes.writeUInt8(bytes.readUInt8(sizeInBytes - 1) ^ 1, sizeInBytes - 1);
      log.truncate(BigInt(offset));
      log.appendRaw(bytes);
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
  const start = (release: Release, size = brokers): Promise<TestCluster> =>
    startCluster({
      brokers: size,
      release,
      brokerConfig: { 'default.replication.factor': String(size) },
      authorizer: { allowEveryoneIfNoAclFound: true },
    });
  const clusters = await Promise.all([start(releases.source), start(releases.destination)]);
  const source = await control(clusters[0], 'source');
  const destination = await control(clusters[1], 'destination');
  const others: ClusterControl[] = [];
  return {
    name: `embedded ${releases.source} to ${releases.destination}`,
    source,
    destination,
    others: async (count) => {
      while (others.length < count) {
        const cluster = await start(releases.destination, 1);
        clusters.push(cluster);
        others.push(await control(cluster, `cluster ${others.length + 3}`));
      }
      return others.slice(0, count);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([source, destination, ...others].map(({ bench }) => bench[Symbol.asyncDispose]()));
      await Promise.all(clusters.map((cluster) => cluster.stop()));
    },
  };
};
