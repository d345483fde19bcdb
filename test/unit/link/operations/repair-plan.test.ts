/** What a repair says that it will do: numbers and words of each case, and what no repair cures. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import { MIRROR_TOPIC_ERRORS, MirrorFailure, type MirrorTopicError } from '../../../../src/link/mirror-failure.ts';
import { firstOffset, planRepair, type Survey, type SurveyedPartition } from '../../../../src/link/operations/repair-plan.ts';
import { judgeFailures } from '../../../../src/link/operations/repair-rules.ts';

const partition = (changes: Partial<SurveyedPartition> = {}): SurveyedPartition => ({
  partition: 0,
  reason: 'UNEXPECTED_TRUNCATION',
  divergence: 90,
  mirror: { start: 0, end: 100 },
  source: { start: 0, end: 95 },
  startOffset: 0,
  ...changes,
});

const plan = (partitions: readonly SurveyedPartition[], changes: Partial<Survey> = {}) =>
  planRepair({
    topic: 'orders',
    sourceTopic: 'orders',
    reason: 'UNEXPECTED_TRUNCATION',
    method: 'recreate',
    partitions,
    committedOffsets: { groups: 0, offsets: 0, setBack: 0 },
    ...changes,
  });

describe('a plan', () => {
  it('counts what only the mirror has, and what has to be copied', () => {
    const { lostOffsets, offsetsToCopy, offsetsToPad, text } = plan([
      partition(),
      partition({ partition: 1, reason: null, divergence: 40, mirror: { start: 10, end: 40 }, source: { start: 10, end: 60 } }),
    ]);
    expect([lostOffsets, offsetsToCopy, offsetsToPad]).toEqual([10n, 95n + 50n, 10n]);
    expect(text.split('\n')).toEqual([
      expect.stringContaining('145 offset(s) to copy, 10 offset(s) that exist at the destination alone are lost'),
      "- orders-0: UNEXPECTED_TRUNCATION; mirror 0 to 100, source 0 to 95; both logs are alike up to offset 90; the mirror's 10 offset(s) from 90 on are lost; 95 offset(s) to copy",
      expect.stringMatching(
        /^- orders-1: mirror 10 to 40, source 10 to 60; .*nothing is lost; 50 offset\(s\) to copy, after padding.*10 offset/,
      ),
    ]);
  });

  it.each([
    ['logs that have nothing in common: all of the mirror', { divergence: null, mirror: { start: 30, end: 100 } }, [70n, 95n]],
    ['a source without the partition: all of the mirror, and nothing to copy', { divergence: null, source: null }, [100n, 0n]],
    ['a mirror that lags behind its divergence', { divergence: 100, source: { start: 0, end: 120 } }, [0n, 120n]],
    ['a mirror that is gone', { divergence: null, mirror: { start: 0, end: 0 } }, [0n, 95n]],
    ['a start that was chosen', { startOffset: 92 }, [10n, 3n]],
    ['a start that the source does not reach any more', { startOffset: 99 }, [10n, 0n]],
  ] as const)('of %s', (_, changes, [lost, toCopy]) => {
    const { lostOffsets, offsetsToCopy } = plan([partition(changes)]);
    expect([lostOffsets, offsetsToCopy]).toEqual([lost, toCopy]);
  });

  it('that goes on copies what is missing, and loses nothing', () => {
    const { lostOffsets, offsetsToCopy, offsetsToPad, text } = plan([partition({ divergence: 100, source: { start: 5, end: 110 } })], {
      method: 'continue',
    });
    expect([lostOffsets, offsetsToCopy, offsetsToPad]).toEqual([0n, 10n, 0n]);
    expect(text).toContain('10 offset(s) to copy, nothing is deleted, nothing is lost');
  });

  it('says what becomes of committed offsets', () => {
    const { text } = plan([partition()], { committedOffsets: { groups: 2, offsets: 5, setBack: 1 } });
    expect(text).toContain(
      '5 committed offset(s) of 2 group(s) are deleted with the topic and put back when the copy has got there, 1 of them',
    );
  });

  it('never begins beyond the source', () => {
    expect(firstOffset(partition({ startOffset: 400 }))).toBe(95);
    expect(firstOffset(partition({ startOffset: 3, source: { start: 7, end: 95 } }))).toBe(7);
    expect(firstOffset(partition({ source: null, startOffset: 3 }))).toBe(0);
  });
});

describe('the reasons', () => {
  const failed = (...reasons: readonly MirrorTopicError[]) => judgeFailures(reasons.map((reason) => new MirrorFailure(reason, 'it did')));

  it('that a new copy helps against are these', () => {
    expect(MIRROR_TOPIC_ERRORS.filter((reason) => failed(reason).isAllowed)).toEqual([
      'SOURCE_TOPIC_ID_CHANGED',
      'SOURCE_PARTITIONS_DECREASED',
      'UNEXPECTED_TRUNCATION',
      'DESTINATION_FOREIGN_WRITE',
      'DESTINATION_DIVERGED',
      'DESTINATION_TOPIC_DELETED',
    ]);
  });

  it('against which it does not help have other advice', () => {
    for (const reason of MIRROR_TOPIC_ERRORS) {
      const verdict = failed(reason);
      if (!verdict.isAllowed) expect(verdict.instead, reason).toMatch(/^[A-Z].{40,}/);
    }
  });

  it('of several partitions must all be of the first kind: one that stays would stop the new copy as well', () => {
    expect(failed('UNEXPECTED_TRUNCATION', 'DESTINATION_FOREIGN_WRITE')).toEqual({
      isAllowed: true,
      reason: 'UNEXPECTED_TRUNCATION',
      mayHavePassed: false,
      isOtherSource: false,
    });
    expect(failed('UNEXPECTED_TRUNCATION', 'CORRUPT_SOURCE_BATCH')).toMatchObject({ isAllowed: false, reason: 'CORRUPT_SOURCE_BATCH' });
    expect(judgeFailures([new LinkError('KLINK_INTERNAL', 'a defect')])).toMatchObject({ isAllowed: false, reason: 'KLINK_INTERNAL' });
    expect(failed()).toMatchObject({ isAllowed: false });
  });
});
