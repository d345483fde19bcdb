/** What it means that two logs have, or have not, the same record at an offset. */
import type { ComparisonCounts, ComparisonRules } from './comparison-rules.ts';
import type { DifferenceKind, DifferenceList, DifferenceText } from './difference.ts';
import { compareContents, recordText } from './difference-text.ts';
import type { LatestPerKey } from './latest-per-key.ts';
import type { Neighbourhood } from './neighbourhood.ts';
import { isFiller, sameRecord, type VisibleRecord } from './visible-records.ts';

export interface JudgeContext {
  readonly rules: ComparisonRules;
  readonly counts: ComparisonCounts;
  readonly differences: DifferenceList;
  readonly neighbourhood: Neighbourhood;
  readonly latestPerKey: LatestPerKey | null;
}

export class RecordJudge {
  readonly #context: JudgeContext;

  constructor(context: JudgeContext) {
    this.#context = context;
  }

  /** Whether two records of one offset are the same. */
  agree(source: VisibleRecord, destination: VisibleRecord): boolean {
    if (!sameRecord(source, destination)) return false;
    this.#context.latestPerKey?.both(source);
    this.#context.differences.settle();
    return true;
  }

  /** One offset at which only one side has a record, or both have different ones. */
  async disagree(source: VisibleRecord | null, destination: VisibleRecord | null, signal: AbortSignal): Promise<void> {
    const { latestPerKey } = this.#context;
    if (source === null && destination !== null && isFiller(destination)) {
      this.#foundFiller(destination);
      return;
    }
    if (source !== null) latestPerKey?.alone('source', source);
    if (destination !== null) latestPerKey?.alone('destination', destination);
    // Whether what one side lacks is a difference shows when everything has been read.
    if (latestPerKey === null || (source !== null && destination !== null)) await this.#differ(source, destination, signal);
  }

  async #differ(source: VisibleRecord | null, destination: VisibleRecord | null, signal: AbortSignal): Promise<void> {
    const { rules, differences, neighbourhood, latestPerKey } = this.#context;
    const offset = (source ?? destination)?.offset ?? 0;
    const add = (kind: DifferenceKind, detail: string, shift?: number): void => {
      const tell = (): DifferenceText => ({
        source: source === null ? null : recordText(source, rules.excerptBytes),
        destination: destination === null ? null : recordText(destination, rules.excerptBytes),
        detail,
      });
      differences.add({ kind, offset, tell, ...(shift !== undefined && { shift }) });
    };
    // Where each side has its own holes, an equal record nearby says nothing.
    const place = latestPerKey === null ? await neighbourhood.locate({ offset, source, destination }, signal) : ({ kind: 'none' } as const);
    if (place.kind === 'doubled') add('doubled', `the mirror has the record of offset ${place.at} here as well`);
    else if (place.kind === 'missing') add('missing', `the mirror lacks the record, and has that of offset ${place.at} in its place`);
    else if (place.kind === 'extra') add('extra', `the mirror has a record of its own here, and that of the source at offset ${place.at}`);
    else if (place.kind === 'shifted') {
      const way = place.shift > 0 ? 'higher' : 'lower';
      add('shifted', `records lie ${Math.abs(place.shift)} offsets ${way} in the mirror`, place.shift);
    } else if (destination === null) add('missing', 'the mirror has no record here');
    else if (source === null) add('extra', 'the source has no record here');
    else {
      const { part, text } = compareContents(source, destination, rules.excerptBytes);
      differences.add({ kind: part, offset, tell: () => text });
    }
  }

  #foundFiller({ offset, timestamp }: VisibleRecord): void {
    const { rules, counts, differences } = this.#context;
    counts.fillerRecords++;
    const tell = (): DifferenceText => ({
      source: null,
      destination: `timestamp ${timestamp}, key null, value null`,
      detail: 'consumers of the mirror see a record without key and value',
    });
    if (rules.allowFillerRecords) differences.note({ kind: 'filler', offset, tell });
    else differences.add({ kind: 'filler', offset, tell });
  }
}
