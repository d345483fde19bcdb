/** Every program under examples/ runs, against embedded clusters, and does what its first lines say. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type TestCluster } from 'kafka-link/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Program } from '../support/program.ts';

const TIMEOUT_MS = 60_000;

let source: TestCluster;
let destination: TestCluster;
let addresses: Readonly<Record<string, string>>;

beforeEach(async () => {
  source = await startCluster({ topics: { orders: { partitions: 2 }, payments: {} } });
  destination = await startCluster();
  addresses = { SOURCE: source.bootstrap.join(), DESTINATION: destination.bootstrap.join(), PORT: '0', NO_COLOR: '1' };
  for (let i = 0; i < 10; i++) await source.log('orders', i % 2).append([{ key: `order-${i}`, value: 'ordered' }], { compression: 'lz4' });
  await source.log('payments').append([{ key: 'a', value: 'paid' }, { value: 'unpaid' }], { compression: 'gzip' });
});
afterEach(() => Promise.all([source.stop(), destination.stop()]));

const run = (
  name: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): Program => Program.run(`examples/${name}`, { ...addresses, ...env }, args, nodeArgs);

const payloads = (cluster: TestCluster, topic: string, partition: number): Buffer[] => {
  const batches = cluster.log(topic, partition).batches();
  return batches.map(({ payload }) => payload);
};
const isCopied = (topic: string, partition = 0): boolean =>
  Buffer.concat(payloads(source, topic, partition)).equals(Buffer.concat(payloads(destination, topic, partition)));

describe('examples', { timeout: TIMEOUT_MS }, () => {
  it('mirror-two-topics mirrors two topics and leaves', async () => {
    await using program = run('mirror-two-topics.ts', { TOPICS: 'orders,payments' });
    expect(await program.ended, program.output).toBe(0);
    expect(program.output).toContain('orders: ACTIVE, 10 batches');
    expect(program.output).toContain('partition 1 ends at 5, lag 0');
    expect(program.output).toContain('payments: ACTIVE, 1 batches');
    expect([isCopied('orders', 0), isCopied('orders', 1), isCopied('payments')]).toEqual([true, true, true]);
  });

  it('watch-events prints events of every kind, and ends at Ctrl-C', async () => {
    await using program = run('watch-events.ts', { TOPICS: 'payments' });
    await program.said(/\[mirror\] payments: PENDING_MIRROR -> ACTIVE/);
    await source.log('payments').append([{ value: 'more' }]);
    await program.said(/\[progress\] payments-0: at 3 of 3/);
    await source.kill(1);
    await program.said(/\[warning\] .*KLINK_CONNECT/);
    await program.said(/\[mirror\] payments: ACTIVE -> SOURCE_UNAVAILABLE/);
    expect(await program.stop('SIGINT'), program.output).toBe(0);
    expect(program.output).toContain('the link is UNAVAILABLE');
  });

  it('embed-in-a-service waits for its clusters, answers health checks, and ends cleanly', async () => {
    await destination.kill(1);
    await using program = run('embed-in-a-service.ts', { TOPICS: 'orders' });
    const [, port] = await program.said(/"port":(\d+)/);
    const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await ask('/ready')).status).toBe(503);
    expect(await (await ask('/live')).json()).toEqual({ state: 'STARTING' });
    await destination.restart(1);
    await program.said(/the link runs/);
    await program.said(/"from":"PENDING_MIRROR","to":"ACTIVE"/);
    const ready = await ask('/ready');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ mirrors: { ACTIVE: 1, FAILED: 0 } });
    expect((await ask('/')).status).toBe(404);
    expect(await program.stop(), program.output).toBe(0);
    expect(program.output).toContain('"message":"stopped"');
  });

  it('embed-in-a-service gives up at a mistake', async () => {
    await using program = run('embed-in-a-service.ts', { TOPICS: 'no-such-topic' });
    expect(await program.ended).toBe(1);
    expect(program.output).toContain('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('prometheus-metrics serves what a scrape expects', async () => {
    await using program = run('prometheus-metrics.ts', { TOPICS: 'orders,payments' });
    const [url] = await program.said(/http:\S+/);
    await destination.log('payments').until(({ endOffset }) => endOffset === 2n);
    const scrape = await (await fetch(url)).text();
    expect(scrape).toMatch(/^# TYPE kafka_link_bytes_total counter$/m);
    expect(scrape).toMatch(/^kafka_link_batches_total\{link="prometheus-metrics"\} \d+$/m);
    expect(scrape).toMatch(/^kafka_link_mirrors\{link="prometheus-metrics",state="FAILED"\} 0$/m);
    expect(scrape).toMatch(/^kafka_link_partition_lag\{link="prometheus-metrics",topic="orders",partition="1"\} \d+$/m);
    expect(scrape.endsWith('\n')).toBe(true);
    for (const line of scrape.trimEnd().split('\n')) expect(line).toMatch(/^(?:# (?:HELP|TYPE) .+|[a-z_]+\{[^{}]+\} \d+)$/);
    expect(await program.stop(), program.output).toBe(0);
  });

  it('inspect-batches shows batches and records of a segment file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kafka-link-examples-'));
    try {
      const file = join(directory, '00000000000000000000.log');
      await writeFile(file, Buffer.concat([...source.log('payments').entries(), source.log('orders').entries()[0]!.subarray(0, 40)]));
      await using program = run('inspect-batches.ts', {}, [file, '--records']);
      expect(await program.ended, program.output).toBe(0);
      expect(program.output).toMatch(/^0\.\.1 {2}2 records {2}gzip {2}\d+ bytes {2}CreateTime {2}producer -1$/m);
      expect(program.output).toMatch(/^ {2}0 {2}a = paid$/m);
      expect(program.output).toMatch(/^ {2}1 {2}null = unpaid$/m);
      expect(program.output).toContain('a batch is cut off');
      expect(program.output).not.toContain('DAMAGED');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('test-with-embedded-cluster passes its own tests', async () => {
    await using program = run('test-with-embedded-cluster.ts', { NODE_OPTIONS: '' }, [], ['--test']);
    expect(await program.ended, program.output).toBe(0);
    expect(program.output).toMatch(/pass 3/);
  });

  it('are all run here', async () => {
    const files = (await readdir(new URL('../../examples/', import.meta.url))).filter((name) => name.endsWith('.ts'));
    const here = await readFile(new URL(import.meta.url), 'utf8');
    expect(files.filter((name) => !here.includes(`run('${name}'`))).toEqual([]);
  });
});
