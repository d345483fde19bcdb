/** Logs with offsets that hold no record, for `npm run bench -- fill`: what they look like, and how large they are. */
import { buildBatch, type NewRecord } from '../src/codec/index.ts';
import type { FillPolicy } from '../src/index.ts';
import type { Effort } from './workloads.ts';

/**
 * - `padded`: the log starts at that offset.
 * - `hole`: nothing between the first batch and the last.
 * - `compacted`: one record in a hundred is left, in sparse batches of 100 to 1,000 offsets, as a cleaner leaves them.
 */
type Kind = 'padded' | 'hole' | 'compacted';

/** One kind of log, mirrored in one way. */
export interface FillWorkload {
  readonly name: string;
  readonly title: string;
  readonly kind: Kind;
  readonly policy: FillPolicy;
  readonly partitions: number;
  /** Offsets over all partitions, the smallest first. */
  readonly sizes: Readonly<Record<Effort, readonly number[]>>;
}

type Sizes = FillWorkload['sizes'];
const HOLES: Sizes = { quick: [1e4], default: [1e4, 1e5, 1e6], full: [1e4, 1e5, 1e6] };
const COMPACTED: Sizes = { quick: [1e4], default: [1e5, 1e6, 1e7], full: [1e5, 1e6, 1e7] };
const ONE_HOLE: Sizes = { quick: [1e5], default: [1e6], full: [1e6] };

export const FILL_WORKLOADS: readonly FillWorkload[] = [
  {
    name: 'padding',
    title: 'log start above zero, padding',
    kind: 'padded',
    policy: 'markers',
    partitions: 1,
    sizes: { quick: [1e5, 1e6], default: [1e6, 1e7, 1e8], full: [1e6, 1e7, 1e8, 1e9] },
  },
  { name: 'hole', title: 'hole, markers', kind: 'hole', policy: 'markers', partitions: 1, sizes: HOLES },
  { name: 'hole-6', title: 'holes in 6 partitions, markers', kind: 'hole', policy: 'markers', partitions: 6, sizes: ONE_HOLE },
  { name: 'hole-ghosts', title: 'hole, ghosts', kind: 'hole', policy: 'ghosts', partitions: 1, sizes: ONE_HOLE },
  { name: 'hole-records', title: 'hole, records', kind: 'hole', policy: 'records', partitions: 1, sizes: ONE_HOLE },
  { name: 'compacted', title: 'compacted, markers', kind: 'compacted', policy: 'markers', partitions: 1, sizes: COMPACTED },
  { name: 'compacted-ghosts', title: 'compacted, ghosts', kind: 'compacted', policy: 'ghosts', partitions: 1, sizes: COMPACTED },
];

/** Not measured: a broker compiles what it runs while it runs it, and the smallest size would pay for all. */
export const FILL_WARM_UP: FillWorkload = {
  name: 'warm-up',
  title: 'warm-up',
  kind: 'hole',
  policy: 'markers',
  partitions: 1,
  sizes: { quick: [1e4], default: [1e6], full: [1e6] },
};

/** A partition's log as it is put into a file. */
export interface CraftedLog {
  readonly bytes: Buffer;
  /** Where the log is made to start. */
  readonly start: number;
  readonly end: number;
  /** That consumers see. */
  readonly records: number;
}

const VALUE = 'x'.repeat(100);
const EDGE_RECORDS = 10;
const OFFSETS_PER_RECORD = 100;
/** Offsets of a batch, in turn. */
const SPARSE_BATCHES = [100, 1000, 300, 500, 200, 700];

const records = (from: number, count: number): NewRecord[] =>
  Array.from({ length: count }, (_, i) => ({ key: `key-${from + i}`, value: VALUE, timestamp: BigInt(Date.now()) }));

const denseBatch = (offset: number): Promise<Buffer> =>
  buildBatch(records(offset, EDGE_RECORDS), { baseOffset: BigInt(offset), partitionLeaderEpoch: 0 });

const compacted = async (offsets: number): Promise<CraftedLog> => {
  const batches: Buffer[] = [];
  let end = 0;
  let count = 0;
  for (let turn = 0; end < offsets; turn++) {
    const range = Math.min(SPARSE_BATCHES[turn % SPARSE_BATCHES.length]!, offsets - end);
    const left = records(end, Math.max(1, range / OFFSETS_PER_RECORD)).map((record, i) => ({
      ...record,
      // Somewhere in its hundred: the first, the last, and all between.
      offsetDelta: i * OFFSETS_PER_RECORD + (((turn + i) * 33) % OFFSETS_PER_RECORD),
    }));
    batches.push(
      await buildBatch(left, { baseOffset: BigInt(end), partitionLeaderEpoch: 0, compression: 'lz4', lastOffsetDelta: range - 1 }),
    );
    end += range;
    count += left.length;
  }
  return { bytes: Buffer.concat(batches), start: 0, end, records: count };
};

const CRAFT: Readonly<Record<Kind, (offsets: number) => Promise<CraftedLog>>> = {
  padded: async (offsets) => ({ bytes: await denseBatch(offsets), start: offsets, end: offsets + EDGE_RECORDS, records: EDGE_RECORDS }),
  hole: async (offsets) => {
    const after = EDGE_RECORDS + offsets;
    const bytes = Buffer.concat([await denseBatch(0), await denseBatch(after)]);
    return { bytes, start: 0, end: after + EDGE_RECORDS, records: 2 * EDGE_RECORDS };
  },
  compacted,
};

/** The log of each partition. */
export const craftLogs = ({ kind, partitions }: FillWorkload, offsets: number): Promise<readonly CraftedLog[]> =>
  Promise.all(Array.from({ length: partitions }, () => CRAFT[kind](Math.round(offsets / partitions))));
