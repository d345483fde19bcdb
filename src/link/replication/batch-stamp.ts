/** Who a batch is from, and which number it has: the producer fields that the link writes into each header before it goes. */
import { patchBatch, rebaseBatch } from '../../codec/patch-header.ts';
import { BATCH_ATTRIBUTES, type RecordBatch } from '../../codec/record-batch.ts';
import type { TransactionalProducer } from './mapped-producer.ts';
import { appendTimeBase } from './rebuild-batch.ts';

/** The producer under which every process of a link writes; the broker's sequence check then means "append only after what I know". */
export interface LinkProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** What a leader remembers of a producer: the epoch it has seen last, and the last sequence in it; −1 when only markers came in that epoch. */
export interface RememberedProducer {
  readonly producerEpoch: number;
  readonly lastSequence: number;
}

/** A leader remembers the last five batches of a producer: more of them in flight, and a repeated one would not be recognised. */
export const REMEMBERED_BATCHES = 5;

const SEQUENCES = 2 ** 31;
/** The sequence `count` after another one: it wraps as a broker's does. */
export const sequenceAfter = (sequence: number, count: number): number => (sequence + count) % SEQUENCES;
/** The sequence with which a log begins, or goes on where a leader has forgotten the producer: in a mirror without markers, that of every batch. */
export const sequenceOf = (offset: number): number => offset % SEQUENCES;

const { transactional, logAppendTime } = BATCH_ATTRIBUTES;
/** Producers are kept in mind up to this number, or twice what the leader remembers itself. */
const MAX_PRODUCERS = 50_000;

export class BatchStamp {
  readonly #idHigh: number;
  readonly #idLow: number;
  readonly #epoch: number;
  #nextSequence: number | null = null;
  readonly #transactional = new Map<bigint, { epoch: number; next: number }>();
  #capacity = MAX_PRODUCERS;

  constructor({ producerId, producerEpoch }: LinkProducer) {
    this.#idHigh = highOf(producerId);
    this.#idLow = lowOf(producerId);
    this.#epoch = producerEpoch;
  }

  /**
   * Starts anew: the sequence of the link's next batch, and what the leader remembers of the producers of transactions. Null: it remembers nothing of the link, and the next
   * batch gets the sequence of its offset. Not of where the run began: markers may come first, and a later run, which begins behind them, must send the same again.
   */
  begin(sequence: number | null, transactional: ReadonlyMap<bigint, RememberedProducer>): void {
    this.#nextSequence = sequence;
    this.#transactional.clear();
    for (const [producerId, { producerEpoch, lastSequence }] of transactional) {
      this.#transactional.set(producerId, { epoch: producerEpoch, next: lastSequence < 0 ? 0 : sequenceAfter(lastSequence, 1) });
    }
    this.#capacity = Math.max(MAX_PRODUCERS, 2 * transactional.size);
  }

  /** More producers have come by than need be kept in mind: time to ask which of them the leader remembers itself. */
  get isFull(): boolean {
    return this.#transactional.size > this.#capacity;
  }

  /**
   * Header fields alone: the time that a broker gave goes as if a producer had given it. Without a producer of its own (`null`) the batch goes under the link's, and what
   * was committed as if it had never been in a transaction.
   */
  write(batch: RecordBatch, offset: number, producer: TransactionalProducer | null): void {
    const { attributes, lastOffsetDelta } = batch;
    const cleared = attributes & (producer === null ? transactional | logAppendTime : logAppendTime);
    if (cleared !== 0) {
      const baseTimestamp = appendTimeBase(batch);
      patchBatch(batch, { attributes: attributes & ~cleared, ...(baseTimestamp !== null && { baseTimestamp }) });
    }
    const count = lastOffsetDelta + 1;
    if (producer === null) {
      const sequence = this.#nextSequence ?? sequenceOf(offset);
      rebaseBatch(batch, this.#idHigh, this.#idLow, this.#epoch, sequence);
      this.#nextSequence = sequenceAfter(sequence, count);
    } else {
      const { producerId, producerEpoch } = producer;
      rebaseBatch(batch, highOf(producerId), lowOf(producerId), producerEpoch, this.#take(producer, count));
    }
  }

  /**
   * The destination's own count: that of the source has gaps where compaction took batches. Every epoch begins at 0, also one that a marker has begun (KIP-890).
   * Where the leader has forgotten the producer any number is right, unless it has seen a marker since: then the batch is refused, and the next alignment knows.
   */
  #take({ producerId, producerEpoch }: TransactionalProducer, count: number): number {
    const known = this.#transactional.get(producerId);
    const sequence = known?.epoch === producerEpoch ? known.next : 0;
    this.#transactional.set(producerId, { epoch: producerEpoch, next: sequenceAfter(sequence, count) });
    return sequence;
  }
}

/** As two 32-bit halves, so that no bigint is made for each batch. */
const highOf = (producerId: bigint): number => Number(producerId >> 32n);
const lowOf = (producerId: bigint): number => Number(BigInt.asIntN(32, producerId));
