/** One appender, with a broker in the test's hand: what shares a request, what waits, and what is not sent at all. */
import { expect, it } from 'vitest';
import type { Cluster } from '../../../src/client/cluster.ts';
import { LinkError } from '../../../src/errors.ts';
import { MirrorFailure } from '../../../src/link/mirror-failure.ts';
import { Appender } from '../../../src/link/replication/appender.ts';
import { PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import type { ProduceRequest } from '../../../src/protocol/messages/produce.ts';
import { makeBatch } from '../../property/link/simulation/batches.ts';
import { alignedAt, answerOf, given, turns } from './partition-bench.ts';

interface Asked {
  readonly partitions: readonly number[];
  answer(errorCode: number, baseOffset?: number): void;
  lose(): void;
}

interface BenchOptions {
  /** Of the transaction that a batch belongs to; null for none. */
  readonly producerOf?: (partition: number, base: number) => bigint | null;
  /** How the answers of the partitions are put into entries of their topic; all into one when left out. */
  readonly answeredBy?: <Answer>(answers: Answer[]) => Answer[][];
}

/** An appender of one broker, with partitions that have `batches` one-record batches each to send. */
const bench = async (
  partitions: number,
  batches: number,
  maxInFlightRequests = 1,
  requestMaxBytes = 10_000,
  { producerOf = () => null, answeredBy = (answers) => [answers] }: BenchOptions = {},
) => {
  const asked: Asked[] = [];
  const send = (_: unknown, { topicData }: ProduceRequest): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const indexes = topicData.flatMap(({ partitionData }) => partitionData.map(({ index }) => index));
      asked.push({
        partitions: indexes,
        answer: (errorCode, baseOffset = 0) => {
          const partitionResponses = indexes.map((index) => ({ index, errorCode, baseOffset: BigInt(baseOffset), errorMessage: null }));
          resolve({ responses: answeredBy(partitionResponses).map((each) => ({ name: 't', partitionResponses: each })) });
        },
        lose: () => reject(new LinkError('KLINK_CONNECT', 'lost', { retriable: true })),
      });
    });
  const cluster = { connection: async () => ({ send }) } as unknown as Cluster;
  const limits = { acks: -1, timeoutMs: 1_000, maxInFlightRequests, requestMaxBytes, transactionalId: 'link' } as const;
  const appender = new Appender(cluster, { id: 1, lane: 'append-0' }, limits);
  const phases: string[] = [];
  const mirrors = Array.from({ length: partitions }, (_, partition) => {
    const listener = {
      readyToAppend: (ready: PartitionMirror) => appender.offer(ready),
      phaseChanged: ({ phase }: PartitionMirror) => void phases.push(phase),
    };
    const mirror = new PartitionMirror({ topic: 't', sourceTopic: 't', partition }, given({ listener, transactions: 'exact' }));
    mirror.begin(alignedAt(0));
    const batchAt = (_: unknown, base: number): Buffer => {
      const producerId = producerOf(partition, base);
      const kind = producerId === null ? 'data' : 'transactional';
      return makeBatch({ kind, base, offsets: 1, leaderEpoch: 0 }, () => 0.2, { producerId: producerId ?? -1n });
    };
    const records = Buffer.concat(Array.from({ length: batches }, batchAt));
    mirror.accept(answerOf(0, records, { lastStableOffset: batches, highWatermark: batches }));
    return mirror;
  });
  await turns();
  return { appender, asked, mirrors, phases };
};

it('puts one batch of every ready partition into one request', async () => {
  const { asked, mirrors } = await bench(4, 2);
  expect(asked.map(({ partitions }) => partitions)).toEqual([[0, 1, 2, 3]]);
  asked[0]?.answer(0, 0);
  await turns();
  expect(asked[1]?.partitions).toEqual([0, 1, 2, 3]);
  asked[1]?.answer(0, 1);
  await turns();
  expect(mirrors.map(({ ackedOffset }) => ackedOffset)).toEqual([2, 2, 2, 2]);
});

it('finds its answers in whatever order they come, and where a topic comes more than once', async () => {
  const { asked, mirrors } = await bench(3, 1, 1, 10_000, { answeredBy: (answers) => answers.reverse().map((answer) => [answer]) });
  asked[0]?.answer(0, 0);
  await turns();
  expect(mirrors.map(({ ackedOffset, error }) => [ackedOffset, error])).toEqual([
    [1, null],
    [1, null],
    [1, null],
  ]);
});

it('bounds requests in bytes and in number, and lets nobody wait for ever', async () => {
  const { asked, appender } = await bench(5, 1, 2, 100);
  expect(asked.map(({ partitions }) => partitions)).toEqual([
    [0, 1],
    [2, 3],
  ]);
  asked[0]?.answer(0, 0);
  await turns();
  expect(asked[2]?.partitions).toEqual([4]);
  asked[1]?.lose();
  asked[2]?.answer(0, 0);
  await appender.idle();
});

it('does not send for a partition that was withdrawn while it waited', async () => {
  const { asked, appender, mirrors } = await bench(2, 1, 1, 1);
  expect(asked.map(({ partitions }) => partitions)).toEqual([[0]]);
  appender.withdraw(mirrors[1] as PartitionMirror);
  asked[0]?.answer(0, 0);
  await turns();
  expect(asked.length).toBe(1);
  expect(mirrors[1]?.hasBatchToSend).toBe(true);
});

it('takes a final refusal for what it is, without a word of trying again', async () => {
  const { asked, mirrors, phases } = await bench(1, 1);
  phases.length = 0;
  asked[0]?.answer(76);
  await turns();
  expect(phases).toEqual(['failed']);
  expect(mirrors[0]?.error).toBeInstanceOf(MirrorFailure);
  expect(mirrors[0]?.inFlight).toBe(0);
});

it('disturbs a partition that the broker did not answer for', async () => {
  const { asked, mirrors } = await bench(1, 1);
  asked[0]?.lose();
  await turns();
  expect(mirrors[0]).toMatchObject({ phase: 'aligning', inFlight: 0, error: { code: 'KLINK_CONNECT' } });
});

it('keeps transactions of different producers in requests of their own, and lets none of them wait for ever', async () => {
  const producers = [null, 5n, 6n, 5n, null, 6n];
  const { asked, mirrors } = await bench(6, 1, 1, 10_000, { producerOf: (partition) => producers[partition] ?? null });
  for (let n = 0; n < asked.length; n++) {
    asked[n]?.answer(0, 0);
    await turns();
  }
  expect(asked.map(({ partitions }) => partitions)).toEqual([
    [0, 4],
    [1, 3],
    [2, 5],
  ]);
  expect(mirrors.map(({ ackedOffset }) => ackedOffset)).toEqual([1, 1, 1, 1, 1, 1]);
});

it('sends a batch of another producer when nothing of the partition is on its way, and the first of each alone', async () => {
  const producers = [5n, 5n, 6n, 6n, 6n, null, null];
  const { asked, mirrors } = await bench(1, 7, 4, 10_000, { producerOf: (_, base) => producers[base] ?? null });
  const onTheirWay: number[] = [];
  for (let n = 0; n < asked.length; ) {
    onTheirWay.push(asked.length - n);
    // In the order in which they went.
    for (const end = asked.length; n < end; n++) {
      asked[n]?.answer(0, n);
      await turns();
    }
  }
  expect(mirrors[0]?.ackedOffset).toBe(7);
  expect(onTheirWay).toEqual([1, 1, 1, 2, 1, 1]);
});
