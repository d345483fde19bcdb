/** The producer states of one partition together with its transactions: a batch is judged first, and counts only once it is in the log. */
import type { EndTxnMarker } from '../../codec/control-record.ts';
import type { RecordBatch } from '../../codec/record-batch.ts';
import {
  type AppendOrigin,
  afterBatch,
  afterMarker,
  duplicateOf,
  hasProducerId,
  type ProducerMarker,
  type ProducerState,
  type SentBatch,
} from './producer-state.ts';
import { TransactionIndex } from './transaction-index.ts';

/** What the rules say of a batch. */
export interface Verdict {
  /** The batch the log already has: answer its offset, append nothing. */
  readonly duplicate?: SentBatch;
  /** Takes the new state over. */
  readonly commit: () => void;
}

const unseen = (): void => undefined;

export class ProducerStates {
  readonly transactions: TransactionIndex = new TransactionIndex();
  readonly #states = new Map<bigint, ProducerState>();

  /** Every producer with a state: what DescribeProducers answers. */
  all(): Iterable<ProducerState> {
    return this.#states.values();
  }

  /** True when `producerId` has a transaction open in this epoch: further batches need no verification (KIP-890). */
  hasOpenTransaction(producerId: bigint, producerEpoch: number): boolean {
    const state = this.#states.get(producerId);
    return state !== undefined && state.producerEpoch === producerEpoch && state.currentTxnFirstOffset !== null;
  }

  /** Judges a data batch that would come to lie at `baseOffset`. Throws its refusal. */
  judge(batch: RecordBatch, maxTimestamp: bigint, baseOffset: bigint, origin: AppendOrigin): Verdict {
    const { producerId, producerEpoch, baseSequence, lastOffsetDelta, isTransactional } = batch;
    if (!hasProducerId(producerId)) return { commit: unseen };
    const state = this.#states.get(producerId);
    const produced = { producerId, producerEpoch, baseSequence, lastOffsetDelta, isTransactional, maxTimestamp };
    const duplicate = origin === 'client' ? duplicateOf(state, produced) : undefined;
    if (duplicate !== undefined) return { duplicate, commit: unseen };
    const after = afterBatch(state, produced, baseOffset, origin);
    return {
      commit: () => {
        this.#states.set(producerId, after);
        if (after.currentTxnFirstOffset !== null) this.transactions.begin(producerId, after.currentTxnFirstOffset);
      },
    };
  }

  /** Judges the end of a transaction whose marker would lie at `offset`; returns what takes it over. Throws its refusal. */
  judgeMarker(marker: EndTxnMarker & ProducerMarker, offset: bigint, origin: AppendOrigin): () => void {
    const { producerId, result } = marker;
    if (!hasProducerId(producerId)) return unseen;
    const state = this.#states.get(producerId);
    const after = afterMarker(state, marker, origin);
    return () => {
      this.#states.set(producerId, after);
      // A marker without data leaves no trace: no consumer has anything to skip.
      const firstOffset = state?.currentTxnFirstOffset ?? null;
      if (firstOffset !== null) this.transactions.end({ producerId, firstOffset, lastOffset: offset, aborted: result === 'abort' });
    };
  }

  /** What brokers do every `producer.id.expiration.check.interval.ms`: wall clock against record time; an open transaction keeps its state. */
  expire(now: bigint, expirationMs: bigint): void {
    for (const [producerId, { lastTimestamp, currentTxnFirstOffset }] of this.#states) {
      if (currentTxnFirstOffset === null && now - lastTimestamp >= expirationMs) this.#states.delete(producerId);
    }
  }

  clear(): void {
    this.#states.clear();
    this.transactions.clear();
  }
}
