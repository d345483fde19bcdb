/** Patterns: what is refused and where, what the whole of a name means, and that no pattern makes a long name slow. */
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import { SafePattern } from '../../../../src/link/filters/safe-pattern.ts';

const refusalOf = (pattern: string): string => {
  try {
    new SafePattern(pattern);
  } catch (error) {
    if (!LinkError.is(error, 'KLINK_CONFIG')) throw error;
    return error.message;
  }
  return 'none';
};

describe('a pattern', () => {
  it.each([
    ['orders', ['orders'], ['orders2', 'my-orders', 'Orders', '']],
    ['orders\\..+', ['orders.eu', 'orders..'], ['orders.', 'orders-eu']],
    ['(eu|us)-(?:east|west)', ['eu-east', 'us-west'], ['eu-', 'east', 'eu-east-1']],
    ['a{2,3}b{0}c?', ['aa', 'aaac'], ['a', 'aaaa', 'aabc']],
    ['a{2}', ['aa'], ['a', 'aaa']],
    ['a{2,}', ['aa', 'aaaaaaa'], ['a']],
    ['[a-c]+[^a-c]', ['abcd', 'a.'], ['abc', 'd']],
    ['[-.\\]_]', ['-', '.', ']', '_'], ['a', '\\']],
    ['\\d+\\w\\s\\D\\W\\S', ['12_ x.y'], ['12_xx.y']],
    ['^orders$', ['orders'], ['orders.']],
    ['(^a|b)c$', ['ac', 'bc'], ['abc', 'c']],
    ['a(^|$)', ['a'], ['aa']],
    ['a^b|a$b', [], ['ab', 'a^b', 'a$b']],
    ['(a*)*b', ['b', 'aaab'], ['a', '']],
    ['(|a)+', ['', 'a', 'aaa'], ['b']],
    ['.{3}', ['a.b', 'ä€😀'], ['ab', 'a\nb', 'abcd']],
    ['a+?', ['a', 'aa'], ['']],
    ['\\*\\.\\\\', ['*.\\'], ['a.\\']],
  ])('%s', (pattern, matching, others) => {
    const { text } = new SafePattern(pattern);
    expect(text).toBe(pattern);
    expect(matching.filter((name) => !new SafePattern(pattern).matches(name))).toEqual([]);
    expect(others.filter((name) => new SafePattern(pattern).matches(name))).toEqual([]);
  });

  it.each([
    ['a(b', 'at character 2: ', "'(' is not closed"],
    ['a)b', 'at character 2: ', 'closes nothing'],
    ['[ab', 'at character 1: ', "'[' is not closed"],
    ['[ab\\', 'at character 4: ', 'a backslash at the end'],
    ['x[]', 'at character 2: ', 'no character'],
    ['[[:alpha:]]', 'at character 2: ', '[:alpha:]'],
    ['[z-a]', 'at character 2: ', 'wrong order'],
    ['[\\d-z]', 'at character 2: ', 'from one character to another'],
    ['[a-\\w]', 'at character 2: ', 'from one character to another'],
    ['[a-c-e]', 'at character 5: ', 'between no two characters'],
    ['*a', 'at character 1: ', 'nothing to repeat'],
    ['(+)', 'at character 2: ', 'nothing to repeat'],
    ['a**', 'at character 2: ', 'one repetition follows another'],
    ['a{2}{3}', 'at character 2: ', 'one repetition follows another'],
    ['a*?+', 'at character 2: ', 'one repetition follows another'],
    ['^*', 'at character 2: ', 'nothing to repeat'],
    ['a{', 'at character 2: ', 'begins no repetition'],
    ['a{,3}', 'at character 2: ', 'begins no repetition'],
    ['a{x}', 'at character 2: ', 'begins no repetition'],
    ['{2}', 'at character 1: ', 'stands alone'],
    ['a}', 'at character 2: ', 'stands alone'],
    ['a]', 'at character 2: ', 'stands alone'],
    ['a{3,2}', 'at character 2: ', 'wrong order'],
    ['a{1001}', 'at character 2: ', 'more than 1000 times'],
    ['a{1,9999}', 'at character 2: ', 'more than 1000 times'],
    ['a\\', 'at character 2: ', 'a backslash at the end'],
    ['(a)\\1', 'at character 4: ', 'more than linear time'],
    ['\\bword', 'at character 1: ', "'\\b' is not supported"],
    ['\\pL', 'at character 1: ', "'\\p' is not supported"],
    ['(?=a)', 'at character 1: ', 'looking ahead'],
    ['(?<name>a)', 'at character 1: ', 'looking ahead'],
    ['(?i)a', 'at character 1: ', 'flags'],
    ['😀(', 'at character 2: ', "'(' is not closed"],
    [`${'('.repeat(51)}${')'.repeat(51)}`, 'at character 51: ', 'more than 50 groups'],
    [`${'('.repeat(30_000)}`, 'at character 51: ', 'more than 50 groups'],
    ['((a{1000}){1000}){1000}', 'it has more than 2000 states', 'split it'],
    [`${'a?'.repeat(2_000)}`, 'it has more than 2000 states', 'split it'],
  ])('%s is refused', (pattern, where, why) => {
    expect(refusalOf(pattern).startsWith(where)).toBe(true);
    expect(refusalOf(pattern)).toContain(why);
  });

  it('of nothing, repeated without end, is still read at once', () => {
    const nothing = new SafePattern(`${'('.repeat(50)}${'){1000}'.repeat(50)}`);
    expect([nothing.matches(''), nothing.matches('a')]).toEqual([true, false]);
    expect(new SafePattern('((a{0}){1000}){1000}').matches('')).toBe(true);
  });
});

describe('time', () => {
  // Each of these takes a backtracking matcher longer than anybody will wait.
  it.each(['(a+)+b', '(a|aa)+b', '(a?){300}a{300}b', '(.*)*x(.*)*y(.*)*z', '((a*)*)*b'])(
    '%s is over with a long name in a moment',
    (pattern) => {
      const safe = new SafePattern(pattern);
      expect(safe.matches(`${'a'.repeat(249)}!`)).toBe(false);
      expect(safe.matches('a'.repeat(5_000))).toBe(false);
    },
  );

  it('goes on right when more was seen than is remembered', () => {
    const safe = new SafePattern('(.{0,40}x){3}.{5}');
    const names = Array.from(
      { length: 3_000 },
      (_, i) => `${i.toString(2)}x${i}x${String.fromCodePoint(300 + i)}x${i % 2 === 0 ? 'abcde' : 'abc'}`,
    );
    const isMatch = names.map((name) => safe.matches(name));
    expect(isMatch).toEqual(names.map((_, i) => i % 2 === 0));
    expect(names.map((name) => safe.matches(name))).toEqual(isMatch);
  });
});
