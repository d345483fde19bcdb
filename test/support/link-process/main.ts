/** A link in a process of its own: options as JSON in the first argument, orders as JSON lines on its input, events on its output; ends with its input. */
import { createInterface } from 'node:readline';
import { type FrameMessage, frameChannel } from '../../../src/client/diagnostics.ts';
import { type ClusterLink, createLink, type LinkOptions, type Logger } from '../../../src/index.ts';
import { APIS } from '../../../src/protocol/index.ts';
import type { Death, LinkProcessExtra, Order } from './link-process.ts';

const say = (line: object): void =>
  void process.stdout.write(`${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}\n`);

/** Kills this process, as `kill -9` does, in the middle of the very call that tells of the moment. */
const deadly = ({ step, nth }: Death): Logger => {
  let left = nth;
  const ignored = (): void => {};
  const info = (fields: object): void => {
    if ((fields as { step?: string }).step === step && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
  return { debug: ignored, info, warn: ignored, error: ignored };
};

const obey = async (link: ClusterLink, { what, topics, timeoutMs }: Order): Promise<unknown> => {
  if (what === 'status') return link.mirrors();
  const outcomes = await link[what](topics ?? 'all', { timeoutMs });
  return outcomes.map(({ error, ...rest }) => ({ ...rest, error: error?.message ?? null }));
};

const [given = '{}', extra = '{}'] = process.argv.slice(2);
const { death, timeoutMs, countRequests = false } = JSON.parse(extra) as LinkProcessExtra;
const options = { ...(JSON.parse(given) as LinkOptions), ...(death !== undefined && { logger: deadly(death) }) };
/** By port and API. */
const requests: Record<string, Record<string, number>> = {};
const names = new Map(APIS.map(({ key, name }) => [key as number, name]));
if (countRequests) {
  frameChannel.subscribe((message) => {
    const { side, port, apiKey } = message as FrameMessage;
    if (side !== 'request') return;
    const name = names.get(apiKey) ?? String(apiKey);
    requests[port] = { ...requests[port], [name]: (requests[port]?.[name] ?? 0) + 1 };
  });
}
const link = await createLink(options, timeoutMs === undefined ? {} : { timeoutMs });
say({ type: 'started', linkId: link.linkId });
link.on('warning', ({ topic, partition, error }) => say({ type: 'warning', topic, partition, code: error.code, message: error.message }));
link.on('mirror', ({ topic, from, to, error }) => say({ type: 'mirror', topic, from, to, message: error?.message ?? null }));
const telling = setInterval(() => {
  const { bytes, batches, lag } = link.metrics();
  const { offsetSync, status } = link.snapshot();
  const run = status.tasks.find(({ name }) => name === 'ConsumerOffsetSync')?.lastRun ?? null;
  const { startedAt, durationMs, counts, errors } = run ?? {};
  const offsetSyncRun = run && { startedAt, durationMs, counts, errors: errors?.map(({ message }) => message) };
  const used = { rss: process.memoryUsage.rss(), cpuMicros: process.cpuUsage() };
  say({ type: 'status', at: Date.now(), bytes, batches, lag, ...used, offsetSync, offsetSyncRun, requests });
}, 200);
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line) as Order;
    obey(link, order).then(
      (answer) => say({ type: 'answer', id: order.id, answer }),
      (error: Error) => say({ type: 'answer', id: order.id, refused: error.message }),
    );
  })
  .once('close', () => {
    clearInterval(telling);
    void link.close().then(() => say({ type: 'closed' }));
  });
