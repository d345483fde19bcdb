/** Where a new mirror begins, as users write it. */
import { describe, expect, it } from 'vitest';
import { oldFormatAdvice, parseStartOffsetSpec } from '../../../../src/link/log-start/start-offset.ts';

describe('mirror.start.offset.spec', () => {
  it.each(['earliest', 'latest', 'earliest-v2'])('%s', (spec) => expect(parseStartOffsetSpec(spec)).toEqual({ kind: spec }));

  // Milliseconds by `date -u -d '…' +%s%3N`.
  it.each([
    ['2026-03-01T00:00:00Z', 1_772_323_200_000],
    ['2026-03-01', 1_772_323_200_000],
    ['2026-03-01T00:00', 1_772_323_200_000],
    ['2026-03-01T00:00:00.000', 1_772_323_200_000],
    ['2026-03-01T01:30:00+01:30', 1_772_323_200_000],
    ['2026-03-01T01:30:00+0130', 1_772_323_200_000],
    ['2026-02-28T17:00:00-07', 1_772_323_200_000],
    ['2024-02-29T23:59:59.999Z', 1_709_251_199_999],
    ['2024-02-29T23:59:59,5Z', 1_709_251_199_500],
    ['1970-01-01T00:00:00Z', 0],
  ])('%s', (spec, timestamp) => expect(parseStartOffsetSpec(spec)).toEqual({ kind: 'timestamp', timestamp }));

  it.each([
    ['', 'earliest'],
    ['Earliest', 'earliest'],
    ['yesterday', 'ISO 8601'],
    ['1772323200000', 'ISO 8601'],
    ['2026-3-1', 'ISO 8601'],
    ['2026-03-01 00:00:00', 'ISO 8601'],
    ['2026-03-01T00', 'ISO 8601'],
    ['2026-03-01Z', 'ISO 8601'],
    ['2026-02-30T00:00:00Z', 'no such day'],
    ['2023-02-29', 'no such day'],
    ['2026-13-01', 'no such day'],
    ['2026-03-01T25:00:00Z', 'no such day or time'],
    ['2026-03-01T00:00:00+99:00', 'no such day or time'],
    ['1969-12-31T23:59:59Z', 'before 1970'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, 'is 7'],
    [new Date(0), 'ISO 8601'],
  ])('%s is none', (spec, problem) => {
    const parsed = parseStartOffsetSpec(spec);
    expect(parsed).toHaveProperty('problem', expect.stringContaining(problem));
    expect(parsed).toHaveProperty('problem', expect.stringMatching(/^is /));
  });
});

describe('advice about old formats', () => {
  it('names the offset and the choice that gets past them', () => {
    expect(oldFormatAdvice(1_234)).toContain('offset 1234');
    expect(oldFormatAdvice(1_234)).toContain("'earliest-v2'");
    expect(oldFormatAdvice(null)).toContain("'latest'");
  });
});
