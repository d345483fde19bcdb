/** An answer and the log of commits do not always agree: which of them is believed. */
import { describe, expect, it } from 'vitest';
import { hear, isSettled, type Origin } from '../../../../src/link/tasks/commit-order.ts';

const never = Number.NEGATIVE_INFINITY;
const answer = (readAt: number, queuedAt?: number): Origin => ({ from: 'answer', readAt, queuedAt: () => queuedAt });
const log = (toldAt: number): Origin => ({ from: 'log', toldAt: () => toldAt });
const heard = (origin: Origin, last: { toldAt?: number; readAt?: number } | null, isSame = false) =>
  hear(origin, 'group', 'orders/0', last && { toldAt: never, readAt: never, ...last }, isSame);

describe('an answer', () => {
  it('is taken when the log has said nothing', () => {
    expect(heard(answer(10_000), null)).toEqual({ toldAt: never, readAt: 10_000 });
    expect(heard(answer(10_000), { readAt: 9_999 })).toEqual({ toldAt: never, readAt: 10_000 });
  });

  it('may not know yet what the log has told just before, or meanwhile', () => {
    expect(heard(answer(10_000), { toldAt: 5_001 })).toBeNull();
    expect(heard(answer(10_000), { toldAt: 10_500 })).toBeNull();
    expect(heard(answer(10_000), { toldAt: 5_000 })).toEqual({ toldAt: 5_000, readAt: 10_000 });
  });

  it('may not know yet what the log has told and nobody has carried over', () => {
    expect(heard(answer(10_000, 5_001), null)).toBeNull();
    expect(heard(answer(10_000, 5_000), null)).not.toBeNull();
  });
});

describe('the log', () => {
  it('is believed before an answer of the same moments', () => {
    expect(heard(log(9_000), { readAt: 10_000 })).toEqual({ toldAt: 9_000, readAt: 10_000 });
    expect(heard(log(11_000), { readAt: 10_000, toldAt: 8_000 })).toEqual({ toldAt: 11_000, readAt: 10_000 });
  });

  it('is outdated where it has lain here while coordinators were asked', () => {
    expect(heard(log(5_000), { readAt: 10_000 })).toBeNull();
    expect(heard(log(5_000), { readAt: 10_000 }, true), 'but for what says the same').toEqual({ toldAt: 5_000, readAt: 10_000 });
  });
});

it('one of the two is always right: neither both are taken against each other, nor both are dropped', () => {
  for (let toldAt = 0; toldAt <= 20_000; toldAt += 500) {
    const readAt = 10_000;
    const answerFirst = heard(answer(readAt, toldAt), null);
    if (answerFirst === null) expect(heard(log(toldAt), null)).not.toBeNull();
    else expect(heard(log(toldAt), answerFirst)).toBeNull();
  }
});

it('what the log told long ago is settled', () => {
  expect(isSettled({ toldAt: 5_000, readAt: never }, 10_000)).toBe(true);
  expect(isSettled({ toldAt: 5_001, readAt: never }, 10_000)).toBe(false);
});
