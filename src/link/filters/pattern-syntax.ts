/** The regular expressions that filters take, read into a tree: those of RE2 that need no memory of what was matched before. Pure. */
import { LinkError } from '../../errors.ts';

/** Code points, both ends included. */
export type CharRange = readonly [from: number, to: number];

export type PatternNode =
  /** One character out of these ranges, which are in order and do not touch. */
  | { readonly kind: 'character'; readonly ranges: readonly CharRange[] }
  | { readonly kind: 'sequence' | 'choice'; readonly nodes: readonly PatternNode[] }
  /** `max` may be Infinity. */
  | { readonly kind: 'repeat'; readonly node: PatternNode; readonly min: number; readonly max: number }
  /** Nothing, but only at the start or the end of the name. */
  | { readonly kind: 'start' | 'end' };

const LAST_CODE_POINT = 0x10_ffff;
/** As in RE2. */
const MAX_REPEAT = 1_000;
/** Groups within groups: keeps the recursion of reader and compiler small. */
const MAX_DEPTH = 50;

const code = (character: string): number => character.codePointAt(0) as number;
const only = (character: string): CharRange => [code(character), code(character)];
const span = (from: string, to: string): CharRange => [code(from), code(to)];

/** In order, without overlaps. */
const union = (ranges: readonly CharRange[]): readonly CharRange[] => {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
};

const complement = (ranges: readonly CharRange[]): readonly CharRange[] => {
  const merged = union(ranges);
  const starts = [0, ...merged.map(([, to]) => to + 1)];
  const ends = [...merged.map(([from]) => from - 1), LAST_CODE_POINT];
  return starts.map((from, i): CharRange => [from, ends[i] as number]).filter(([from, to]) => from <= to);
};

/** ASCII only, as in RE2. */
const CLASSES: ReadonlyMap<string, readonly CharRange[]> = new Map(
  [
    ['d', [span('0', '9')]],
    ['w', [span('0', '9'), span('A', 'Z'), only('_'), span('a', 'z')]],
    ['s', [span('\t', '\n'), span('\f', '\r'), only(' ')]],
  ].flatMap(([letter, ranges]) => [
    [letter as string, union(ranges as CharRange[])],
    [(letter as string).toUpperCase(), complement(ranges as CharRange[])],
  ]),
);
const CONTROLS: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
]);
const ANY = complement([only('\n')]);
const QUANTIFIERS: ReadonlyMap<string | undefined, readonly [min: number, max: number]> = new Map([
  ['*', [0, Number.POSITIVE_INFINITY]],
  ['+', [1, Number.POSITIVE_INFINITY]],
  ['?', [0, 1]],
]);

/**
 * Reads a pattern: characters, `.`, `[a-z]`, `[^a-z]`, `\d \w \s` and their opposites, `|`, `( )`, `(?: )`, `* + ? {n} {n,} {n,m}`, `^`, `$`, and a
 * backslash before punctuation. What would need backtracking (back references, looking ahead and behind) is refused, and what could be meant in
 * two ways (a lone `{`, `]` or `-`) wants a backslash.
 *
 * @throws LinkError `KLINK_CONFIG` that says what is wrong at which character.
 */
export const parsePattern = (text: string): PatternNode => new PatternReader(text).read();

