/** What the ranges of two logs say before any batch is read. */
import { describe, expect, it } from 'vitest';
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
  ['a source that does not begin at 0', range(5, 90), range(0, 0), 'fresh'],
  ['a source that has deleted what was not copied', range(31, 90), range(0, 30), 'recognise'],
  ['a mirror whose padding was cut off', range(30, 90), range(30, 40), 'compare'],
  ['a mirror of which all was deleted', range(0, 90), range(30, 30), 'compare'],
  ['a mirror of a source that begins again', range(0, 0), range(0, 7), 'ahead'],
];

describe('judgeRanges', () => {
  it.each(verdicts)('%s', (_, source, mirror, verdict) => expect(judgeRanges(source, mirror)).toBe(verdict));
});
