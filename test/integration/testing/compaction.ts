/** Logs made at random to be compacted: how they are written over the wire, and what is to be seen of them afterwards, wherever they lie. */
import fc from 'fast-check';
import { buildBatch, type NewRecord } from '../../../src/codec/batch-builder.ts';
import { readRecords } from '../../../src/codec/read-records.ts';
import type { Compression, RecordBatch } from '../../../src/codec/record-batch.ts';
import { NOW, record } from './rules/batches.ts';
import type { Given } from './rules/given.ts';

const FAR = 1n << 62n;
const SEGMENT_MS = 36_000_000n;
const TRANSACTIONAL_ID = 'compaction';

/** One batch or marker of a segment. */
type Step =
  | {
      readonly kind: 'data';
      readonly compression: Compression;
      readonly records: readonly Omit<NewRecord, 'timestamp'>[];
      readonly producer: number | null;
    }
  | {
      readonly kind: 'transactional';
      readonly compression: Compression;
      readonly records: readonly Omit<NewRecord, 'timestamp'>[];
      readonly producer: number;
    }
  | { readonly kind: 'end'; readonly producer: number; readonly commit: boolean }
  | { readonly kind: 'filler' };

/** Segments of steps, written between two rounds of the cleaner. */
export type Round = readonly (readonly Step[])[];

const codec = fc.constantFrom<Compression>('none', 'gzip', 'snappy', 'lz4', 'zstd');
const content = fc.record({
  key: fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { freq: 8 }),
  value: fc.option(fc.string({ maxLength: 12 }), { freq: 4 }),
  headers: fc.constantFrom([], [{ key: 'h', value: Buffer.from('1') }]),
});
const records = fc.array(content, { minLength: 1, maxLength: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('data'), compression: codec, records, producer: fc.constantFrom(null, null, 0, 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('transactional'), compression: codec, records, producer: fc.constantFrom(2, 3, 4) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end'), producer: fc.constantFrom(2, 3, 4), commit: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'filler' } as const) },
);

/** Rounds of which the first leave plenty behind for the next ones. */
export const compactionPlan = (seed: number): readonly Round[] => {
  const segment = fc.array(step, { minLength: 1, maxLength: 6 });
  const [plan] = fc.sample(fc.array(fc.array(segment, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 3 }), {
    seed,
    numRuns: 1,
  });
  return plan!;
};

/** Writes a plan to a topic, round by round. */
export class CompactionScript {
  readonly #given: Given;
  readonly #topic: string;
  readonly #sequences = new Map<number, number>();
  readonly #open = new Set<number>();
  #segment = 0;

  private constructor(given: Given, topic: string) {
    this.#given = given;
    this.#topic = topic;
  }

  static async begin(given: Given): Promise<CompactionScript> {
    await given.verification(false);
    const configs = { 'segment.ms': String(SEGMENT_MS / 2n), 'min.cleanable.dirty.ratio': '0', 'delete.retention.ms': '0' };
    return new CompactionScript(given, await given.topic(configs));
  }

  /**
   * Writes a round, closes its last segment, ends every transaction first when asked to, and has the log cleaned; returns whether that changed it.
   * An open transaction may leave nothing to clean: then nobody may wait for it.
   */
  async play(round: Round, { endAll, wait }: { readonly endAll: boolean; readonly wait: boolean }): Promise<boolean> {
    const { housekeeping } = this.#given;
    await this.#given.configure(this.#topic, { 'cleanup.policy': 'delete' });
    for (const steps of round) {
      await this.#roll();
      for (const each of steps) await this.#write(each);
    }
    if (endAll) for (const producer of [...this.#open]) await this.#write({ kind: 'end', producer, commit: producer === 2 });
    await this.#roll();
    const before = await this.#picture();
    await this.#given.configure(this.#topic, { 'cleanup.policy': 'compact' });
    const changed = async (): Promise<boolean> => (await this.#picture()) !== before;
    if (wait) await housekeeping.clean(this.#topic, changed);
    return changed();
  }

  /** Everything that can be seen and does not depend on the moment: see {@link seenOf}. */
  async seen(): Promise<readonly unknown[]> {
    const found: unknown[] = [];
    for (let at = 0n; ; ) {
      const { partition } = await this.#given.fetch(this.#topic, at, { isolationLevel: 1 });
      const batches = await this.#given.batches(this.#topic, at);
      const last = batches.at(-1);
      if (last === undefined) return found;
      const { lastStableOffset, highWatermark, abortedTransactions } = partition!;
      found.push({ answer: at, lastStableOffset, highWatermark, aborted: abortedTransactions });
      for (const batch of batches) found.push(await seenOf(batch));
      at = last.nextOffset;
    }
  }

  /** A record without a key, so that every round has something to drop; the first one waits until records without a key are taken. */
  async #roll(): Promise<void> {
    const bytes = await buildBatch([record(`segment ${++this.#segment}`, this.#time)]);
    await this.#given.eventually(async () => (await this.#given.outcome(this.#topic, bytes))[0], 0, 'rolling');
  }

  /** Later segments lie in the future: markers, which have the broker's time, close none. */
  get #time(): bigint {
    return NOW + BigInt(this.#segment) * SEGMENT_MS;
  }

  async #write(each: Step): Promise<void> {
    const given = this.#given;
    if (each.kind === 'filler') return given.expect(await given.markers(this.#topic, { producerId: -2n }), [0], 'filler');
    if (each.kind === 'end') {
      const { producer, commit } = each;
      this.#open.delete(producer);
      return given.expect(await given.markers(this.#topic, { producerId: FAR + BigInt(producer), commit }), [0], 'end');
    }
    const { producer, compression } = each;
    const transactional = each.kind === 'transactional';
    const timed = each.records.map((one, i) => ({ ...one, timestamp: this.#time + BigInt(i * 7 - 3) }));
    const options = { compression, ...(producer === null ? {} : this.#producing(producer, timed.length)), transactional };
    const bytes = await buildBatch(timed, options);
    given.expect((await given.outcome(this.#topic, bytes, transactional ? { transactionalId: TRANSACTIONAL_ID } : {}))[0], 0, 'writing');
    if (transactional) this.#open.add(producer!);
  }

  #producing(producer: number, count: number) {
    const baseSequence = this.#sequences.get(producer) ?? 0;
    this.#sequences.set(producer, baseSequence + count);
    return { producerId: FAR + BigInt(producer), producerEpoch: 0, baseSequence };
  }

  async #picture(): Promise<string> {
    return (await this.#given.stored(this.#topic)).map(({ baseOffset, crc }) => `${baseOffset} ${crc}`).join();
  }
}

/** Header and records of a batch; times only where they do not come from the broker's clock. */
const seenOf = async (batch: RecordBatch) => {
  const { baseOffset, lastOffsetDelta, recordsCount, attributes, partitionLeaderEpoch, producerId, producerEpoch, baseSequence } = batch;
  const header = { baseOffset, lastOffsetDelta, recordsCount, attributes, partitionLeaderEpoch, producerId, producerEpoch, baseSequence };
  if (batch.isControl) return { ...header, emptied: recordsCount === 0 ? batch.baseTimestamp : null };
  const { maxTimestamp } = batch;
  const base = batch.hasDeleteHorizon ? 'horizon' : batch.baseTimestamp;
  return { ...header, maxTimestamp, base, records: await readRecords(batch) };
};
