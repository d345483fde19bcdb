/** Waits for the log cleaner of a broker, by the files in which brokers keep how far it came. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PartitionName } from './nasty-java.ts';

/** A partition with its log start and its last stable offset. */
export interface Cleanable extends PartitionName {
  readonly start: number;
  readonly stableEnd: number;
}

const LOOK_MS = 50;

/** `topic partition offset` of each line: everything below was cleaned at least once. */
const readCheckpoint = async (dataDir: string): Promise<ReadonlyMap<string, number>> => {
  const text = await readFile(join(dataDir, 'cleaner-offset-checkpoint'), 'utf8').catch(() => '');
  const lines = text
    .split('\n')
    .map((line) => line.split(' '))
    .filter(({ length }) => length === 3);
  return new Map(lines.map(([topic, partition, offset]) => [`${topic}-${partition}`, Number(offset)]));
};

/** Up to where the cleaner comes: whole segments below the last stable offset, and never the one that is written to. */
const cleanableEnd = async (dataDir: string, { topic, partition, stableEnd }: Cleanable): Promise<number> => {
  const names = await readdir(join(dataDir, `${topic}-${partition}`));
  const bases = names.filter((name) => name.endsWith('.log')).map((name) => Number.parseInt(name, 10));
  return Math.max(...bases.filter((base) => base <= stableEnd));
};

/** Resolves with the partitions that were not cleaned up to where they could be: none, unless the time ran out. */
export const awaitCleaner = async (dataDir: string, partitions: readonly Cleanable[], timeoutMs: number): Promise<readonly Cleanable[]> => {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const cleaned = await readCheckpoint(dataDir);
    const goals = await Promise.all(partitions.map((one) => cleanableEnd(dataDir, one)));
    const waiting = partitions.filter(
      ({ topic, partition, start }, i) => goals[i]! > Math.max(start, cleaned.get(`${topic}-${partition}`) ?? 0),
    );
    if (waiting.length === 0 || performance.now() > deadline) return waiting;
    await delay(LOOK_MS);
  }
};
