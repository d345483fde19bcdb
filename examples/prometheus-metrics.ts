/**
 * Serves the metrics of a link to Prometheus, without a dependency.
 *
 *   SOURCE=localhost:9092 DESTINATION=localhost:9192 TOPICS=orders PORT=9464 npx tsx examples/prometheus-metrics.ts
 *   curl localhost:9464/metrics
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClusterLink, createLink } from 'kafka-link';

const { SOURCE = 'localhost:9092', DESTINATION = 'localhost:9192', TOPICS = 'orders', PORT = '9464' } = process.env;

type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number | bigint];

/** Names of topics and links hold nothing that would have to be escaped in a label. */
const metric = (name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${text}"`);
      return `${name}{${pairs.join(',')}} ${value}`;
    }),
    '',
  ].join('\n');

const exposition = (running: ClusterLink): string => {
  const { bytes, batches, bufferedBytes, mirrors } = running.metrics();
  const own = { link: running.name };
  const partitions = running.mirrors().flatMap((mirror) => mirror.partitions.map((partition) => ({ topic: mirror.topic, ...partition })));
  return [
    metric('kafka_link_bytes_total', 'counter', 'Bytes of batches copied.', [[own, bytes]]),
    metric('kafka_link_batches_total', 'counter', 'Batches copied.', [[own, batches]]),
    metric('kafka_link_buffered_bytes', 'gauge', 'Bytes fetched and not yet acknowledged.', [[own, bufferedBytes]]),
    metric(
      'kafka_link_mirrors',
      'gauge',
      'Mirror topics by state.',
      Object.entries(mirrors).map(([state, n]) => [{ ...own, state }, n]),
    ),
    metric(
      'kafka_link_partition_lag',
      'gauge',
      'Offsets that the source has and the mirror has not.',
      partitions.map(({ topic, partition, lag }) => [{ ...own, topic, partition }, lag]),
    ),
  ].join('');
};

await using link = await createLink({
  name: 'prometheus-metrics',
  source: { bootstrap: SOURCE.split(',') },
  destination: { bootstrap: DESTINATION.split(',') },
  topics: TOPICS.split(','),
});

const server = createServer((request, response) => {
  if (request.url !== '/metrics') response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(exposition(link));
}).listen(Number(PORT));
await once(server, 'listening');
console.log(`metrics at http://localhost:${(server.address() as AddressInfo).port}/metrics`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
server.close();
