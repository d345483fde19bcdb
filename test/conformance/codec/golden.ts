/** The record sets the Java client wrote (`java/BatchOracle.java golden`), and our description of a record set in the oracle's words. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readRecords } from '../../../src/codec/read-records.ts';
import type { RecordBatch } from '../../../src/codec/record-batch.ts';
import { batchesOf } from '../../../src/codec/record-set.ts';

/** One golden file: what Java wrote, and what it read back. */
export interface Golden {
  readonly name: string;
  readonly bytes: Buffer;
  readonly lines: readonly string[];
}

const dir = fileURLToPath(new URL('./golden/', import.meta.url));

/** Every golden file whose name matches. */
export const goldens = (pattern: RegExp): Golden[] =>
  readdirSync(dir)
    .filter((file) => pattern.test(file))
    .map((file) => {
      const lines = readFileSync(`${dir}${file}`, 'utf8').trimEnd().split('\n');
      const hex = lines.filter((line) => line.startsWith('hex ')).map((line) => line.slice(4));
      return {
        name: file.replace('.txt', ''),
        bytes: Buffer.from(hex.join(''), 'hex'),
        lines: lines.filter((line) => !line.startsWith('hex ')),
      };
    });

/** Record sets of magic 2. */
export const batchGoldens = (): Golden[] => goldens(/^(?!magic)/);

/** What the oracle prints for these bytes, as our reader sees them. */
export const describeRecordSet = async (bytes: Buffer): Promise<string[]> => {
  const lines: string[] = [];
  for (const batch of batchesOf(bytes)) {
    lines.push(describeBatch(batch));
    for (const { offset, timestamp, key, value, headers } of await readRecords(batch)) {
      const shown = headers.map((header) => `${show(Buffer.from(header.key))}:${show(header.value)}`);
      lines.push(`record ${offset} time=${timestamp} key=${show(key)} value=${show(value)} headers=[${shown.join(',')}]`);
    }
  }
  return lines;
};

const describeBatch = (batch: RecordBatch): string =>
  `batch ${batch.baseOffset}..${batch.lastOffset} count=${batch.recordsCount} size=${batch.sizeInBytes} crc=${batch.crc} codec=${batch.compression} ` +
  `${batch.timestampType} base=${batch.baseTimestamp} max=${batch.maxTimestamp} ` +
  `producer=${batch.producerId}/${batch.producerEpoch}/${batch.baseSequence} leaderEpoch=${batch.partitionLeaderEpoch}` +
  (batch.isTransactional ? ' transactional' : '') +
  (batch.isControl ? ' control' : '') +
  (batch.hasDeleteHorizon ? ' deleteHorizon' : '');

const show = (bytes: Buffer | null): string => {
  if (bytes === null) return 'null';
  if (bytes.length <= 64) return bytes.toString('hex');
  return `${bytes.length}#${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
};
