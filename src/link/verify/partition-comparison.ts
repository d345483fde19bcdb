/** Goes through two logs side by side, offset by offset, and finds what a consumer would see different: the heart of a verification. */
import { abortedError } from '../../client/abort.ts';
import { LinkError } from '../../errors.ts';
import { type ComparisonCounts, type ComparisonRules, newCounts, type Side } from './comparison-rules.ts';
import type { DifferenceList } from './difference.ts';
import { batchText, payloadTexts } from './difference-text.ts';
import type { LatestPerKey } from './latest-per-key.ts';
import { countedReader, type LogRange, type LogReader } from './log-reader.ts';
import { type LogEntry, LogWalk } from './log-walk.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { RecordJudge } from './record-judge.ts';
import { sameBytes, samePayload, verifyBothCrcs } from './visible-records.ts';

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

/** Both logs, at the time of asking. */
export interface LogRanges {
  readonly source: LogRange;
  readonly destination: LogRange;
}

export interface ComparisonRange {
  readonly from: number;
  readonly to: number;
  /** Records that moved are looked for beyond `from` and `to` too. */
  readonly ranges: LogRanges;
}

export class PartitionComparison {
  readonly counts: ComparisonCounts = newCounts();
  readonly differences: DifferenceList;
  readonly #context: ComparisonContext;
  readonly #to: number;
  readonly #source: LogWalk;
  readonly #destination: LogWalk;
  readonly #judge: RecordJudge;
  #position: number;
  /** Of the source batch that is gone through. */
  #isRebuilt = false;
  #offsetsBefore = 0;

  /** `from` is below `to`, and both are in the range of either log. */
  constructor(context: ComparisonContext, differences: DifferenceList, { from, to, ranges }: ComparisonRange) {
    this.#context = context;
    this.differences = differences;
    this.#to = to;
    this.#position = from;
    const count = (bytes: number): void => {
      this.counts.bytes += bytes;
    };
    const source = countedReader(context.source, count);
    const destination = countedReader(context.destination, count);
    this.#source = new LogWalk(source, from, to, (first, end) => this.#repeated('source', first, end));
    this.#destination = new LogWalk(destination, from, to, (first, end) => this.#repeated('destination', first, end));
    const neighbourhood = new Neighbourhood({
      source: { reader: source, range: ranges.source },
      destination: { reader: destination, range: ranges.destination },
      bytesPerOffset: () => this.counts.bytes / 2 / Math.max(1, this.#position - from),
    });
    this.#judge = new RecordJudge({ ...context, counts: this.counts, differences, neighbourhood });
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
    if (source.damage !== null || destination.damage !== null) {
      this.#passDamage(source, destination);
      return;
    }
    const end = Math.min(source.next, destination.next);
    const at = this.#position;
    if (source.from === at && source.kind === 'data') {
      const [left, right] = [source.batch, destination.batch];
      this.#isRebuilt = left === null || right === null || destination.kind !== 'data' || !samePayload(left, right);
      this.#offsetsBefore = this.differences.offsets;
    }
    try {
      await source.open();
      await destination.open();
    } catch (error) {
      if (!LinkError.is(error, 'KLINK_CORRUPT_BATCH')) throw error;
      if (!isSameBatch(source, destination)) {
        const texts = payloadTexts(source, destination, this.#context.rules.excerptBytes);
        this.differences.add({ kind: 'payload', offset: at, lastOffset: end - 1, tell: () => ({ ...texts, detail: error.message }) });
      }
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
      const a = left[i] ?? null;
      const b = right[j] ?? null;
      const order = a === null ? 1 : b === null ? -1 : a.offset - b.offset;
      if (order <= 0) i++;
      if (order >= 0) j++;
      if (a !== null && b !== null && order === 0 && this.#judge.agree(a, b)) continue;
      await this.#judge.disagree(order <= 0 ? a : null, order >= 0 ? b : null, this.#context.signal);
    }
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

  /** What is damaged is told, and passed over: up to where it says that it ends, or earlier, where the other side has something new. */
  #passDamage(source: LogEntry, destination: LogEntry): void {
    const end = Math.min(source.next, destination.next);
    const texts = { source: batchText(source), destination: batchText(destination) };
    const sides = [
      { kind: 'corrupt-source', walk: this.#source, damage: source.damage },
      { kind: 'corrupt-destination', walk: this.#destination, damage: destination.damage },
    ] as const;
    for (const { kind, damage } of sides) {
      if (damage !== null)
        this.differences.add({ kind, offset: this.#position, lastOffset: end - 1, tell: () => ({ ...texts, detail: damage }) });
    }
    if (this.differences.fullAt !== null) return;
    for (const { walk, damage } of sides) {
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
        if (this.#isRebuilt && this.differences.offsets === this.#offsetsBefore) this.counts.rebuiltBatches++;
      }
      this.#isRebuilt = false;
    }
    this.#source.advance(end);
    this.#destination.advance(end);
    this.#position = end;
  }

  #repeated(side: Side, first: number, end: number): void {
    const detail = `the ${side === 'source' ? 'source' : 'mirror'} has two batches at these offsets`;
    this.differences.add({
      kind: 'doubled',
      offset: first,
      lastOffset: end - 1,
      tell: () => ({ source: null, destination: null, detail }),
    });
  }
}

const isUnseen = ({ kind }: LogEntry): boolean => kind === 'hidden' || kind === 'hole';

/** Whatever is in it, it is the same on both sides. */
const isSameBatch = (source: LogEntry, destination: LogEntry): boolean =>
  source.kind === 'data' &&
  destination.kind === 'data' &&
  source.batch !== null &&
  destination.batch !== null &&
  sameBytes(source.batch, destination.batch);
