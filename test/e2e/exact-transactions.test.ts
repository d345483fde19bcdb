/**
 * Exact transactions of Java producers on real brokers: interleaved, over several partitions, left open by the dead, in the ways of old and new coordinators. Both kinds
 * of consumers see the same on both sides; after a failover everybody gets past what was open.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterLink, createLink } from '../../src/index.ts';
import { takeView } from '../nasty/comparison.ts';
import { type Isolation, NastyJava } from '../nasty/nasty-java.ts';
import { readWithKafkaJs, readWithKcat } from '../nasty/other-readers.ts';
import type { TransactionView } from '../scenarios/transaction-view.ts';
import { Workbench } from '../scenarios/workbench.ts';
import { type KafkaCluster, startKafka } from '../support/kafka/cluster.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const TOPIC = 'orders';
const PARTITIONS = [0, 1, 2];
const ISOLATIONS: readonly Isolation[] = ['read_committed', 'read_uncommitted'];
const PATIENCE_MS = 60_000;
const partitions = PARTITIONS.map((partition) => ({ topic: TOPIC, partition }));

describe.each([
  { from: KAFKA_NEWEST, to: KAFKA_NEWEST, raisesEpochs: true },
  { from: KAFKA_39, to: KAFKA_39, raisesEpochs: false },
])('Kafka $from to $to', ({ from, to, raisesEpochs }) => {
  let java: NastyJava;
  let [source, destination]: [KafkaCluster, KafkaCluster] = [] as never;
  let [there, here]: [Workbench, Workbench] = [] as never;
  const running: AsyncDisposable[] = [];

  beforeAll(async () => {
    const keep = async <T extends AsyncDisposable>(starting: Promise<T>): Promise<T> => {
      const one = await starting;
      running.push(one);
      return one;
    };
    source = await keep(startKafka({ version: from }));
    destination = await keep(startKafka({ version: to }));
    java = await keep(NastyJava.start());
    there = await keep(Workbench.open(source.bootstrap, 'source'));
    here = await keep(Workbench.open(destination.bootstrap, 'destination'));
    await there.createTopic(TOPIC, { partitions: PARTITIONS.length });
  }, PATIENCE_MS);
  afterAll(async () => {
    for (const one of running.reverse()) await one[Symbol.asyncDispose]();
  });

  let records = 0;
  /** So many records to each of these partitions, as one transaction's share or outside of any. */
  const send = (producer: string, to: readonly number[], count = 3): Promise<void> =>
    java.send(
      producer,
      to.flatMap((partition) =>
        Array.from({ length: count }, () => ({
          topic: TOPIC,
          partition,
          key: Buffer.from(`${++records % 7}`),
          value: Buffer.from(`${producer} ${records}`),
          headers: [{ key: 'by', value: Buffer.from(producer) }],
        })),
      ),
    );
  const open = async (producer: string, { id = producer as string | null, bootstrap = source.bootstrap } = {}): Promise<void> => {
    await java.openProducer(bootstrap, producer, { 'linger.ms': '0', 'compression.type': records % 2 === 0 ? 'none' : 'lz4' }, id);
  };
  const transaction = async (producer: string, to: readonly number[], end: 'commit' | 'abort'): Promise<void> => {
    await java.act(producer, 'begin');
    await send(producer, to);
    await java.act(producer, end);
  };
  const start = (): Promise<ClusterLink> =>
    createLink({
      name: 'dr',
      source: { bootstrap: source.bootstrap },
      destination: { bootstrap: destination.bootstrap },
      topics: [TOPIC],
      settings: { transactions: 'exact', transactionVerification: 'disable' },
    });
  const views = (bench: Workbench, ids: 'original' | 'mapped'): Promise<readonly TransactionView[]> =>
    Promise.all(PARTITIONS.map((partition) => bench.transactions(TOPIC, partition, ids)));

  /** By Java's consumers, by kcat and kafkajs, and by what the leaders say. Resolves with the source. */
  const expectSame = async (link: ClusterLink): Promise<readonly TransactionView[]> => {
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    for (const isolation of ISOLATIONS) {
      const [due, found] = [
        await takeView(java, { bootstrap: source.bootstrap, bench: there }, partitions, isolation),
        await takeView(java, { bootstrap: destination.bootstrap, bench: here }, partitions, isolation),
      ];
      expect(await java.differences(due.name, found.name)).toEqual([]);
      expect(found.logs).toEqual(due.logs);
      for (const { name } of [due, found]) await java.dropView(name);
    }
    for (const partition of partitions)
      expect(await readWithKcat(destination.bootstrap, [partition])).toEqual(await readWithKcat(source.bootstrap, [partition]));
    const told = await views(there, 'original');
    expect(await views(here, 'mapped')).toEqual(told);
    return told;
  };

  it('what several producers commit, abort and leave open, over several partitions', { timeout: 4 * PATIENCE_MS }, async () => {
    for (const producer of ['a', 'b', 'c', 'dead']) await open(producer);
    await open('plain', { id: null });
    for (const producer of ['a', 'b', 'c', 'dead']) await java.act(producer, 'begin');
    await send('a', [0, 1]);
    await send('b', [0, 2]);
    await send('plain', PARTITIONS);
    await send('dead', [1]);
    await send('a', [1]);
    await java.act('b', 'abort');
    await send('c', [0, 1, 2]);
    await java.act('a', 'commit');
    await java.act('dead', 'die');
    for (const end of ['commit', 'abort', 'commit'] as const) await transaction('a', [0, 2], end);
    await send('plain', PARTITIONS, 1);

    const link = await start();
    const first = await expectSame(link);
    expect(first.map(({ open: those }) => those.length)).toEqual([1, 2, 1]);
    expect(first.every(({ committed, uncommitted }) => committed.end < uncommitted.end)).toBe(true);
    const epochs = new Set(first[0]!.batches.filter(({ end }) => end !== null).map(({ producerEpoch }) => producerEpoch));
    expect(epochs.size > 1).toBe(raisesEpochs);

    // While the link runs, and once more from where it was closed. Who comes back under the name of the dead one aborts what that left.
    await transaction('b', [1], 'commit');
    await open('again', { id: 'dead' });
    await java.act('c', 'commit');
    await expectSame(link);
    await java.act('b', 'begin');
    await send('b', [0, 1]);
    await expectSame(link);
    await link.close();
    await transaction('a', [0, 1], 'abort');
    await java.act('b', 'commit');
    await transaction('again', [2], 'commit');
    const next = await start();
    const last = await expectSame(next);
    expect(last.flatMap(({ open: those }) => those)).toEqual([]);
    await next.close();
  });

  it('a failover aborts what is open, and producers of the destination write as ever', { timeout: 4 * PATIENCE_MS }, async () => {
    await java.act('a', 'begin');
    await send('a', [0, 1]);
    await send('plain', [0]);
    const link = await start();
    const before = await expectSame(link);
    expect(before.map(({ open: those }) => those.length)).toEqual([1, 1, 0]);
    const [outcome] = await link.failover([TOPIC], { timeoutMs: PATIENCE_MS });
    expect(outcome).toMatchObject({ state: 'STOPPED', error: null });
    await link.close();
    const after = await views(here, 'mapped');
    for (const [partition, { committed, uncommitted, open: those }] of after.entries()) {
      expect(those).toEqual([]);
      expect(committed.end).toBe(uncommitted.end);
      expect(uncommitted.end).toBe(before[partition]!.uncommitted.end + before[partition]!.open.length);
      expect(uncommitted.records).toEqual(before[partition]!.uncommitted.records);
    }
    // Young clusters hand out the ids that the source has handed out, too.
    for (const producer of ['x', 'y', 'z']) {
      await open(producer, { bootstrap: destination.bootstrap });
      await transaction(producer, PARTITIONS, producer === 'y' ? 'abort' : 'commit');
    }
    // Three records and a marker each; the last record is the third of z.
    const seen = await readWithKafkaJs(
      destination.bootstrap,
      partitions.map((one, index) => ({ ...one, last: after[index]!.uncommitted.end + 10 })),
    );
    for (const [partition, found] of seen.entries()) {
      const values = found.slice(-6).map(({ value }) => Buffer.from(value ?? '', 'base64').toString());
      expect(
        values.map((text) => text.slice(0, 1)),
        `partition ${partition}`,
      ).toEqual(['x', 'x', 'x', 'z', 'z', 'z']);
    }
  });
});
