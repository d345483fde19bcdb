/** The source's log: producers and transactions write, a cleaner and retention take away, leaders change; and what was ever to be seen of it. */
import type { Random } from '../../../../src/client/clock.ts';
import { makeBatch, makeOldMessage } from './batches.ts';
import { cleanBatch, emptyBatch } from './cleaner.ts';
import { type BatchFields, controlRecord, encodeBatch, randomRecords, type SimRecord } from './record-batches.ts';
import { shownBy } from './record-reader.ts';
import { type Entry, SimLog } from './sim-log.ts';

export interface SourceEntry extends Entry {
  /** Null for what no cleaner touches: damaged batches and old formats. */
  readonly content: { readonly fields: BatchFields; readonly records: readonly SimRecord[] } | null;
  readonly transaction: Transaction | null;
}

export interface Transaction {
  readonly producerId: number;
  readonly first: number;
  state: 'open' | 'committed' | 'aborted';
  /** Offset of its marker. */
  last: number;
}

export type BatchKind = 'data' | 'append-time' | 'transactional';

/** Of producers without transactions; those with them have the numbers below. */
const PLAIN_PRODUCERS = [-1, 4, 5];
const TRANSACTIONAL_PRODUCERS = 3;

export class SourceLog extends SimLog<SourceEntry> {
  /** Where each leader epoch begins. */
  readonly #epochs: { readonly epoch: number; readonly start: number }[] = [{ epoch: 0, start: 0 }];
  /** What was ever to be seen at an offset by a consumer that reads committed records, also after it was taken away. */
  readonly ever = new Map<number, string>();
  /** Every form that the batch at a base offset has had. */
  readonly versions = new Map<number, Buffer[]>();
  #open: Transaction[] = [];
  #aborted: Transaction[] = [];
  /** So many answers about its end are those of a new leader that does not know its high watermark yet. */
  lateAnswers = 0;
  #wasLate = false;
  /** Milliseconds since 1970 that records carry. */
  readonly #time: number;

  /** A log that has lost everything below `start` already. */
  constructor(leader: number, { start = 0, time = 1_600_000_000_000 }: { readonly start?: number; readonly time?: number } = {}) {
    super(leader);
    this.start = start;
    this.highWatermark = start;
    this.#time = time;
  }

