/** Which transactional batches of a fetched range were aborted: the consumer's side of a broker's aborted list (KIP-98). */
import { CONTROL_TYPES, controlTypeOfBatch } from '../../codec/control-record.ts';
import type { RecordBatch } from '../../codec/record-batch.ts';

/** One entry of the aborted list: every transactional batch of the producer from here to its abort marker is void. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Follows one answer of a broker from its first batch to its last: every answer brings the entries that touch its range. */
export class AbortedTransactions {
  /** By their first offset, the last one first. */
  readonly #ahead: AbortedTransaction[];
  readonly #open = new Set<bigint>();

  constructor(list: readonly AbortedTransaction[] | null) {
    this.#ahead = [...(list ?? [])].sort((a, b) => Number(b.firstOffset - a.firstOffset));
  }

  /** Whether nothing of this batch is for a consumer's eyes, since its transaction was aborted. To be asked of every batch, in order. */
  includes(batch: RecordBatch): boolean {
    if (this.#ahead.length === 0 && this.#open.size === 0) return false;
    const { lastOffset, producerId } = batch;
    for (let next = this.#ahead.at(-1); next !== undefined && next.firstOffset <= lastOffset; next = this.#ahead.at(-1)) {
      this.#open.add(next.producerId);
      this.#ahead.pop();
    }
    if (!batch.isControl) return batch.isTransactional && this.#open.has(producerId);
    if (batch.recordsCount > 0 && controlTypeOfBatch(batch) === CONTROL_TYPES.abort) this.#open.delete(producerId);
    return false;
  }
}
