/** What the ranges of two logs say before any batch is read. */
import { describe, expect, it } from 'vitest';
import { MirrorFailure, type MirrorTopicError } from '../../../src/link/mirror-failure.ts';
import { judgeRanges, type LogRange } from '../../../src/link/replication/align.ts';

const range = (start: number, end: number): LogRange => ({ start, end });

const verdicts: readonly (readonly [what: string, source: LogRange, mirror: LogRange, verdict: string])[] = [
  ['two empty logs', range(0, 0), range(0, 0), 'fresh'],
  ['a new mirror', range(0, 90), range(0, 0), 'fresh'],
  ['a mirror that lags', range(0, 90), range(0, 30), 'compare'],
  ['a mirror that has caught up', range(0, 90), range(0, 90), 'compare'],
  ['a source that has deleted up to the batch before the end', range(29, 90), range(0, 30), 'compare'],
  ['a source that has deleted exactly what was copied', range(30, 90), range(0, 30), 'recognise'],
  ['a source that has deleted everything', range(90, 90), range(0, 90), 'recognise'],
  ['a mirror with more than its source', range(0, 90), range(0, 91), 'ahead'],
  ['a mirror of a source that begins again', range(0, 0), range(0, 7), 'ahead'],
];
const failures: readonly (readonly [what: string, source: LogRange, mirror: LogRange, reason: MirrorTopicError, numbers: number[]])[] = [
  ['a source that does not begin at 0', range(5, 90), range(0, 0), 'UNSUPPORTED_LOG_START', [5]],
  ['a source that has deleted what was not copied', range(31, 90), range(0, 30), 'SOURCE_RECORDS_EXPIRED', [30, 31, 1]],
];

describe('judgeRanges', () => {
  it.each(verdicts)('%s', (_, source, mirror, verdict) => expect(judgeRanges('t-0', source, mirror)).toBe(verdict));

  it.each(failures)('%s', (_, source, mirror, reason, numbers) => {
    const failure = thrownBy(() => judgeRanges('t-0', source, mirror));
    expect(failure).toBeInstanceOf(MirrorFailure);
    expect((failure as MirrorFailure).reason).toBe(reason);
    for (const number of numbers) expect((failure as Error).message).toMatch(new RegExp(`\\b${number}\\b`));
    expect((failure as Error).message).toContain('t-0');
  });
});

const thrownBy = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};
