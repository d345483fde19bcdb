/** A partition with its transactions, as both kinds of consumers and its leader see them: told independently of the link, and with nothing left out. */
import { expect } from 'vitest';
import { BrokerError } from '../../src/client/broker-error.ts';
import type { Cluster } from '../../src/client/cluster.ts';
import { fetchPartition } from '../../src/client/fetch-partition.ts';
import { batchesOf, decodeEndTxnMarker, readRecords } from '../../src/codec/index.ts';
import { ErrorCode } from '../../src/protocol/error-codes.ts';
import { DescribeProducers } from '../../src/protocol/messages/describe-producers.ts';
import type { Stage } from './stage.ts';
import { type VisibleLog, visibleLog } from './visible-records.ts';

/** A batch that belongs to a transaction, or ends one. */
export interface TransactionalBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Of a marker; null for data. */
  readonly end: { readonly result: string; readonly coordinatorEpoch: number } | null;
}

export interface TransactionView {
  /** What a read_committed consumer sees; its end is the last stable offset. */
  readonly committed: VisibleLog;
  /** What a read_uncommitted consumer sees; its end is the high watermark. */
  readonly uncommitted: VisibleLog;
  /** The aborted transactions of which brokers tell consumers. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
  readonly open: readonly { readonly producerId: bigint; readonly since: bigint }[];
  readonly batches: readonly TransactionalBatch[];
}

const FETCH_BYTES = 4 * 1024 * 1024;
/** Whose ids producers have: those of the source, where a link has put them, or where a second link has put those of its source, a mirror. */
export type ProducerIds = 'original' | 'mapped' | 'mapped twice';
const MAPPED_BY: Readonly<Record<ProducerIds, bigint>> = { original: 0n, mapped: 2n ** 62n, 'mapped twice': 2n ** 62n + 2n ** 56n };

/** With the ids of producers as the source has them. */
export const transactionView = async (cluster: Cluster, topic: string, partition: number, ids: ProducerIds): Promise<TransactionView> => {
  const original = (producerId: bigint): bigint => producerId - MAPPED_BY[ids];
  const isOfTransaction = (producerId: bigint): boolean => producerId >= MAPPED_BY[ids];
  const [committed, uncommitted] = [
    await visibleLog(cluster, topic, partition),
    await visibleLog(cluster, topic, partition, 'read_uncommitted'),
  ];
  const aborted = new Map<string, { readonly producerId: bigint; readonly firstOffset: bigint }>();
  for (let offset = committed.start; offset < committed.end; ) {
    const answer = await fetchPartition(cluster, { topic, partition, offset, maxBytes: FETCH_BYTES, isolationLevel: 'read_committed' });
    for (const { producerId, firstOffset } of answer.abortedTransactions) {
      aborted.set(`${producerId}/${firstOffset}`, { producerId: original(producerId), firstOffset });
    }
    for (const batch of batchesOf(answer.records ?? Buffer.alloc(0))) offset = Math.max(offset, batch.nextOffsetNumber);
  }
  const batches: TransactionalBatch[] = [];
  for (let offset = uncommitted.start; offset < uncommitted.end; ) {
    const { records } = await fetchPartition(cluster, { topic, partition, offset, maxBytes: FETCH_BYTES });
    for (const batch of batchesOf(records ?? Buffer.alloc(0))) {
      if (batch.nextOffsetNumber <= offset) continue;
      offset = batch.nextOffsetNumber;
      const { baseOffsetNumber: baseOffset, lastOffsetNumber: lastOffset, producerId, producerEpoch } = batch;
      if (!batch.isTransactional || !isOfTransaction(producerId) || batch.recordsCount === 0) continue;
      const [control] = batch.isControl ? await readRecords(batch) : [];
      const end = control === undefined ? null : decodeEndTxnMarker(control);
      batches.push({ baseOffset, lastOffset, producerId: original(producerId), producerEpoch, end });
    }
  }
  const byOffset = [...aborted.values()].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  return { committed, uncommitted, aborted: byOffset, open: await openTransactions(cluster, topic, partition, original), batches };
};

const openTransactions = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  original: (producerId: bigint) => bigint,
): Promise<TransactionView['open']> => {
  const topics = [{ name: topic, partitionIndexes: [partition] }];
  const response = await cluster.send(DescribeProducers, { topics }, { leader: { topic, partition } });
  const { errorCode, activeProducers } = response.topics[0]!.partitions[0]!;
  if (errorCode !== ErrorCode.NONE) throw new BrokerError(errorCode, `describe the producers of ${topic}-${partition}`);
  return activeProducers
    .filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0n)
    .map(({ producerId, currentTxnStartOffset }) => ({ producerId: original(producerId), since: currentTxnStartOffset }))
    .sort((a, b) => Number(a.since - b.since));
};

/** Both consumers see the same on both sides, and both leaders say the same of their transactions. Resolves with the views of the source. */
export const expectSameTransactions = async (stage: Stage, topic: string, partitions = 1): Promise<readonly TransactionView[]> => {
  const indexes = Array.from({ length: partitions }, (_, partition) => partition);
  const source = await Promise.all(indexes.map((partition) => stage.source.bench.transactions(topic, partition, 'original')));
  const destination = await Promise.all(indexes.map((partition) => stage.destination.bench.transactions(topic, partition, 'mapped')));
  expect(destination).toEqual(source);
  for (const isolation of ['read_committed', 'read_uncommitted'] as const) {
    const digests = await stage.environment.digests?.(topic, isolation);
    if (digests !== undefined) expect(digests.destination).toEqual(digests.source);
  }
  return source;
};
