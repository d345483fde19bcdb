/**
 * A service that owns one link: starts it with patience, answers health checks over HTTP, and ends cleanly on SIGTERM.
 *
 *   SOURCE=localhost:9092 DESTINATION=localhost:9192 TOPICS=orders PORT=8080 npx tsx examples/embed-in-a-service.ts
 *   curl localhost:8080/live; curl localhost:8080/ready
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClusterLink, createLink, LinkError, type LinkOptions, type Logger } from 'kafka-link';

const { SOURCE = 'localhost:9092', DESTINATION = 'localhost:9192', TOPICS = 'orders', PORT = '8080' } = process.env;
const READY_BELOW_LAG = 10_000n;
const RETRY_MS = 2_000;

const stopping = new AbortController();
const { signal } = stopping;
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort(new Error(name)));

/** Lines of JSON, as log collectors like them. */
const line = (level: string, fields: object, message: string): void => {
  const plain = (_: string, value: unknown): unknown =>
    typeof value === 'bigint' ? String(value) : LinkError.is(value) ? { code: value.code, message: value.message } : value;
  console.log(JSON.stringify({ level, message, ...fields }, plain));
};
const logger: Logger = {
  debug: () => {},
  info: (fields, message) => line('info', fields, message),
  warn: (fields, message) => line('warn', fields, message),
  error: (fields, message) => line('error', fields, message),
};

const options: LinkOptions = {
  name: 'embed-in-a-service',
  source: { bootstrap: SOURCE.split(',') },
  destination: { bootstrap: DESTINATION.split(',') },
  topics: TOPICS.split(','),
  logger,
};

/** A cluster that is away for a moment is worth waiting for; a mistake in options or rights is not. */
const start = async (): Promise<ClusterLink> => {
  for (;;) {
    try {
      return await createLink(options, { signal });
    } catch (error) {
      if (!LinkError.is(error) || !error.retriable) throw error;
      line('warn', { error }, 'the link could not start yet');
      await delay(RETRY_MS, undefined, { signal });
    }
  }
};

let link: ClusterLink | null = null;

const answer = (response: ServerResponse, ok: boolean, body: object): void => {
  response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`);
};

const health = createServer(({ url }, response) => {
  const metrics = link?.metrics();
  if (url === '/live') answer(response, true, { state: link?.status().state ?? 'STARTING' });
  else if (url === '/ready') {
    const ready = metrics !== undefined && metrics.mirrors.FAILED === 0 && metrics.lag < READY_BELOW_LAG;
    answer(response, ready, { lag: metrics?.lag ?? null, mirrors: metrics?.mirrors ?? null });
  } else response.writeHead(404).end();
});

try {
  health.listen(Number(PORT));
  await once(health, 'listening');
  line('info', { port: (health.address() as AddressInfo).port }, 'health checks are served');
  link = await start();
  line('info', { link: link.name, linkId: link.linkId }, 'the link runs');
  await once(signal, 'abort');
} catch (error) {
  if (!signal.aborted) {
    line('error', { error }, 'the link cannot run');
    process.exitCode = 1;
  }
} finally {
  await link?.close({ timeoutMs: 5_000 });
  health.close();
  line('info', {}, 'stopped');
}
