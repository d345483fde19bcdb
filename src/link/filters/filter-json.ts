/** Filters as JSON text or as data of unknown shape, read with every problem at its path, instead of the first alone. Pure. */
import { inspect } from 'node:util';

/** Something in a filter that cannot be meant. */
export interface FilterProblem {
  /** Where, as in `topicFilters[1].patternType`; empty for the whole. */
  readonly path: string;
  /** What is there. */
  readonly value: string;
  /** What must be there instead. */
  readonly rule: string;
}

export type Report = (path: string, value: unknown, rule: string) => void;

const SHOWN = 100;

/** A value as a person may have typed it, cut where it is long, wide or deep. */
export const shown = (value: unknown): string => {
  if (value === undefined) return 'missing';
  const text = inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    maxArrayLength: 5,
    maxStringLength: SHOWN,
    customInspect: false,
  });
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
};

/** Collects problems. */
export const problemList = (): { readonly problems: FilterProblem[]; readonly report: Report } => {
  const problems: FilterProblem[] = [];
  return { problems, report: (path, value, rule) => problems.push({ path, value: shown(value), rule }) };
};

/** The list under `key` in a JSON object that has nothing else. Empty text is an empty list: so the product writes that there are no filters. */
export const listInJson = (text: string, key: string, report: Report): readonly unknown[] => {
  if (text.trim() === '') return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    report('', text, `must be JSON such as {"${key}":[…]}: ${(error as Error).message}`);
    return [];
  }
  const fields = fieldsOf('', parsed, [key], report);
  if (fields === null) return [];
  const list = fields[key];
  if (Array.isArray(list)) return list;
  report(key, list, 'must be a list of filters');
  return [];
};

/** The fields of an object, after a report of those that it should not have; null if it is no object. */
export const fieldsOf = (
  path: string,
  value: unknown,
  known: readonly string[],
  report: Report,
): Readonly<Record<string, unknown>> | null => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(path, value, `must be an object with ${known.join(', ')}`);
    return null;
  }
  for (const [field, content] of Object.entries(value)) {
    if (!known.includes(field)) report(at(path, field), content, `is not known here; there are ${known.join(', ')}`);
  }
  // What an object has by descent is not what somebody wrote.
  return Object.fromEntries(Object.entries(value));
};

/** `READ`, `read` and `clusterAction`, `CLUSTER_ACTION` are the same word: tools write them both ways. */
const folded = (word: string): string => word.toLowerCase().replaceAll('_', '');

/** One of these words in its own spelling; null after a report. `fallback` stands for a field that is not there. */
export const wordAt = <const W extends string>(
  path: string,
  value: unknown,
  words: readonly W[],
  report: Report,
  fallback?: W,
): W | null => {
  if (value === undefined && fallback !== undefined) return fallback;
  const found = typeof value === 'string' ? words.find((word) => folded(word) === folded(value)) : undefined;
  if (found === undefined) report(path, value, `must be ${listed(words)}`);
  return found ?? null;
};

/** `a`, `a or b`, `a, b or c`. */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

export const at = (path: string, field: string): string => (path === '' ? field : `${path}.${field}`);
