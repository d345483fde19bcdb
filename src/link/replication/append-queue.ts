/** What one partition has still to append, in order: fetched batches, batches that are being made, and offsets to fill. */
import { RecordBatch } from '../../codec/record-batch.ts';
import { BatchStamp, type LinkProducer, REMEMBERED_BATCHES, type RememberedProducer } from './batch-stamp.ts';
import type { FrameLease } from './byte-window.ts';
import type { FillerKind } from './filler-batch.ts';
import type { TransactionalProducer, TransactionEnd } from './mapped-producer.ts';
import type { Step } from './plan.ts';
import type { DenseRun, RebuildOptions } from './rebuild-batch.ts';

/** One batch on its way to the destination. */
export interface OutgoingBatch {
  readonly offset: number;
  readonly nextOffset: number;
  /** The whole batch, header patched; often a view of the fetched frame. */
  readonly bytes: Buffer;
  readonly origin: 'copied' | 'rebuilt' | 'filler';
  /** Whose transaction it belongs to; null when it goes under the link's own producer. */
  readonly producer: TransactionalProducer | null;
  /** The memory it lies in; null when that is its own. */
  readonly lease: FrameLease | null;
}

/** Offsets on their way to be filled with markers. */
export interface OutgoingFill {
  readonly offset: number;
  readonly nextOffset: number;
  /** The ends of transactions, one for each of the offsets and each of another producer; left out when the markers are fillers. */
  readonly ends?: readonly TransactionEnd[];
}

/** What the queue cannot make itself. */
export interface BatchMaker {
  rebuild(batch: RecordBatch, from: number, options: RebuildOptions): Promise<readonly DenseRun[]>;
  /** A filler batch of at most `count` offsets, in memory of its own. It may take its time: fillers have a rate of their own. */
  filler(kind: FillerKind, count: number, timestamp: bigint): Promise<DenseRun>;
}

/** How offsets without a record are filled; `timestamp` is that of filler records, in milliseconds. */
export interface Fill {
  readonly as: 'markers' | FillerKind;
  readonly timestamp: bigint;
}

/** A fetched batch, or the first of several, and the memory that it lies in. */
interface Fetched {
  readonly batch: RecordBatch;
  readonly lease: FrameLease;
  readonly producer: TransactionalProducer | null;
}

type Item =
  | (Fetched & { readonly kind: 'batches'; position: number; readonly end: number; offset: number })
  | (Fetched & { readonly kind: 'rebuild'; readonly offset: number; readonly nextOffset: number; readonly fill: Fill })
  | {
      readonly kind: 'made';
      readonly run: DenseRun;
      readonly origin: 'rebuilt' | 'filler';
      readonly producer: TransactionalProducer | null;
    }
  | { readonly kind: 'filler'; readonly filler: FillerKind; offset: number; readonly nextOffset: number; readonly timestamp: bigint }
  | { readonly kind: 'markers'; offset: number; readonly nextOffset: number }
  | { readonly kind: 'end'; readonly offset: number; readonly nextOffset: number; readonly end: TransactionEnd };

/** What a rebuilt batch may always take: every mirror topic allows more. */
const REBUILT_BATCH_BYTES = 1_048_576;
/** Batches that are made ahead of those on their way: as many as a partition may have in flight. */
const MADE_AHEAD = REMEMBERED_BATCHES;

export class AppendQueue {
  readonly #stamp: BatchStamp;
  readonly #maker: BatchMaker;
  #items: Item[] = [];
  /** By their producers: see {@link owe}. */
  readonly #owed = new Map<bigint, TransactionEnd>();
  /** Grows with every `clear`: what was begun before that is not wanted any more. */
  #generation = 0;
  #isMaking = false;
  #bytes = 0;
  /** Batches of the source that had to be opened so far. */
  opened = 0;

  constructor(producer: LinkProducer, maker: BatchMaker) {
    this.#stamp = new BatchStamp(producer);
    this.#maker = maker;
  }

  /** Bytes of batches that have been neither acknowledged nor given up. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** What comes next: `make` when it must be made before it can go. */
  get next(): 'batch' | 'markers' | 'make' | 'nothing' {
    const head = this.#items[0];
    if (head === undefined) return 'nothing';
    if (head.kind === 'batches' || head.kind === 'made') return 'batch';
    return head.kind === 'markers' || head.kind === 'end' ? 'markers' : 'make';
  }

