/** Batches that Java wrote, compacted ones and ones with append times among them: rebuilt, they hold what Java reads in them. */
import { expect, it } from 'vitest';
import type { RecordBatch } from '../../../src/codec/record-batch.ts';
import { batchesOf } from '../../../src/codec/record-set.ts';
import { rebuildBatch } from '../../../src/link/replication/rebuild-batch.ts';
import { changesByLeader } from '../../support/leader.ts';
import { batchGoldens, describeRecordSet } from './golden.ts';

/** The records of all runs in the oracle's words, at the offsets they will have. */
const rebuiltLines = async (batch: RecordBatch): Promise<string[]> => {
  const lines: string[] = [];
  for (const { offset, bytes } of await rebuildBatch(batch, 0)) {
    expect(await changesByLeader(bytes)).toEqual({});
    const described = (await describeRecordSet(bytes)).filter((line) => line.startsWith('record'));
    lines.push(...described.map((line) => line.replace(/^record (\d+)/, (_, delta) => `record ${offset + Number(delta)}`)));
  }
  return lines;
};

const data = batchGoldens().filter(({ lines }) => !lines.some((line) => line.endsWith(' control')));

it('has compacted batches and batches with append times to try', () => {
  const names = data.map(({ name }) => name).join(' ');
  expect(names).toMatch(/zstd-compacted.*zstd-append-time|zstd-append-time.*zstd-compacted/);
});

it.each(data)('$name', async ({ bytes, lines }) => {
  const rebuilt: string[] = [];
  for (const batch of batchesOf(bytes)) rebuilt.push(...(await rebuiltLines(batch)));
  expect(rebuilt).toEqual(lines.filter((line) => line.startsWith('record')));
});
