/** What the logs of both sides have in common: a leader, its epoch, batches, and the rules by which a broker reads them. Independent of the engine. */

export interface Entry {
  readonly base: number;
  readonly next: number;
  readonly bytes: Buffer;
  /** What a consumer is shown of it when nothing was aborted, by offset. */
  readonly shown: ReadonlyMap<number, string>;
}

export abstract class SimLog<E extends Entry = Entry> {
  leader: number;
  leaderEpoch = 0;
  entries: E[] = [];
  start = 0;
  /** Up to here every in-sync replica has it: what consumers may read. */
  highWatermark = 0;

  constructor(leader: number) {
    this.leader = leader;
  }

  get end(): number {
    return Math.max(this.start, this.entries.at(-1)?.next ?? 0);
  }

  /** Up to here consumers may read that want nothing of open transactions. */
  get lastStableOffset(): number {
    return this.highWatermark;
  }

  /** The batch that holds an offset; undefined in a hole. */
  entryAt(offset: number): E | undefined {
    return this.entries.find(({ base, next }) => base <= offset && offset < next);
  }

  /** As a consumer reads: batches below `limit` from the one that holds `offset` or follows it, the last one perhaps cut off. */
  read(
    offset: number,
    { limit, maxBytes, wholeFirst }: { readonly limit: number; readonly maxBytes: number; readonly wholeFirst: boolean },
  ): {
    readonly records: Buffer;
    /** The offset after the last batch, whole or not. */
    readonly next: number;
  } {
    const found: E[] = [];
    let bytes = 0;
    for (const entry of this.entries) {
      if (entry.next <= offset || entry.next > limit) continue;
      if (bytes >= maxBytes) break;
      found.push(entry);
      bytes += entry.bytes.length;
    }
    const first = found[0]?.bytes.length ?? 0;
    const all = Buffer.concat(found.map((entry) => entry.bytes));
    return { records: all.subarray(0, wholeFirst ? Math.max(first, maxBytes) : maxBytes), next: found.at(-1)?.next ?? offset };
  }
}
