/** One writer of markers, with a broker in the test's hand: what is asked for whom, how much at a time, and what is made of every kind of answer. */
import { expect, it } from 'vitest';
import type { Cluster } from '../../../src/client/cluster.ts';
import { LinkError } from '../../../src/errors.ts';
import { MirrorFailure } from '../../../src/link/mirror-failure.ts';
import { isFillerId, type MarkerLimits, MarkerWriter } from '../../../src/link/replication/marker-writer.ts';
import { PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import type { WriteTxnMarkersRequest } from '../../../src/protocol/messages/write-txn-markers.ts';
import type { Api } from '../../../src/protocol/schema.ts';
import { makeBatch } from '../../property/link/simulation/batches.ts';
import { alignedAt, answerOf, given, turns } from './partition-bench.ts';

const NOT_LEADER = 6;
const CLUSTER_AUTHORIZATION_FAILED = 31;

/** Error code by entry and partition; null leaves it out. */
type Verdict = (producerId: bigint, partition: number) => number | null;

interface Asked {
  readonly api: string;
  readonly maxVersion: number | undefined;
  readonly markers: WriteTxnMarkersRequest['markers'];
  /** Markers asked for, by partition. */
  readonly counts: Readonly<Record<string, number>>;
  /** As brokers answer: what entries of one producer id are told is merged, and the last one stands. */
  answer(verdict?: Verdict): void;
  lose(): void;
}

const countsOf = (markers: WriteTxnMarkersRequest['markers']): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { topics } of markers) {
    for (const { name, partitionIndexes } of topics) {
      for (const index of partitionIndexes) counts[`${name}-${index}`] = (counts[`${name}-${index}`] ?? 0) + 1;
    }
  }
  return counts;
};

const responseTo = (markers: WriteTxnMarkersRequest['markers'], verdict: Verdict): unknown => {
  const merged = new Map<bigint, Map<string, Map<number, number>>>();
  for (const { producerId, topics } of markers) {
    for (const { name, partitionIndexes } of topics) {
      for (const index of partitionIndexes) {
        const code = verdict(producerId, index);
        if (code === null) continue;
        const byTopic = merged.get(producerId) ?? new Map<string, Map<number, number>>();
        merged.set(producerId, byTopic.set(name, (byTopic.get(name) ?? new Map<number, number>()).set(index, code)));
      }
    }
  }
  return {
    markers: [...merged].map(([producerId, byTopic]) => ({
      producerId,
      topics: [...byTopic].map(([name, codes]) => ({
        name,
        partitions: [...codes].map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
      })),
    })),
  };
};

/** Partitions whose mirrors have `holes` offsets to fill each, and a record behind them. */
const bench = async (holes: readonly number[], limits: Partial<MarkerLimits> = {}) => {
  const asked: Asked[] = [];
  let connections = 0;
  const connection = {
    isClosed: false,
    send: (api: Api, { markers }: WriteTxnMarkersRequest, { maxVersion }: { maxVersion?: number }): Promise<unknown> =>
      new Promise((resolve, reject) => {
        asked.push({
          api: api.name,
          maxVersion,
          markers,
          counts: countsOf(markers),
          answer: (verdict = () => 0) => resolve(responseTo(markers, verdict)),
          lose: () => reject(new LinkError('KLINK_CONNECT', 'lost', { retriable: true })),
        });
      }),
  };
  const cluster = {
    connection: async () => {
      connections++;
      return connection;
    },
  } as unknown as Cluster;
  const writer = new MarkerWriter(cluster, { id: 1, lane: 'markers' }, { requestMaxMarkers: 100, maxInFlightRequests: 1, ...limits });
  const phases: string[] = [];
  const mirrors = holes.map((hole, partition) => {
    const listener = {
      readyToFill: (ready: PartitionMirror) => writer.offer(ready),
      phaseChanged: ({ phase }: PartitionMirror) => void phases.push(phase),
    };
    const topic = partition % 2 === 0 ? 'even' : 'odd';
    const mirror = new PartitionMirror({ topic, sourceTopic: 's', partition }, given({ listener }));
    mirror.begin(alignedAt(0));
    mirror.accept(
      answerOf(
        0,
        makeBatch({ base: hole, offsets: 1, leaderEpoch: 0 }, () => 0.2),
      ),
    );
    return mirror;
  });
  await turns();
  phases.length = 0;
  return { writer, asked, mirrors, phases, connection, connectionsAskedFor: () => connections };
};

