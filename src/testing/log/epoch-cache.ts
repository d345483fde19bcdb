/** Which leader epoch began at which offset (KIP-101, KIP-320): how fetchers notice that a log was truncated behind them. */

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: bigint;
}

/** Where an epoch ends. */
export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: bigint;
}

/** Answer to a question about an epoch this log knows nothing of. */
export const UNDEFINED_EPOCH_END: EpochEnd = Object.freeze({ epoch: -1, endOffset: -1n });

export class EpochCache {
  #entries: EpochEntry[] = [];

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /** Notes that batches of `epoch` begin at `startOffset`, unless the epoch is known. An older epoch or offset removes what contradicts it. */
  assign(epoch: number, startOffset: bigint): void {
    const last = this.#entries.at(-1);
    if (epoch < 0 || (last !== undefined && epoch === last.epoch && startOffset >= last.startOffset)) return;
    this.#entries = this.#entries.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    this.#entries.push({ epoch, startOffset });
  }

  /** The epoch of the batch at `offset`, or -1. */
  epochAt(offset: bigint): number {
    return this.#entries.findLast(({ startOffset }) => startOffset <= offset)?.epoch ?? -1;
  }

  /** The largest epoch known that is not above `epoch`, and the offset after its last batch. */
  endOf(epoch: number, logEndOffset: bigint): EpochEnd {
    if (epoch < 0) return UNDEFINED_EPOCH_END;
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset };
    const higher = this.#entries.find((entry) => entry.epoch > epoch);
    if (higher === undefined) return UNDEFINED_EPOCH_END;
    const floor = this.#entries.findLast((entry) => entry.epoch <= epoch);
    return { epoch: floor?.epoch ?? epoch, endOffset: higher.startOffset };
  }

  truncateFromEnd(endOffset: bigint): void {
    this.#entries = this.#entries.filter(({ startOffset }) => startOffset < endOffset);
  }

  /** The epoch in which the new start lies keeps its entry, moved to that start. */
  truncateFromStart(startOffset: bigint): void {
    const first = this.#entries.findLast((entry) => entry.startOffset <= startOffset);
    const rest = this.#entries.filter((entry) => entry.startOffset > startOffset);
    this.#entries = first === undefined ? rest : [{ epoch: first.epoch, startOffset }, ...rest];
  }

  clear(): void {
    this.#entries = [];
  }
}
