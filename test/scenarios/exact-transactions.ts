/** Scenarios of mirrors that have transactions as their source has them: both kinds of consumers see the same, and what is open is open. */
import { expect } from 'vitest';
import { buildBatch, type NewRecord } from '../../src/codec/index.ts';
import type { LinkConfigOptions } from '../../src/index.ts';
import { plainRecord, sampleBatches } from './sample-batches.ts';
import { failsWith, inState, reaches, type Scenario, type Stage } from './stage.ts';
import { expectSameTransactions } from './transaction-view.ts';
import { openEnds, type ScriptedProducer, transactionalLog } from './transactional-log.ts';

const PATIENCE_MS = 60_000;
const VERIFICATION = 'transaction.partition.verification.enable';
const EXACT: LinkConfigOptions = { transactions: 'exact', transactionVerification: 'disable' };

const record = (key: string): NewRecord => ({ key, value: `value of ${key}`, timestamp: BigInt(Date.now()) });
const inTransaction = (offset: number, producerId: bigint, ...keys: readonly string[]): Promise<Buffer> => {
  const where = { baseOffset: BigInt(offset), partitionLeaderEpoch: 0 };
  return buildBatch(keys.map(record), { ...where, producerId, producerEpoch: 0, baseSequence: 0, transactional: true });
};

/** The next piece of a source log with transactions, in all partitions. */
const grow = async (
  stage: Stage,
  topic: string,
  partitions: number,
  options: { readonly seed: number; readonly missing?: number; readonly known?: readonly ScriptedProducer[] },
): Promise<readonly ScriptedProducer[]> => {
  const ends: number[] = [];
  for (let partition = 0; partition < partitions; partition++) ends.push((await stage.source.bench.range(topic, partition)).end);
  const { appends, producers } = await transactionalLog({ topic, ends, ...options });
  await stage.source.appendRaw(appends);
  return producers;
};

const endAll = async (stage: Stage, topic: string, producers: readonly ScriptedProducer[]): Promise<void> => {
  for (const [index, { partition, ...who }] of openEnds(producers).entries()) {
    await stage.source.bench.writeMarker(topic, partition, { ...who, commit: index % 2 === 0 });
  }
};

const interleaved: Scenario = {
  name: 'transactions of several producers over several partitions, committed, aborted and open, are the same on both sides',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 3 });
    const producers = await grow(stage, topic, 3, { seed: 41 });
    const link = await stage.link([topic], { settings: EXACT });
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    const before = await expectSameTransactions(stage, topic, 3);
    expect(before.flatMap(({ open }) => open).length).toBeGreaterThan(0);
    expect(before.flatMap(({ aborted }) => aborted).length).toBeGreaterThan(0);
    expect(before.some(({ committed, uncommitted }) => committed.end < uncommitted.end)).toBe(true);
    // Once from the middle of what is open, once while the link is at it.
    await link.close();
    await grow(stage, topic, 3, { seed: 42, known: producers });
    const again = await stage.link([topic], { settings: EXACT });
    await again.caughtUp({ timeoutMs: PATIENCE_MS });
    await expectSameTransactions(stage, topic, 3);
    await endAll(stage, topic, producers);
    await again.caughtUp({ timeoutMs: PATIENCE_MS });
    const after = await expectSameTransactions(stage, topic, 3);
    expect(after.flatMap(({ open }) => open)).toEqual([]);
    expect(again.mirror(topic)).toMatchObject({ state: 'ACTIVE', lag: 0n });
  },
};

const compacted: Scenario = {
  name: 'transactions of which compaction has taken records and batches',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    const producers = await grow(stage, topic, 2, { seed: 51, missing: 0.4 });
    const link = await stage.link([topic], { settings: EXACT });
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await endAll(stage, topic, producers);
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    const source = await Promise.all([0, 1].map((partition) => stage.source.bench.transactions(topic, partition, 'original')));
    const mirror = await Promise.all([0, 1].map((partition) => stage.destination.bench.transactions(topic, partition, 'mapped')));
    for (const [partition, { batches, aborted, ...view }] of mirror.entries()) {
      const { batches: ofSource, aborted: abortedThere, ...expected } = source[partition]!;
      expect(view).toEqual(expected);
      // Where records are missing one batch has become several, and a transaction begins with the first record that is left.
      expect(batches.filter(({ end }) => end !== null)).toEqual(ofSource.filter(({ end }) => end !== null));
      expect(aborted.map(({ producerId }) => producerId)).toEqual(abortedThere.map(({ producerId }) => producerId));
    }
    expect(link.mirror(topic).partitions.reduce((sum, { rebuiltBatches }) => sum + rebuiltBatches, 0)).toBeGreaterThan(0);
  },
};

