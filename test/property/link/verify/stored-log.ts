/** A log in memory that is read as a broker's is: slices of bytes with the last batch cut off, aborted transactions, an end. */
import { BrokerError } from '../../../../src/client/broker-error.ts';
import type { LogRange, LogReader, LogSlice } from '../../../../src/link/verify/log-reader.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';

export interface StoredBatch {
  readonly base: number;
  readonly next: number;
  /** May be damaged: where it lies is told by the fields above alone, as a broker's index does. */
  readonly bytes: Buffer;
}

export interface StoredAbort {
  readonly producerId: bigint;
  readonly firstOffset: number;
  /** Of the marker. */
  readonly lastOffset: number;
}

export interface StoredLog {
  readonly start: number;
  readonly end: number;
  readonly batches: readonly StoredBatch[];
  readonly aborts?: readonly StoredAbort[];
}

/** `fetchBytes` is held to as by brokers: the first batch is whole, the last one may be cut off. */
export const readerOf = ({ start, end, batches, aborts = [] }: StoredLog, fetchBytes = 1_000): LogReader => ({
  range: async (): Promise<LogRange> => ({ start, end }),
  read: async (offset): Promise<LogSlice> => {
    if (offset < start || offset > end) throw new BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE, `read ${offset}`);
    const from = batches.findIndex(({ next }) => next > offset);
    if (from < 0) return { records: Buffer.alloc(0), abortedTransactions: [], end };
    const bytes = Buffer.concat(batches.slice(from).map((batch) => batch.bytes));
    const records = bytes.subarray(0, Math.max(fetchBytes, batches[from]!.bytes.length));
    let size = 0;
    let upTo = offset;
    for (const batch of batches.slice(from)) {
      if (size >= records.length) break;
      size += batch.bytes.length;
      upTo = batch.next;
    }
    const touching = aborts.filter(({ firstOffset, lastOffset }) => lastOffset >= offset && firstOffset < upTo);
    return {
      records,
      abortedTransactions: touching.map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) })),
      end,
    };
  },
});
