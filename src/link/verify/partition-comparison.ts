/** Goes through two logs side by side, offset by offset, and finds what a consumer would see different: the heart of a verification. */
import { abortedError } from '../../client/abort.ts';
import { LinkError } from '../../errors.ts';
import type { DifferenceKind, DifferenceList, DifferenceText, FoundDifference } from './difference.ts';
import type { LatestPerKey } from './latest-per-key.ts';
import type { LogReader } from './log-reader.ts';
import { type LogEntry, LogWalk, wrongCrc } from './log-walk.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { compareContents, hexOf, recordText } from './record-text.ts';
import { isFiller, sameBytes, samePayload, sameRecord, type VisibleRecord, verifyBothCrcs } from './visible-records.ts';

export interface ComparisonRules {
  /** Runs of differences that are kept; with one more the comparison ends. */
  readonly maxDifferences: number;
  /** Visible records without key and value at offsets where the source has none are counted, and no difference. */
  readonly allowFillerRecords: boolean;
  /** Of a field that differs, in the report. */
  readonly excerptBytes: number;
}

export interface ComparisonContext {
  readonly source: LogReader;
  readonly destination: LogReader;
  readonly rules: ComparisonRules;
  /** Null: every record of each side must be on the other. Else records may be gone that compaction has removed. */
  readonly latestPerKey: LatestPerKey | null;
  readonly signal: AbortSignal;
  /** Called now and then with the offset up to which all is compared. */
  readonly progressed: (position: number, bytes: number) => void;
}

/** What was gone through, up to the position. */
export interface ComparisonCounts {
  /** Of the source, with records. */
  batches: number;
  /** Among them: the mirror has the same records in other bytes. */
  rebuiltBatches: number;
  /** At the source. */
  records: number;
  /** Offsets that the mirror fills with what no consumer sees. */
  filledOffsets: number;
  /** Offsets that it fills with what consumers do see. */
  fillerRecords: number;
  /** Read from both sides. */
  bytes: number;
}

type Side = 'source' | 'destination';

export class PartitionComparison {
  readonly counts: ComparisonCounts = { batches: 0, rebuiltBatches: 0, records: 0, filledOffsets: 0, fillerRecords: 0, bytes: 0 };
  readonly differences: DifferenceList;
  readonly #context: ComparisonContext;
  readonly #from: number;
  readonly #to: number;
  readonly #source: LogWalk;
  readonly #destination: LogWalk;
  readonly #neighbourhood: Neighbourhood;
  #position: number;
  /** Of the source batch that is gone through. */
  #isRebuilt = false;
  #isDifferent = false;

