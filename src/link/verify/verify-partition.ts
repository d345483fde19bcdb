/** Verifies one partition: which range, its comparison, and what the ends of the two logs say. */
import { LinkError } from '../../errors.ts';
import { addCounts, type ComparisonCounts, type ComparisonRules, newCounts } from './comparison-rules.ts';
import { DifferenceList } from './difference.ts';
import { LatestPerKey } from './latest-per-key.ts';
import { isOutOfRange, type LogRange, type LogReader } from './log-reader.ts';
import { type LogRanges, PartitionComparison } from './partition-comparison.ts';
import type { VerifiedLog, VerifiedPartition } from './report.ts';

/** Which difference between two logs is one. */
export interface VerifyRules extends ComparisonRules {
  /** `exact`: every record. `latest-per-key`: the last record of every key, and every record that both sides have. */
  readonly mode: 'exact' | 'latest-per-key';
  /** The mirror may still have what the source has deleted at its start. */
  readonly allowLowerLogStart: boolean;
  /** With `latest-per-key`: more distinct keys in a partition end its verification. */
  readonly maxKeys: number;
}

/** How far a partition has come. */
export interface VerifyProgress {
  readonly topic: string;
  readonly partition: number;
  /** Everything below has been compared: to be given as `from` when the rest is to be done later. */
  readonly position: bigint;
  readonly to: bigint;
  /** Read from both sides. */
  readonly bytes: number;
  /** Found so far. */
  readonly differences: number;
}

/** What is to be compared with what. */
export interface PartitionToVerify {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly partition: number;
  /** Default: the later log start. */
  readonly from?: number;
  /** Default: the earlier log end. */
  readonly to?: number;
}

export interface VerifyContext {
  readonly source: LogReader;
  readonly destination: LogReader;
  readonly rules: VerifyRules;
  readonly signal: AbortSignal;
  readonly progressed: (progress: VerifyProgress) => void;
}

/** Log starts that move all the time, or a leader that does not know its own log. */
const MAX_OUT_OF_RANGE = 5;

/**
 * Compares what a read_committed consumer sees of both logs, and their starts and ends. Does not reject for what it finds, nor for what keeps it from
 * finding it: that is in the result. Rejects when the signal is aborted.
 */
export const verifyPartition = async (context: VerifyContext, asked: PartitionToVerify): Promise<VerifiedPartition> => {
  const verification = new PartitionVerification(context, asked);
  try {
    await verification.run();
  } catch (error) {
    if (context.signal.aborted) throw error;
    verification.error = LinkError.from(error);
  }
  return verification.result();
};

class PartitionVerification {
  error: LinkError | null = null;
  readonly #context: VerifyContext;
  readonly #asked: PartitionToVerify;
  readonly #differences: DifferenceList;
  readonly #counts: ComparisonCounts = newCounts();
  #ranges: LogRanges | null = null;
  #from = 0;
  #to = 0;
  #position = 0;
  #trimmed = 0;

  constructor(context: VerifyContext, asked: PartitionToVerify) {
    this.#context = context;
    this.#asked = asked;
    this.#differences = new DifferenceList(context.rules.maxDifferences);
  }