class PatternReader {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#characters = [...text];
  }

  read(): PatternNode {
    const node = this.#choice();
    // A choice ends at the end or at a bracket that nothing has opened.
    if (this.#peek() !== undefined) this.#refuse("')' closes nothing; a bracket that is meant needs a backslash");
    return node;
  }

  #peek(ahead = 0): string | undefined {
    return this.#characters[this.#at + ahead];
  }

  /** Goes past the character if it comes next. */
  #took(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #refuse(rule: string, at = this.#at): never {
    throw new LinkError('KLINK_CONFIG', `at character ${at + 1}: ${rule}`);
  }

  #choice(): PatternNode {
    const nodes = [this.#sequence()];
    while (this.#took('|')) nodes.push(this.#sequence());
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { kind: 'choice', nodes };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) nodes.push(this.#repeated());
    return { kind: 'sequence', nodes };
  }

  #repeated(): PatternNode {
    const node = this.#single();
    const start = this.#at;
    const times = this.#quantifier();
    if (times === null) return node;
    // Asking for as little as possible changes what is found, not whether something is.
    this.#took('?');
    if (this.#quantifier() !== null) this.#refuse('one repetition follows another; put the first into brackets', start);
    if (node.kind === 'start' || node.kind === 'end') this.#refuse('there is nothing to repeat', start);
    const [min, max] = times;
    return { kind: 'repeat', node, min, max };
  }

  #quantifier(): readonly [number, number] | null {
    const simple = QUANTIFIERS.get(this.#peek());
    if (simple !== undefined) {
      this.#at++;
      return simple;
    }
    if (this.#peek() !== '{') return null;
    const start = this.#at;
    const rest = this.#characters.slice(start, start + 12).join('');
    const [all, min = '', comma, max = ''] = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(rest) ?? [];
    if (all === undefined) this.#refuse("'{' begins no repetition such as {2,5}; a brace that is meant needs a backslash");
    this.#at += all.length;
    const [least, most] = [Number(min), comma === undefined ? Number(min) : max === '' ? Number.POSITIVE_INFINITY : Number(max)];
    if (least > most) this.#refuse(`${all} has its limits in the wrong order`, start);
    if (least > MAX_REPEAT || (most !== Number.POSITIVE_INFINITY && most > MAX_REPEAT))
      this.#refuse(`${all} repeats more than ${MAX_REPEAT} times`, start);
    return [least, most];
  }

  #single(): PatternNode {
    const start = this.#at;
    const character = this.#peek() as string;
    this.#at++;
    switch (character) {
      case '(':
        return this.#group(start);
      case '[':
        return { kind: 'character', ranges: this.#class(start) };
      case '\\':
        return { kind: 'character', ranges: this.#escape(start) };
      case '.':
        return { kind: 'character', ranges: ANY };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '*':
      case '+':
      case '?':
        return this.#refuse(`'${character}' has nothing to repeat; a character that is meant needs a backslash`, start);
      case '{':
      case '}':
      case ']':
        return this.#refuse(`'${character}' stands alone; a character that is meant needs a backslash`, start);
      default:
        return { kind: 'character', ranges: [only(character)] };
    }
  }

  #group(start: number): PatternNode {
    if (this.#took('?') && !this.#took(':'))
      this.#refuse("only '(' and '(?:' open a group: looking ahead or behind, names and flags are not supported", start);
    this.#depth++;
    if (this.#depth > MAX_DEPTH) this.#refuse(`more than ${MAX_DEPTH} groups within each other`, start);
    const node = this.#choice();
    this.#depth--;
    if (!this.#took(')')) this.#refuse("'(' is not closed; a bracket that is meant needs a backslash", start);
    return node;
  }

  #escape(start: number): readonly CharRange[] {
    const escaped = this.#peek();
    if (escaped === undefined) this.#refuse('a backslash at the end stands for nothing', start);
    this.#at++;
    const ranges = CLASSES.get(escaped);
    if (ranges !== undefined) return ranges;
    const control = CONTROLS.get(escaped);
    if (control !== undefined) return [only(control)];
    if (/[1-9]/.test(escaped)) this.#refuse('what a group has matched cannot be asked for again: that takes more than linear time', start);
    if (!/^[!-/:-@[-`{-~ ]$/.test(escaped))
      this.#refuse(`'\\${escaped}' is not supported; there are \\d \\D \\w \\W \\s \\S \\t \\n \\r and punctuation`, start);
    return [only(escaped)];
  }

  #class(start: number): readonly CharRange[] {
    const isOutside = this.#took('^');
    const ranges: CharRange[] = [];
    for (let first = true; !this.#took(']'); first = false) {
      const at = this.#at;
      if (this.#peek() === undefined) this.#refuse("'[' is not closed; a bracket that is meant needs a backslash", start);
      const isDash = this.#peek() === '-';
      if (isDash && !first && this.#peek(1) !== ']') this.#refuse("'-' is between no two characters; one that is meant needs a backslash");
      const from = this.#member(start);
      if (this.#peek() !== '-' || this.#peek(1) === ']' || isDash) {
        ranges.push(...from);
        continue;
      }
      this.#at++;
      const to = this.#member(start);
      const [low, high] = [single(from), single(to)];
      if (low === null || high === null) this.#refuse('a range goes from one character to another', at);
      if (low > high) this.#refuse('a range has its ends in the wrong order', at);
      ranges.push([low, high]);
    }
    if (ranges.length === 0) this.#refuse("'[]' has no character in it", start);
    return isOutside ? complement(ranges) : union(ranges);
  }

  #member(start: number): readonly CharRange[] {
    const at = this.#at;
    const character = this.#peek();
    if (character === undefined) this.#refuse("'[' is not closed; a bracket that is meant needs a backslash", start);
    if (character === '[') this.#refuse("'[' within brackets needs a backslash; classes such as [:alpha:] are not supported");
    this.#at++;
    return character === '\\' ? this.#escape(at) : [only(character)];
  }
}

const single = (ranges: readonly CharRange[]): number | null => {
  const [first] = ranges;
  return ranges.length === 1 && first !== undefined && first[0] === first[1] ? first[0] : null;
};
