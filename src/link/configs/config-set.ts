/** The configs of one link: what was set and what counts, read in either spelling, changed as a whole or not at all. Pure. */
import { shown } from '../filters/filter-json.ts';
import type { ConfigProblem } from './config-problem.ts';
import type { ConfigRow, ConfigValue } from './config-row.ts';
import { CONFIG_RULES } from './config-rules.ts';
import { isSecret, printValue, type ReadValue, readText, readTyped } from './config-value.ts';
import {
  adviceForKey,
  CONFIG_DEFAULTS,
  CONFIG_OPTIONS,
  type ConfigOption,
  isConfigOption,
  type LinkConfigOptions,
  type LinkConfigs,
  optionOfKey,
  rowOf,
} from './link-configs.ts';
import { nearest } from './nearest.ts';

/** The configs of a link. Frozen: a change makes a new one. */
export interface ConfigSet {
  /** What somebody has set, whether or not it differs from the default. */
  readonly given: LinkConfigOptions;
  /** Everything, with defaults for the rest. */
  readonly values: LinkConfigs;
}

/** Configs that were read. With problems they may not be used: see `refuseProblems`. */
export interface ReadConfigs {
  readonly configs: ConfigSet;
  readonly problems: readonly ConfigProblem[];
}

/** How the caller writes names and values. */
interface Spelling {
  readonly optionOf: (name: string) => ConfigOption | undefined;
  readonly nameOf: (option: ConfigOption) => string;
  readonly read: (row: ConfigRow, value: unknown) => ReadValue;
  /** Why there is no such config. */
  readonly unknown: (name: string) => string;
}

const keyOf = (option: ConfigOption): string => rowOf(option).key;
const didYouMean = (name: string | undefined): string => (name === undefined ? '' : `; did you mean '${name}'?`);

const DOTTED: Spelling = {
  optionOf: optionOfKey,
  nameOf: keyOf,
  read: readText,
  unknown: (name) =>
    adviceForKey(name) ??
    `there is no such config${didYouMean(isConfigOption(name) ? keyOf(name) : nearest(name, CONFIG_OPTIONS.map(keyOf)))}`,
};
const TYPED: Spelling = {
  optionOf: (name) => (isConfigOption(name) ? name : undefined),
  nameOf: (option) => option,
  read: readTyped,
  unknown: (name) => adviceForKey(name) ?? `there is no such option${didYouMean(optionOfKey(name) ?? nearest(name, CONFIG_OPTIONS))}`,
};

const configSet = (given: Readonly<Record<string, ConfigValue>>): ConfigSet => {
  const values = { ...CONFIG_DEFAULTS, ...given };
  return Object.freeze({ given: Object.freeze({ ...given }) as LinkConfigOptions, values: Object.freeze(values) as LinkConfigs });
};

/** No config is set. */
export const NO_CONFIGS: ConfigSet = configSet({});

const unknownName = (name: string, value: unknown, { unknown }: Spelling): ConfigProblem => ({
  name,
  path: '',
  // It may be a secret whose name was mistyped.
  value: value === undefined ? 'missing' : 'set',
  rule: unknown(name),
});

/** Rules about several configs, except where one of them has a problem of its own. */
const brokenRules = ({ values }: ConfigSet, troubled: ReadonlySet<ConfigOption>, { nameOf }: Spelling): readonly ConfigProblem[] =>
  CONFIG_RULES.filter(({ options, isBroken }) => !options.some((option) => troubled.has(option)) && isBroken(values)).map(
    ({ options: [option], rule }) => ({ name: nameOf(option), path: '', value: shownValue(option, values[option]), rule: rule(nameOf) }),
  );

const shownValue = (option: ConfigOption, value: ConfigValue): string => {
  const row = rowOf(option);
  if (isSecret(row) && value !== null) return '[hidden]';
  const text = printValue(row, value);
  return text === '' ? 'empty' : shown(text);
};

const readConfigs = (entries: Iterable<readonly [string, unknown]>, spelling: Spelling): ReadConfigs => {
  const given: Record<string, ConfigValue> = {};
  const troubled = new Set<ConfigOption>();
  const problems: ConfigProblem[] = [];
  for (const [name, written] of entries) {
    const option = spelling.optionOf(name);
    if (option === undefined) {
      problems.push(unknownName(name, written, spelling));
      continue;
    }
    const { value, problems: found } = spelling.read(rowOf(option), written);
    problems.push(...found.map((problem) => ({ name, ...problem })));
    if (found.length === 0) given[option] = value;
    else troubled.add(option);
  }
  const configs = configSet(given);
  return { configs, problems: [...problems, ...brokenRules(configs, troubled, spelling)] };
};

