/** What a verification found: the report, as text for people and as JSON for programs. */
import type { LinkError } from '../../errors.ts';
import type { VerifyDifference } from './difference.ts';

/**
 * - `identical`: everything in the range was compared, and no consumer can tell the two logs apart.
 * - `different`: at least one difference.
 * - `unfinished`: none so far, but not everything could be compared; `error` says why.
 */
export type VerifyVerdict = 'identical' | 'different' | 'unfinished';

/** Where to go on: everything below has been compared. To be given back as `from`. */
export interface VerifyPosition {
  /** The mirror's name. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** Log start, and last stable offset: the offset before which every transaction has ended. */
export interface VerifiedLog {
  readonly start: bigint;
  readonly end: bigint;
}

/** One partition of a mirror, compared with its source. */
export interface VerifiedPartition {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly partition: number;
  readonly verdict: VerifyVerdict;
  /** What was to be compared: from the later start to the earlier end, or less when asked for less. */
  readonly from: bigint;
  readonly to: bigint;
  /** Up to here it was compared; below `to` when there was no room for more differences, or an error. */
  readonly position: bigint;
  /** Null when it could not be asked. */
  readonly source: VerifiedLog | null;
  readonly destination: VerifiedLog | null;
  /** Batches of the source that have records. */
  readonly batches: number;
  /** Among them: those whose records the mirror has in other bytes, as what compaction left is rebuilt. */
  readonly rebuiltBatches: number;
  /** Records of the source that consumers see. */
  readonly records: number;
  /** Offsets that the mirror fills with what no consumer sees: control records, ghosts. */
  readonly filledOffsets: number;
  /** Offsets that it fills with records without key and value, which consumers see. */
  readonly fillerRecords: number;
  /** Offsets that were deleted at the log start before they could be compared. */
  readonly trimmedOffsets: number;
  /** Read from both sides. */
  readonly bytes: number;
  /** In the order they were found; the first ones only. */
  readonly differences: readonly VerifyDifference[];
  /** What is worth knowing and no difference: other compression, and what was allowed. */
  readonly notes: readonly VerifyDifference[];
  readonly error: LinkError | null;
}

export interface VerifyReport {
  /** No partition is anything but identical. */
  readonly identical: boolean;
  /** In the order of topics and partitions. */
  readonly partitions: readonly VerifiedPartition[];
  /** Of every partition, for a later verification of what will have come by then. */
  readonly positions: readonly VerifyPosition[];
}

export const reportOf = (partitions: readonly VerifiedPartition[]): VerifyReport => ({
  identical: partitions.every(({ verdict }) => verdict === 'identical'),
  partitions,
  positions: partitions.map(({ topic, partition, position: offset }) => ({ topic, partition, offset })),
});

/** The report in lines for people: one per partition, its differences under it. */
export const renderVerifyReport = ({ partitions }: VerifyReport): string => partitions.flatMap(renderPartition).join('\n');

const renderPartition = (partition: VerifiedPartition): string[] => {
  const { verdict, differences, notes, error, from, to, position } = partition;
  const what = verdict === 'identical' ? 'identical' : verdict === 'different' ? 'DIFFERENT' : 'unfinished';
  const range = `${what} from ${from} to ${verdict === 'identical' ? to : position}${position < to ? ` (of ${to})` : ''}`;
  const found = differences.length === 0 ? 'none' : position < to ? `the first ${differences.length}` : String(differences.length);
  return [
    `${labelOf(partition)}: ${[range, ...countsOf(partition), `differences: ${found}`].join(', ')}`,
    ...differences.flatMap((difference) => renderDifference('- ', difference)),
    ...notes.flatMap((note) => renderDifference('  note: ', note)),
    ...(error === null ? [] : [`  ${error.code}: ${error.message}`]),
  ];
};

const labelOf = ({ topic, sourceTopic, partition }: VerifiedPartition): string =>
  `${topic}-${partition}${sourceTopic === topic ? '' : ` (of ${sourceTopic}-${partition})`}`;

const countsOf = (partition: VerifiedPartition): string[] => {
  const { batches, records, filledOffsets, fillerRecords, rebuiltBatches, trimmedOffsets, source, destination } = partition;
  const lag = (source?.end ?? 0n) - (destination?.end ?? 0n);
  return [
    `${batches} batches`,
    `${records} records`,
    ...(filledOffsets > 0 ? [`${filledOffsets} filled offsets`] : []),
    ...(fillerRecords > 0 ? [`${fillerRecords} visible filler records`] : []),
    ...(rebuiltBatches > 0 ? [`${rebuiltBatches} rebuilt batches`] : []),
    ...(trimmedOffsets > 0 ? [`${trimmedOffsets} offsets deleted meanwhile`] : []),
    ...(lag > 0n ? [`${lag} offsets not mirrored yet`] : []),
  ];
};

const renderDifference = (lead: string, { kind, offset, lastOffset, count, detail, source, destination }: VerifyDifference): string[] => {
  const where = offset === lastOffset ? `at ${offset}` : `from ${offset} to ${lastOffset} (${count})`;
  const side = (name: string, text: string | null): string[] => (text === null ? [] : [`    ${name} ${text}`]);
  return [`${lead}${kind} ${where}: ${detail}`, ...side('source     ', source), ...side('destination', destination)];
};

/** A report of plain values, for `JSON.stringify`. Offsets are numbers: no log has ever reached 2^53. */
export type VerifyReportJson = JsonOf<VerifyReport>;

/** Bigints become numbers, errors their code and message. */
export type JsonOf<T> = T extends bigint
  ? number
  : T extends LinkError
    ? { readonly code: string; readonly message: string }
    : T extends readonly (infer Item)[]
      ? readonly JsonOf<Item>[]
      : T extends object
        ? { readonly [K in keyof T]: JsonOf<T[K]> }
        : T;

export const verifyReportToJson = ({ identical, partitions, positions }: VerifyReport): VerifyReportJson => ({
  identical,
  partitions: partitions.map(({ source, destination, from, to, position, differences, notes, error, ...rest }) => ({
    ...rest,
    from: Number(from),
    to: Number(to),
    position: Number(position),
    source: plainLog(source),
    destination: plainLog(destination),
    differences: differences.map(plainDifference),
    notes: notes.map(plainDifference),
    error: error === null ? null : { code: error.code, message: error.message },
  })),
  positions: positions.map(({ offset, ...rest }) => ({ ...rest, offset: Number(offset) })),
});

const plainLog = (log: VerifiedLog | null): JsonOf<VerifiedLog> | null =>
  log === null ? null : { start: Number(log.start), end: Number(log.end) };

const plainDifference = ({ offset, lastOffset, ...rest }: VerifyDifference): JsonOf<VerifyDifference> => ({
  ...rest,
  offset: Number(offset),
  lastOffset: Number(lastOffset),
});
