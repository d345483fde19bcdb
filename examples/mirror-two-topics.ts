/**
 * Mirrors two topics and leaves when the mirrors have what the source had at the start.
 *
 *   SOURCE=localhost:9092 DESTINATION=localhost:9192 TOPICS=orders,payments npx tsx examples/mirror-two-topics.ts
 */
import { createLink } from 'kafka-link';

const { SOURCE = 'localhost:9092', DESTINATION = 'localhost:9192', TOPICS = 'orders,payments' } = process.env;

await using link = await createLink({
  name: 'mirror-two-topics',
  source: { bootstrap: SOURCE.split(',') },
  destination: { bootstrap: DESTINATION.split(',') },
  topics: TOPICS.split(','),
});

await link.caughtUp({ timeoutMs: 60_000 });
for (const { topic, state, batches, bytes, partitions } of link.mirrors()) {
  console.log(`${topic}: ${state}, ${batches} batches, ${bytes} bytes`);
  for (const { partition, nextOffset, lag } of partitions) console.log(`  partition ${partition} ends at ${nextOffset}, lag ${lag}`);
}
