/** One fetcher, with a broker in the test's hand: what it does about answers that concern no partition, and about a window without room. */
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/client/clock.ts';
import type { Cluster } from '../../../src/client/cluster.ts';
import { MetadataCache } from '../../../src/client/metadata.ts';
import { Fetcher } from '../../../src/link/replication/fetcher.ts';
import { PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import type { FetchRequest } from '../../../src/protocol/messages/fetch.ts';
import { ZERO_UUID } from '../../../src/protocol/schema.ts';
import { makeBatch } from '../../property/link/simulation/batches.ts';
import { alignedAt, given, turns } from './partition-bench.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => {});

type Answer = { readonly errorCode: number; readonly sessionId?: number; readonly responses?: readonly unknown[] };

interface BenchOptions {
  readonly windowBytes?: number;
  readonly partitions?: number;
  /** What alignment has seen of each partition's log. */
  readonly sourceEnd?: number;
  readonly responseMaxBytes?: number;
  readonly partitionMaxBytes?: number;
}

/** A fetcher of one partition, unless it is to have more; `answers` are error codes for whole answers, after which the broker is silent. */
const bench = async (
  answers: readonly (Answer | ((fetcher: Fetcher, mirror: PartitionMirror) => Answer))[],
  { windowBytes = 1_000, partitions = 1, sourceEnd = 0, responseMaxBytes = 5_000, partitionMaxBytes = 2_000 }: BenchOptions = {},
) => {
  const requests: FetchRequest[] = [];
  const left = [...answers];
  const send = async (_: unknown, request: FetchRequest): Promise<unknown> => {
    requests.push(request);
    const next = left.shift();
    return next === undefined
      ? never()
      : { sessionId: 0, responses: [], ...(typeof next === 'function' ? next(fetcher, mirrors[0]!) : next) };
  };
  const connection = { send, versions: { of: () => 12 } };
  const cluster = { metadata: new MetadataCache(), connection: async () => connection } as unknown as Cluster;
  const limits = { responseMaxBytes, partitionMaxBytes, minBytes: 1, waitMaxMs: 500, requestTimeoutMs: 30_000 };
  const fetcher = new Fetcher(
    cluster,
    { id: 1, lane: 'fetch-0' },
    { clock: systemClock, limits, isolationLevel: 1, windowBytes, onAnswer: () => {} },
  );
  const listener = { readyToFetch: () => fetcher.wake() };
  const mirrors = Array.from(
    { length: partitions },
    (_, partition) => new PartitionMirror({ topic: 't', sourceTopic: 't', partition }, given({ listener, queueLimitBytes: 2 ** 30 })),
  );
  for (const mirror of mirrors) {
    fetcher.add(mirror);
    mirror.begin(alignedAt(0, { sourceEnd }));
  }
  await turns(10);
  return { requests, mirror: mirrors[0]!, fetcher };
};

it('asks again with a full request when a session is gone', async () => {
  const { requests, mirror } = await bench([{ errorCode: 0, sessionId: 5 }, { errorCode: 70 }]);
  expect(requests.map(({ sessionId, sessionEpoch }) => [sessionId, sessionEpoch])).toEqual([
    [0, 0],
    [5, 1],
    [0, 0],
  ]);
  expect(mirror.phase).toBe('mirroring');
});

it.each([-1, 42, 70, 71, 106])('does not ask in a circle when a full request is answered with error %i', async (errorCode) => {
  const { requests, mirror } = await bench([{ errorCode }, { errorCode }, { errorCode }]);
  expect(requests.length).toBe(1);
  expect(mirror).toMatchObject({ phase: 'aligning', error: { brokerCode: errorCode } });
});

it('asks anew for what a partition was told while it was away, since a broker tells it once in a session', async () => {
  const answer = { topic: 't', topicId: ZERO_UUID, partitions: [{ partitionIndex: 0, records: null }] };
  const whileAway = (fetcher: Fetcher, mirror: PartitionMirror) => {
    fetcher.remove(mirror);
    return { errorCode: 0, sessionId: 5, responses: [answer] };
  };
  const { requests, mirror, fetcher } = await bench([{ errorCode: 0, sessionId: 5 }, whileAway]);
  fetcher.add(mirror);
  await turns(10);
  expect(requests.map(({ sessionId, sessionEpoch, topics }) => [sessionId, sessionEpoch, topics.length])).toEqual([
    [0, 0, 1],
    [5, 1, 0],
    [0, 0, 1],
  ]);
});

it('asks for committed records, and hands on what was aborted and how far the answer may be trusted', async () => {
  const batch = makeBatch({ kind: 'transactional', base: 0, offsets: 2, leaderEpoch: 0 }, () => 0.2, { producerId: 9n });
  const partition = {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 7n,
    lastStableOffset: 3n,
    logStartOffset: 0n,
    divergingEpoch: { epoch: -1, endOffset: -1n },
    abortedTransactions: [{ producerId: 9n, firstOffset: 0n }],
    records: batch,
  };
  const { requests, mirror } = await bench([{ errorCode: 0, responses: [{ topic: 't', topicId: ZERO_UUID, partitions: [partition] }] }]);
  expect(requests.map(({ isolationLevel }) => isolationLevel)).toEqual([1, 1]);
  expect(mirror).toMatchObject({ fetchOffset: 2, sourceEnd: 3, sourceHighWatermark: 7, hasOffsetsToFill: true });
  expect(mirror.takeFill(9)).toEqual({ offset: 0, nextOffset: 2 });
});

it('fetches through a window that is smaller than what one partition may bring', async () => {
  const { requests } = await bench([], { windowBytes: 100 });
  expect(requests.map(({ maxBytes }) => maxBytes)).toEqual([100]);
});

it('shares an answer among the partitions that are behind, by the batches that it has seen', async () => {
  const records = makeBatch({ base: 0, offsets: 1, leaderEpoch: 0 }, () => 0.2, {});
  const partition = (partitionIndex: number, records: Buffer | null, highWatermark: bigint) => ({
    partitionIndex,
    errorCode: 0,
    highWatermark,
    lastStableOffset: highWatermark,
    logStartOffset: 0n,
    divergingEpoch: { epoch: -1, endOffset: -1n },
    abortedTransactions: null,
    records,
  });
  // The last partition turns out to have nothing, after all.
  const partitions = [partition(0, records, 9n), partition(4, null, 0n)];
  const { requests } = await bench([{ errorCode: 0, responses: [{ topic: 't', topicId: ZERO_UUID, partitions }] }], {
    partitions: 5,
    sourceEnd: 9,
    windowBytes: 2 ** 30,
    responseMaxBytes: 2 ** 21,
    partitionMaxBytes: 2 ** 20,
  });
  const asked = ({ topics }: FetchRequest) => {
    const all = topics.flatMap((topic) => topic.partitions);
    return all.map(({ partition, partitionMaxBytes }) => [partition, partitionMaxBytes]).sort();
  };
  expect(asked(requests[0]!)).toEqual([0, 1, 2, 3, 4].map((index) => [index, 2 ** 20]));
  expect(asked(requests[1]!)).toEqual([
    [0, 2 ** 19],
    [1, 2 ** 19],
    [2, 2 ** 19],
    [3, 2 ** 19],
    [4, 2 ** 20],
  ]);
});

it('ends when it is closed, whatever it waits for', async () => {
  const { fetcher, mirror } = await bench([{ errorCode: 42 }]);
  expect(mirror.phase).toBe('aligning');
  await fetcher.close();
});
