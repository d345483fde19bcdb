/** What a consumer sees of a partition, told independently of the link: in read_committed the records of committed batches, and nothing else. */
import type { Cluster } from '../../src/client/cluster.ts';
import { fetchPartition, type IsolationLevel } from '../../src/client/fetch-partition.ts';
import { batchesOf, CONTROL_TYPES, controlTypeOfBatch, readRecords } from '../../src/codec/index.ts';
import { readRange } from './log-walk.ts';

/** A record in a form that compares and prints well. */
export interface VisibleRecord {
  readonly offset: number;
  readonly timestamp: bigint;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

export interface VisibleLog {
  readonly start: number;
  /** Last stable offset; in read_uncommitted the high watermark. */
  readonly end: number;
  readonly records: readonly VisibleRecord[];
}

const FETCH_BYTES = 4 * 1024 * 1024;
const hex = (bytes: Buffer | null): string | null => bytes?.toString('hex') ?? null;

export const visibleLog = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  isolationLevel: IsolationLevel = 'read_committed',
): Promise<VisibleLog> => {
  const isCommitted = isolationLevel === 'read_committed';
  const { start } = await readRange(cluster, topic, partition);
  const records: VisibleRecord[] = [];
  let end = start;
  for (let offset = start; ; ) {
    const answer = await fetchPartition(cluster, { topic, partition, offset, maxBytes: FETCH_BYTES, isolationLevel });
    end = isCommitted ? answer.lastStableOffset : answer.highWatermark;
    const from = offset;
    const ahead = [...answer.abortedTransactions];
    const aborted = new Set<bigint>();
    for (const batch of batchesOf(answer.records ?? Buffer.alloc(0))) {
      for (const entry of ahead.filter(({ firstOffset }) => firstOffset <= batch.lastOffset)) {
        aborted.add(entry.producerId);
        ahead.splice(ahead.indexOf(entry), 1);
      }
      offset = Math.max(offset, batch.nextOffsetNumber);
      if (batch.isControl) {
        if (batch.recordsCount > 0 && controlTypeOfBatch(batch) === CONTROL_TYPES.abort) aborted.delete(batch.producerId);
        continue;
      }
      if (batch.recordsCount === 0 || (batch.isTransactional && aborted.has(batch.producerId))) continue;
      for (const record of await readRecords(batch)) {
        const at = Number(record.offset);
        if (at < start || at < from) continue;
        const headers = record.headers.map(({ key, value }) => [String(key), hex(value)] as const);
        records.push({ offset: at, timestamp: record.timestamp, key: hex(record.key), value: hex(record.value), headers });
      }
    }
    if (offset >= end || offset === from) return { start, end, records };
  }
};
