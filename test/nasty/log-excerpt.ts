/** The batches around an offset, as an engineer wants to see them in a report: header fields, then bytes. */
import { fetchPartition } from '../../src/client/fetch-partition.ts';
import { BATCH_HEADER_BYTES, batchesOf, type RecordBatch } from '../../src/codec/index.ts';
import type { Workbench } from '../scenarios/workbench.ts';
import type { PartitionName } from './nasty-java.ts';

const OFFSETS_BEFORE = 30;
const BATCHES = 10;
const PAYLOAD_BYTES = 64;
const FETCH_BYTES = 1 << 20;

const describe = (batch: RecordBatch): string => {
  const { baseOffset, lastOffset, recordsCount, attributes, baseTimestamp, maxTimestamp, producerId, producerEpoch, baseSequence } = batch;
  const head = `${baseOffset}..${lastOffset} records ${recordsCount} attributes 0x${attributes.toString(16)}`;
  const rest = `times ${baseTimestamp}..${maxTimestamp} producer ${producerId}/${producerEpoch}/${baseSequence} bytes ${batch.sizeInBytes}`;
  return `    ${head} ${rest}\n      ${batch.bytes.subarray(0, BATCH_HEADER_BYTES + PAYLOAD_BYTES).toString('hex')}`;
};

/** Text, one batch after the other; says so instead when the log cannot be read there. */
export const logExcerpt = async (bench: Workbench, { topic, partition }: PartitionName, offset: number): Promise<string> => {
  try {
    const { start, end } = await bench.range(topic, partition);
    const from = Math.min(Math.max(start, offset - OFFSETS_BEFORE), end);
    const { records, lastStableOffset } = await fetchPartition(bench.cluster, { topic, partition, offset: from, maxBytes: FETCH_BYTES });
    const batches = [...batchesOf(records ?? Buffer.alloc(0))];
    const there = batches.findIndex((batch) => batch.lastOffsetNumber >= offset);
    const first = Math.max(0, (there < 0 ? batches.length : there) - BATCHES / 2);
    const shown = batches.slice(first, first + BATCHES).map(describe);
    return [`    log ${start}..${end}, last stable offset ${lastStableOffset}`, ...shown].join('\n');
  } catch (error) {
    return `    cannot be read: ${error instanceof Error ? error.message : error}`;
  }
};
