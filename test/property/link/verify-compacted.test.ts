/** Both sides compacted, each at its own time: whatever the cleaners have removed rightly is no difference, and what a mirror lost is one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VerifiedPartition } from '../../../src/link/verify/report.ts';
import { type VerifyRules, verifyPartition } from '../../../src/link/verify/verify-partition.ts';
import { between, seeded } from '../../scenarios/seeded.ts';
import { rebuildMirror } from './verify/mirror-model.ts';
import type { ModelRecord, View } from './verify/source-model.ts';
import { readerOf } from './verify/stored-log.ts';

const RULES: VerifyRules = {
  mode: 'latest-per-key',
  maxDifferences: 100,
  allowFillerRecords: false,
  allowLowerLogStart: false,
  excerptBytes: 8,
  maxKeys: 1_000,
};

/** Every offset has a record of one of a few keys; a part of them are tombstones. */
const writeLog = (random: () => number, records: number): View =>
  new Map(
    Array.from({ length: records }, (_, offset): [number, ModelRecord] => {
      const value = random() < 0.25 ? null : Buffer.from(`v${offset}`);
      return [offset, { key: Buffer.from(`k${between(random, 0, 7)}`), value, headers: [], timestamp: 1_700_000_000_000n }];
    }),
  );

const keyOf = (record: ModelRecord | undefined): string | undefined => record?.key?.toString();

/** What a cleaner leaves of a log that it has cleaned up to some offset, now and then without the tombstones below `copied` that were left alone. */
const compact = (view: View, copied: number, random: () => number): View => {
  const end = Math.max(0, ...view.keys()) + 1;
  const cleanedTo = between(random, 0, end);
  const last = new Map([...view].filter(([offset]) => offset < cleanedTo).map(([offset, record]) => [keyOf(record), offset]));
  const kept = [...view].filter(([offset, record]) => offset >= cleanedTo || last.get(keyOf(record)) === offset);
  const dropsTombstones = random() < 0.5;
  return new Map(kept.filter(([offset, { value }]) => offset >= Math.min(cleanedTo, copied) || value !== null || !dropsTombstones));
};

interface CompactedPair {
  readonly source: View;
  readonly destination: View;
  readonly sourceEnd: number;
  readonly destinationEnd: number;
}

/** A source, and a mirror that may be behind; both compacted, or one, or none. No tombstone is dropped before it was copied: that is a test of its own. */
const writePair = (random: () => number): CompactedPair => {
  const sourceEnd = between(random, 1, 60);
  const destinationEnd = between(random, 1, sourceEnd);
  const written = writeLog(random, sourceEnd);
  const copied: View = new Map([...written].filter(([offset]) => offset < destinationEnd));
  return {
    source: compact(written, destinationEnd, random),
    destination: compact(copied, destinationEnd, random),
    sourceEnd,
    destinationEnd,
  };
};

const verify = async (
  { source, destination, sourceEnd, destinationEnd }: CompactedPair,
  random: () => number,
): Promise<VerifiedPartition> => {
  const fills = ['hole', 'markers'] as const;
  const logs = [
    await rebuildMirror(source, { start: 0, end: sourceEnd, fills }, random),
    await rebuildMirror(destination, { start: 0, end: destinationEnd, fills }, random),
  ] as const;
  return verifyPartition(
    {
      source: readerOf(logs[0]),
      destination: readerOf(logs[1]),
      rules: RULES,
      signal: new AbortController().signal,
      progressed: () => {},
    },
    { topic: 'orders', sourceTopic: 'orders', partition: 0 },
  );
};

const seed = fc.integer({ min: 1, max: 0x7fff_ffff });