/** Reads configs by their dotted names, as files, tools and the store have them. Says everything that is wrong with them. */
export const readConfigTexts = (texts: Readonly<Record<string, string>>): ReadConfigs => readConfigs(Object.entries(texts), DOTTED);

/** Reads configs as typed options. Says everything that is wrong with them. */
export const readConfigOptions = (options: LinkConfigOptions): ReadConfigs =>
  readConfigs(
    Object.entries(options).filter(([, value]) => value !== undefined),
    TYPED,
  );

/** What was set, by dotted names. Secrets are left out: nothing that is stored or shown has them. */
export const configTexts = ({ given }: ConfigSet): Readonly<Record<string, string>> =>
  Object.fromEntries(
    CONFIG_OPTIONS.flatMap((option) => {
      const row = rowOf(option);
      const value = given[option];
      return value === undefined || isSecret(row) ? [] : [[row.key, printValue(row, value)]];
    }),
  );

/** One change, as the product's `configs:alter` has it. */
export type ConfigChange =
  | { readonly op: 'SET'; readonly name: string; readonly value: string }
  /** Back to the default. */
  | { readonly op: 'DELETE'; readonly name: string };

/** A config that has another value than before; null for a secret. */
export interface ChangedConfig {
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** What came of changes. */
export interface AppliedChanges extends ReadConfigs {
  /** What is different, or would be. */
  readonly changed: readonly ChangedConfig[];
}

/**
 * Makes all of the changes or none: with a problem the configs are the present ones.
 *
 * Switching a sync off changes nothing else: unlike the product's, its filters are kept.
 */
export const applyChanges = (current: ConfigSet, changes: readonly ConfigChange[]): AppliedChanges => {
  const given: Record<string, ConfigValue> = { ...(current.given as Readonly<Record<string, ConfigValue>>) };
  const named = new Set<string>();
  const troubled = new Set<ConfigOption>();
  const problems: ConfigProblem[] = [];
  for (const change of changes) {
    const { op, name } = change;
    const written = op === 'SET' ? change.value : undefined;
    const option = DOTTED.optionOf(name);
    const refuse = (rule: string): number => problems.push({ name, path: '', value: op === 'SET' ? 'to be set' : 'to be deleted', rule });
    if (option === undefined) {
      problems.push(unknownName(name, written, DOTTED));
      continue;
    }
    const { length } = problems;
    if (op !== 'SET' && op !== 'DELETE')
      problems.push({ name, path: '', value: `to be changed by ${shown(op)}`, rule: 'there are SET and DELETE' });
    else if (named.has(name)) refuse('there are two changes of it');
    else if (op === 'DELETE') delete given[option];
    else {
      const read = readText(rowOf(option), written);
      problems.push(...read.problems.map((problem) => ({ name, ...problem })));
      given[option] = read.value;
    }
    named.add(name);
    if (problems.length === length && !rowOf(option).dynamic && differs(option, current, configSet(given)))
      refuse('it cannot be changed after the link was created: delete the link and create it anew');
    if (problems.length > length) troubled.add(option);
  }
  const wanted = configSet(given);
  problems.push(...brokenRules(wanted, troubled, DOTTED));
  const isRefused = problems.length > 0;
  const changed = isRefused ? [] : CONFIG_OPTIONS.filter((option) => differs(option, current, wanted)).map(changeFrom(current, wanted));
  return { configs: isRefused ? current : wanted, problems, changed };
};

const textOf = (option: ConfigOption, { values }: ConfigSet): string => printValue(rowOf(option), values[option]);

const differs = (option: ConfigOption, a: ConfigSet, b: ConfigSet): boolean => textOf(option, a) !== textOf(option, b);

const changeFrom =
  (before: ConfigSet, after: ConfigSet) =>
  (option: ConfigOption): ChangedConfig => {
    const text = (configs: ConfigSet): string | null => (isSecret(rowOf(option)) ? null : textOf(option, configs));
    return { name: keyOf(option), from: text(before), to: text(after) };
  };
