/** What brokers do by themselves from time to time: cases that are about it have it done on embedded clusters, and wait for it on real ones. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TestCluster } from '../../../../src/testing/index.ts';

export interface Housekeeping {
  /** The log cleaner goes once over partition 0 of a compacted topic in which it has something to do; `changed` tells when that can be seen. */
  clean(topic: string, changed: () => Promise<boolean>): Promise<void>;
  /** Producers of old records are forgotten; `changed` tells when that can be seen. */
  expireProducers(changed: () => Promise<boolean>): Promise<void>;
}

export const embeddedHousekeeping = (cluster: TestCluster): Housekeeping => ({
  clean: async (topic) => {
    await cluster.log(topic).clean();
  },
  expireProducers: async () => cluster.expireProducerIds(),
});

/** Broker settings under which it happens every moment; producers are looked at only since 3.x lets this be set. */
export const RESTLESS = { 'log.cleaner.backoff.ms': '100', 'producer.id.expiration.check.interval.ms': '500' };
const PATIENCE_MS = 30_000;
const BETWEEN_LOOKS_MS = 50;

const waitFor = async (changed: () => Promise<boolean>, what: string): Promise<void> => {
  for (const deadline = performance.now() + PATIENCE_MS; !(await changed()); await delay(BETWEEN_LOOKS_MS)) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${PATIENCE_MS} ms`);
  }
};

export const realHousekeeping: Housekeeping = {
  clean: (topic, changed) => waitFor(changed, `cleaning ${topic}`),
  expireProducers: (changed) => waitFor(changed, 'forgetting producers'),
};
