/** Patterns match what JavaScript's own expressions match, whose matcher works in another way; and nothing that is typed breaks the reader. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LinkError } from '../../../../src/errors.ts';
import { SafePattern } from '../../../../src/link/filters/safe-pattern.ts';

/** Few letters, so that patterns and names meet. */
const LETTERS = ['a', 'b', 'c', '.', '-', '_', '0', '1', 'é', '😀'];
const PUNCTUATION: ReadonlySet<string> = new Set(['.', '-']);
const spelled = (letter: string, inClass: boolean): string =>
  PUNCTUATION.has(letter) && (letter === '.' || inClass) ? `\\${letter}` : letter;

const letter = fc.constantFrom(...LETTERS);
const member = fc.oneof(
  letter.map((one) => spelled(one, true)),
  fc.constantFrom('a-c', '0-9', '\\d', '\\w', '\\D'),
);
const atom = fc.oneof(
  letter.map((one) => spelled(one, false)),
  fc.constantFrom('.', '\\d', '\\w', '\\W', '\\D'),
  fc
    .tuple(fc.constantFrom('', '^'), fc.array(member, { minLength: 1, maxLength: 3 }))
    .map(([not, members]) => `[${not}${members.join('')}]`),
);
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?', '{1,2}?');

const { pattern } = fc.letrec<{ pattern: string; sequence: string; part: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((choices) => choices.join('|')),
  sequence: fc.array(tie('part'), { maxLength: 4 }).map((parts) => parts.join('')),
  part: fc.oneof(
    { maxDepth: 1, withCrossShrink: true },
    fc.tuple(atom, quantifier).map(([one, times]) => one + times),
    fc.constantFrom('^', '$'),
    fc.tuple(fc.constantFrom('(', '(?:'), tie('pattern'), quantifier).map(([open, inside, times]) => `${open}${inside})${times}`),
  ),
}));
const name = fc.array(letter, { maxLength: 8 }).map((letters) => letters.join(''));

it('matches as JavaScript does', () => {
  fc.assert(
    fc.property(pattern, fc.array(name, { minLength: 1, maxLength: 6 }), (text, names) => {
      const safe = new SafePattern(text);
      const native = new RegExp(`^(?:${text})$`, 'u');
      expect(names.map((one) => safe.matches(one))).toEqual(names.map((one) => native.test(one)));
    }),
    { numRuns: 2_000 },
  );
});

it('matches what was made after it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(letter, { minLength: 1, maxLength: 3 }), fc.nat(3)), { maxLength: 5 }), (parts) => {
      const text = parts.map(([letters, times]) => `(${letters.map((one) => spelled(one, false)).join('')}){${times}}`).join('');
      const made = parts.map(([letters, times]) => letters.join('').repeat(times)).join('');
      expect(new SafePattern(text).matches(made)).toBe(true);
    }),
  );
});

it('is usable or refused with the place, whatever is typed', () => {
  const typed = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.array(fc.constantFrom(...'ab.[]{}()|*+?^$\\-,12:d'), { maxLength: 20 }).map((characters) => characters.join('')),
  );
  fc.assert(
    fc.property(typed, name, (text, one) => {
      let safe: SafePattern;
      try {
        safe = new SafePattern(text);
      } catch (error) {
        if (!LinkError.is(error, 'KLINK_CONFIG')) throw error;
        expect(error.message).toMatch(/^at character \d+: |^it has more than/);
        return;
      }
      expect(safe.matches(one)).toBe(safe.matches(one));
    }),
    { numRuns: 5_000 },
  );
});
