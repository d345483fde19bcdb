/** What the destination refuses while a mirror is stopped: a promotion waits for a person, a failover does not. */
import { createLink } from 'kafka-link';
import { startCluster, type TestCluster } from 'kafka-link/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

let source: TestCluster;
let destination: TestCluster;
beforeEach(async () => {
  // Segments below 1 MiB are not legal any more since Kafka 4.0.
  source = await startCluster({ release: '3.9', topics: { orders: { configs: { 'segment.bytes': '20000', 'flush.ms': '3000' } } } });
  await source.log('orders').append([{ value: 'first' }]);
  destination = await startCluster({ release: '4.4' });
});
afterEach(() => Promise.all([source.stop(), destination.stop()]));

const start = () =>
  createLink({
    name: 'dr',
    source: { bootstrap: source.bootstrap },
    destination: { bootstrap: destination.bootstrap },
    topics: ['orders'],
  });
const refused = { step: expect.stringContaining('configs of its source'), code: 'INVALID_REQUEST_ERROR', linkErrorCode: 'KLINK_BROKER' };

it('a promotion is taken back, with the config and the value in the error', async () => {
  await using link = await start();
  await link.caughtUp({ timeoutMs: 10_000 });
  const [outcome] = await link.promote(['orders']);
  expect(outcome).toMatchObject({ state: 'ACTIVE', error: { message: expect.stringMatching(/segment\.bytes to 20000/) } });
  expect(link.mirror('orders').transitionErrors).toMatchObject([{ verb: 'PROMOTE', ...refused }]);
});

it('a failover goes on without what is refused, and says so', async () => {
  await using link = await start();
  await link.caughtUp({ timeoutMs: 10_000 });
  await link.runTask('TopicConfigsSync');
  const warned: string[] = [];
  link.on('warning', ({ error }) => warned.push(error.message));
  expect(await link.failover(['orders'], { timeoutMs: 10_000 })).toMatchObject([{ topic: 'orders', state: 'STOPPED', error: null }]);
  expect(link.mirror('orders').transitionErrors).toMatchObject([{ verb: 'FAILOVER', ...refused }]);
  expect(warned).toEqual([expect.stringMatching(/segment\.bytes to 20000/)]);
  // Everything else is as the source has it, also by its defaults: without the retention that only a mirror has.
  expect(Object.fromEntries(destination.topicConfigs('orders'))).toEqual({
    'flush.ms': '3000',
    'message.timestamp.after.max.ms': String(2n ** 63n - 1n),
  });
});
