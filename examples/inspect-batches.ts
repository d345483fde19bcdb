/**
 * Looks into a segment file of a Kafka log: one line per batch, from its header alone; with --records, what is inside too.
 *
 *   npx tsx examples/inspect-batches.ts /var/lib/kafka/orders-0/00000000000000000000.log --records
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { RecordSetCursor, readRecords, verifyCrc } from 'kafka-link/codec';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { records: { type: 'boolean', default: false } } });
const [file] = positionals;
if (file === undefined) throw new Error('Which file? For example 00000000000000000000.log in a directory of a partition');

const cursor = new RecordSetCursor().open(await readFile(file));
const { batch } = cursor;
while (cursor.next()) {
  const { baseOffset, lastOffset, recordsCount, compression, sizeInBytes, timestampType, producerId, isControl, isTransactional } = batch;
  const marks = [isControl && 'control', isTransactional && 'transactional', !batch.isDense && 'sparse', !verifyCrc(batch) && 'DAMAGED'];
  const what = [`${recordsCount} records`, compression, `${sizeInBytes} bytes`, timestampType, `producer ${producerId}`];
  console.log(`${baseOffset}..${lastOffset}  ${[...what, ...marks.filter(Boolean)].join('  ')}`);
  if (!values.records || isControl) continue;
  for (const { offset, key, value, headers } of await readRecords(batch)) {
    const names = headers.map((header) => header.key).join(',');
    console.log(`  ${offset}  ${key?.toString() ?? 'null'} = ${value?.toString() ?? 'null'}${names === '' ? '' : `  [${names}]`}`);
  }
}
if (cursor.stop === 'message-set') console.log(`messages of format v${cursor.magic} from offset ${cursor.messageOffset}`);
if (cursor.stop === 'cut') console.log(`a batch is cut off at byte ${cursor.position}`);
