/** One partition's log as a verification reads it: where it starts and ends, and slices of what a read_committed consumer may fetch. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { type FetchedPartition, fetchPartition } from '../../client/fetch-partition.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { OffsetLookup } from '../replication/offset-lookup.ts';
import type { ByteRate } from './byte-rate.ts';

export interface LogRange {
  readonly start: number;
  /** The last stable offset: up to here every transaction has ended. */
  readonly end: number;
}

export interface LogSlice extends Pick<FetchedPartition, 'records' | 'abortedTransactions'> {
  /** Where the log ended when it was read: no batch begins here or above. */
  readonly end: number;
}

/** A log to be compared. What may pass by itself is tried again behind these calls; {@link isOutOfRange} is not. */
export interface LogReader {
  range(signal: AbortSignal): Promise<LogRange>;
  /** Batches from `offset` on. No bytes at all mean that there is nothing up to `to`, which is an offset that the log has reached. */
  read(offset: number, to: number, signal: AbortSignal): Promise<LogSlice>;
}

/** The log does not have this offset: it was deleted, or has never been. */
export const isOutOfRange = (error: unknown): boolean => error instanceof BrokerError && error.brokerCode === ErrorCode.OFFSET_OUT_OF_RANGE;

/** A connection of its own per broker: the link that runs beside does not wait for a verification. */
const LANE = 'verify';

export interface ReadLimits {
  /** Bytes of one answer; a larger batch comes whole all the same. */
  readonly fetchBytes: number;
  /** Milliseconds for which what may pass is tried again. */
  readonly timeoutMs: number;
  readonly rate: ByteRate;
}

/** A log that a cluster serves. */
export const clusterLogReader = (
  cluster: Cluster,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  { fetchBytes, timeoutMs, rate }: ReadLimits,
): LogReader => {
  const label = `${topic}-${partition} on the ${cluster.settings.role} cluster`;
  const offsets = new OffsetLookup(cluster, 'committed');
  const patiently = <T>(doing: string, signal: AbortSignal, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    cluster.retry(
      async (count, given) => {
        if (count > 1) await cluster.refreshMetadata([topic], given);
        return attempt(given);
      },
      { timeoutMs, signal, doing },
    );
  return {
    range: (signal) => patiently(`Finding the ends of ${label}`, signal, () => offsets.range(topic, partition)),
    read: async (offset, to, signal) => {
      const slice = await patiently(`Reading ${label}`, signal, async (given): Promise<LogSlice> => {
        const { records, abortedTransactions, lastStableOffset, highWatermark } = await fetchPartition(
          cluster,
          // Without waiting: up to `to` there is something to read now, or nothing ever.
          { topic, partition, offset, maxBytes: fetchBytes, maxWaitMs: 0, isolationLevel: 'read_committed', lane: LANE },
          given,
        );
        const end = lastStableOffset >= 0 ? lastStableOffset : highWatermark;
        // Nothing from a broker that does not know the end yet, or keeps its clients waiting (KIP-219), says nothing about the log.
        if ((records === null || records.length === 0) && end < to) {
          throw new LinkError('KLINK_STATE', `${label} cannot be read at offset ${offset} at the moment`, { retriable: true });
        }
        return { records, abortedTransactions, end };
      });
      await rate.spend(slice.records?.length ?? 0, signal);
      return slice;
    },
  };
};

/** The same log; `count` is called with the bytes of every slice. */
export const countedReader = (reader: LogReader, count: (bytes: number) => void): LogReader => ({
  range: (signal) => reader.range(signal),
  read: async (offset, to, signal) => {
    const slice = await reader.read(offset, to, signal);
    count(slice.records?.length ?? 0);
    return slice;
  },
});
