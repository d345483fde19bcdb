/** Which batches of an answer were aborted: the same as Java's consumer finds, for any answer and any list, and what is true of any source log. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembleBatch, buildBatch, buildEndTxnMarker } from '../../../src/codec/batch-builder.ts';
import { RecordBatch } from '../../../src/codec/record-batch.ts';
import { type AbortedTransaction, AbortedTransactions } from '../../../src/link/replication/aborted-transactions.ts';

type Kind = 'data' | 'transactional' | 'abort' | 'commit' | 'unknown control' | 'emptied control' | 'emptied';
interface Written {
  readonly kind: Kind;
  readonly producerId: bigint;
  readonly offset: number;
  readonly count: number;
}

const batchOf = async ({ kind, producerId, offset, count }: Written): Promise<RecordBatch> => {
  const at = { baseOffset: BigInt(offset), producerId, producerEpoch: 0 };
  if (kind === 'abort' || kind === 'commit') {
    return RecordBatch.at(buildEndTxnMarker({ result: kind, coordinatorEpoch: 0 }, { ...at, timestamp: 1n }));
  }
  if (kind === 'emptied' || kind === 'emptied control') {
    const attributes = kind === 'emptied' ? 0x10 : 0x30;
    const header = { ...at, attributes, lastOffsetDelta: count - 1, baseTimestamp: -1n, maxTimestamp: 1n, recordsCount: 0 };
    return RecordBatch.at(assembleBatch(header, Buffer.alloc(0)));
  }
  const isControl = kind === 'unknown control';
  const key = isControl ? Buffer.from([0, 0, 0, 4]) : null;
  const records = Array.from({ length: count }, () => ({ key, timestamp: 1n }));
  return RecordBatch.at(await buildBatch(records, { ...at, transactional: kind !== 'data', control: isControl }));
};

/** `CompletedFetch`: a queue by first offset, a set of producer ids, and for every batch these steps in this order. */
class JavaConsumer {
  readonly #queue: AbortedTransaction[];
  readonly #producerIds = new Set<bigint>();

  constructor(list: readonly AbortedTransaction[]) {
    this.#queue = [...list].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  skips({ kind, producerId, offset, count }: Written): boolean {
    const hasProducerId = producerId > -1n;
    if (!hasProducerId) return false;
    const lastOffset = BigInt(offset + count - 1);
    while (this.#queue[0] !== undefined && this.#queue[0].firstOffset <= lastOffset) this.#producerIds.add(this.#queue.shift()!.producerId);
    if (kind === 'abort') {
      this.#producerIds.delete(producerId);
      return false;
    }
    return kind !== 'data' && this.#producerIds.has(producerId);
  }
}

const CONTROL_KINDS: ReadonlySet<Kind> = new Set(['abort', 'commit', 'unknown control', 'emptied control']);
const find = async (batches: readonly Written[], list: readonly AbortedTransaction[] | null): Promise<boolean[]> => {
  const aborted = new AbortedTransactions(list);
  const found: boolean[] = [];
  for (const batch of batches) found.push(aborted.includes(await batchOf(batch)));
  return found;
};

const answer = fc
  .array(
    fc.record({
      kind: fc.constantFrom<Kind>(
        'data',
        'transactional',
        'transactional',
        'abort',
        'commit',
        'unknown control',
        'emptied control',
        'emptied',
      ),
      producerId: fc.constantFrom(-1n, 0n, 1n, 2n),
      count: fc.integer({ min: 1, max: 3 }),
      hole: fc.constantFrom(0, 0, 0, 2),
    }),
    { maxLength: 25 },
  )
  .map((written) => {
    let next = 10;
    return written.map(({ hole, ...batch }): Written => {
      // Control batches have one record.
      const count = CONTROL_KINDS.has(batch.kind) ? 1 : batch.count;
      const offset = next + hole;
      next = offset + count;
      return { ...batch, count, offset };
    });
  });
const anyList = fc.array(fc.record({ producerId: fc.constantFrom(0n, 1n, 2n), firstOffset: fc.bigInt({ min: 0n, max: 60n }) }), {
  maxLength: 8,
});

it('finds what Java’s consumer finds', async () => {
  await fc.assert(
    fc.asyncProperty(answer, anyList, async (batches, list) => {
      const java = new JavaConsumer(list);
      // Of control batches a consumer shows nothing in any case.
      const expected = batches.map((batch) => java.skips(batch) && !CONTROL_KINDS.has(batch.kind));
      expect(await find(batches, list)).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

it('finds what was aborted, in whatever pieces a log is read and however far the lists reach', async () => {
  await fc.assert(
    fc.asyncProperty(answer, fc.array(fc.nat(30)), fc.nat(20), async (written, cuts, reach) => {
      // Only what can be: a producer in a transaction writes nothing outside of it, and transactions that are open are not to be read.
      const open = new Map<bigint, Written[]>();
      const aborted: (AbortedTransaction & { readonly last: number })[] = [];
      const fate = new Map<Written, boolean>();
      const log: Written[] = [];
      for (const batch of written) {
        const { kind, producerId, offset } = batch;
        const transaction = open.get(producerId);
        if (kind.startsWith('emptied') || (kind === 'transactional' && producerId < 0n) || (kind === 'data' && transaction)) continue;
        log.push(batch);
        fate.set(batch, false);
        if (kind === 'transactional') open.set(producerId, [...(transaction ?? []), batch]);
        if (kind === 'commit' || kind === 'abort') {
          open.delete(producerId);
          if (kind === 'abort' && transaction !== undefined) {
            aborted.push({ producerId, firstOffset: BigInt(transaction[0]?.offset ?? 0), last: offset });
            for (const member of transaction) fate.set(member, true);
          }
        }
      }
      const unstable = Math.min(...[...open.values()].map(([first]) => first?.offset ?? 0));
      const readable = log.filter(({ offset }) => offset < unstable);
      const borders = [...new Set([0, ...cuts.map((cut) => cut % (readable.length + 1)), readable.length])].sort((a, b) => a - b);
      for (let n = 1; n < borders.length; n++) {
        const piece = readable.slice(borders[n - 1], borders[n]);
        const [first, last] = [piece[0], piece.at(-1)];
        if (first === undefined || last === undefined) continue;
        // A transaction index: those whose marker is not before the piece, and which began before the end of what the index can see.
        const list = aborted.filter((entry) => entry.last >= first.offset && Number(entry.firstOffset) < last.offset + last.count + reach);
        expect(await find(piece, list)).toEqual(piece.map((batch) => fate.get(batch)));
      }
    }),
    { numRuns: 500 },
  );
});

describe('without a list', () => {
  it('nothing was aborted, and no control batch is opened', async () => {
    const damaged = await batchOf({ kind: 'abort', producerId: 1n, offset: 3, count: 1 });
    damaged.payload.fill(0xff);
    for (const list of [null, []]) {
      const aborted = new AbortedTransactions(list);
      expect(aborted.includes(await batchOf({ kind: 'transactional', producerId: 1n, offset: 1, count: 2 }))).toBe(false);
      expect(aborted.includes(damaged)).toBe(false);
    }
  });

  it('and with one, a control batch that is damaged is refused', async () => {
    const damaged = await batchOf({ kind: 'abort', producerId: 1n, offset: 3, count: 1 });
    damaged.payload.fill(0xff);
    const aborted = new AbortedTransactions([{ producerId: 1n, firstOffset: 0n }]);
    expect(() => aborted.includes(damaged)).toThrow(/control record|record/i);
  });
});
