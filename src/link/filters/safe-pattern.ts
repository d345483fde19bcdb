/** A regular expression as an automaton: whether a whole name matches takes time in proportion to its length, whatever the pattern. Pure. */
import { LinkError } from '../../errors.ts';
import { type CharRange, type PatternNode, parsePattern } from './pattern-syntax.ts';

/** States of the automaton: bounds what one character of a name can cost. */
const MAX_STATES = 2_000;
/** State numbers that are remembered, over all moments: some hundred kilobytes for one pattern. */
const MAX_REMEMBERED = 20_000;

/** Where the automaton may go: past one character, on without one, or nowhere because the name has matched. */
type State =
  | { readonly kind: 'character'; readonly ranges: readonly CharRange[]; readonly next: number }
  | { readonly kind: 'fork'; readonly nexts: readonly number[] }
  | { readonly kind: 'start' | 'end'; readonly next: number }
  | { readonly kind: 'match' };

/** All states the automaton may be in after some characters, with what came of each character so far. */
interface Moment {
  readonly states: readonly number[];
  /** The name matches if it ends here. */
  readonly matches: boolean;
  readonly next: Map<number, Moment>;
}

const MATCH = 0;

/** From the end to the beginning, so that every node knows what follows it. */
const compile = (pattern: PatternNode): { readonly states: readonly State[]; readonly first: number } => {
  const states: State[] = [{ kind: 'match' }];
  const add = (state: State): number => {
    if (states.length >= MAX_STATES)
      throw new LinkError('KLINK_CONFIG', `it has more than ${MAX_STATES} states: repeat less, or split it into several filters`);
    return states.push(state) - 1;
  };
  const build = (node: PatternNode, next: number): number => {
    switch (node.kind) {
      case 'character':
        return add({ kind: 'character', ranges: node.ranges, next });
      case 'start':
      case 'end':
        return add({ kind: node.kind, next });
      case 'sequence':
        return node.nodes.reduceRight((following, part) => build(part, following), next);
      case 'choice':
        return add({ kind: 'fork', nexts: node.nodes.map((part) => build(part, next)) });
      case 'repeat':
        return repeat(node.node, node.min, node.max, next);
    }
  };
  const repeat = (node: PatternNode, min: number, max: number, next: number): number => {
    let first = next;
    if (max === Number.POSITIVE_INFINITY) {
      const nexts = [next];
      first = add({ kind: 'fork', nexts });
      nexts.push(build(node, first));
    } else {
      for (let i = min; i < max; i++) first = add({ kind: 'fork', nexts: [next, build(node, first)] });
    }
    for (let i = 0; i < min; i++) {
      const before = states.length;
      first = build(node, first);
      // Nothing, however often: without this, repetitions of it within each other would be counted out one by one.
      if (states.length === before) break;
    }
    return first;
  };
  const first = build(pattern, MATCH);
  return { states, first };
};

const takes = (ranges: readonly CharRange[], character: number): boolean =>
  ranges.some(([from, to]) => from <= character && character <= to);

export class SafePattern {
  readonly text: string;
  readonly #states: readonly State[];
  readonly #first: number;
  readonly #moments = new Map<string, Moment>();
  #remembered = 0;

  /** @throws LinkError `KLINK_CONFIG` as {@link parsePattern}, and when the pattern is too large. */
  constructor(text: string) {
    this.text = text;
    const { states, first } = compile(parsePattern(text));
    this.#states = states;
    this.#first = first;
  }

  /** Whether the whole name matches. */
  matches(name: string): boolean {
    let moment = this.#beginning();
    for (const character of name) {
      const point = character.codePointAt(0) as number;
      moment = moment.next.get(point) ?? this.#after(moment, point);
      if (moment.states.length === 0) return false;
    }
    return moment.matches;
  }

  #beginning(): Moment {
    return this.#moments.get('') ?? this.#remember('', this.#reach([this.#first], { start: true, end: false }), true);
  }

  #after(moment: Moment, character: number): Moment {
    const moved = moment.states.flatMap((index) => {
      const state = this.#states[index] as State;
      return state.kind === 'character' && takes(state.ranges, character) ? [state.next] : [];
    });
    const states = this.#reach(moved, { start: false, end: false });
    // Told apart from the beginning by a mark: there, and only there, `^` can be passed.
    const key = `-${states.join()}`;
    const next = this.#moments.get(key) ?? this.#remember(key, states, false);
    this.#forgetAbove(MAX_REMEMBERED);
    moment.next.set(character, next);
    this.#remembered++;
    return next;
  }

  #remember(key: string, states: readonly number[], start: boolean): Moment {
    const matches = this.#reach(states, { start, end: true }).includes(MATCH);
    const moment: Moment = { states, matches, next: new Map() };
    this.#moments.set(key, moment);
    this.#remembered += states.length + 1;
    return moment;
  }

  #forgetAbove(limit: number): void {
    if (this.#remembered <= limit) return;
    this.#moments.clear();
    this.#remembered = 0;
  }

  /** The states that are reached from these without a character, in order: those that take one, that wait for the end, or that have matched. */
  #reach(from: readonly number[], at: { readonly start: boolean; readonly end: boolean }): readonly number[] {
    const seen = new Set<number>();
    const open = [...from];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (seen.has(index)) continue;
      seen.add(index);
      const state = this.#states[index] as State;
      if (state.kind === 'fork') open.push(...state.nexts);
      else if ((state.kind === 'start' && at.start) || (state.kind === 'end' && at.end)) open.push(state.next);
    }
    const isPast = ({ kind }: State): boolean => kind === 'fork' || kind === 'start';
    return [...seen].filter((index) => !isPast(this.#states[index] as State)).sort((a, b) => a - b);
  }
}