  /** Whose transaction the next batch belongs to; null when it goes under the link's own producer, or when something else comes first. */
  get nextProducer(): TransactionalProducer | null {
    const head = this.#items[0];
    return head?.kind === 'batches' || head?.kind === 'made' ? head.producer : null;
  }

  /** See {@link BatchStamp.isFull}. */
  get hasTooManyProducers(): boolean {
    return this.#stamp.isFull;
  }

  /** Starts anew: see {@link BatchStamp.begin}. */
  begin(sequence: number | null, producers: ReadonlyMap<bigint, RememberedProducer> = new Map()): void {
    this.#stamp.begin(sequence, producers);
  }

  /** Takes over the steps of an answer. Every step that refers to its bytes holds the lease until it is done. */
  push(steps: readonly Step[], records: Buffer, lease: FrameLease, fill: Fill): void {
    for (const step of steps) {
      if (step.kind === 'fill') {
        this.pushFill(step.offset, step.nextOffset, fillAfter(fill, records, step.after));
        continue;
      }
      if (step.kind === 'end') {
        this.#owed.delete(step.end.producerId);
        this.#items.push(step);
        continue;
      }
      const batch = RecordBatch.at(records, step.position);
      lease.hold();
      this.#bytes += step.end - step.position;
      const { offset, producer } = step;
      if (producer !== null) this.#owed.delete(producer.producerId);
      const fetched = { batch, offset, lease, producer };
      if (step.kind === 'rebuild')
        this.#items.push({ kind: 'rebuild', ...fetched, nextOffset: step.nextOffset, fill: fillAfter(fill, records, step.after) });
      else this.#items.push({ kind: 'batches', ...fetched, position: step.position, end: step.end });
    }
  }

  pushFill(offset: number, nextOffset: number, fill: Fill): void {
    let at = offset;
    for (const end of this.#owed.values()) {
      if (at === nextOffset) return;
      this.#items.push({ kind: 'end', offset: at, nextOffset: ++at, end });
      this.#owed.delete(end.producerId);
    }
    if (at < nextOffset) this.#items.push(fillItem(at, nextOffset, fill));
  }

  /**
   * Ends of transactions that the source has lost: they take the first offsets that are to be filled. Not behind anything more of their producer, which would be
   * ended with them: by then the offset of the lost end is past, and with it the first that could be filled.
   */
  owe(ends: readonly TransactionEnd[]): void {
    for (const end of ends) this.#owed.set(end.producerId, end);
  }

  /** The next batch, its header patched for where it goes; null when something else comes first. */
  takeBatch(): OutgoingBatch | null {
    const head = this.#items[0];
    if (head?.kind === 'made') {
      const { run, origin, producer } = head;
      this.#items.shift();
      this.#stamp.write(RecordBatch.at(run.bytes), run.offset, producer);
      return { offset: run.offset, nextOffset: run.offset + run.count, bytes: run.bytes, origin, producer, lease: null };
    }
    if (head?.kind !== 'batches') return null;
    const { batch, offset, lease, producer } = head;
    batch.moveTo(batch.buffer, head.position);
    this.#stamp.write(batch, offset, producer);
    const { bytes } = batch;
    head.position += bytes.length;
    head.offset += batch.lastOffsetDelta + 1;
    // The item's own hold goes over to its last batch.
    if (head.position < head.end) lease.hold();
    else this.#items.shift();
    return { offset, nextOffset: head.offset, bytes, origin: 'copied', producer, lease };
  }

  /** At most `count` of the offsets that are to be filled with markers next; null when something else comes first. */
  takeFill(count: number): OutgoingFill | null {
    const head = this.#items[0];
    if (head?.kind === 'end') return this.#takeEnds(head.offset, count);
    if (head?.kind !== 'markers') return null;
    const { offset } = head;
    head.offset = Math.min(offset + count, head.nextOffset);
    if (head.offset === head.nextOffset) this.#items.shift();
    return { offset, nextOffset: head.offset };
  }

