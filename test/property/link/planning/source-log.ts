/** Source logs of every kind, as brokers keep them: written by producers and coordinators, cleaned, trimmed, and read in slices. */
import { assembleBatch, buildBatch, buildEndTxnMarker, type NewRecord } from '../../../../src/codec/batch-builder.ts';
import { BATCH_ATTRIBUTES, type Compression } from '../../../../src/codec/record-batch.ts';
import type { Answer, Isolation, Readable } from './consumer.ts';

export type Random = () => number;

/** One thing that happens to a source log. */
export type Deed =
  | { readonly kind: 'write'; readonly transactional: boolean; readonly records: number; readonly time: Time }
  | { readonly kind: 'end'; readonly result: 'commit' | 'abort' }
  | { readonly kind: 'unknown control' }
  | { readonly kind: 'hole'; readonly offsets: number }
  | { readonly kind: 'clean'; readonly share: number }
  | { readonly kind: 'trim'; readonly share: number };
/** Of a LogAppendTime batch the producer's times stay in the deltas, alike or not. */
export type Time = 'producer' | 'broker, equal' | 'broker';

interface Transaction {
  readonly producerId: bigint;
  readonly first: number;
  /** Offset of the marker; null while it is open. */
  last: number | null;
}

interface Entry {
  readonly base: number;
  readonly next: number;
  readonly bytes: Buffer;
  /** What is left of its records; null for a whole control batch. */
  readonly records: readonly NewRecord[] | null;
  readonly options: Parameters<typeof buildBatch>[1] & object;
  readonly transaction: Transaction | null;
}

const CODECS: readonly Compression[] = ['none', 'none', 'none', 'gzip', 'lz4', 'snappy', 'zstd'];
const TRANSACTIONAL_PRODUCERS = 3;
const PLAIN_PRODUCERS = [-1n, 0n, 1n, 8n];
const NOW = 1_700_000_000_000;
const EMPTY = Buffer.alloc(0);

export class SourceLog implements Readable {
  start: number;
  end: number;
  #entries: Entry[] = [];
  #open: Transaction[] = [];
  /** In the order of their markers, as in a broker's transaction index. */
  #aborted: (Transaction & { readonly last: number })[] = [];
  /** Epochs of transactional producers: each end of a transaction may bring a new one (KIP-890). */
  readonly #producerEpochs = new Map<bigint, number>();
  readonly #random: Random;

  constructor(random: Random, start: number) {
    this.#random = random;
    this.start = start;
    this.end = start;
  }