  /** `from` is below `to` and at or above both log starts; both logs have reached `to`. `floor` is how far back one may look for records that moved. */
  constructor(
    context: ComparisonContext,
    differences: DifferenceList,
    range: { readonly from: number; readonly to: number; readonly floor: number },
  ) {
    const { from, to, floor } = range;
    this.#context = context;
    this.differences = differences;
    this.#from = from;
    this.#to = to;
    this.#position = from;
    const source = this.#counted(context.source);
    const destination = this.#counted(context.destination);
    this.#source = new LogWalk(source, from, to, (first, end) => this.#repeated('source', first, end));
    this.#destination = new LogWalk(destination, from, to, (first, end) => this.#repeated('destination', first, end));
    const bytesPerOffset = (): number => this.counts.bytes / 2 / Math.max(1, this.#position - this.#from);
    this.#neighbourhood = new Neighbourhood({ source, destination, from: floor, to, bytesPerOffset });
  }

  /** Everything below is compared. */
  get position(): number {
    return this.differences.fullAt ?? this.#position;
  }

  /** Goes on to the end of the range, or until there is no room for another difference. Rejects as `LogReader.read` does, and when aborted. */
  async run(): Promise<void> {
    const { signal, progressed } = this.#context;
    while (this.#position < this.#to && this.differences.fullAt === null) {
      if (signal.aborted) throw abortedError(signal, 'comparing logs');
      const source = this.#source.entry;
      const destination = this.#destination.entry;
      if (source === null || destination === null) {
        await Promise.all([
          source === null ? this.#source.fill(signal) : undefined,
          destination === null ? this.#destination.fill(signal) : undefined,
        ]);
        progressed(this.#position, this.counts.bytes);
        continue;
      }
      if (!this.#passSame(source, destination)) await this.#compare(source, destination);
    }
    progressed(this.position, this.counts.bytes);
  }

  /** The cheap way, on which nothing is opened: two batches of the same bytes, or nothing to be seen on either side. */
  #passSame(source: LogEntry, destination: LogEntry): boolean {
    const at = this.#position;
    if (isUnseen(source) && isUnseen(destination)) {
      this.#advance(source, destination, Math.min(source.next, destination.next));
      return true;
    }
    const [left, right] = [source.batch, destination.batch];
    const isWhole = source.from === at && destination.from === at && left?.baseOffsetNumber === at && source.next === left.nextOffsetNumber;
    if (this.#context.latestPerKey !== null || source.kind !== 'data' || destination.kind !== 'data' || !isWhole) return false;
    if (left === null || right === null || !sameBytes(left, right) || !verifyBothCrcs(left, right)) return false;
    this.counts.records += left.recordsCount;
    this.differences.settle();
    this.#advance(source, destination, source.next);
    return true;
  }

  /** What lies at the position on both sides, up to where one of them ends. */
  async #compare(source: LogEntry, destination: LogEntry): Promise<void> {
    const damages = [damageOf(source), damageOf(destination)] as const;
    if (damages[0] !== null || damages[1] !== null) {
      this.#passDamage(source, destination, damages);
      return;
    }
    const end = Math.min(source.next, destination.next);
    const at = this.#position;
    if (source.from === at && source.kind === 'data') {
      const [left, right] = [source.batch, destination.batch];
      this.#isRebuilt = left === null || right === null || destination.kind !== 'data' || !samePayload(left, right);
      this.#isDifferent = false;
    }
    try {
      await source.open();
      await destination.open();
    } catch (error) {
      if (!LinkError.is(error, 'KLINK_CORRUPT_BATCH')) throw error;
      const tell = (): DifferenceText => payloadText(source, destination, error.message, this.#context.rules.excerptBytes);
      this.#add({ kind: 'payload', offset: at, lastOffset: end - 1, tell });
      this.#advance(source, destination, end);
      return;
    }
    await this.#compareRecords(source, destination, end);
    if (this.differences.fullAt !== null) return;
    this.#noteCompression(source, destination);
    this.#advance(source, destination, end);
  }

  async #compareRecords(source: LogEntry, destination: LogEntry, end: number): Promise<void> {
    const left = source.takeBefore(end);
    const right = destination.takeBefore(end);
    this.counts.records += left.length;
    if ((await destination.open()).ghosts > 0) this.counts.filledOffsets += end - this.#position - right.length;
    let [i, j] = [0, 0];
    while ((i < left.length || j < right.length) && this.differences.fullAt === null) {
      const a = left[i];
      const b = right[j];
      const order = a === undefined ? 1 : b === undefined ? -1 : a.offset - b.offset;
      if (order <= 0) i++;
      if (order >= 0) j++;
      await this.#judge(order <= 0 ? (a ?? null) : null, order >= 0 ? (b ?? null) : null);
    }
  }

  /** What the two sides have at one offset. */
  async #judge(source: VisibleRecord | null, destination: VisibleRecord | null): Promise<void> {
    const { latestPerKey, rules, signal } = this.#context;
    const offset = (source ?? destination)?.offset ?? this.#position;
    if (source !== null && destination !== null && sameRecord(source, destination)) {
      latestPerKey?.both(source);
      this.differences.settle();
      return;
    }
    if (source === null && destination !== null && isFiller(destination)) {
      this.#foundFiller(destination);
      return;
    }
    if (latestPerKey !== null) {
      if (source === null || destination === null) {
        if (source !== null) latestPerKey.alone('source', source);
        if (destination !== null) latestPerKey.alone('destination', destination);
        return;
      }
      latestPerKey.alone('source', source);
      latestPerKey.alone('destination', destination);
    }
    const add = (kind: DifferenceKind, detail: string, shift?: number): void => {
      const tell = (): DifferenceText => ({
        source: source === null ? null : recordText(source, rules.excerptBytes),
        destination: destination === null ? null : recordText(destination, rules.excerptBytes),
        detail,
      });
      this.#add({ kind, offset, tell, ...(shift !== undefined && { shift }) });
    };
    const place = await this.#neighbourhood.locate({ offset, source, destination }, signal);
    if (place.kind === 'doubled') add('doubled', `the mirror has the record of offset ${place.at} here as well`);
    else if (place.kind === 'missing') add('missing', `the mirror lacks the record, and has that of offset ${place.at} in its place`);
    else if (place.kind === 'shifted') {
      const way = place.shift > 0 ? 'higher' : 'lower';
      add('shifted', `records lie ${Math.abs(place.shift)} offsets ${way} in the mirror`, place.shift);
    } else if (destination === null) add('missing', 'the mirror has no record here');
    else if (source === null) add('extra', 'the source has no record here');
    else {
      const { part, text } = compareContents(source, destination, rules.excerptBytes);
      this.#add({ kind: part, offset, tell: () => text });
    }
  }

  #foundFiller({ offset, timestamp }: VisibleRecord): void {
    this.counts.fillerRecords++;
    const tell = (): DifferenceText => ({
      source: null,
      destination: `timestamp ${timestamp}, key null, value null`,
      detail: 'consumers of the mirror see a record without key and value',
    });
    if (this.#context.rules.allowFillerRecords) this.differences.note({ kind: 'filler', offset, tell });
    else this.#add({ kind: 'filler', offset, tell });
  }

  #noteCompression(source: LogEntry, destination: LogEntry): void {
    const [left, right] = [source.batch, destination.batch];
    if (source.kind !== 'data' || destination.kind !== 'data' || left === null || right === null) return;
    if (left.recordsCount === 0 || left.compression === right.compression) return;
    this.differences.note({
      kind: 'compression',
      offset: this.#position,
      lastOffset: Math.min(source.next, destination.next) - 1,
      tell: () => ({ source: left.compression, destination: right.compression, detail: 'the records are the same' }),
    });
  }

