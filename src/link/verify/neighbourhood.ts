/** Where else a record lies: what is around a difference on both sides, so that a moved log can be told from a changed record. */
import { createHash } from 'node:crypto';
import { LinkError } from '../../errors.ts';
import { isOutOfRange, type LogRange, type LogReader } from './log-reader.ts';
import { LogWalk } from './log-walk.ts';
import type { VisibleRecord } from './visible-records.ts';

/** How far records are looked for, in offsets, and at how many bytes that ends. Of each side. */
const REACH = 2_000;
const REACH_BYTES = 8 * 1024 * 1024;

/** Two records with the same print are the same record, at whatever offset. */
const printOf = ({ timestamp, body }: VisibleRecord): string =>
  createHash('sha256').update(String(timestamp)).update(body).digest('base64');

interface Surroundings {
  readonly at: ReadonlyMap<number, string>;
  readonly offsets: ReadonlyMap<string, readonly number[]>;
}

const EMPTY: Surroundings = { at: new Map(), offsets: new Map() };

/** A log, and from where to where it may be read. */
export interface NeighbouringLog {
  readonly reader: LogReader;
  readonly range: LogRange;
}

export interface NeighbourhoodSides {
  readonly source: NeighbouringLog;
  readonly destination: NeighbouringLog;
  /** What an offset takes in these logs, as far as is known. */
  readonly bytesPerOffset: () => number;
}

/** What stands at an offset of both logs is not the same. */
export interface Mismatch {
  readonly offset: number;
  readonly source: VisibleRecord | null;
  readonly destination: VisibleRecord | null;
}

/**
 * - `doubled`: the mirror has the record of source offset `at` here too.
 * - `missing`: the mirror has here what the source has at the later offset `at`, and nowhere what the source has here.
 * - `extra`: the mirror has what the source has here at the later offset `at`; what it has here the source has nowhere.
 * - `shifted`: the record that one side has here, the other has at another offset; `shift` is how far the mirror is ahead.
 * - `none`: it is about the content of the record.
 */
export type Relocation =
  | { readonly kind: 'doubled' | 'missing' | 'extra'; readonly at: number }
  | { readonly kind: 'shifted'; readonly shift: number }
  | { readonly kind: 'none' };

export class Neighbourhood {
  readonly #sides: NeighbourhoodSides;
  #centre = Number.NEGATIVE_INFINITY;
  #reach = 0;
  #source: Surroundings = EMPTY;
  #destination: Surroundings = EMPTY;

  constructor(sides: NeighbourhoodSides) {
    this.#sides = sides;
  }

  /** Where the records of a mismatch belong, by what lies around it. Reads on both sides, now and then. */
  async locate({ offset, source, destination }: Mismatch, signal: AbortSignal): Promise<Relocation> {
    // From further away than half its reach the view is no good any more.
    if (offset < this.#centre || offset > this.#centre + this.#reach / 2) await this.#look(offset, signal);
    const sourcePrint = source === null ? null : printOf(source);
    const inMirror = sourcePrint === null ? null : nearest(this.#destination.offsets.get(sourcePrint), offset);
    if (destination !== null) {
      const print = printOf(destination);
      const inSource = nearest(this.#source.offsets.get(print), offset);
      if (inSource !== null) {
        if (this.#destination.at.get(inSource) === print) return { kind: 'doubled', at: inSource };
        return inSource > offset && source !== null && inMirror === null
          ? { kind: 'missing', at: inSource }
          : { kind: 'shifted', shift: offset - inSource };
      }
    }
    // A record that is at its place and at another one as well is doubled there, not moved.
    if (sourcePrint === null || inMirror === null || this.#source.at.get(inMirror) === sourcePrint) return { kind: 'none' };
    if (destination !== null && inMirror > offset) return { kind: 'extra', at: inMirror };
    return { kind: 'shifted', shift: inMirror - offset };
  }

  async #look(offset: number, signal: AbortSignal): Promise<void> {
    const { source, destination, bytesPerOffset } = this.#sides;
    this.#reach = Math.ceil(Math.min(REACH, REACH_BYTES / 2 / Math.max(1, bytesPerOffset())));
    const [left, right] = await Promise.all([this.#surroundings(source, offset, signal), this.#surroundings(destination, offset, signal)]);
    this.#centre = offset;
    this.#source = left;
    this.#destination = right;
  }

  async #surroundings({ reader, range }: NeighbouringLog, offset: number, signal: AbortSignal): Promise<Surroundings> {
    const from = Math.max(range.start, offset - this.#reach);
    const to = Math.min(range.end, offset + this.#reach);
    const at = new Map<number, string>();
    const offsets = new Map<string, number[]>();
    let bytes = 0;
    try {
      for await (const entry of new LogWalk(reader, from, to).entries(signal)) {
        bytes += entry.batch?.sizeInBytes ?? 0;
        // Better no idea than one that comes from damaged bytes.
        if (entry.kind === 'damaged' || !entry.isIntact || bytes > REACH_BYTES) break;
        await entry.open();
        for (const record of entry.takeBefore(entry.next)) {
          const print = printOf(record);
          at.set(record.offset, print);
          const known = offsets.get(print);
          if (known === undefined) offsets.set(print, [record.offset]);
          else known.push(record.offset);
        }
      }
    } catch (error) {
      // What was seen is seen: trouble with the log is told where it is compared.
      if (!isOutOfRange(error) && !LinkError.is(error, 'KLINK_CORRUPT_BATCH')) throw error;
    }
    return { at, offsets };
  }
}

/** The one closest to `offset` that is not it. */
const nearest = (offsets: readonly number[] | undefined, offset: number): number | null => {
  let best: number | null = null;
  for (const candidate of offsets ?? []) {
    if (candidate !== offset && (best === null || Math.abs(candidate - offset) < Math.abs(best - offset))) best = candidate;
  }
  return best;
};
