/** A run of a log in one growing Buffer, with an index of the batches in it. A read is a slice of it: nothing is copied on the way out. */

/** Where a batch (or a message of the old formats) lies, and what lookups need of its header. */
export interface Entry {
  readonly position: number;
  readonly size: number;
  /** Of an old compressed message set: the offset after the entry before it. */
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  /** −1 where the format has none. */
  readonly maxTimestamp: bigint;
  readonly magic: number;
}

/** An entry of the offset index, which names one batch in about `index.interval.bytes`. */
interface Landmark {
  readonly position: number;
  readonly lastOffset: bigint;
}

const FIRST_CAPACITY = 4096;

export class Segment {
  readonly baseOffset: bigint;
  readonly entries: Entry[] = [];
  /** Broker time: what counts for the age of a segment whose records have no time. */
  readonly created: bigint;
  /** Broker time of the last append. */
  lastModified: bigint;
  size = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #landmarks: Landmark[] = [];
  #sinceLandmark = 0;

  constructor(baseOffset: bigint, now: bigint) {
    this.baseOffset = baseOffset;
    this.created = now;
    this.lastModified = now;
  }

  /** Time of the newest record, or of the last append where no record has one. */
  get largestTimestamp(): bigint {
    let newest = -1n;
    for (const { maxTimestamp } of this.entries) if (maxTimestamp > newest) newest = maxTimestamp;
    return newest >= 0n ? newest : this.lastModified;
  }

  /** What `segment.ms` is counted against at an append of this time: the age of the first batch, or of the file where that has no time. */
  ageAt(timestamp: bigint, now: bigint): bigint {
    const first = this.entries[0]?.maxTimestamp ?? -1n;
    return first >= 0n ? timestamp - first : now - this.created;
  }

  /** Copies `bytes` to the end. Growing moves them to a larger Buffer; slices handed out before keep the old one, unchanged. */
  append(bytes: Buffer, entry: Omit<Entry, 'position' | 'size'>, now: bigint, indexIntervalBytes: number): void {
    const { size } = this;
    this.lastModified = now;
    if (this.#sinceLandmark > indexIntervalBytes) {
      this.#landmarks.push({ position: size, lastOffset: entry.lastOffset });
      this.#sinceLandmark = 0;
    }
    this.#sinceLandmark += bytes.length;
    if (size + bytes.length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, this.#buffer.length * 2, size + bytes.length));
      this.#buffer.copy(grown, 0, 0, size);
      this.#buffer = grown;
    }
    bytes.copy(this.#buffer, size);
    this.entries.push({ ...entry, position: size, size: bytes.length });
    this.size += bytes.length;
  }

  /** Index in {@link entries} of the first one that ends at or after `offset`; their number when there is none. */
  indexOf(offset: bigint): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index in {@link entries} of the first one that is not wholly before byte `position`; their number when there is none. */
  indexOfPosition(at: number): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { position, size } = this.entries[middle]!;
      if (position + size <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first offset the sparse index names at or behind byte `position`: how far brokers believe a read reaches that ends there. */
  landmarkAfter(position: number): bigint | undefined {
    return this.#landmarks.find((landmark) => landmark.position >= position)?.lastOffset;
  }

  /** The bytes from `from` to `to`, as a view. */
  slice(from: number, to: number): Buffer {
    return this.#buffer.subarray(from, to);
  }

  /** The bytes of one entry, as a view. */
  bytesOf({ position, size }: Entry): Buffer {
    return this.#buffer.subarray(position, position + size);
  }

  /** Drops every entry from `offset` on. Slices handed out keep the old Buffer: what is appended next must not show in them. */
  truncateTo(offset: bigint): void {
    const keep = this.indexOf(offset);
    const entry = this.entries[keep];
    if (entry === undefined) return;
    this.#buffer = Buffer.from(this.#buffer.subarray(0, entry.position));
    this.size = entry.position;
    this.entries.length = keep;
    this.#landmarks = this.#landmarks.filter(({ position }) => position < entry.position);
    this.#sinceLandmark = 0;
  }
}
