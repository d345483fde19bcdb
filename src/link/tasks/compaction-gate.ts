/** When a mirror may be compacted: the source may hold records without a key from before it was, and a compacted topic takes none; nor can its log start be moved. */

export interface CompactionGateOptions {
  /** The source's log end, with what open transactions hold back: they may end with such records. */
  readonly sourceEnd: (sourceTopic: string, partition: number) => Promise<number>;
  /** By partition of a mirror: everything below it is copied. */
  readonly copiedUpTo: (topic: string) => readonly number[];
  /** The log starts of a mirror are where they belong, or cannot be brought there. */
  readonly hasItsStart: (topic: string) => boolean;
}

export class CompactionGate {
  readonly #options: CompactionGateOptions;
  /** By mirror, since its source was first seen to be compacted: ends of the source that have to be copied before; null until they are known. */
  readonly #due = new Map<string, readonly number[] | null>();

  constructor(options: CompactionGateOptions) {
    this.#options = options;
  }

  /** The source is not compacted, or the mirror is already: whatever was known says nothing about the next time. */
  forget(topic: string): void {
    this.#due.delete(topic);
  }

  /** Asked whenever the source is seen to be compacted and the mirror is not. Rejects with what keeps the source's ends from being read. */
  async allows(topic: string, sourceTopic: string): Promise<boolean> {
    const known = this.#due.get(topic);
    // Brokers hear of a new policy one after the other: only at the next look is it certain that no leader takes such records any more.
    if (known === undefined) this.#due.set(topic, null);
    if (known === undefined) return false;
    const copied = this.#options.copiedUpTo(topic);
    const ends = known ?? (await this.#ends(sourceTopic, copied.length));
    this.#due.set(topic, ends);
    return ends.every((end, partition) => (copied[partition] ?? 0) >= end) && this.#options.hasItsStart(topic);
  }

  #ends(sourceTopic: string, partitions: number): Promise<readonly number[]> {
    return Promise.all(Array.from({ length: partitions }, (_, partition) => this.#options.sourceEnd(sourceTopic, partition)));
  }
}
