/** Filters that select topics and consumer groups by name: the product's JSON, plus patterns. Checked, matched, explained, printed. Pure. */
import { LinkError } from '../../errors.ts';
import { at, type FilterProblem, fieldsOf, listInJson, problemList, type Report, wordAt } from './filter-json.ts';
import { SafePattern } from './safe-pattern.ts';

/** `REGEX` is ours; the product has the other two. */
export const PATTERN_TYPES = ['LITERAL', 'PREFIXED', 'REGEX'] as const;
export const FILTER_TYPES = ['INCLUDE', 'EXCLUDE'] as const;

/** One filter, in the product's shape. */
export interface NameFilter {
  /** `LITERAL`: the name itself, or `*` for every name. `PREFIXED`: how names begin. `REGEX`: a pattern for the whole name, see docs/filters.md. */
  readonly name: string;
  readonly patternType: (typeof PATTERN_TYPES)[number];
  readonly filterType: (typeof FILTER_TYPES)[number];
}

/** What the filters are for, under the name of their list in the JSON. */
export type NameFilterKind = 'topicFilters' | 'groupFilters';

const EVERYTHING = '*';
const FIELDS = ['name', 'patternType', 'filterType'] as const;

/** Topics that are a cluster's own business: Kafka's (`__consumer_offsets`), the product's, and this package's. Never selected, whatever filters say. */
export const isInternalTopic = (name: string): boolean => name.startsWith('__') || name.startsWith('_confluent');

/** What makes it impossible that a name of this kind is ever matched; null if nothing does. */
const NAME_RULES: Readonly<Record<NameFilterKind, (filter: NameFilter) => string | null>> = {
  topicFilters: ({ name, patternType, filterType }) => {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name))
      return 'has more than 249 characters, or others than a-z A-Z 0-9 . _ -: no topic is called so';
    if (patternType === 'LITERAL' && (name === '.' || name === '..')) return 'is no topic name';
    if (filterType === 'INCLUDE' && isInternalTopic(name)) return 'is internal: topics that begin with __ or _confluent are never mirrored';
    return null;
  },
  groupFilters: () => null,
};

const problemOf = (kind: NameFilterKind, filter: NameFilter): string | null => {
  const { name, patternType } = filter;
  if (patternType === 'REGEX') {
    try {
      new SafePattern(name);
      return null;
    } catch (error) {
      return `is no usable pattern, ${LinkError.from(error).message}`;
    }
  }
  if (name === EVERYTHING && patternType === 'LITERAL') return null;
  if (name === EVERYTHING && kind === 'topicFilters') return "stands for every topic only with patternType 'LITERAL'";
  return NAME_RULES[kind](filter);
};

const filterAt = (kind: NameFilterKind, path: string, value: unknown, report: Report): NameFilter | null => {
  const fields = fieldsOf(path, value, FIELDS, report);
  if (fields === null) return null;
  const { name } = fields;
  const patternType = wordAt(at(path, 'patternType'), fields['patternType'], PATTERN_TYPES, report);
  const filterType = wordAt(at(path, 'filterType'), fields['filterType'], FILTER_TYPES, report);
  if (typeof name !== 'string' || name === '') {
    report(at(path, 'name'), name, "must be a name, not empty; '*' with patternType 'LITERAL' stands for every name");
    return null;
  }
  if (patternType === null || filterType === null) return null;
  const filter: NameFilter = Object.freeze({ name, patternType, filterType });
  const problem = problemOf(kind, filter);
  if (problem !== null) report(at(path, 'name'), name, problem);
  return filter;
};

/** Filters that were read. They may be used only if there are no problems. */
export interface ParsedNameFilters {
  readonly filters: readonly NameFilter[];
  readonly problems: readonly FilterProblem[];
}

/** Checks filters that are given as data. */
export const checkNameFilters = (kind: NameFilterKind, list: unknown): ParsedNameFilters => {
  const { problems, report } = problemList();
  if (!Array.isArray(list)) report(kind, list, 'must be a list of filters');
  return { filters: filtersAt(kind, Array.isArray(list) ? list : [], report), problems };
};

/** Reads the value of `auto.create.mirror.topics.filters` or `consumer.offset.group.filters`. Empty text: no filters. */
export const parseNameFilters = (kind: NameFilterKind, text: string): ParsedNameFilters => {
  const { problems, report } = problemList();
  return { filters: filtersAt(kind, listInJson(text, kind, report), report), problems };
};

