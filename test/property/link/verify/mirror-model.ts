/** Mirrors made from nothing but the list of what consumers see: every record at its offset, batches cut anywhere, the rest filled in any way. */
import { type BatchOptions, buildBatch, type HeaderChanges, patchBatch, RecordBatch } from '../../../../src/codec/index.ts';
import { between } from '../../../scenarios/seeded.ts';
import { CODECS, type ModelLog, type ModelRecord, marker, type View } from './source-model.ts';
import type { StoredBatch, StoredLog } from './stored-log.ts';

/** What may stand where the source has no record. */
export type Fill = 'markers' | 'ghosts' | 'records' | 'hole';

const LINK = { producerId: 4_711n, producerEpoch: 0 } as const;
const GHOST_DELTA = -(2 ** 31);

/** A log that shows `view` from `start` to `end`; nothing in it comes from the source's bytes. */
export const rebuildMirror = async (
  view: View,
  { start, end, fills }: { readonly start: number; readonly end: number; readonly fills: readonly Fill[] },
  random: () => number,
): Promise<StoredLog> => {
  const batches: StoredBatch[] = [];
  for (let at = start; at < end; ) {
    const isSeen = view.has(at);
    let next = at + 1;
    while (next < end && view.has(next) === isSeen && random() < 0.8) next++;
    if (isSeen) batches.push({ base: at, next, bytes: await run(view, at, next, random) });
    else batches.push(...(await fill(fills[between(random, 0, fills.length - 1)]!, at, next)));
    at = next;
  }
  return { start, end, batches };
};

const run = (view: View, from: number, next: number, random: () => number): Promise<Buffer> => {
  const records = Array.from({ length: next - from }, (_, i): ModelRecord => view.get(from + i)!);
  const compression = CODECS[between(random, 0, CODECS.length - 1)]!;
  return buildBatch(records, { ...LINK, baseOffset: BigInt(from), baseSequence: from % 2 ** 31, compression, partitionLeaderEpoch: 9 });
};

const fill = async (kind: Fill, from: number, next: number): Promise<StoredBatch[]> => {
  const offsets = next - from;
  const blank = (options: BatchOptions, offsetDelta?: number): Promise<Buffer> =>
    buildBatch(
      Array.from({ length: offsets }, () => ({ timestamp: 1n, ...(offsetDelta !== undefined && { offsetDelta }) })),
      { ...LINK, baseOffset: BigInt(from), ...options },
    );
  switch (kind) {
    case 'hole':
      return [];
    case 'markers':
      return Array.from({ length: offsets }, (_, i) => ({ base: from + i, next: from + i + 1, bytes: marker(from + i, -2n, 'commit') }));
    case 'records':
      return [{ base: from, next, bytes: await blank({ compression: 'zstd' }) }];
    case 'ghosts':
      return [{ base: from, next, bytes: await blank({ lastOffsetDelta: offsets - 1 }, GHOST_DELTA) }];
  }
};

/** The batches of the source as they are, under the link's producer, wherever they are dense and with CreateTime; the rest as {@link rebuildMirror} makes it. */
export const copyMirror = async ({ log, view }: ModelLog, fills: readonly Fill[], random: () => number): Promise<StoredLog> => {
  const batches: StoredBatch[] = [];
  let at = log.start;
  const rebuild = async (end: number): Promise<void> => {
    batches.push(...(await rebuildMirror(view, { start: at, end, fills }, random)).batches);
    at = end;
  };
  for (const { base, next, bytes } of log.batches) {
    const copy = RecordBatch.at(Buffer.from(bytes));
    if (!copy.isDense || copy.isControl || copy.timestampType !== 'CreateTime' || !view.has(base)) continue;
    await rebuild(base);
    const changes: HeaderChanges = { ...LINK, baseSequence: base % 2 ** 31, partitionLeaderEpoch: 9, attributes: copy.attributes & ~0x10 };
    patchBatch(copy, changes);
    batches.push({ base, next, bytes: copy.bytes });
    at = next;
  }
  await rebuild(log.end);
  return { start: log.start, end: log.end, batches };
};
