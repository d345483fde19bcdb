/** Changes the log files of a broker that is down; its recovery then takes what it finds, as after a crash. */
import { appendFile, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { batchesOf } from '../../../src/codec/index.ts';

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
  for (const batch of batchesOf(await readFile(file))) {
    if (batch.baseOffsetNumber === offset) return truncate(file, batch.position);
  }
  throw new RangeError(`no batch of ${file} begins at offset ${offset}`);
};