  /** What is damaged is told, and passed over: where it ends is known from the other side alone. */
  #passDamage(source: LogEntry, destination: LogEntry, damages: readonly [string | null, string | null]): void {
    const at = this.#position;
    const [left, right] = damages;
    const end = left !== null && right !== null ? Math.min(source.next, destination.next) : left !== null ? destination.next : source.next;
    const text = { source: headerText(source), destination: headerText(destination) };
    const range = { offset: at, lastOffset: end - 1 };
    if (left !== null) this.#add({ kind: 'corrupt-source', ...range, tell: () => ({ ...text, detail: left }) });
    if (right !== null) this.#add({ kind: 'corrupt-destination', ...range, tell: () => ({ ...text, detail: right }) });
    if (this.differences.fullAt !== null) return;
    for (const [walk, damage] of [
      [this.#source, left],
      [this.#destination, right],
    ] as const) {
      if (damage === null) walk.advance(end);
      else walk.restart(end);
    }
    this.#position = end;
  }

  #advance(source: LogEntry, destination: LogEntry, end: number): void {
    if (destination.kind === 'hidden' && destination.batch?.isControl === true) this.counts.filledOffsets += end - this.#position;
    if (source.kind === 'data' && end === source.next) {
      if ((source.batch?.recordsCount ?? 0) > 0) {
        this.counts.batches++;
        if (this.#isRebuilt && !this.#isDifferent) this.counts.rebuiltBatches++;
      }
      this.#isRebuilt = false;
      this.#isDifferent = false;
    }
    this.#source.advance(end);
    this.#destination.advance(end);
    this.#position = end;
  }

  #repeated(side: Side, first: number, end: number): void {
    const detail = `the ${side === 'source' ? 'source' : 'mirror'} has two batches at these offsets`;
    this.#add({ kind: 'doubled', offset: first, lastOffset: end - 1, tell: () => ({ source: null, destination: null, detail }) });
  }

  #add(found: FoundDifference): void {
    this.#isDifferent = true;
    this.differences.add(found);
  }

  #counted(reader: LogReader): LogReader {
    return {
      range: (signal) => reader.range(signal),
      read: async (offset, to, signal) => {
        const slice = await reader.read(offset, to, signal);
        this.counts.bytes += slice.records?.length ?? 0;
        return slice;
      },
    };
  }
}

const isUnseen = ({ kind }: LogEntry): boolean => kind === 'hidden' || kind === 'hole';

/** What is wrong with the bytes, null when nothing is. */
const damageOf = (entry: LogEntry): string | null => {
  if (entry.kind === 'damaged') return entry.reason;
  if (entry.batch === null || entry.isIntact) return null;
  return wrongCrc(entry.batch);
};

const headerText = ({ kind, batch }: LogEntry): string | null => {
  if (batch === null) return kind === 'hole' ? null : '?';
  return `base ${batch.baseOffset}, ${batch.recordsCount} records, ${batch.sizeInBytes} bytes, CRC ${batch.crc.toString(16).padStart(8, '0')}`;
};

const payloadText = (source: LogEntry, destination: LogEntry, detail: string, bytes: number): DifferenceText => ({
  source: source.kind === 'data' ? hexOf(source.batch?.payload ?? null, bytes) : null,
  destination: destination.kind === 'data' ? hexOf(destination.batch?.payload ?? null, bytes) : null,
  detail,
});
