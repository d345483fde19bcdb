/**
 * Follows a topic and prints every event, until the mirror has failed, the link has closed, or Ctrl-C.
 *
 *   SOURCE=localhost:9092 DESTINATION=localhost:9192 TOPICS=orders npx tsx examples/watch-events.ts
 */
import { createLink, type LinkEvent } from 'kafka-link';

const { SOURCE = 'localhost:9092', DESTINATION = 'localhost:9192', TOPICS = 'orders' } = process.env;
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
process.once('SIGTERM', () => stopping.abort());

const describe = (event: LinkEvent): string => {
  switch (event.type) {
    case 'mirror':
      return `${event.topic}: ${event.from} -> ${event.to}${event.error === null ? '' : `, ${event.error.message}`}`;
    case 'partition':
      return `${event.topic}-${event.partition}: ${event.from} -> ${event.to}`;
    case 'progress':
      return `${event.topic}-${event.partition}: at ${event.nextOffset} of ${event.sourceEnd}, ${event.bytes} bytes`;
    case 'warning':
      return `${event.topic ?? 'link'}: ${event.error.code}, ${event.error.message}`;
    case 'task':
      return `${event.task}: ${event.from} -> ${event.to}`;
    case 'config':
      return event.changed.map(({ name, from, to }) => `${name}: ${from} -> ${to}`).join(', ');
    case 'close':
      return event.error === null ? 'as asked' : event.error.message;
  }
};

await using link = await createLink({
  name: 'watch-events',
  source: { bootstrap: SOURCE.split(',') },
  destination: { bootstrap: DESTINATION.split(',') },
  topics: TOPICS.split(','),
  // Sooner than by default, so that there is something to see.
  settings: { progressIntervalMs: 200, availabilityCheckMs: 500, availabilityCheckConsecutiveFailureThreshold: 2 },
});

for await (const event of link.events({ signal: stopping.signal })) {
  console.log(`[${event.type}] ${describe(event)}`);
  if (event.type === 'mirror' && event.to === 'FAILED') break;
}
console.log(link.status().state === 'ACTIVE' ? 'stopped watching' : `the link is ${link.status().state}`);
