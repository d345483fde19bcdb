/** What is mirrored in the benchmarks: shapes of batches, and how much of each in a quick, a default and a full run. */
import { buildBatch } from '../src/codec/batch-builder.ts';
import type { Compression } from '../src/codec/record-batch.ts';

/** How thorough a run is. */
export type Effort = 'quick' | 'default' | 'full';

/** One shape of batches over a number of partitions. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly shape: Shape;
  readonly partitions: number;
}

interface Shape {
  readonly title: string;
  readonly valueBytes: number;
  readonly recordsPerBatch: number;
  readonly compression: Compression;
  /** Megabytes (10^6 bytes, as stored) by effort and number of partitions. */
  readonly megabytes: Readonly<Record<Effort, Readonly<Record<number, number>>>>;
}

const MANY = 200;

const SHAPES: Readonly<Record<string, Shape>> = {
  'lz4-250k': {
    title: '1 KB records, 250 KB lz4 batches',
    valueBytes: 1000,
    recordsPerBatch: 350,
    compression: 'lz4',
    megabytes: {
      quick: { 1: 150, 6: 300, [MANY]: 300 },
      default: { 1: 800, 6: 1550, [MANY]: 1550 },
      full: { 1: 1550, 6: 3100, [MANY]: 3100 },
    },
  },
  'plain-16k': {
    title: '100 B records, 16 KB plain batches',
    valueBytes: 93,
    recordsPerBatch: 162,
    compression: 'none',
    megabytes: {
      quick: { 1: 60, 6: 120, [MANY]: 120 },
      default: { 1: 300, 6: 1550, [MANY]: 1550 },
      full: { 1: 550, 6: 3100, [MANY]: 3100 },
    },
  },
  'single-1k': {
    title: '1 KB records, each a batch of its own',
    valueBytes: 1000,
    recordsPerBatch: 1,
    compression: 'none',
    megabytes: {
      quick: { 1: 10, 6: 30, [MANY]: 60 },
      default: { 1: 40, 6: 120, [MANY]: 400 },
      full: { 1: 80, 6: 240, [MANY]: 800 },
    },
  },
};

/** Every shape over 1, 6 and 200 partitions; 6 first, because the reference figures are for 6. */
export const WORKLOADS: readonly Workload[] = Object.entries(SHAPES).flatMap(([name, shape]) =>
  [6, 1, MANY].map((partitions) => ({
    name: `${name}-${partitions}`,
    title: `${shape.title}, ${partitions} partition${partitions === 1 ? '' : 's'}`,
    shape,
    partitions,
  })),
);

/** Batches that differ are sent in turn, so that no cache makes one payload look cheaper than it is. */
const TEMPLATES = 16;

/** Distinct batches of a shape, as a producer without idempotence sends them. */
export const templateBatches = (shape: Shape): Promise<readonly Buffer[]> =>
  Promise.all(
    Array.from({ length: TEMPLATES }, (_, template) => {
      const timestamp = BigInt(Date.now());
      const records = Array.from({ length: shape.recordsPerBatch }, (_, i) => ({
        value: jsonValue(template * shape.recordsPerBatch + i, shape.valueBytes),
        timestamp,
      }));
      return buildBatch(records, { compression: shape.compression });
    }),
  );

/** Batches each partition gets, so that all together are about as many bytes as the effort asks for. */
export const batchesPerPartition = ({ shape, partitions }: Workload, effort: Effort, batchBytes: number): number =>
  Math.max(1, Math.round((shape.megabytes[effort][partitions]! * 1e6) / batchBytes / partitions));

/** A JSON object of exactly `size` bytes: field names repeat, values hardly do, as in events of a business. */
const jsonValue = (seed: number, size: number): string => {
  let state = seed + 1;
  const next = (): string => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state.toString(36);
  };
  let fields = '';
  for (let i = 0; fields.length < size - 2; i++) fields += `"${FIELDS[i % FIELDS.length]}":"${next()}${next()}${next()}",`;
  return `{${fields.slice(0, size - 2)}}`;
};

const FIELDS = ['order', 'customer', 'amount', 'currency', 'created', 'status', 'region', 'carrier', 'shipped', 'warehouse'];
