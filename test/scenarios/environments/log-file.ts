/** Changes the log files of a broker. One that is down takes what it finds when it recovers, as after a crash. */
import { appendFile, open, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { batchesOf, type RecordBatch } from '../../../src/codec/index.ts';

/** The segment that is written to. */
const activeSegment = async (dataDir: string, topic: string, partition: number): Promise<string> => {
  const directory = join(dataDir, `${topic}-${partition}`);
  const segments = (await readdir(directory)).filter((name) => name.endsWith('.log')).sort();
  return join(directory, segments.at(-1)!);
};

export const appendToLogFile = async (dataDir: string, topic: string, partition: number, bytes: Buffer): Promise<void> =>
  appendFile(await activeSegment(dataDir, topic, partition), bytes);

/** Cuts off the batch that begins at `offset` and everything behind it. */
export const truncateLogFile = async (dataDir: string, topic: string, partition: number, offset: number): Promise<void> => {
  const file = await activeSegment(dataDir, topic, partition);
  const { position } = await batchAt(file, offset);
  await truncate(file, position);
};

/** Flips a bit of the last byte of the batch that begins at `offset`. A broker that runs serves it so: it does not look into what it sends. */
export const damageLogFile = async (dataDir: string, topic: string, partition: number, offset: number): Promise<void> => {
  const path = await activeSegment(dataDir, topic, partition);
  const { bytes, position } = await batchAt(path, offset);
  await using file = await open(path, 'r+');
  await file.write(Buffer.from([bytes.at(-1)! ^ 1]), 0, 1, position + bytes.length - 1);
};

const batchAt = async (file: string, offset: number): Promise<RecordBatch> => {
  for (const batch of batchesOf(await readFile(file))) if (batch.baseOffsetNumber === offset) return batch;
  throw new RangeError(`no batch of ${file} begins at offset ${offset}`);
};
