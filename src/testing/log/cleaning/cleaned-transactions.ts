/** Which transactional batches and markers the log cleaner may drop, decided while it walks over a log from its first batch to its last. */

import type { EndTxnMarker } from '../../../codec/control-record.ts';
import type { RecordBatch } from '../../../codec/record-batch.ts';
import type { EndedTransaction } from '../transaction-index.ts';

/**
 * Follows the transactions of one walk. Batches of aborted transactions go at once. A marker may go when the walk met no batch of its transaction: in the
 * round after the one that removed the last of them, or at once when there never was one, as with markers that only fill an offset.
 */
export class CleanedTransactions {
  /** Aborted transactions of which a batch was still met: read_committed consumers must go on hearing of them. */
  readonly kept: Set<EndedTransaction> = new Set<EndedTransaction>();
  readonly #toCome: EndedTransaction[];
  readonly #aborted = new Map<bigint, { readonly transaction: EndedTransaction; met: boolean }>();
  readonly #committed = new Set<bigint>();

  /** `aborted`: those that touch the part of the log that is walked. */
  constructor(aborted: readonly EndedTransaction[]) {
    this.#toCome = [...aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  /** Takes notice of a data batch; true when nothing of it has to stay. */
  mayDropData({ lastOffset, isTransactional, producerId }: RecordBatch): boolean {
    this.#reach(lastOffset);
    if (!isTransactional) return false;
    const aborted = this.#aborted.get(producerId);
    if (aborted === undefined) {
      this.#committed.add(producerId);
      return false;
    }
    aborted.met = true;
    return true;
  }

  /** Takes notice of a control batch; true when it may go. Null stands for one of a type that ends no transaction, undefined for one that is empty. */
  mayDropControl({ lastOffset, producerId }: RecordBatch, marker: EndTxnMarker | null | undefined): boolean {
    this.#reach(lastOffset);
    if (marker === undefined) return true;
    if (marker === null) return false;
    if (marker.result === 'commit') return !this.#committed.delete(producerId);
    const aborted = this.#aborted.get(producerId);
    this.#aborted.delete(producerId);
    if (aborted?.met !== true) return true;
    this.kept.add(aborted.transaction);
    return false;
  }

  #reach(offset: bigint): void {
    while (this.#toCome[0] !== undefined && this.#toCome[0].firstOffset <= offset) {
      const transaction = this.#toCome.shift()!;
      if (!this.#aborted.has(transaction.producerId)) this.#aborted.set(transaction.producerId, { transaction, met: false });
    }
  }
}
