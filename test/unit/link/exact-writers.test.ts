/** What brokers are asked for transactions: which batches share a request and under which id, which markers share an entry and in which order. */
import { expect, it } from 'vitest';
import type { Cluster } from '../../../src/client/cluster.ts';
import { buildBatch, buildEndTxnMarker } from '../../../src/codec/batch-builder.ts';
import { Appender } from '../../../src/link/replication/appender.ts';
import { MarkerWriter } from '../../../src/link/replication/marker-writer.ts';
import { PartitionMirror } from '../../../src/link/replication/partition-mirror.ts';
import type { ProduceRequest } from '../../../src/protocol/messages/produce.ts';
import type { WriteTxnMarkersRequest } from '../../../src/protocol/messages/write-txn-markers.ts';
import { alignedAt, answerOf, given, turns } from './partition-bench.ts';

const MAPPED = 2n ** 62n;

/** See `exact-partition.test.ts`; `_`: an offset without anything. */
const logOf = async (script: string, epoch = 0): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for (const [index, letter] of [...script].entries()) {
    if (letter === '_') continue;
    const producer = { producerId: BigInt(`0x${letter === '.' ? 'f' : letter.toLowerCase()}`), producerEpoch: epoch };
    const where = { baseOffset: BigInt(index), partitionLeaderEpoch: 0 };
    const isEnd = letter >= 'A' && letter <= 'Z';
    const result = letter === 'C' ? 'abort' : 'commit';
    parts.push(
      isEnd
        ? buildEndTxnMarker({ result, coordinatorEpoch: 3 }, { ...where, ...producer, timestamp: 5n })
        : await buildBatch([{ value: letter, timestamp: 5n }], { ...where, ...producer, baseSequence: 0, transactional: letter !== '.' }),
    );
  }
  return Buffer.concat(parts);
};

type Asked<Request> = { readonly request: Request; readonly answer: () => void };

const asking = <Request>(respond: (request: Request) => unknown) => {
  const asked: Asked<Request>[] = [];
  const send = (_: unknown, request: Request): Promise<unknown> =>
    new Promise((resolve) => asked.push({ request, answer: () => resolve(respond(request)) }));
  return { asked, cluster: { connection: async () => ({ send, isClosed: false }) } as unknown as Cluster };
};

/** One partition for each script. */
const mirrorsOf = async (scripts: readonly string[], offer: (mirror: PartitionMirror) => void, epochs: readonly number[] = []) => {
  const listener = { readyToAppend: offer, readyToFill: offer };
  const mirrors: PartitionMirror[] = [];
  for (const [partition, script] of scripts.entries()) {
    const mirror = new PartitionMirror({ topic: 't', sourceTopic: 't', partition }, given({ transactions: 'exact', listener }));
    mirror.begin(alignedAt(0));
    mirror.accept(answerOf(0, await logOf(script, epochs[partition] ?? 0), { lastStableOffset: 0, highWatermark: 100 }));
    mirrors.push(mirror);
  }
  await turns();
  return mirrors;
};

it('puts the transactions of one producer into a request, under a transactional id, and what is of none into another', async () => {
  const { asked, cluster } = asking(({ topicData }: ProduceRequest) => ({
    responses: topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: 0, baseOffset: 0n, errorMessage: null })),
    })),
  }));
  const limits = { acks: -1, timeoutMs: 1_000, maxInFlightRequests: 1, requestMaxBytes: 10_000, transactionalId: 'kafka-link-x' } as const;
  const appender = new Appender(cluster, { id: 1, lane: 'append-0' }, limits);
  const mirrors = await mirrorsOf(['.', 'a', 'a', 'b', '.', 'a', 'a'], (mirror) => appender.offer(mirror), [0, 0, 0, 0, 0, 0, 1]);
  const told: unknown[] = [];
  for (let n = 0; n < 4; n++) {
    const { request, answer } = asked[n]!;
    told.push([request.transactionalId, request.topicData[0]!.partitionData.map(({ index }) => index)]);
    answer();
    await turns();
  }
  expect(told).toEqual([
    [null, [0, 4]],
    ['kafka-link-x', [1, 2, 5]],
    ['kafka-link-x', [3]],
    ['kafka-link-x', [6]],
  ]);
  expect(asked).toHaveLength(4);
  expect(mirrors.map(({ ackedOffset }) => ackedOffset)).toEqual([1, 1, 1, 1, 1, 1, 1]);
});

it('ends a transaction in all its partitions by one entry, in the order of each partition, and fills others on the way', async () => {
  const { asked, cluster } = asking(({ markers }: WriteTxnMarkersRequest) => {
    // As brokers do: what entries of one id say is merged.
    const merged = new Map<bigint, number[]>();
    for (const { producerId, topics } of markers) {
      merged.set(producerId, [...(merged.get(producerId) ?? []), ...topics.flatMap(({ partitionIndexes }) => partitionIndexes)]);
    }
    return {
      markers: [...merged].map(([producerId, indexes]) => ({
        producerId,
        topics: [{ name: 't', partitions: indexes.map((partitionIndex) => ({ partitionIndex, errorCode: 0 })) }],
      })),
    };
  });
  const writer = new MarkerWriter(cluster, { id: 1, lane: 'markers' }, { requestMaxMarkers: 100, maxInFlightRequests: 1 });
  const mirrors = await mirrorsOf(['AB', 'BAC', '__.', 'B', 'AA'], (mirror) => writer.offer(mirror));
  const entries = ({ request }: Asked<WriteTxnMarkersRequest>): unknown[] =>
    request.markers.map(({ producerId, producerEpoch, transactionResult, coordinatorEpoch, topics }) => [
      producerId < 0n ? producerId : producerId - MAPPED,
      producerEpoch,
      transactionResult,
      coordinatorEpoch,
      topics[0]!.partitionIndexes,
    ]);
  expect(entries(asked[0]!)).toEqual([
    [-3n, 0, true, 0, [2]],
    [-2n, 0, true, 0, [2]],
    [0xan, 0, true, 3, [0, 4]],
    [0xbn, 0, true, 3, [1, 3]],
    [0xbn, 0, true, 3, [0]],
    [0xan, 0, true, 3, [1]],
    [0xcn, 0, false, 3, [1]],
  ]);
  asked[0]!.answer();
  await turns();
  expect(entries(asked[1]!)).toEqual([[0xan, 0, true, 3, [4]]]);
  asked[1]!.answer();
  await turns();
  expect(mirrors.map(({ ackedOffset }) => ackedOffset)).toEqual([2, 3, 2, 1, 2]);
});