const filtersAt = (kind: NameFilterKind, list: readonly unknown[], report: Report): readonly NameFilter[] =>
  Object.freeze(list.flatMap((value, i) => filterAt(kind, `${kind}[${i}]`, value, report) ?? []));

/** The product's JSON, as short as it can be; empty text without filters. */
export const printNameFilters = (kind: NameFilterKind, filters: readonly NameFilter[]): string =>
  filters.length === 0
    ? ''
    : JSON.stringify({ [kind]: filters.map(({ name, patternType, filterType }) => ({ name, patternType, filterType })) });

/** Why a name is selected or not. */
export interface NameVerdict {
  readonly selected: boolean;
  readonly because: 'INCLUDED' | 'EXCLUDED' | 'NOT_INCLUDED' | 'INTERNAL';
  /** The filter that decided; null when none did. */
  readonly filter: NameFilter | null;
  /** The same in words. */
  readonly text: string;
}

/** Filters of one type, by what finding the one that matches takes. */
class Matcher {
  readonly #everything: NameFilter | undefined;
  readonly #literals: ReadonlyMap<string, NameFilter>;
  readonly #prefixes: readonly NameFilter[];
  readonly #patterns: readonly (readonly [SafePattern, NameFilter])[];

  constructor(filters: readonly NameFilter[]) {
    const literals = filters.filter(({ patternType }) => patternType === 'LITERAL');
    this.#everything = literals.find(({ name }) => name === EVERYTHING);
    this.#literals = new Map(literals.map((filter) => [filter.name, filter]));
    this.#prefixes = filters.filter(({ patternType }) => patternType === 'PREFIXED');
    this.#patterns = filters.filter(({ patternType }) => patternType === 'REGEX').map((filter) => [new SafePattern(filter.name), filter]);
  }

  find(name: string): NameFilter | undefined {
    return (
      this.#literals.get(name) ??
      this.#everything ??
      this.#prefixes.find((filter) => name.startsWith(filter.name)) ??
      this.#patterns.find(([pattern]) => pattern.matches(name))?.[1]
    );
  }
}

/** Checked filters, ready to be asked. `EXCLUDE` beats `INCLUDE` in any order; what no filter includes is not selected. */
export class NameFilters {
  readonly kind: NameFilterKind;
  readonly filters: readonly NameFilter[];
  readonly #includes: Matcher;
  readonly #excludes: Matcher;

  /** @throws LinkError `KLINK_CONFIG` when a pattern is not usable: filters from outside go through {@link parseNameFilters} first. */
  constructor(kind: NameFilterKind, filters: readonly NameFilter[]) {
    this.kind = kind;
    this.filters = filters;
    this.#includes = new Matcher(filters.filter(({ filterType }) => filterType === 'INCLUDE'));
    this.#excludes = new Matcher(filters.filter(({ filterType }) => filterType === 'EXCLUDE'));
  }

  selects(name: string): boolean {
    return this.#verdict(name).because === 'INCLUDED';
  }

  explain(name: string): NameVerdict {
    const { because, filter } = this.#verdict(name);
    const what = this.kind === 'topicFilters' ? `Topic '${name}'` : `Group '${name}'`;
    const by = filter === null ? '' : `${filter.filterType} ${filter.patternType} '${filter.name}'`;
    const texts: Readonly<Record<NameVerdict['because'], string>> = {
      INCLUDED: `${what} is selected by ${by}`,
      EXCLUDED: `${what} is not selected: ${by} takes it out, whatever includes it`,
      NOT_INCLUDED: `${what} is not selected: no INCLUDE filter matches it`,
      INTERNAL: `${what} is not selected: it is internal`,
    };
    return { selected: because === 'INCLUDED', because, filter, text: texts[because] };
  }

  #verdict(name: string): Pick<NameVerdict, 'because' | 'filter'> {
    if (this.kind === 'topicFilters' && isInternalTopic(name)) return { because: 'INTERNAL', filter: null };
    const exclude = this.#excludes.find(name);
    if (exclude !== undefined) return { because: 'EXCLUDED', filter: exclude };
    const include = this.#includes.find(name);
    return include === undefined ? { because: 'NOT_INCLUDED', filter: null } : { because: 'INCLUDED', filter: include };
  }
}

/** Whether filters can select anything at all: one of them includes something, and none of them excludes everything. */
export const canSelect = (filters: readonly NameFilter[]): boolean =>
  filters.some(({ filterType }) => filterType === 'INCLUDE') &&
  !filters.some(({ name, patternType, filterType }) => filterType === 'EXCLUDE' && patternType === 'LITERAL' && name === EVERYTHING);