  async run(): Promise<void> {
    const { rules, signal, source, destination } = this.#context;
    const ranges = await this.#lookUp();
    this.#from = Math.max(ranges.source.start, ranges.destination.start, this.#asked.from ?? 0);
    this.#to = Math.min(ranges.source.end, ranges.destination.end, this.#asked.to ?? Number.POSITIVE_INFINITY);
    this.#position = this.#from;
    if (this.#from > this.#to) {
      const isAsked = this.#asked.from !== undefined && this.#asked.from > this.#to;
      this.#to = this.#from;
      if (isAsked) throw this.#beyond(ranges);
    }
    const latestPerKey = rules.mode === 'exact' ? null : new LatestPerKey(rules.maxKeys);
    await this.#compare(latestPerKey, ranges);
    if (this.#differences.fullAt === null) {
      const logs = { source, destination, to: this.#to, excerptBytes: rules.excerptBytes };
      await latestPerKey?.finish(logs, this.#differences, signal);
      this.#compareEnds(ranges);
    }
    this.#compareStarts(await this.#lookUp());
  }

  result(): VerifiedPartition {
    const { topic, sourceTopic, partition } = this.#asked;
    const { differences, notes } = this.#differences;
    return {
      topic,
      sourceTopic,
      partition,
      verdict: differences.length > 0 ? 'different' : this.error === null ? 'identical' : 'unfinished',
      from: BigInt(this.#from),
      to: BigInt(this.#to),
      position: BigInt(this.#position),
      source: publicLog(this.#ranges?.source),
      destination: publicLog(this.#ranges?.destination),
      ...this.#counts,
      trimmedOffsets: this.#trimmed,
      differences,
      notes,
      error: this.error,
    };
  }

  /** The mirror first: it follows its source, so what it has the source had before. */
  async #lookUp(): Promise<LogRanges> {
    const { source, destination, signal } = this.#context;
    const mirror = await destination.range(signal);
    this.#ranges = { destination: mirror, source: await source.range(signal) };
    return this.#ranges;
  }

  /** When a log start passes the position, what it has deleted is left out and the comparison goes on behind it. */
  async #compare(latestPerKey: LatestPerKey | null, first: LogRanges): Promise<void> {
    let ranges = first;
    for (let outOfRange = 0; this.#position < this.#to && this.#differences.fullAt === null; ) {
      const comparison = this.#comparison(latestPerKey, ranges);
      try {
        await comparison.run();
      } catch (error) {
        if (!isOutOfRange(error) || ++outOfRange > MAX_OUT_OF_RANGE) throw error;
      } finally {
        this.#position = comparison.position;
        addCounts(this.#counts, comparison.counts);
      }
      if (this.#position < this.#to && this.#differences.fullAt === null) ranges = await this.#passTrimmed();
    }
  }

  #comparison(latestPerKey: LatestPerKey | null, ranges: LogRanges): PartitionComparison {
    const { source, destination, rules, signal, progressed } = this.#context;
    const { topic, partition } = this.#asked;
    const before = this.#counts.bytes;
    return new PartitionComparison(
      {
        source,
        destination,
        rules,
        latestPerKey,
        signal,
        progressed: (position, bytes) =>
          progressed({
            topic,
            partition,
            position: BigInt(position),
            to: BigInt(this.#to),
            bytes: before + bytes,
            differences: this.#differences.size,
          }),
      },
      this.#differences,
      { from: this.#position, to: this.#to, ranges },
    );
  }

  async #passTrimmed(): Promise<LogRanges> {
    const ranges = await this.#lookUp();
    const start = Math.min(this.#to, Math.max(ranges.source.start, ranges.destination.start));
    this.#trimmed += Math.max(0, start - this.#position);
    this.#position = Math.max(start, this.#position);
    return ranges;
  }

  #compareEnds({ source, destination }: LogRanges): void {
    if ((this.#asked.to ?? Number.POSITIVE_INFINITY) <= source.end || destination.end <= source.end) return;
    this.#differences.add({
      kind: 'extra',
      offset: source.end,
      lastOffset: destination.end - 1,
      tell: () => ({
        source: `ends at ${source.end}`,
        destination: `ends at ${destination.end}`,
        detail: 'the mirror goes on behind the end of the source: it was written to, or the source was truncated',
      }),
    });
  }

  #compareStarts({ source, destination }: LogRanges): void {
    if (source.start === destination.start) return;
    const isLower = destination.start < source.start;
    const found = {
      kind: 'log-start',
      offset: Math.min(source.start, destination.start),
      lastOffset: Math.max(source.start, destination.start) - 1,
      tell: () => ({
        source: `starts at ${source.start}`,
        destination: `starts at ${destination.start}`,
        detail: isLower ? 'the mirror still has what the source has deleted' : 'the mirror lacks the first offsets of the source',
      }),
    } as const;
    if (isLower && this.#context.rules.allowLowerLogStart) this.#differences.note(found);
    else this.#differences.add(found);
  }

  #beyond({ source, destination }: LogRanges): LinkError {
    const { topic, partition, from } = this.#asked;
    return new LinkError(
      'KLINK_SOURCE_CHANGED',
      `${topic}-${partition} was to be verified from offset ${from} on, but the source ends at ${source.end} and the mirror at ${destination.end}: one of them was truncated or made anew. Verify it from the start`,
    );
  }
}

const publicLog = (range: LogRange | undefined): VerifiedLog | null =>
  range === undefined ? null : { start: BigInt(range.start), end: BigInt(range.end) };
