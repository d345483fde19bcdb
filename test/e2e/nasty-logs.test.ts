/** Random nasty logs on real brokers: what consumers of the mirrors see is what consumers of the source see. In short; `npm run test:soak` takes its time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLink } from '../../src/index.ts';
import { NastyStage } from '../nasty/nasty-stage.ts';
import type { ScriptedRecord } from '../nasty/script.ts';
import { atRest, fromTheBeginning, underKills, type Verdict, whileCleaned } from '../nasty/trials.ts';
import { runSeed } from '../scenarios/seeded.ts';
import { consoleTool } from '../support/kafka/console-tools.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const seed = runSeed();

const expectNoDifference = ({ differences }: Verdict): void => expect(differences.join('\n\n')).toBe('');

/** The columns of `kafka-consumer-groups --describe`: GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG … */
const lagsIn = (lines: readonly string[], topic: string): object[] =>
  lines
    .map((line) => line.split(/\s+/))
    .filter((columns) => columns[1] === topic)
    .map((columns) => {
      const [partition, current, end, lag] = columns.slice(2, 6).map(Number);
      return { partition, current, end, lag };
    })
    .sort((a, b) => a.partition! - b.partition!);

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}, seed ${seed}`, () => {
  let stage: NastyStage;
  beforeAll(async () => {
    stage = await NastyStage.open({ source: KAFKA_39, destination: KAFKA_NEWEST });
  });
  afterAll(() => stage?.[Symbol.asyncDispose]());

  it('a comparison finds every way in which two logs may differ, where it is', async () => {
    const topic = 'compared';
    const due: ScriptedRecord = {
      topic,
      partition: 0,
      key: Buffer.from('k'),
      value: Buffer.alloc(0),
      headers: ['a', 'b'].map((key) => ({ key, value: null })),
      timestamp: 1_700_000_000_000,
    };
    /** What becomes of the record at offset 4. */
    const damages: readonly ((record: ScriptedRecord) => readonly ScriptedRecord[])[] = [
      (record) => [record],
      (record) => [{ ...record, key: Buffer.from('l') }],
      (record) => [{ ...record, value: null }],
      (record) => [{ ...record, headers: record.headers.toReversed() }],
      (record) => [{ ...record, headers: [{ key: 'a', value: Buffer.alloc(0) }, record.headers[1]!] }],
      (record) => [{ ...record, timestamp: record.timestamp! + 1 }],
      () => [],
      (record) => [record, record],
    ];
    const partitions = damages.map((_, partition) => ({ topic, partition }));
    for (const side of [stage.source, stage.destination]) {
      await side.bench.createTopic(topic, { partitions: damages.length });
      await stage.java.openProducer(side.bootstrap, topic, {}, null);
      const records = damages.flatMap((damage, partition) =>
        Array.from({ length: 10 }, (_, i) => ({ ...due, partition, value: Buffer.from(i === 4 ? '' : String(i)) })).flatMap((record, i) =>
          side === stage.destination && i === 4 ? damage(record) : [record],
        ),
      );
      await stage.java.send(topic, records);
      await stage.java.act(topic, 'close');
    }
    const found = await stage.differences({ partitions });
    // Each in both isolation levels, and none in the first.
    expect(found.map((text) => text.split(':')[0])).toEqual(
      ['read_committed', 'read_uncommitted'].flatMap((isolation) =>
        partitions.slice(1).map(({ partition }) => `${topic}-${partition} ${isolation}`),
      ),
    );
    for (const text of found.slice(0, 5)) expect(text).toContain('the mirror has another record at 4');
    expect(found[5]).toMatch(/has another record at 4, .*has no record at 9|has no record at 9/);
    expect(found[6]).toMatch(/has a record of its own at 10/);
    await stage.destination.bench.deleteRecords(topic, 0, 3);
    expect(await stage.differences({ partitions: partitions.slice(0, 1) })).toMatchObject([
      expect.stringContaining('has other bounds'),
      expect.stringContaining('has no record at 0'),
    ]);
    expect(await stage.differencesOfOthers({ partitions: partitions.slice(1, 3) }, 2)).toMatchObject([
      expect.stringContaining(`${topic}-1: kcat reads`),
      expect.stringContaining(`${topic}-2: kcat reads`),
      expect.stringContaining(`${topic}-1: kafkajs reads`),
      expect.stringContaining(`${topic}-2: kafkajs reads`),
    ]);
  });

  it('groups reach lag 0 behind a tail of markers, and the tools say the same of both sides', async () => {
    const topic = 'tails';
    const partitions = [0, 1, 2].map((partition) => ({ topic, partition }));
    const { java, source, destination } = stage;
    await source.bench.createTopic(topic, { partitions: partitions.length });
    await java.openProducer(source.bootstrap, topic, {}, topic);
    const write = async (end: 'commit' | 'abort', to: readonly number[], count: number): Promise<void> => {
      await java.act(topic, 'begin');
      const record = { topic, key: null, value: Buffer.from(end), headers: [] };
      await java.send(
        topic,
        to.flatMap((partition) => Array.from({ length: count }, () => ({ ...record, partition }))),
      );
      await java.act(topic, end);
    };
    // The first ends with a marker, the second with what was aborted; in the last there is nothing to see at all.
    await write('commit', [0, 1], 10);
    await write('abort', [1, 2], 7);
    await java.act(topic, 'close');
    await source.bench.deleteRecords(topic, 0, 4);
    await using link = await createLink({ ...stage.linkOptions('tails', []), topics: [topic] });
    await link.caughtUp({ timeoutMs: 30_000 });
    await stage.settled({ partitions }, () => new Set(), 30_000);
    const told: Record<string, unknown>[] = [];
    for (const { bootstrap } of [source, destination]) {
      const read = await java.readInGroup({ bootstrap, isolation: 'read_committed', partitions }, topic);
      const server = ['--bootstrap-server', bootstrap.join(',')];
      const group = await consoleTool('consumer-groups', [...server, '--describe', '--group', topic]);
      const offsets = (time: string) => consoleTool('get-offsets', [...server, '--topic', topic, '--time', time]);
      told.push({ ...read, group: lagsIn(group, topic), latest: await offsets('latest'), earliest: await offsets('earliest') });
    }
    expect(told[1]).toEqual(told[0]);
    expect(told[0]).toMatchObject({
      count: 16,
      group: [
        { partition: 0, current: 11, end: 11, lag: 0 },
        { partition: 1, current: 19, end: 19, lag: 0 },
        { partition: 2, current: 8, end: 8, lag: 0 },
      ],
      earliest: ['tails:0:4', 'tails:1:0', 'tails:2:0'],
      latest: ['tails:0:11', 'tails:1:19', 'tails:2:8'],
    });
    // The rebalance protocol of KIP-848, and a consumer that does not ask for committed records only.
    const newer = { bootstrap: destination.bootstrap, isolation: 'read_uncommitted', partitions } as const;
    const { committed, count } = await java.readInGroup(newer, `${topic}-newer`, 'consumer');
    expect({ count, committed: committed.map(({ offset }) => offset).sort() }).toEqual({ count: 16, committed: [11, 19, 8] });
  });

  it('24 logs at rest, with consumers that read while holes are filled', async () => {
    const verdict = await atRest(stage, { seed, logs: 24, sample: 5 });
    expectNoDifference(verdict);
    // A run that met nothing nasty would say nothing.
    expect(Object.keys(verdict.survey).filter((kind) => !(verdict.survey[kind]! > 0))).toEqual([]);
  });

  it('8 logs with exact transactions', async () => {
    const settings = { transactions: 'exact', transactionVerification: 'disable' } as const;
    expectNoDifference(await atRest(stage, { seed: seed + 1, logs: 8, settings }));
  });

  it('logs that are cleaned while they are copied', async () => {
    expectNoDifference(await whileCleaned(stage, { seed: seed + 2, logs: 8 }));
  });

  it('logs that are mirrored from their first record on', async () => {
    expectNoDifference(await fromTheBeginning(stage, { seed: seed + 3, logs: 8, lateCompaction: false }));
  });

  it('the link and brokers are killed', async () => {
    expectNoDifference(await underKills(stage, { seed: seed + 4, logs: 8 }, { kills: 3, brokers: 0.4 }));
  });
});
