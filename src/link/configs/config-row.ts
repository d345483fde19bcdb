/** What a row of the table of link configs says, and the type of the values that follow from it. */
import type { AclFilter } from '../filters/acl-filters.ts';
import type { NameFilter } from '../filters/name-filters.ts';

interface Row {
  /** The dotted name under which Kafka and Cluster Linking know it; `kafka.link.…` where only this package has it. */
  readonly key: string;
  /** Can be changed while the link runs. */
  readonly dynamic: boolean;
  readonly meaning: string;
}

export interface BooleanRow extends Row {
  readonly type: 'boolean';
  readonly default: boolean;
}

/** A whole number: `int` as Kafka's, `long` up to what a JavaScript number holds exactly. */
export interface NumberRow extends Row {
  readonly type: 'int' | 'long';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** One of a few words. */
export interface EnumRow extends Row {
  readonly type: 'enum';
  readonly default: string | null;
  readonly values: readonly string[];
}

/** `password`: a secret, which is never shown, logged or stored. */
export interface TextRow extends Row {
  readonly type: 'string' | 'password';
  readonly default: string | null;
  /** What is not right about a value, as a clause that begins with "it" or "there"; null if nothing. */
  readonly check: (value: string) => string | null;
  /** What `check` takes, in a few words for the page. */
  readonly rule: string;
}

export interface ListRow extends Row {
  readonly type: 'list';
  readonly default: readonly string[];
  /** As of {@link TextRow}, for everything that is not right about the list. */
  readonly check: (items: readonly string[]) => readonly string[];
  readonly rule: string;
}

/** Filters in the product's JSON: see docs/filters.md. */
export interface FiltersRow extends Row {
  readonly type: 'topicFilters' | 'groupFilters' | 'aclFilters';
  readonly default: readonly [];
}

export type ConfigRow = BooleanRow | NumberRow | EnumRow | TextRow | ListRow | FiltersRow;

type Nullable<R extends { readonly default: unknown }, T> = null extends R['default'] ? T | null : T;

/** The type of a config's value. */
export type ValueOf<R extends ConfigRow> = R extends BooleanRow
  ? boolean
  : R extends NumberRow
    ? number
    : R extends EnumRow
      ? Nullable<R, R['values'][number]>
      : R extends TextRow
        ? Nullable<R, string>
        : R extends ListRow
          ? readonly string[]
          : R extends { readonly type: 'aclFilters' }
            ? readonly AclFilter[]
            : readonly NameFilter[];

/** Whatever a config can be. */
export type ConfigValue = boolean | number | string | null | readonly string[] | readonly NameFilter[] | readonly AclFilter[];

export const INT_MAX = 0x7fff_ffff;
