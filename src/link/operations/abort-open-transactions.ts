/** Ends the transactions that a mirror has copied while they were open: nobody else will, once their source is gone. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '../../protocol/messages/write-txn-markers.ts';
import { MARKER_RIGHT_ADVICE } from '../acls-command.ts';
import { originalProducerId } from '../replication/mapped-producer.ts';
import { type MappedProducer, ProducerLookup } from '../replication/producer-lookup.ts';
import { chunks } from '../tasks/chunks.ts';

/** A transaction of the source that was ended at the destination. */
export interface AbortedCopy {
  readonly partition: number;
  /** As at the source. */
  readonly producerId: bigint;
  /** Its first offset. */
  readonly openSince: number;
}

interface OpenTransaction {
  readonly partition: number;
  readonly producerId: bigint;
  readonly producer: MappedProducer & { readonly openSince: number };
}

/** No producer id: only those of copied transactions are looked for. */
const NOBODY = -1n;
const MARKERS_PER_REQUEST = 1_000;
/** v2 demands an epoch above that of the transaction. */
const MAX_VERSION = 1;

/**
 * Aborts whatever is open in these partitions of producers whose transactions were copied (`transactions: 'exact'`): read_committed consumers get past it, and see
 * nothing of it. Transactions of the destination's own producers are left alone. Resolves with what was aborted once nothing is open any more; what another
 * call has aborted before is not done again. Nothing of the partitions may be on its way from the link.
 *
 * Needs READ on the topic, and ALTER or CLUSTER_ACTION on the cluster. Aborts are markers: each takes an offset, above all that the source has.
 *
 * @throws LinkError `KLINK_AUTH` without the rights; `KLINK_BROKER`, and as `Cluster.retry`, when the destination cannot be asked for `timeoutMs`.
 */
export const abortOpenTransactions = async (
  destination: Cluster,
  topic: string,
  partitions: readonly number[],
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly AbortedCopy[]> => {
  const lookup = new ProducerLookup(destination, NOBODY);
  const aborted = new Map<string, AbortedCopy>();
  await destination.retry(
    async (count, given) => {
      if (count > 1 || destination.metadata.topic(topic) === undefined) await destination.refreshMetadata([topic], given);
      const open = await openTransactions(lookup, topic, partitions);
      // Before: the answer may be lost.
      for (const { partition, producerId, producer } of open) {
        const { openSince } = producer;
        aborted.set(`${partition}/${producerId}`, { partition, producerId: originalProducerId(producerId), openSince });
      }
      await writeAborts(destination, topic, open, given);
      const [left] = open.length === 0 ? [] : await openTransactions(lookup, topic, partitions);
      if (left === undefined) return;
      throw new LinkError('KLINK_STATE', `${topic}-${left.partition}: a transaction is open although it was aborted`, { retriable: true });
    },
    { timeoutMs, signal },
  );
  return [...aborted.values()];
};

const openTransactions = async (
  lookup: ProducerLookup,
  topic: string,
  partitions: readonly number[],
): Promise<readonly OpenTransaction[]> => {
  const found = await Promise.all(partitions.map((partition) => lookup.find(topic, partition)));
  return partitions.flatMap((partition, index) =>
    [...(found[index]?.mapped ?? [])].flatMap(([producerId, producer]) => {
      const { openSince } = producer;
      return openSince === null ? [] : [{ partition, producerId, producer: { ...producer, openSince } }];
    }),
  );
};

/** With the epochs that the leader remembers: with older ones it would refuse. */
const writeAborts = async (destination: Cluster, topic: string, open: readonly OpenTransaction[], signal: AbortSignal): Promise<void> => {
  for (const [broker, transactions] of byLeader(destination, topic, open)) {
    for (const some of chunks(transactions, MARKERS_PER_REQUEST)) {
      const markers = some.map(({ partition, producerId, producer }): WriteTxnMarkersRequest['markers'][number] => ({
        producerId,
        producerEpoch: producer.producerEpoch,
        transactionResult: false,
        topics: [{ name: topic, partitionIndexes: [partition] }],
        coordinatorEpoch: Math.max(0, producer.coordinatorEpoch),
      }));
      const response = await destination.send(WriteTxnMarkers, { markers }, { broker }, { signal, maxVersion: MAX_VERSION });
      for (const { topics } of response.markers) {
        for (const { partitionIndex, errorCode } of topics.flatMap((answered) => answered.partitions)) {
          if (errorCode === ErrorCode.NONE) continue;
          const advice = errorCode === ErrorCode.CLUSTER_AUTHORIZATION_FAILED ? { advice: MARKER_RIGHT_ADVICE } : {};
          throw new BrokerError(errorCode, `abort what is open in ${topic}-${partitionIndex}`, advice);
        }
      }
    }
  }
};

const byLeader = (
  { metadata }: Cluster,
  topic: string,
  open: readonly OpenTransaction[],
): ReadonlyMap<number, readonly OpenTransaction[]> => {
  const leaders = new Map<number, OpenTransaction[]>();
  for (const transaction of open) {
    const leader = metadata.partition(topic, transaction.partition)?.leaderId ?? -1;
    if (leader < 0) throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, `abort what is open in ${topic}-${transaction.partition}`);
    leaders.set(leader, [...(leaders.get(leader) ?? []), transaction]);
  }
  return leaders;
};
