/** Source logs of every kind, with the list of what a read_committed consumer sees of them, known from how they were made. */
import fc from 'fast-check';
import {
  assembleBatch,
  buildBatch,
  buildEndTxnMarker,
  COMPRESSION_IDS,
  type Compression,
  type NewRecord,
  type RecordHeader,
} from '../../../../src/codec/index.ts';
import { between } from '../../../scenarios/seeded.ts';
import type { StoredAbort, StoredBatch, StoredLog } from './stored-log.ts';

export interface ModelRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  readonly timestamp: bigint;
}

/** What consumers see, by offset. */
export type View = ReadonlyMap<number, ModelRecord>;

const KINDS = ['plain', 'append-time', 'committed', 'sparse', 'horizon', 'empty', 'hole', 'marker', 'aborted'] as const;
export const CODECS = Object.keys(COMPRESSION_IDS) as readonly Compression[];

/** What comes next in a log, and over how many offsets. */
export interface Region {
  readonly kind: (typeof KINDS)[number];
  readonly offsets: number;
  readonly compression: Compression;
}

export const regions: fc.Arbitrary<readonly Region[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...KINDS), offsets: fc.integer({ min: 1, max: 9 }), compression: fc.constantFrom(...CODECS) }),
  { minLength: 1, maxLength: 12 },
);

export interface ModelLog {
  readonly log: StoredLog;
  readonly view: View;
}

const TIME = 1_700_000_000_000n;

/** No two with a key or a value are alike; some have neither, as an application may well write. */
export const newRecord = (random: () => number, id: number): ModelRecord => {
  const timestamp = random() < 0.05 ? -1n : TIME + BigInt(between(random, -5_000, 5_000));
  if (random() < 0.05) return { key: null, value: null, headers: [], timestamp };
  const isKeyed = random() < 0.7;
  return {
    key: isKeyed ? Buffer.from(`k${id}`) : null,
    value: isKeyed && random() < 0.2 ? null : Buffer.from(`v${id}:${'x'.repeat(between(random, 0, 60))}`),
    headers: random() < 0.3 ? [{ key: 'h', value: random() < 0.5 ? null : Buffer.from(String(id)) }] : [],
    timestamp,
  };
};

/** `start` is where the log begins. Transactions may stay open over what follows them; at the end all have ended. */
export const makeSource = async (list: readonly Region[], random: () => number, start: number): Promise<ModelLog> => {
  const batches: StoredBatch[] = [];
  const aborts: StoredAbort[] = [];
  const view = new Map<number, ModelRecord>();
  /** First offsets of transactions that will be aborted, by producer. */
  const open = new Map<bigint, number>();
  let at = start;
  const store = (bytes: Buffer, offsets: number): void => {
    batches.push({ base: at, next: at + offsets, bytes });
    at += offsets;
  };
  const abort = (producerId: bigint, firstOffset: number): void => {
    open.delete(producerId);
    aborts.push({ producerId, firstOffset, lastOffset: at });
    store(marker(at, producerId, 'abort'), 1);
  };
  const show = (records: readonly (NewRecord & ModelRecord)[], change: Partial<ModelRecord> = {}): void => {
    for (const [i, { offsetDelta = i, ...record }] of records.entries()) view.set(at + offsetDelta, { ...record, ...change });
  };
  for (const { kind, offsets, compression } of list) {
    for (const [producerId, firstOffset] of open) if (random() < 0.4) abort(producerId, firstOffset);
    const producerId = [1n, 2n, 3n, 4n, 5n].filter((id) => !open.has(id))[between(random, 0, 2)] ?? BigInt(100 + at);
    const all = Array.from({ length: offsets }, (_, i) => newRecord(random, at + i));
    const base = { baseOffset: BigInt(at), compression, partitionLeaderEpoch: 3, producerId, producerEpoch: 0, baseSequence: 0 };
    switch (kind) {
      case 'plain':
        show(all);
        store(await buildBatch(all, base), offsets);
        break;
      case 'committed':
        show(all);
        store(await buildBatch(all, { ...base, transactional: true }), offsets);
        store(marker(at, producerId, 'commit'), 1);
        break;
      case 'aborted':
        open.set(producerId, at);
        store(await buildBatch(all, { ...base, transactional: true }), offsets);
        break;
      case 'append-time': {
        const logAppendTime = TIME + BigInt(at);
        show(all, { timestamp: logAppendTime });
        store(await buildBatch(all, { ...base, logAppendTime }), offsets);
        break;
      }
      case 'sparse':
      case 'horizon': {
        const kept = all.map((record, offsetDelta) => ({ ...record, offsetDelta })).filter(() => random() < 0.5);
        const left = kept.length > 0 ? kept : [{ ...all[0]!, offsetDelta: 0 }];
        show(left);
        store(
          await buildBatch(left, { ...base, lastOffsetDelta: offsets - 1, ...(kind === 'horizon' && { deleteHorizon: TIME + 123n }) }),
          offsets,
        );
        break;
      }
      case 'empty':
        store(emptied(at, offsets), offsets);
        break;
      case 'hole':
        at += offsets;
        break;
      case 'marker':
        store(marker(at, producerId, 'commit'), 1);
        break;
    }
  }
  for (const [producerId, firstOffset] of open) abort(producerId, firstOffset);
  return { log: { start, end: at, batches, aborts }, view };
};

export const marker = (offset: number, producerId: bigint, result: 'commit' | 'abort'): Buffer =>
  buildEndTxnMarker({ result, coordinatorEpoch: 0 }, { baseOffset: BigInt(offset), producerId, producerEpoch: 0, timestamp: TIME });

/** What compaction leaves of a batch without records. */
const emptied = (offset: number, offsets: number): Buffer =>
  assembleBatch(
    { baseOffset: BigInt(offset), attributes: 0, lastOffsetDelta: offsets - 1, baseTimestamp: -1n, maxTimestamp: TIME, recordsCount: 0 },
    Buffer.alloc(0),
  );
