/** Positions outlive the time for which the destination keeps offsets, as long as the source has them. Brokers cannot be told less than a minute. */
import { expect, it } from 'vitest';
import { createLink } from '../../src/index.ts';
import { realEnvironment } from '../scenarios/environments/real.ts';
import { sampleBatches } from '../scenarios/sample-batches.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const KEPT_MINUTES = 1;
const WATCHED_MS = 150_000;

it('a position is refreshed before it expires; one that the source does not have expires', async () => {
  await using kafka = await realEnvironment({
    source: { version: KAFKA_39 },
    destination: {
      version: KAFKA_NEWEST,
      config: { 'offsets.retention.minutes': String(KEPT_MINUTES), 'offsets.retention.check.interval.ms': '2000' },
    },
  });
  const { source, destination } = kafka;
  await source.bench.createTopic('orders');
  await source.bench.append('orders', 0, await sampleBatches({ seed: 1, batches: 2 }));
  await source.bench.commit('reader', 'orders', 0, 3);
  await using link = await createLink({
    name: 'retention',
    source: { bootstrap: source.bootstrap },
    destination: { bootstrap: destination.bootstrap },
    topics: ['orders'],
    settings: {
      consumerOffsetSyncEnable: true,
      consumerOffsetSyncMs: 5_000,
      consumerOffsetGroupFilters: [{ name: '*', patternType: 'LITERAL', filterType: 'INCLUDE' }],
    },
  });
  await link.caughtUp({ timeoutMs: 60_000 });
  const committed = (group: string): Promise<number> => destination.bench.committed(group, 'orders', 0);
  await expect.poll(() => committed('reader'), { timeout: 60_000 }).toBe(3);
  await destination.bench.commit('of-here', 'orders', 0, 2);
  const until = performance.now() + WATCHED_MS;
  const seen = new Set<number>();
  while (performance.now() < until) {
    seen.add(await committed('reader'));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect([...seen]).toEqual([3]);
  expect(await committed('of-here')).toBe(-1);
  const sync = link.tasks().find(({ name }) => name === 'ConsumerOffsetSync');
  console.log(JSON.stringify(sync?.totals));
  expect(sync?.totals['refreshed']).toBeGreaterThanOrEqual(WATCHED_MS / 60_000 / KEPT_MINUTES);
});
