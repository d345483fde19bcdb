/** How a config is described: name, type, default and legal values. The tables of topic and broker configs are lists of these. */
import { Refusal } from '../refusal.ts';
import { type Release, since } from '../releases.ts';

/** `ConfigType` of the DescribeConfigs answer (v3+). */
export const CONFIG_TYPES = { boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7, class: 8, password: 9 } as const;
export type ConfigType = keyof typeof CONFIG_TYPES;

/** `ConfigSource` of the DescribeConfigs answer. */
export const CONFIG_SOURCES = { topic: 1, dynamicBroker: 2, dynamicDefaultBroker: 3, staticBroker: 4, default: 5 } as const;
export type ConfigSource = keyof typeof CONFIG_SOURCES;

/** Returns what is wrong with a value, or null. */
export type Check = (value: string) => string | null;

/** One config. */
export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigType;
  /** As brokers print it; null where there is none. */
  readonly fallback: string | null;
  readonly check: Check;
  /** Topic configs only: the broker config that supplies their default. */
  readonly synonym: string | null;
  /** Broker configs only: may be changed while the broker runs. */
  readonly dynamic: boolean;
}

const INTEGER = /^[+-]?\d+$/;
const BOUNDS = {
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;
const isBounded = (type: ConfigType): type is keyof typeof BOUNDS => type in BOUNDS;

export const anything: Check = () => null;
export const atLeast =
  (minimum: bigint): Check =>
  (value) =>
    BigInt(value) < minimum ? `Value must be at least ${minimum}` : null;
export const between =
  (low: number, high: number): Check =>
  (value) =>
    Number(value) < low ? `Value must be at least ${low}` : Number(value) > high ? `Value must be no more than ${high}` : null;
export const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value) ? null : `String must be one of: ${values.join(', ')}`;
export const listOf =
  (...values: readonly string[]): Check =>
  (value) =>
    listItems(value).every((item) => values.includes(item)) ? null : `String must be one of: ${values.join(', ')}`;

/** The items of a LIST value. */
export const listItems = (value: string): readonly string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const typeError = (type: ConfigType, value: string): string | null => {
  if (type === 'boolean') return /^(true|false)$/i.test(value) ? null : 'Expected value to be either true or false';
  if (type === 'double') return value.trim() !== '' && Number.isFinite(Number(value)) ? null : 'Not a number of type DOUBLE';
  if (!isBounded(type)) return null;
  if (!INTEGER.test(value.trim())) return `Not a number of type ${type.toUpperCase()}`;
  const [low, high] = BOUNDS[type];
  const number = BigInt(value.trim());
  return number < low || number > high ? `Not a number of type ${type.toUpperCase()}` : null;
};

/** Throws INVALID_CONFIG, with the words of a real broker, for a value the config cannot have. */
export const checkConfig = (definition: ConfigDefinition, value: string): void => {
  const { name, type } = definition;
  const reason = typeError(type, value) ?? definition.check(value.trim());
  if (reason !== null) throw new Refusal('INVALID_CONFIG', `Invalid value ${value} for configuration ${name}: ${reason}`);
};

/** A row of a table: the rest of a definition, and the releases that know it. */
export interface ConfigRow extends Partial<Omit<ConfigDefinition, 'name' | 'type' | 'fallback'>> {
  /** First release that has it. */
  readonly from?: Release;
  /** First release that no longer has it. */
  readonly before?: Release;
  /** Defaults that changed, newest first. */
  readonly fallbacks?: readonly { readonly from: Release; readonly value: string }[];
}

/** The definitions of one release, by name. */
export const definitionsOf = (
  rows: readonly (readonly [name: string, type: ConfigType, fallback: string | null, row?: ConfigRow])[],
  release: Release,
): ReadonlyMap<string, ConfigDefinition> => {
  const definitions = new Map<string, ConfigDefinition>();
  for (const [name, type, oldest, row = {}] of rows) {
    if ((row.from !== undefined && !since(release, row.from)) || (row.before !== undefined && since(release, row.before))) continue;
    const newer = row.fallbacks?.find(({ from }) => since(release, from));
    definitions.set(name, {
      name,
      type,
      fallback: newer?.value ?? oldest,
      check: row.check ?? anything,
      synonym: row.synonym ?? null,
      dynamic: row.dynamic ?? false,
    });
  }
  return definitions;
};