const disturbed: Scenario = {
  name: 'transactions are mirrored while the broker of the destination dies and comes back, twice',
  play: async (stage) => {
    const topic = stage.topic();
    const partitions = 4;
    await stage.source.bench.createTopic(topic, { partitions });
    let producers = await grow(stage, topic, partitions, { seed: 61 });
    const settings = { ...EXACT, replicaFetchMaxBytes: 1_024, fillRequestMaxMarkers: 3, appendInFlightRequests: 1 };
    const link = await stage.link([topic], { settings });
    for (const round of [1, 2]) {
      await reaches(link, topic, round % partitions, (await stage.source.bench.range(topic, round % partitions)).end - 4);
      producers = await grow(stage, topic, partitions, { seed: 61 + round, known: producers });
      const broker = await stage.destination.bench.leaderOf(topic, 0);
      await stage.destination.kill(broker);
      await stage.destination.start(broker);
    }
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await expectSameTransactions(stage, topic, partitions);
    await endAll(stage, topic, producers);
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await expectSameTransactions(stage, topic, partitions);
  },
};

const verified: Scenario = {
  name: 'a destination that verifies transactions is refused with advice, unless the link may switch that off',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.bench.append(topic, 0, await sampleBatches({ batches: 2 }));
    const [broker] = stage.destination.brokerIds;
    await stage.destination.bench.setBrokerDefault(VERIFICATION, 'true');
    const refused = stage.link([topic], { settings: { transactions: 'exact' } });
    await expect(refused).rejects.toMatchObject({ code: 'KLINK_CONFIG' });
    await expect(refused).rejects.toThrow(/kafka-configs\.sh.*transaction\.partition\.verification\.enable=false/);
    expect(await stage.destination.bench.topics()).not.toContain(topic);
    expect(await stage.destination.bench.brokerConfig(broker!, VERIFICATION)).toBe('true');
    const link = await stage.link([topic], { settings: EXACT });
    expect(await stage.destination.bench.brokerConfig(broker!, VERIFICATION)).toBe('false');
    await stage.expectMirrored(link, topic);
    await link.close();
    // From then on nothing needs to be switched.
    const again = await stage.link([topic], { settings: { transactions: 'exact' } });
    await stage.expectMirrored(again, topic);
  },
};

const failedOver: Scenario = {
  name: 'a failover aborts what was open, so that consumers get past it',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic, { partitions: 2 });
    await stage.source.bench.append(topic, 0, [await buildBatch([plainRecord('first')])]);
    const opened = [
      {
        topic,
        partition: 0,
        bytes: Buffer.concat([await inTransaction(1, 11n, 'open-1', 'open-2'), await inTransaction(3, 12n, 'open-3')]),
      },
      { topic, partition: 1, bytes: await inTransaction(0, 11n, 'open-4') },
    ];
    await stage.source.appendRaw(opened);
    await stage.source.bench.append(topic, 0, [await buildBatch([plainRecord('behind')])]);
    const link = await stage.link([topic], { settings: EXACT });
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    await expectSameTransactions(stage, topic, 2);
    const [outcome] = await link.failover([topic], { timeoutMs: PATIENCE_MS });
    expect(outcome).toMatchObject({ topic, state: 'STOPPED', error: null });
    const [zero, one] = await Promise.all([0, 1].map((partition) => stage.destination.bench.transactions(topic, partition, 'mapped')));
    expect([zero!.open, one!.open]).toEqual([[], []]);
    expect(zero!.committed).toMatchObject({ start: 0, end: 7 });
    expect(zero!.committed.records.map(({ offset }) => offset)).toEqual([0, 4]);
    expect(zero!.uncommitted.records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
    expect(zero!.aborted).toEqual([
      { producerId: 11n, firstOffset: 1n },
      { producerId: 12n, firstOffset: 3n },
    ]);
    expect(one!.committed).toMatchObject({ end: 2, records: [] });
    // An ordinary topic now.
    await stage.destination.bench.append(topic, 1, [await buildBatch([plainRecord('after')])]);
    expect((await stage.destination.bench.visible(topic, 1)).records).toHaveLength(1);
  },
};

const otherMode: Scenario = {
  name: 'a mirror with a transaction open is not gone on with as if there were none',
  play: async (stage) => {
    const topic = stage.topic();
    await stage.source.bench.createTopic(topic);
    await stage.source.appendRaw([{ topic, partition: 0, bytes: await inTransaction(0, 21n, 'open') }]);
    const exact = await stage.link([topic], { settings: EXACT });
    await exact.caughtUp({ timeoutMs: PATIENCE_MS });
    await exact.close();
    await stage.source.bench.writeMarker(topic, 0, { producerId: 21n, commit: true });
    const committed = await stage.link([topic], { name: `${topic}-committed` });
    const { error } = await failsWith(committed, topic, 'UNSUPPORTED_TRANSACTION');
    expect(error?.message).toContain('producer 21');
    await committed.close();
    const again = await stage.link([topic], { settings: EXACT });
    await again.caughtUp({ timeoutMs: PATIENCE_MS });
    await inState(again, topic, 'ACTIVE');
    await expectSameTransactions(stage, topic);
  },
};

export const exactTransactionScenarios: readonly Scenario[] = [interleaved, compacted, disturbed, verified, failedOver, otherMode];
