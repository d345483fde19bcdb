/** What can be different between a source and its mirror, as a closed list, and the list of what was found: runs of offsets, the first ones only. */

/** Every kind of difference, with what it says. `compression` is never counted as one; `filler` and `log-start` are not where they were allowed. */
export const DIFFERENCE_KINDS = {
  missing: 'The mirror lacks a record of the source.',
  extra: 'The mirror has a record that the source does not have.',
  doubled: 'A record, or an offset, is there a second time.',
  shifted: 'The mirror has a record of the source at another offset.',
  key: 'The keys of a record differ.',
  value: 'The values of a record differ.',
  headers: 'The headers of a record differ.',
  timestamp: 'The timestamps of a record differ, as consumers see them.',
  payload: 'A batch cannot be opened although its checksum is right, and is not the same on both sides.',
  'corrupt-source': 'The source serves bytes that are no whole batch, or not those of the checksum in front of them.',
  'corrupt-destination': 'The mirror serves bytes that are no whole batch, or not those of the checksum in front of them.',
  'log-start': 'The logs do not start at the same offset.',
  filler: 'An offset without a record at the source is a visible record without key and value in the mirror.',
  compression: 'The same records are compressed in another way.',
} as const;
export type DifferenceKind = keyof typeof DIFFERENCE_KINDS;

/** A run of differences of one kind, told by its first. */
export interface VerifyDifference {
  readonly kind: DifferenceKind;
  /** The first offset that it concerns. */
  readonly offset: bigint;
  /** The last one; what lies between may be without records. */
  readonly lastOffset: bigint;
  /** How many records, or offsets where there are none. */
  readonly count: number;
  /** What the source has at `offset`, in short: a few bytes in hex, or a time. Null where there is nothing. */
  readonly source: string | null;
  /** The same of the mirror. */
  readonly destination: string | null;
  /** A sentence for people. */
  readonly detail: string;
}

/** What is told of the first offset of a run. */
export interface DifferenceText {
  readonly source: string | null;
  readonly destination: string | null;
  readonly detail: string;
}

/** A difference as it is found. */
export interface FoundDifference {
  readonly kind: DifferenceKind;
  readonly offset: number;
  /** Default: `offset`. */
  readonly lastOffset?: number;
  /** By how many offsets the record has moved; runs are of one distance. */
  readonly shift?: number;
  /** Called for the first of a run alone. */
  readonly tell: () => DifferenceText;
}

/** A log that differs in so many places is told by its beginning: nothing is gained by reading the rest. */
const MAX_DIFFERING_OFFSETS = 10_000;

interface Run {
  readonly kind: DifferenceKind;
  readonly shift: number | undefined;
  readonly text: DifferenceText;
  readonly offset: number;
  lastOffset: number;
  count: number;
}

export class DifferenceList {
  readonly #max: number;
  readonly #runs: Run[] = [];
  readonly #notes = new Map<DifferenceKind, Run>();
  /** The run that the next difference may belong to. */
  #open: Run | null = null;
  #offsets = 0;
  #fullAt: number | null = null;

  /** Keeps the first `max` runs. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The offset of the first difference for which there was no room; null while there is. */
  get fullAt(): number | null {
    return this.#fullAt;
  }

  /** Runs so far. */
  get size(): number {
    return this.#runs.length;
  }

  /** Offsets in all of them. */
  get offsets(): number {
    return this.#offsets;
  }

  /** Runs that may still be added, the one that will not fit included. */
  get room(): number {
    return this.#max - this.#runs.length + 1;
  }

  /** Differences have to come in the order of their offsets to become runs. */
  add(found: FoundDifference): void {
    const { kind, offset, shift } = found;
    if (this.#fullAt !== null) return;
    const open = this.#open;
    const isNew = open === null || open.kind !== kind || open.shift !== shift;
    if (this.#offsets >= MAX_DIFFERING_OFFSETS || (isNew && this.#runs.length >= this.#max)) {
      this.#fullAt = offset;
      return;
    }
    const run = isNew ? runOf(found) : open;
    if (isNew) {
      this.#runs.push(run);
      this.#open = run;
    }
    this.#offsets += extend(run, found);
  }

  /** A run ends where the logs are the same again. */
  settle(): void {
    this.#open = null;
  }

  /** Something to know that is no difference: one run per kind, from the first to the last. */
  note(found: FoundDifference): void {
    const known = this.#notes.get(found.kind);
    const run = known ?? runOf(found);
    if (known === undefined) this.#notes.set(found.kind, run);
    extend(run, found);
  }

  get differences(): readonly VerifyDifference[] {
    return this.#runs.map(published);
  }

  get notes(): readonly VerifyDifference[] {
    return [...this.#notes.values()].map(published);
  }
}

const runOf = ({ kind, offset, shift, tell }: FoundDifference): Run => ({
  kind,
  shift,
  text: tell(),
  offset,
  lastOffset: offset,
  count: 0,
});

/** Returns how many offsets were added. */
const extend = (run: Run, { offset, lastOffset = offset }: FoundDifference): number => {
  const added = lastOffset - offset + 1;
  run.lastOffset = Math.max(run.lastOffset, lastOffset);
  run.count += added;
  return added;
};

const published = ({ kind, offset, lastOffset, count, text }: Run): VerifyDifference => ({
  kind,
  offset: BigInt(offset),
  lastOffset: BigInt(lastOffset),
  count,
  ...text,
});