  override get lastStableOffset(): number {
    return Math.max(this.start, Math.min(this.highWatermark, ...this.#open.map(({ first }) => first)));
  }

  /** The end of the last batch below the last stable offset: what readers of committed records get to see. */
  get readableEnd(): number {
    const stable = this.lastStableOffset;
    return Math.max(this.start, ...this.entries.map(({ next }) => (next <= stable ? next : 0)));
  }

  /** What is to be seen at an offset now: nothing of what was aborted, is open, or was taken away. */
  shownAt(offset: number): string | undefined {
    if (offset < this.start || offset >= this.lastStableOffset) return undefined;
    const entry = this.entryAt(offset);
    return entry?.transaction?.state === 'aborted' ? undefined : entry?.shown.get(offset);
  }

  /** The aborted list of a fetch: in the order of their markers, all that touch the offsets from `from` to `to`. */
  abortedBetween(from: number, to: number): { readonly producerId: bigint; readonly firstOffset: bigint }[] {
    return this.#aborted
      .filter(({ first, last }) => last >= from && first < to)
      .map(({ producerId, first }) => ({ producerId: BigInt(producerId), firstOffset: BigInt(first) }));
  }

  append(random: Random, kind: BatchKind = 'data', offsets = 1 + Math.floor(random() * 4)): void {
    const isTransactional = kind === 'transactional';
    const producerId = isTransactional
      ? Math.floor(random() * TRANSACTIONAL_PRODUCERS)
      : (PLAIN_PRODUCERS[Math.floor(random() * PLAIN_PRODUCERS.length)] ?? -1);
    const records = randomRecords(random, this.end, offsets, this.#time);
    // An equal timestamp in all records is what lets the header alone be rewritten.
    const same = kind === 'append-time' && random() < 0.5;
    const transaction = isTransactional ? this.#transactionOf(producerId) : null;
    this.#push(
      {
        base: this.end,
        next: this.end + offsets,
        leaderEpoch: this.leaderEpoch,
        producerId,
        baseSequence: producerId < 0 ? -1 : Math.floor(random() * 1000),
        isGzip: random() < 0.2,
        isTransactional,
        ...(kind === 'append-time' && { appendTime: this.#time + 5_000 + Math.floor(random() * 1_000) }),
      },
      same ? records.map((record) => ({ ...record, timestamp: records[0]?.timestamp ?? this.#time })) : records,
      transaction,
    );
  }

  /** A marker. Of a transaction that has written here, if there is one; else of one that has only announced it. */
  endTransaction(random: Random, result: 'commit' | 'abort'): void {
    const chosen = this.#open[Math.floor(random() * this.#open.length)];
    const at = this.end;
    this.#control(result, chosen?.producerId ?? Math.floor(random() * TRANSACTIONAL_PRODUCERS));
    if (chosen === undefined) return;
    this.#open = this.#open.filter((transaction) => transaction !== chosen);
    chosen.last = at;
    if (result === 'commit') {
      chosen.state = 'committed';
      for (const { transaction, shown } of this.entries) if (transaction === chosen) this.#remember(shown);
    } else {
      chosen.state = 'aborted';
      this.#aborted.push(chosen);
    }
  }

  endAllTransactions(random: Random): void {
    while (this.#open.length > 0) this.endTransaction(random, random() < 0.5 ? 'commit' : 'abort');
  }

  appendUnknownControl(): void {
    this.#control('unknown', TRANSACTIONAL_PRODUCERS);
  }

  appendOldMessage(): void {
    this.#keep(makeOldMessage(this.end), 1);
  }

  /** A batch that cannot be: its count is above its range, or its payload is not what the checksum says. */
  appendCorrupt(random: Random): void {
    const shape = { base: this.end, offsets: 2, leaderEpoch: this.leaderEpoch };
    if (random() < 0.5) {
      this.#keep(makeBatch(shape, random, { recordsCount: 9 }), 2);
      return;
    }
    const bytes = makeBatch({ ...shape, kind: random() < 0.5 ? 'sparse' : 'data' }, random);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    this.#keep(bytes, 2);
  }

  /** The cleaner runs: batches lose records, become empty, or go. It touches neither open transactions nor the last batch of the log. */
  clean(random: Random, near: number): void {
    const limit = this.lastStableOffset;
    const last = this.entries.at(-1);
    // Often the very batch at which a mirror ends: that is the one it is recognised by.
    const only = random() < 0.3 ? this.entryAt(near - 1) : undefined;
    const share = random();
    this.entries = this.entries.flatMap((entry) => {
      if (entry === last || entry.next > limit || (only === undefined ? random() > share : entry !== only)) return [entry];
      const cleaned = this.#cleaned(entry, random);
      if (cleaned !== null && cleaned !== entry) this.#note(cleaned);
      return cleaned === null ? [] : [cleaned];
    });
    this.#forgetAborted(random);
  }

  #cleaned(entry: SourceEntry, random: Random): SourceEntry | null {
    const { content, transaction } = entry;
    if (content === null) return entry;
    const { fields, records } = content;
    if (fields.isControl) {
      // A marker stays as long as there is data of its transaction.
      const isNeeded = this.entries.some((other) => other.transaction?.last === entry.base);
      return isNeeded || random() < 0.5 ? entry : null;
    }
    if (transaction?.state === 'aborted') return random() < 0.7 ? null : entryOf(emptyBatch(fields, records), [], transaction);
    return cleanBatch(fields, records, random, (changed, kept) => entryOf(changed, kept, transaction));
  }

  /** What has no data left is listed until the next run, and never without its marker. */
  #forgetAborted(random: Random): void {
    this.#aborted = this.#aborted.filter((aborted) => {
      const hasMarker = this.entryAt(aborted.last) !== undefined;
      return hasMarker && (this.entries.some(({ transaction }) => transaction === aborted) || random() < 0.5);
    });
  }

  /** Once in the life of a log: three such answers in a row are believed. */
  beLate(answers: number): void {
    if (!this.#wasLate) this.lateAnswers = answers;
    this.#wasLate = true;
  }

  moveLeader(leader: number): void {
    this.leader = leader;
    this.leaderEpoch++;
    this.#epochs.push({ epoch: this.leaderEpoch, start: this.end });
  }

  /** An unclean election: the new leader lacks the last batches. */
  loseTail(batches: number, leader: number): void {
    const lost = this.entries.splice(Math.max(0, this.entries.length - batches));
    const [first] = lost;
    if (first !== undefined) for (const offset of [...this.ever.keys()]) if (offset >= first.base) this.ever.delete(offset);
    for (const { base } of lost) this.versions.delete(base);
    this.highWatermark = this.end;
    this.#reopen();
    while ((this.#epochs.at(-1)?.start ?? 0) > this.end && this.#epochs.length > 1) this.#epochs.pop();
    this.moveLeader(leader);
  }

  /** Retention, or somebody's DeleteRecords: the log starts at `offset` now, in the middle of a batch if it must be. */
  trim(offset: number): void {
    this.start = Math.max(this.start, Math.min(offset, this.highWatermark));
    this.entries = this.entries.filter(({ next }) => next > this.start);
  }

  /** KIP-595: where the history of a fetcher that last saw `epoch` ends at this leader. */
  endOfEpoch(epoch: number): { readonly epoch: number; readonly endOffset: number } {
    const known = this.#epochs.filter((entry) => entry.epoch <= epoch);
    const last = known.at(-1) ?? { epoch: -1, start: 0 };
    return { epoch: last.epoch, endOffset: this.#epochs[known.length]?.start ?? this.end };
  }

  #transactionOf(producerId: number): Transaction {
    const known = this.#open.find((transaction) => transaction.producerId === producerId);
    if (known !== undefined) return known;
    const begun: Transaction = { producerId, first: this.end, state: 'open', last: -1 };
    this.#open.push(begun);
    return begun;
  }

  /** Transactions whose markers or whose data went with the tail. */
  #reopen(): void {
    const left = new Set(this.entries.flatMap(({ transaction }) => transaction ?? []));
    for (const transaction of left) if (transaction.last >= this.end) transaction.state = 'open';
    this.#open = [...left].filter(({ state }) => state === 'open');
    this.#aborted = this.#aborted.filter(({ state, first }) => state === 'aborted' && first < this.end);
  }

  #control(type: 'commit' | 'abort' | 'unknown', producerId: number): void {
    const base = this.end;
    const fields = { base, next: base + 1, leaderEpoch: this.leaderEpoch, producerId, isTransactional: true, isControl: true };
    this.#push(fields, [controlRecord(base, this.#time, type)], null);
  }

  #push(fields: BatchFields, records: readonly SimRecord[], transaction: Transaction | null): void {
    this.#add(entryOf(fields, records, transaction));
  }

  #keep(bytes: Buffer, offsets: number): void {
    this.#add({ base: this.end, next: this.end + offsets, bytes, shown: new Map(), content: null, transaction: null });
  }

  #add(entry: SourceEntry): void {
    this.entries.push(entry);
    this.#note(entry);
    if (entry.transaction === null) this.#remember(entry.shown);
    this.highWatermark = this.end;
  }

  #note({ base, bytes }: SourceEntry): void {
    this.versions.set(base, [...(this.versions.get(base) ?? []), bytes]);
  }

  #remember(shown: ReadonlyMap<number, string>): void {
    for (const [offset, text] of shown) this.ever.set(offset, text);
  }
}

const entryOf = (fields: BatchFields, records: readonly SimRecord[], transaction: Transaction | null): SourceEntry => {
  const bytes = encodeBatch(fields, records);
  return { base: fields.base, next: fields.next, bytes, shown: shownBy(bytes), content: { fields, records }, transaction };
};