  get lastStableOffset(): number {
    return Math.max(this.start, Math.min(this.end, ...this.#open.map(({ first }) => first)));
  }

  /** Where a copy of everything that may be read ends. */
  readableEnd(isolation: Isolation): number {
    return Math.max(this.start, this.#readable(isolation).at(-1)?.next ?? 0);
  }

  async do(deed: Deed): Promise<void> {
    switch (deed.kind) {
      case 'write':
        return this.#write(deed);
      case 'end':
        return this.#endTransaction(deed.result);
      case 'unknown control':
        return this.#control(await this.#unknownControl());
      case 'hole':
        this.end += deed.offsets;
        return;
      case 'clean':
        return this.#clean(deed.share);
      case 'trim':
        this.#trim(Math.floor(this.start + (this.lastStableOffset - this.start) * deed.share));
    }
  }

  /** Ends what is open, so that all is readable. */
  endAll(): void {
    while (this.#open.length > 0) this.#endTransaction(this.#random() < 0.5 ? 'commit' : 'abort');
  }

  /** Everything readable from `offset` on. */
  fetch(offset: number, isolation: Isolation): Answer {
    const entries = this.#readable(isolation).filter(({ next }) => next > offset);
    const records = Buffer.concat(entries.map(({ bytes }) => bytes));
    return { records, aborted: isolation === 'read_committed' ? this.#abortedBetween(offset, this.end) : null };
  }

  /**
   * A few batches from `offset` on, and now and then what lies before them; the last one may be cut off. The aborted list reaches as far behind them as
   * a sparse index makes it.
   */
  slice(offset: number, isolation: Isolation): Answer {
    const readable = this.#readable(isolation);
    const first = readable.findIndex(({ next }) => next > offset);
    if (first < 0) return { records: EMPTY, aborted: [] };
    const from = Math.max(0, first - (this.#random() < 0.2 ? this.#below(3) : 0));
    const to = first + 1 + this.#below(this.#random() < 0.5 ? 2 : 12);
    const slice = readable.slice(from, to);
    const cut = readable[to]?.bytes ?? EMPTY;
    const records = Buffer.concat([...slice.map(({ bytes }) => bytes), cut.subarray(0, this.#below(2) * this.#below(cut.length))]);
    const reaches = slice.at(-1)!.next + this.#below(3) * this.#below(10);
    return { records, aborted: isolation === 'read_committed' ? this.#abortedBetween(offset, reaches) : null };
  }

  #readable(isolation: Isolation): Entry[] {
    const upTo = isolation === 'read_committed' ? this.lastStableOffset : this.end;
    return this.#entries.filter(({ base }) => base < upTo);
  }

  #abortedBetween(from: number, to: number) {
    return this.#aborted
      .filter(({ first, last }) => last >= from && first < to)
      .map(({ producerId, first }) => ({ producerId, firstOffset: BigInt(first) }));
  }

  async #write({ transactional, records: count, time }: Deed & { kind: 'write' }): Promise<void> {
    const producerId = transactional ? BigInt(this.#below(TRANSACTIONAL_PRODUCERS)) : PLAIN_PRODUCERS[this.#below(PLAIN_PRODUCERS.length)]!;
    // A producer with an open transaction writes nothing outside of it.
    if (!transactional && this.#open.some((open) => open.producerId === producerId)) return;
    // One that begins anew between two transactions has a new epoch, and no marker tells of it.
    const isBetween = transactional && this.#open.every((open) => open.producerId !== producerId);
    if (isBetween && this.#random() < 0.2) this.#producerEpochs.set(producerId, (this.#producerEpochs.get(producerId) ?? 0) + 1);
    const records = Array.from({ length: count }, () => this.#record());
    const [{ timestamp } = { timestamp: 0n }] = records;
    const options = {
      compression: CODECS[this.#below(CODECS.length)]!,
      partitionLeaderEpoch: 3,
      producerId,
      producerEpoch: producerId < 0n ? -1 : (this.#producerEpochs.get(producerId) ?? 0),
      baseSequence: producerId < 0n ? -1 : this.#below(1_000),
      transactional,
      ...(time !== 'producer' && { logAppendTime: BigInt(NOW + this.#below(1_000)) }),
    };
    const timed = time === 'broker, equal' ? records.map((record) => ({ ...record, timestamp })) : records;
    const transaction = transactional ? this.#transactionOf(producerId) : null;
    await this.#add(this.end, this.end + count, timed, options, transaction);
  }

  #record(): NewRecord {
    const some = (): Buffer | null => (this.#random() < 0.2 ? null : Buffer.alloc(this.#below(3) * this.#below(100), this.#below(256)));
    return {
      key: some(),
      value: some(),
      headers: this.#random() < 0.8 ? [] : [{ key: 'h', value: some() }],
      timestamp: this.#random() < 0.1 ? -1n : BigInt(NOW - this.#below(10_000)),
    };
  }

  #transactionOf(producerId: bigint): Transaction {
    const known = this.#open.find((open) => open.producerId === producerId);
    if (known !== undefined) return known;
    const begun: Transaction = { producerId, first: this.end, last: null };
    this.#open.push(begun);
    return begun;
  }

  /** Of one that has written here, if there is one; else a marker of a transaction that has only announced it. */
  #endTransaction(result: 'commit' | 'abort'): void {
    const [ended] = this.#open.splice(this.#below(this.#open.length), 1);
    const producerId = ended?.producerId ?? BigInt(this.#below(TRANSACTIONAL_PRODUCERS));
    const producerEpoch = (this.#producerEpochs.get(producerId) ?? 0) + this.#below(2);
    this.#producerEpochs.set(producerId, producerEpoch);
    const at = { baseOffset: BigInt(this.end), partitionLeaderEpoch: 3, producerId, producerEpoch, timestamp: BigInt(NOW) };
    if (ended !== undefined) {
      ended.last = this.end;
      if (result === 'abort') this.#aborted.push({ ...ended, last: this.end });
    }
    this.#control(buildEndTxnMarker({ result, coordinatorEpoch: 0 }, at));
  }

  /** Of a type that no release knows. */
  #unknownControl(): Promise<Buffer> {
    return buildBatch([{ key: Buffer.from([0, 0, 0, 9]), value: Buffer.alloc(4), timestamp: BigInt(NOW) }], {
      baseOffset: BigInt(this.end),
      // Of nobody else: control records that end nothing come from coordinators of other things.
      producerId: BigInt(TRANSACTIONAL_PRODUCERS),
      producerEpoch: 0,
      control: true,
      transactional: true,
    });
  }

  #control(bytes: Buffer): void {
    this.#entries.push({ base: this.end, next: this.end + 1, bytes, records: null, options: {}, transaction: null });
    this.end++;
  }

  async #add(base: number, next: number, records: readonly NewRecord[], options: Entry['options'], transaction: Transaction | null) {
    const bytes = await buildBatch(records, { ...options, baseOffset: BigInt(base), lastOffsetDelta: next - base - 1 });
    this.#entries.push({
      base,
      next,
      bytes,
      records: records.map((record, offsetDelta) => ({ offsetDelta, ...record })),
      options,
      transaction,
    });
    this.end = next;
  }

  /** A round of the log cleaner: records, batches and markers go, offsets and what the last batch of the log says stay. */
  async #clean(share: number): Promise<void> {
    const limit = this.lastStableOffset;
    const cleaned: Entry[] = [];
    const last = this.#entries.at(-1);
    for (const entry of this.#entries) {
      if (entry === last || entry.next > limit || this.#random() > share) cleaned.push(entry);
      else cleaned.push(...(await this.#cleanEntry(entry)));
    }
    this.#entries = cleaned;
    // Listed are those whose marker is still there.
    const kept = new Set(cleaned.filter(({ records }) => records === null).map(({ base }) => base));
    this.#aborted = this.#aborted.filter((aborted) => kept.has(aborted.last));
  }

  async #cleanEntry(entry: Entry): Promise<Entry[]> {
    const { base, next, records, options, transaction } = entry;
    const aborted = this.#aborted.some(({ producerId, first }) => producerId === transaction?.producerId && first === transaction.first);
    if (records === null) {
      // A marker goes after what it ended, and may leave an empty batch behind.
      const isNeeded = this.#entries.some((other) => other.transaction?.last === base);
      if (isNeeded) return [entry];
      return this.#random() < 0.3 ? [{ ...entry, records: [], bytes: this.#emptied(entry) }] : [];
    }
    const kept = aborted ? [] : records.filter(() => this.#random() < 0.7);
    if (kept.length === 0) return this.#random() < 0.4 ? [{ ...entry, records: [], bytes: this.#emptied(entry) }] : [];
    const horizon = options.deleteHorizon ?? (this.#random() < 0.3 ? BigInt(NOW + this.#below(100_000)) : undefined);
    // The cleaner gives all records of a LogAppendTime batch the time that consumers see.
    const { logAppendTime } = options;
    const timed = logAppendTime === undefined ? kept : kept.map((record) => ({ ...record, timestamp: logAppendTime }));
    const left = { ...options, ...(horizon !== undefined && { deleteHorizon: horizon }) };
    const bytes = await buildBatch(timed, { ...left, baseOffset: BigInt(base), lastOffsetDelta: next - base - 1 });
    return [{ ...entry, records: timed, options: left, bytes }];
  }

  /** What the cleaner keeps where it must not forget a producer: a header that says how far the batch went. */
  #emptied({ base, next, bytes }: Entry): Buffer {
    return assembleBatch(
      {
        baseOffset: BigInt(base),
        partitionLeaderEpoch: 3,
        attributes: bytes.readInt16BE(21) & (BATCH_ATTRIBUTES.transactional | BATCH_ATTRIBUTES.control | BATCH_ATTRIBUTES.logAppendTime),
        lastOffsetDelta: next - base - 1,
        baseTimestamp: -1n,
        maxTimestamp: bytes.readBigInt64BE(35),
        producerId: bytes.readBigInt64BE(43),
        producerEpoch: bytes.readInt16BE(51),
        baseSequence: bytes.readInt32BE(53),
        recordsCount: 0,
      },
      EMPTY,
    );
  }

  #trim(offset: number): void {
    this.start = Math.max(this.start, offset);
    this.#entries = this.#entries.filter(({ next }) => next > this.start);
    this.#aborted = this.#aborted.filter(({ last }) => last >= this.start);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * Math.max(1, limit));
  }
}
