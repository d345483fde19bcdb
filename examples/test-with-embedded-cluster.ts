/**
 * Tests a program against embedded Kafka clusters that misbehave, with nothing but Node's own test runner.
 *
 *   node --import tsx --test examples/test-with-embedded-cluster.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLink, type LinkOptions } from 'kafka-link';
import { Produce } from 'kafka-link/protocol';
import { startCluster, type TestCluster } from 'kafka-link/testing';

const withTopic = { brokers: 3, topics: { orders: { partitions: 1, replicationFactor: 3 } } };
const optionsFor = (source: TestCluster, destination: TestCluster): LinkOptions => ({
  name: 'under-test',
  source: { bootstrap: source.bootstrap },
  destination: { bootstrap: destination.bootstrap },
  topics: ['orders'],
});

test('an answer that is lost after the append doubles nothing', async () => {
  await using source = await startCluster(withTopic);
  await using destination = await startCluster();
  for (let i = 0; i < 20; i++) await source.log('orders').append([{ key: `${i}`, value: 'ordered' }], { compression: 'lz4' });

  await using link = await createLink(optionsFor(source, destination));
  destination.loseAnswer({ api: Produce, times: 3 });
  await source.log('orders').append([{ key: '20', value: 'ordered' }]);
  await link.caughtUp({ timeoutMs: 10_000 });

  const keys = (await destination.log('orders').records()).map(({ key }) => key?.toString());
  assert.deepEqual(
    keys,
    Array.from({ length: 21 }, (_, i) => `${i}`),
  );
});

test('a source that loses its leader goes on with another', async () => {
  await using source = await startCluster(withTopic);
  await using destination = await startCluster();
  await using link = await createLink(optionsFor(source, destination));

  await source.kill(source.log('orders').leader);
  await source.log('orders').append([{ value: 'after the crash' }]);
  await link.caughtUp({ timeoutMs: 10_000 });

  assert.equal(destination.log('orders').endOffset, 1n);
});

test('somebody else writes into the mirror, and it says so', async () => {
  await using source = await startCluster(withTopic);
  await using destination = await startCluster();
  await source.log('orders').append([{ value: 'the first' }]);
  await using link = await createLink(optionsFor(source, destination));
  await link.caughtUp({ timeoutMs: 10_000 });

  await destination.log('orders').append([{ value: 'not from the source' }]);
  await source.log('orders').append([{ value: 'the second' }]);

  await assert.rejects(link.caughtUp({ timeoutMs: 10_000 }), { code: 'KLINK_DIVERGED' });
  assert.equal(link.mirror('orders').mirrorTopicError, 'DESTINATION_FOREIGN_WRITE');
});
