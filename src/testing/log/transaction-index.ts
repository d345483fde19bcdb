/** Open and ended transactions of one partition: what the last stable offset and the aborted list are made of. */

/** A transaction that ended, with everything a read_committed consumer must be told. */
export interface EndedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
  /** Offset of the marker. */
  readonly lastOffset: bigint;
  readonly aborted: boolean;
}

export class TransactionIndex {
  readonly #open = new Map<bigint, bigint>();
  /** In the order in which they ended. */
  #aborted: EndedTransaction[] = [];
  /** Ended, but not known to be so on every replica. */
  #unreplicated: EndedTransaction[] = [];

  begin(producerId: bigint, firstOffset: bigint): void {
    if (!this.#open.has(producerId)) this.#open.set(producerId, firstOffset);
  }

  end(transaction: EndedTransaction): void {
    this.#open.delete(transaction.producerId);
    this.#unreplicated.push(transaction);
    if (transaction.aborted) this.#aborted.push(transaction);
  }

  /** First offset whose fate is not known to every replica: of an open transaction, or of one whose marker is not below the high watermark. */
  firstUnstableOffset(highWatermark: bigint): bigint | null {
    if (this.#unreplicated.some(({ lastOffset }) => lastOffset < highWatermark)) {
      this.#unreplicated = this.#unreplicated.filter(({ lastOffset }) => lastOffset >= highWatermark);
    }
    let first: bigint | null = null;
    for (const offset of this.#open.values()) if (first === null || offset < first) first = offset;
    for (const { firstOffset } of this.#unreplicated) if (first === null || firstOffset < first) first = firstOffset;
    return first;
  }

  /** The aborted transactions that touch offsets from `from` up to, not including, `to`. */
  abortedBetween(from: bigint, to: bigint): readonly EndedTransaction[] {
    return this.#aborted.filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < to);
  }

  /** Of the aborted transactions that ended below `to`, keeps only these: what the log cleaner does when nothing is left of the others. */
  keepAborted(to: bigint, kept: ReadonlySet<EndedTransaction>): void {
    this.#aborted = this.#aborted.filter((transaction) => transaction.lastOffset >= to || kept.has(transaction));
  }

  /** Forgets what ended below the log start. */
  forgetBelow(offset: bigint): void {
    this.#aborted = this.#aborted.filter(({ lastOffset }) => lastOffset >= offset);
  }

  clear(): void {
    this.#open.clear();
    this.#aborted = [];
    this.#unreplicated = [];
  }
}
