/** A link in a process of its own: options as JSON in the first argument, events as JSON lines on standard output, ends with its standard input. */
import { createLink, type LinkOptions } from '../../../src/index.ts';

const say = (line: object): void =>
  void process.stdout.write(`${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}\n`);

const options = JSON.parse(process.argv[2] ?? '{}') as LinkOptions;
const link = await createLink(options);
say({ type: 'started', linkId: link.linkId });
link.on('warning', ({ topic, partition, error }) => say({ type: 'warning', topic, partition, code: error.code, message: error.message }));
link.on('mirror', ({ topic, from, to, error }) => say({ type: 'mirror', topic, from, to, message: error?.message ?? null }));
const status = setInterval(() => {
  const { bytes, batches, lag } = link.metrics();
  say({ type: 'status', bytes, batches, lag, rss: process.memoryUsage.rss(), cpuMicros: process.cpuUsage() });
}, 200);
process.stdin.resume();
process.stdin.once('end', () => {
  clearInterval(status);
  void link.close().then(() => say({ type: 'closed' }));
});
