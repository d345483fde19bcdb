/** What a comparison of two logs goes by, and what it counts. */

export type Side = 'source' | 'destination';

export interface ComparisonRules {
  /** Runs of differences that are kept; with one more the comparison ends. */
  readonly maxDifferences: number;
  /** Visible records without key and value at offsets where the source has none are counted, and no difference. */
  readonly allowFillerRecords: boolean;
  /** Of a field that differs, in the report. */
  readonly excerptBytes: number;
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

export const newCounts = (): ComparisonCounts => ({
  batches: 0,
  rebuiltBatches: 0,
  records: 0,
  filledOffsets: 0,
  fillerRecords: 0,
  bytes: 0,
});

/** Adds `more` to `counts`. */
export const addCounts = (counts: ComparisonCounts, more: ComparisonCounts): void => {
  for (const name of Object.keys(counts) as (keyof ComparisonCounts)[]) counts[name] += more[name];
};