it('writes markers of every partition in one request, a commit per offset, each entry under an id of its own', async () => {
  const { asked, mirrors } = await bench([2, 5, 3]);
  expect(asked.length).toBe(1);
  const { api, maxVersion, markers, counts } = asked[0]!;
  expect([api, maxVersion]).toEqual(['WriteTxnMarkers', 1]);
  expect(counts).toEqual({ 'even-0': 2, 'odd-1': 5, 'even-2': 3 });
  expect(markers.map(({ producerId }) => producerId)).toEqual([-6n, -5n, -4n, -3n, -2n]);
  expect(markers.every(({ producerId }) => isFillerId(producerId))).toBe(true);
  for (const marker of markers) expect(marker).toMatchObject({ producerEpoch: 0, coordinatorEpoch: 0, transactionResult: true });
  // Partitions come in as their stretches begin, so that the last entry has all of them, and none is named twice in an entry.
  expect(markers.map(({ topics }) => countsOf([{ ...markers[0]!, topics }]))).toEqual([
    { 'odd-1': 1 },
    { 'odd-1': 1 },
    { 'odd-1': 1, 'even-2': 1 },
    { 'even-0': 1, 'odd-1': 1, 'even-2': 1 },
    { 'even-0': 1, 'odd-1': 1, 'even-2': 1 },
  ]);
  asked[0]!.answer();
  await turns();
  expect(mirrors.map(({ ackedOffset, filledOffsets, hasBatchToSend }) => [ackedOffset, filledOffsets, hasBatchToSend])).toEqual([
    [2, 2, true],
    [5, 5, true],
    [3, 3, true],
  ]);
});

it('gives each partition a fair share of a request, and nobody waits for ever', async () => {
  const { asked, mirrors } = await bench([1_000, 3, 7], { requestMaxMarkers: 12 });
  const all: Record<string, number>[] = [];
  for (let n = 0; n < asked.length; n++) {
    const { counts, answer } = asked[n]!;
    all.push(counts);
    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBeLessThanOrEqual(12);
    answer();
    await turns();
  }
  expect(all.slice(0, 4)).toEqual([
    { 'even-0': 4, 'odd-1': 3, 'even-2': 4 },
    { 'even-0': 6, 'even-2': 3 },
    { 'even-0': 12 },
    { 'even-0': 12 },
  ]);
  expect(mirrors.map(({ ackedOffset }) => ackedOffset)).toEqual([1_000, 3, 7]);
});

it('serves more partitions than a request may have markers', async () => {
  const { asked, mirrors } = await bench([2, 2, 2, 2, 2], { requestMaxMarkers: 2 });
  for (let n = 0; n < asked.length; n++) {
    expect(Object.keys(asked[n]!.counts).length).toBeLessThanOrEqual(2);
    asked[n]!.answer();
    await turns();
  }
  expect(mirrors.map(({ ackedOffset }) => ackedOffset)).toEqual([2, 2, 2, 2, 2]);
});

it('keeps several requests on their way, but never two for one partition', async () => {
  const { asked, mirrors } = await bench([50, 50, 50, 50], { requestMaxMarkers: 2, maxInFlightRequests: 2 });
  expect(asked.map(({ counts }) => Object.keys(counts))).toEqual([
    ['even-0', 'odd-1'],
    ['even-2', 'odd-3'],
  ]);
  expect(mirrors.map(({ inFlight }) => inFlight)).toEqual([1, 1, 1, 1]);
  asked[1]!.answer();
  await turns();
  expect(Object.keys(asked[2]!.counts)).toEqual(['even-2', 'odd-3']);
  expect(asked.length).toBe(3);
});