  /** No two of one producer at a time: a broker merges its answers by id, and the success of one would hide the failure of another. */
  #takeEnds(offset: number, count: number): OutgoingFill {
    const ends = new Map<bigint, TransactionEnd>();
    for (let head = this.#items[0]; head?.kind === 'end' && ends.size < count; head = this.#items[0]) {
      const { end } = head;
      if (ends.has(end.producerId)) break;
      ends.set(end.producerId, end);
      this.#items.shift();
    }
    return { offset, nextOffset: offset + ends.size, ends: [...ends.values()] };
  }

  /** A batch has been answered for. */
  landed({ bytes, lease }: OutgoingBatch): void {
    this.#bytes -= bytes.length;
    lease?.drop();
  }

  /** Makes what comes next, if it has to be made; calls back once, then or when it failed. */
  make(done: (error: unknown) => void): void {
    const head = this.#items[0];
    if (this.#isMaking || head === undefined) return;
    if (head.kind !== 'rebuild' && head.kind !== 'filler') return;
    this.#isMaking = true;
    const generation = this.#generation;
    const work = head.kind === 'rebuild' ? this.#rebuild(head) : this.#fillers(head);
    work.then(
      (items) => {
        if (generation !== this.#generation) return;
        this.#isMaking = false;
        this.#replaceHead(items);
        done(null);
      },
      (error: unknown) => {
        if (generation !== this.#generation) return;
        this.#isMaking = false;
        done(error);
      },
    );
  }

  clear(): void {
    for (const item of this.#items) {
      if (item.kind === 'batches') this.#bytes -= item.end - item.position;
      else if (item.kind === 'rebuild') this.#bytes -= item.batch.sizeInBytes;
      else if (item.kind === 'made') this.#bytes -= item.run.bytes.length;
      // What is being made of it goes on reading it, although nobody will take the result.
      if (item.kind === 'rebuild' && this.#isMaking) item.lease.spoil();
      if ('lease' in item) item.lease.drop();
    }
    this.#items = [];
    this.#owed.clear();
    this.#isMaking = false;
    this.#generation++;
  }

  async #rebuild({ batch, offset, nextOffset, fill, producer }: Item & { kind: 'rebuild' }): Promise<Item[]> {
    const maxBytes = Math.max(batch.sizeInBytes, REBUILT_BATCH_BYTES);
    const runs = await this.#maker.rebuild(batch, offset, { maxBytes, transactional: producer !== null });
    const items: Item[] = [];
    let at = offset;
    let between = fill;
    for (const run of runs) {
      if (run.offset > at) items.push(fillItem(at, run.offset, between));
      between = fillAfter(fill, run.bytes, 0);
      items.push({ kind: 'made', run, origin: 'rebuilt', producer });
      at = run.offset + run.count;
    }
    if (at < nextOffset) items.push(fillItem(at, nextOffset, between));
    return items;
  }

  async #fillers(head: Item & { kind: 'filler' }): Promise<Item[]> {
    const items: Item[] = [];
    let { offset } = head;
    while (items.length < MADE_AHEAD && offset < head.nextOffset) {
      const run = { ...(await this.#maker.filler(head.filler, head.nextOffset - offset, head.timestamp)), offset };
      items.push({ kind: 'made', run, origin: 'filler', producer: null });
      offset += run.count;
    }
    return offset < head.nextOffset ? [...items, { ...head, offset }] : items;
  }

  #replaceHead(items: readonly Item[]): void {
    const head = this.#items[0];
    if (head?.kind === 'rebuild') {
      this.#bytes -= head.batch.sizeInBytes;
      this.opened++;
      head.lease.drop();
    }
    for (const item of items) if (item.kind === 'made') this.#bytes += item.run.bytes.length;
    this.#items.splice(0, 1, ...items);
  }
}

/** Filler records have the time of the last record before them, in the batch at `after`; -1: as of `fill`. */
const fillAfter = (fill: Fill, records: Buffer, after: number): Fill =>
  fill.as === 'markers' || after < 0 ? fill : { ...fill, timestamp: RecordBatch.at(records, after).maxTimestamp };

const fillItem = (offset: number, nextOffset: number, { as, timestamp }: Fill): Item =>
  as === 'markers' ? { kind: 'markers', offset, nextOffset } : { kind: 'filler', filler: as, offset, nextOffset, timestamp };
