/** Values of link configs, read from text and from typed options, checked, and printed as text: the two spellings of one table. Pure. */
import { type AclFilter, checkAclFilters, parseAclFilters, printAclFilters } from '../filters/acl-filters.ts';
import { type FilterProblem, listed, shown } from '../filters/filter-json.ts';
import { checkNameFilters, type NameFilter, parseNameFilters, printNameFilters } from '../filters/name-filters.ts';
import type { ConfigRow, ConfigValue, FiltersRow, ListRow, NumberRow } from './config-row.ts';

/** What is wrong with a value; the name is known to the caller. */
export interface ValueProblem {
  readonly path: string;
  readonly value: string;
  readonly rule: string;
}

/** A value that was read. With problems it may not be used. */
export interface ReadValue {
  readonly value: ConfigValue;
  readonly problems: readonly ValueProblem[];
}

/** Longest text of a value, as the product has it. */
export const MAX_VALUE_LENGTH = 32_767;
const HIDDEN = '[hidden]';

export const isSecret = (row: ConfigRow): boolean => row.type === 'password';

const fine = (value: ConfigValue): ReadValue => ({ value, problems: [] });
const wrong = (row: ConfigRow, given: unknown, rule: string): ReadValue => ({
  value: row.default,
  problems: [{ path: '', value: isSecret(row) && given !== undefined ? HIDDEN : shown(given), rule }],
});

const checkNumber = (row: NumberRow, value: number, given: unknown): ReadValue =>
  Number.isInteger(value) && value >= row.min && value <= row.max
    ? fine(value)
    : wrong(row, given, `it must be a whole number from ${row.min} to ${row.max}`);

const checkList = (row: ListRow, items: readonly string[]): ReadValue => ({
  value: Object.freeze([...items]),
  problems: [...row.check(items), ...(new Set(items).size < items.length ? ['it has something twice'] : [])].map((rule) => ({
    path: '',
    value: shown(items.join()),
    rule,
  })),
});

const asRead = ({ filters, problems }: { readonly filters: ConfigValue; readonly problems: readonly FilterProblem[] }): ReadValue => ({
  value: filters,
  problems: problems.map(({ path, value, rule }) => ({ path, value, rule: `it ${rule}` })),
});
const checkFilters = ({ type }: FiltersRow, list: unknown): ReadValue =>
  asRead(type === 'aclFilters' ? checkAclFilters(list) : checkNameFilters(type, list));
const parseFilters = ({ type }: FiltersRow, text: string): ReadValue =>
  asRead(type === 'aclFilters' ? parseAclFilters(text) : parseNameFilters(type, text));

const WHAT_TO_DO_ABOUT_LENGTH: Readonly<Partial<Record<ConfigRow['type'], string>>> = {
  topicFilters: 'use PREFIXED or REGEX filters instead of long lists of names, or several links',
  groupFilters: 'use PREFIXED or REGEX filters instead of long lists of names, or several links',
  aclFilters: 'use filters of patternType match or any instead of one for each ACL, or several links',
};

const checkLength = (row: ConfigRow, text: string): readonly ValueProblem[] => {
  if (text.length <= MAX_VALUE_LENGTH) return [];
  const advice = WHAT_TO_DO_ABOUT_LENGTH[row.type] ?? 'shorten it, or name a file where that is possible';
  return [{ path: '', value: `${text.length} characters long`, rule: `values have at most ${MAX_VALUE_LENGTH}: ${advice}` }];
};

const readTypedOfAnyLength = (row: ConfigRow, given: unknown): ReadValue => {
  if (given === null && row.default === null) return fine(null);
  switch (row.type) {
    case 'boolean':
      return typeof given === 'boolean' ? fine(given) : wrong(row, given, 'it must be true or false');
    case 'int':
    case 'long':
      return checkNumber(row, typeof given === 'number' ? given : Number.NaN, given);
    case 'enum':
      return typeof given === 'string' && row.values.includes(given) ? fine(given) : wrong(row, given, enumRule(row.values));
    case 'string':
    case 'password': {
      if (typeof given !== 'string') return wrong(row, given, 'it must be a text');
      if (given === '' && row.default === null) return fine(null);
      const rule = row.check(given);
      return rule === null ? fine(given) : wrong(row, given, rule);
    }
    case 'list':
      return Array.isArray(given) && given.every((item) => typeof item === 'string')
        ? checkList(row, given)
        : wrong(row, given, 'it must be a list of texts');
    case 'topicFilters':
    case 'groupFilters':
    case 'aclFilters':
      return checkFilters(row, given);
  }
};

const enumRule = (values: readonly string[]): string => `it must be ${listed(values.map((value) => (value === '' ? 'empty' : value)))}`;

/** Reads a value as typed options have it. */
export const readTyped = (row: ConfigRow, given: unknown): ReadValue => {
  const read = readTypedOfAnyLength(row, given);
  return read.problems.length > 0 ? read : { value: read.value, problems: checkLength(row, printValue(row, read.value)) };
};

/** Reads a value as dotted text has it. Blanks around it do not count, except around texts. */
export const readText = (row: ConfigRow, text: unknown): ReadValue => {
  if (typeof text !== 'string') return wrong(row, text, 'it must be text');
  const tooLong = checkLength(row, text);
  if (tooLong.length > 0) return { value: row.default, problems: tooLong };
  const trimmed = text.trim();
  switch (row.type) {
    case 'boolean':
      return /^(true|false)$/i.test(trimmed) ? fine(trimmed.toLowerCase() === 'true') : wrong(row, text, 'it must be true or false');
    case 'int':
    case 'long':
      return checkNumber(row, /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : Number.NaN, text);
    case 'enum':
      return trimmed === '' && row.default === null ? fine(null) : readTyped(row, trimmed);
    case 'string':
    case 'password':
      return readTyped(row, text);
    case 'list':
      return checkList(row, trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim()));
    case 'topicFilters':
    case 'groupFilters':
    case 'aclFilters':
      return parseFilters(row, text);
  }
};

/** The value as dotted text. Reads back as itself; a value that is not there is empty text. */
export const printValue = (row: ConfigRow, value: ConfigValue): string => {
  switch (row.type) {
    case 'list':
      return (value as readonly string[]).join();
    case 'topicFilters':
    case 'groupFilters':
      return printNameFilters(row.type, value as readonly NameFilter[]);
    case 'aclFilters':
      return printAclFilters(value as readonly AclFilter[]);
    default:
      return value === null ? '' : String(value);
  }
};
