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
  #ended: EndedTransaction[] = [];

  begin(producerId: bigint, firstOffset: bigint): void {
    if (!this.#open.has(producerId)) this.#open.set(producerId, firstOffset);
  }

  end(transaction: EndedTransaction): void {
    this.#open.delete(transaction.producerId);
    this.#ended.push(transaction);
  }

  /** First offset whose fate is not known to every replica: of an open transaction, or of one whose marker is not below the high watermark. */
  firstUnstableOffset(highWatermark: bigint): bigint | null {
    let first: bigint | null = null;
    const consider = (offset: bigint): void => {
      if (first === null || offset < first) first = offset;
    };
    for (const offset of this.#open.values()) consider(offset);
    for (let i = this.#ended.length - 1; i >= 0; i--) {
      const { firstOffset, lastOffset } = this.#ended[i]!;
      if (lastOffset < highWatermark) break;
      consider(firstOffset);
    }
    return first;
  }

  /** The aborted transactions that touch offsets from `from` up to, not including, `to`. */
  abortedBetween(from: bigint, to: bigint): readonly EndedTransaction[] {
    return this.#ended.filter(({ aborted, firstOffset, lastOffset }) => aborted && lastOffset >= from && firstOffset < to);
  }

  /** Forgets what ended below the log start. */
  forgetBelow(offset: bigint): void {
    this.#ended = this.#ended.filter(({ lastOffset }) => lastOffset >= offset);
  }

  clear(): void {
    this.#open.clear();
    this.#ended = [];
  }
}
