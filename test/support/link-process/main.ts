/** A link in a process of its own: options as JSON in the first argument, events as JSON lines on standard output, ends with its standard input. */
import { type FrameMessage, frameChannel } from '../../../src/client/diagnostics.ts';
import { createLink, type LinkOptions } from '../../../src/index.ts';
import { APIS } from '../../../src/protocol/index.ts';

const say = (line: object): void =>
  void process.stdout.write(`${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}\n`);

const options = JSON.parse(process.argv[2] ?? '{}') as LinkOptions;
/** By port and API. Whoever asks for them in the second argument pays with copies of the frames. */
const requests: Record<string, Record<string, number>> = {};
const names = new Map(APIS.map(({ key, name }) => [key as number, name]));
if (process.argv[3] === 'count-requests') {
  frameChannel.subscribe((message) => {
    const { side, port, apiKey } = message as FrameMessage;
    if (side !== 'request') return;
    const name = names.get(apiKey) ?? String(apiKey);
    requests[port] = { ...requests[port], [name]: (requests[port]?.[name] ?? 0) + 1 };
  });
}
const link = await createLink(options);
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
process.stdin.resume();
process.stdin.once('end', () => {
  clearInterval(telling);
  void link.close().then(() => say({ type: 'closed' }));
});