it('aligns anew only the partition of which one marker was refused, even when all its others were written', async () => {
  const { asked, mirrors } = await bench([4, 4]);
  asked[0]!.answer((producerId, partition) => (partition === 1 && producerId === -3n ? NOT_LEADER : 0));
  await turns();
  expect(mirrors[0]).toMatchObject({ phase: 'mirroring', ackedOffset: 4, filledOffsets: 4 });
  expect(mirrors[1]).toMatchObject({ phase: 'aligning', ackedOffset: 0, filledOffsets: 0, isUnsettled: true, inFlight: 0 });
  expect(mirrors[1]?.error).toMatchObject({ code: 'KLINK_BROKER', brokerName: 'NOT_LEADER_OR_FOLLOWER' });
  expect(mirrors[1]?.error?.message).toContain('odd-1');
});

it.each([
  ['one marker', (producerId: bigint, partition: number) => (partition === 1 && producerId === -5n ? null : 0), /3 of 4 markers of odd-1/],
  ['a partition', (_: bigint, partition: number) => (partition === 1 ? null : 0), /0 of 4 markers of odd-1/],
] as const)('does not believe an answer that leaves out %s', async (_, verdict, says) => {
  const { asked, mirrors } = await bench([4, 4]);
  asked[0]!.answer(verdict);
  await turns();
  expect(mirrors[0]).toMatchObject({ phase: 'mirroring', ackedOffset: 4 });
  expect(mirrors[1]).toMatchObject({
    phase: 'aligning',
    ackedOffset: 0,
    isUnsettled: true,
    error: { code: 'KLINK_MALFORMED', retriable: true },
  });
  expect(mirrors[1]?.error?.message).toMatch(says);
});

it('takes the want of rights for final, and says how to give them', async () => {
  const { asked, mirrors, phases } = await bench([2]);
  asked[0]!.answer(() => CLUSTER_AUTHORIZATION_FAILED);
  await turns();
  expect(phases).toEqual(['failed']);
  expect(mirrors[0]?.inFlight).toBe(0);
  const { error } = mirrors[0]!;
  expect(error).toBeInstanceOf(MirrorFailure);
  expect(error).toMatchObject({ reason: 'FILL_NOT_AUTHORIZED', code: 'KLINK_AUTH' });
  expect(error?.message).toMatch(/kafka-acls .+ --add --allow-principal 'User:.+' --operation Alter --cluster/);
});

it('leaves partitions unsettled whose request was lost with its connection, and takes another one', async () => {
  const { asked, mirrors, connection, connectionsAskedFor } = await bench([2, 9]);
  asked[0]!.lose();
  await turns();
  for (const mirror of mirrors) {
    expect(mirror).toMatchObject({ phase: 'aligning', isUnsettled: true, inFlight: 0, ackedOffset: 0, error: { code: 'KLINK_CONNECT' } });
  }
  connection.isClosed = true;
  mirrors[0]?.begin(alignedAt(1, { sequence: 0 }));
  mirrors[0]?.accept(
    answerOf(
      1,
      makeBatch({ base: 2, offsets: 1, leaderEpoch: 0 }, () => 0.2),
    ),
  );
  await turns();
  expect(connectionsAskedFor()).toBe(2);
  expect(asked[1]!.counts).toEqual({ 'even-0': 1 });
});

it('does not write for a partition that was withdrawn, or that needs no more fill', async () => {
  const { asked, writer, mirrors } = await bench([3, 3, 3], { requestMaxMarkers: 1 });
  expect(Object.keys(asked[0]!.counts)).toEqual(['even-0']);
  writer.withdraw(mirrors[1]!);
  mirrors[2]?.disturb(new LinkError('KLINK_CONNECT', 'lost', { retriable: true }));
  mirrors[0]?.close();
  asked[0]!.answer();
  await turns();
  expect(asked.length).toBe(1);
  expect(mirrors[1]?.hasOffsetsToFill).toBe(true);
  await writer.idle();
});

it('waits for what is on its way', async () => {
  const { asked, writer } = await bench([3]);
  let isIdle = false;
  void writer.idle().then(() => {
    isIdle = true;
  });
  await turns();
  expect(isIdle).toBe(false);
  asked[0]!.answer();
  await turns();
  expect(isIdle).toBe(true);
});

it.each([
  [-1n, false],
  [0n, false],
  [2n ** 40n, false],
  [-2n, true],
  [-1_000n, true],
])('calls producer id %i a filler: %s', (producerId, verdict) => expect(isFillerId(producerId)).toBe(verdict));
