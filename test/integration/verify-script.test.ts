/** `scripts/verify.ts`, as it is run: its words, its outputs, its exit codes. */
import { NO_ANSWER, startCluster, type TestCluster } from 'kafka-link/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseArguments, parseSize, USAGE, UsageError } from '../../scripts/verify/arguments.ts';
import { Fetch } from '../../src/protocol/index.ts';
import { Program } from '../support/program.ts';

describe('the script', { timeout: 60_000 }, () => {
  let source: TestCluster;
  let destination: TestCluster;
  beforeEach(async () => {
    const topics = { orders: { partitions: 2 } };
    [source, destination] = await Promise.all([startCluster({ topics }), startCluster({ topics })]);
    for (const cluster of [source, destination]) {
      for (let i = 0; i < 5; i++) await cluster.log('orders').append([{ value: `order ${i}`, timestamp: 1_000n }]);
      await cluster.log('orders', 1).append([{ value: 'another', timestamp: 1_000n }]);
    }
  });
  afterEach(() => Promise.all([source.stop(), destination.stop()]));

  const run = (...words: string[]): Program =>
    Program.run('scripts/verify.ts', {}, ['--source', source.bootstrap.join(), '--destination', destination.bootstrap.join(), ...words]);

  it('says that mirrors are identical, and exits with 0', async () => {
    await using script = run('--topic', 'orders', '--rate', '100MB');
    expect(await script.ended, script.output).toBe(0);
    expect(script.output).toContain('orders-0: at 5 of 5, 0.0 MB read\n');
    expect(script.output).toContain('orders-0: identical from 0 to 5, 5 batches, 5 records, differences: none\n');
  });

  it('says what differs, also as JSON, and exits with 1', async () => {
    await source.log('orders').append([{ value: 'right', timestamp: 1_000n }]);
    await destination.log('orders').append([{ value: 'wrong', timestamp: 1_000n }]);
    await using script = run('--topic', 'orders', '--from', '0:3', '--json', '--quiet');
    expect(await script.ended, script.output).toBe(1);
    expect(JSON.parse(script.output)).toMatchObject({
      identical: false,
      partitions: [
        { from: 3, to: 6, differences: [{ kind: 'value', offset: 5, source: Buffer.from('right').toString('hex') }] },
        { partition: 1, verdict: 'identical', differences: [] },
      ],
    });
  });

  it('says why it could not compare, and exits with 2', async () => {
    await using unknown = run('--topic', 'nothing');
    expect(await unknown.ended, unknown.output).toBe(2);
    expect(unknown.output).toContain("KLINK_BROKER: Cannot verify 'nothing' of the source: UNKNOWN_TOPIC_OR_PARTITION");
    await using wrong = run('--topics', 'orders');
    expect(await wrong.ended, wrong.output).toBe(2);
    expect(wrong.output).toContain("Unknown option '--topics'");
    expect(wrong.output).toContain(USAGE);
  });

  it('is interrupted by Ctrl-C, and says how to go on', async () => {
    source.intercept(Fetch, (request, proceed) => (request.topics[0]?.partitions[0]?.partition === 1 ? NO_ANSWER : proceed()));
    await using script = run('--topic', 'orders', '--parallel', '1');
    await script.said(/orders-0: at 5 of 5/);
    expect(await script.stop('SIGINT'), script.output).toBe(130);
    expect(script.output).toContain('interrupted; to go on: --from orders:0:5\n');
  });
});

describe('its words', () => {
  const NEEDED = ['--source', 'a:1,b:2', '--destination', 'c:3'];
  const mistake = (...words: string[]): string => {
    try {
      parseArguments(words);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
    throw new Error('it was taken');
  };

  it('become options', () => {
    const { options, json, quiet } = parseArguments([
      ...NEEDED,
      ...['--topic', 'orders', '--topic', 'there=here', '--from', 'here:3:17', '--to', 'orders:0:5', '--mode', 'exact', '--rate', '1.5MiB'],
      ...['--parallel', '2', '--differences', '3', '--bytes', '0', '--allow-filler', '--json'],
    ]);
    expect(options).toEqual({
      source: { bootstrap: ['a:1', 'b:2'] },
      destination: { bootstrap: ['c:3'] },
      topics: [
        { topic: 'orders', sourceTopic: 'orders' },
        { topic: 'here', sourceTopic: 'there' },
      ],
      from: [{ topic: 'here', partition: 3, offset: 17n }],
      to: [{ topic: 'orders', partition: 0, offset: 5n }],
      mode: 'exact',
      bytesPerSecond: 1.5 * 2 ** 20,
      partitionsAtOnce: 2,
      maxDifferences: 3,
      excerptBytes: 0,
      allowFillerRecords: true,
      allowLowerLogStart: false,
    });
    expect([json, quiet]).toEqual([true, false]);
  });

  it('that are wrong are answered with what is right', () => {
    expect(mistake('--topic', 'orders')).toContain('--source, --destination and --topic are needed');
    expect(mistake(...NEEDED, '--topic', 'a', '--topic', 'b', '--from', '0:5')).toContain('TOPIC:PARTITION:OFFSET');
    expect(mistake(...NEEDED, '--topic', 'a', '--from', 'five')).toContain('PARTITION:OFFSET');
    expect(mistake(...NEEDED, '--topic', 'a', '--mode', 'fast')).toContain('exact or latest-per-key');
    expect(mistake(...NEEDED, '--topic', 'a', '--parallel', 'many')).toContain('--parallel');
    expect(mistake(...NEEDED, '--topic', 'a', '--rate', 'fast')).toContain('50MB');
  });

  it.each([
    ['500', 500],
    ['2kB', 2_000],
    ['50MB', 50_000_000],
    ['50m', 50_000_000],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['3Ki', 3_072],
  ])('%s is a size', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
});