describe('latest-per-key', () => {
  it('finds nothing where two cleaners have done no more than they may', async () => {
    await fc.assert(
      fc.asyncProperty(seed, async (number) => {
        const random = seeded(number);
        const { verdict, differences, error } = await verify(writePair(random), random);
        expect({ verdict, differences, error }).toEqual({ verdict: 'identical', differences: [], error: null });
      }),
      { numRuns: 300 },
    );
  });

  /** Of the source, below the common end: the last record of each key. */
  const lastOnes = ({ source, destinationEnd }: CompactedPair): [number, ModelRecord][] => {
    const below = [...source].filter(([offset]) => offset < destinationEnd);
    const last = new Map(below.map(([offset, record]) => [keyOf(record), offset]));
    return below.filter(([offset, record]) => last.get(keyOf(record)) === offset);
  };

  it('finds the last record of a key that the mirror lost', async () => {
    await fc.assert(
      fc.asyncProperty(seed, async (number) => {
        const random = seeded(number);
        const pair = writePair(random);
        const live = lastOnes(pair).filter(([, { value }]) => value !== null);
        const lost = live[between(random, 0, live.length - 1)]?.[0];
        if (lost === undefined) return;
        const destination = new Map([...pair.destination].filter(([offset]) => offset !== lost));
        const { differences } = await verify({ ...pair, destination }, random);
        expect(differences.map(({ kind, offset }) => ({ kind, offset }))).toEqual([{ kind: 'missing', offset: BigInt(lost) }]);
      }),
      { numRuns: 200 },
    );
  });

  it('finds a deleted key that lives on in the mirror, whether or not the source still has its tombstone', async () => {
    await fc.assert(
      fc.asyncProperty(seed, async (number) => {
        const random = seeded(number);
        const { source, destination, sourceEnd, destinationEnd } = writePair(random);
        const key = Buffer.from('deleted');
        const record = (value: Buffer | null): ModelRecord => ({ key, value, headers: [], timestamp: 1n });
        const deletedAt = sourceEnd + 1;
        const behind: CompactedPair = {
          source: random() < 0.5 ? new Map([...source, [deletedAt, record(null)]]) : source,
          destination: new Map([...destination, [sourceEnd, record(Buffer.from('alive'))]]),
          sourceEnd: deletedAt + 1,
          destinationEnd: deletedAt + 1,
        };
        // What the mirror had not copied yet belongs to another story.
        const copied = new Map([...source, ...destination].filter(([offset]) => offset >= destinationEnd));
        const caughtUp = { ...behind, destination: new Map([...behind.destination, ...copied]) };
        const { verdict, differences } = await verify(caughtUp, random);
        expect(verdict).toBe('different');
        expect(differences).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });

  it('finds a key whose tombstone the source dropped before the mirror had it', async () => {
    const random = seeded(7);
    const record = (offset: number, value: string | null): [number, ModelRecord] => [
      offset,
      { key: Buffer.from('k'), value: value === null ? null : Buffer.from(value), headers: [], timestamp: 1n },
    ];
    const other: [number, ModelRecord] = [1, { key: Buffer.from('other'), value: Buffer.from('v'), headers: [], timestamp: 1n }];
    const destination: View = new Map([record(0, 'alive'), other]);
    const withTombstone: View = new Map([other, record(2, null)]);
    const dropped: View = new Map([other]);
    const ends = { sourceEnd: 4, destinationEnd: 2 };
    expect((await verify({ source: withTombstone, destination, ...ends }, random)).verdict).toBe('identical');
    expect((await verify({ source: dropped, destination, ...ends }, random)).differences).toMatchObject([{ kind: 'extra', offset: 0n }]);
  });

  it('finds a changed record that both sides have, even one that is not the last of its key', async () => {
    await fc.assert(
      fc.asyncProperty(seed, async (number) => {
        const random = seeded(number);
        const pair = writePair(random);
        const common = [...pair.destination.keys()].filter((offset) => pair.source.has(offset));
        const changed = common[between(random, 0, common.length - 1)];
        if (changed === undefined) return;
        const destination = new Map(
          [...pair.destination].map(([offset, record]) => [offset, offset === changed ? { ...record, timestamp: 5n } : record]),
        );
        const { differences } = await verify({ ...pair, destination }, random);
        expect(differences.map(({ kind, offset }) => ({ kind, offset }))).toEqual([{ kind: 'timestamp', offset: BigInt(changed) }]);
      }),
      { numRuns: 200 },
    );
  });

  it('leaves a partition with too many keys unfinished, and says what to raise', async () => {
    const random = seeded(3);
    const view: View = new Map(
      [0, 1, 2].map((offset) => [offset, { key: Buffer.from([offset]), value: null, headers: [], timestamp: 1n }]),
    );
    const log = await rebuildMirror(view, { start: 0, end: 3, fills: ['hole'] }, random);
    const context = { source: readerOf(log), destination: readerOf(log), signal: new AbortController().signal, progressed: () => {} };
    const asked = { topic: 'orders', sourceTopic: 'orders', partition: 0 };
    const { verdict, error } = await verifyPartition({ ...context, rules: { ...RULES, maxKeys: 2 } }, asked);
    expect(verdict).toBe('unfinished');
    expect(error?.code).toBe('KLINK_CONFIG');
    expect(error?.message).toContain('maxKeys');
    expect((await verifyPartition({ ...context, rules: { ...RULES, maxKeys: 3 } }, asked)).verdict).toBe('identical');
  });
});
