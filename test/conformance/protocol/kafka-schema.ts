/** Kafka's own message definitions, as reduced into kafka-schema.json by scripts/kafka-schema.ts, and what they say about one version. */
import { readFileSync } from 'node:fs';

/** One field of Kafka's definition, under Kafka's attribute names; `fields` for structs and arrays of structs. */
export interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: string;
  readonly ignorable?: boolean;
  readonly fields?: readonly KafkaField[];
}

export interface KafkaMessage {
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly KafkaField[];
}

export interface KafkaApi {
  readonly key: number;
  readonly name: string;
  readonly request: KafkaMessage;
  readonly response: KafkaMessage;
}

export interface KafkaSchema {
  /** The release whose definitions these are. */
  readonly kafka: string;
  /** Older releases that were found to agree in every version they share. */
  readonly agrees: readonly string[];
  readonly apis: readonly KafkaApi[];
}

export const readKafkaSchema = (): KafkaSchema =>
  JSON.parse(readFileSync(new URL('./kafka-schema.json', import.meta.url), 'utf8')) as KafkaSchema;

interface Range {
  readonly min: number;
  readonly max: number;
}

export const rangeOf = (versions: string | undefined): Range => {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(versions ?? 'none');
  if (match === null) return { min: 1, max: 0 };
  const min = Number(match[1]);
  return { min, max: match[2] === undefined ? Number(match[3] ?? min) : Number.POSITIVE_INFINITY };
};

const within = (version: number, versions: string | undefined): boolean => {
  const { min, max } = rangeOf(versions);
  return version >= min && version <= max;
};

const SCALARS = new Set(['bool', 'int8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'float64', 'uuid', 'string', 'bytes', 'records']);
const isNumber = (type: string): boolean => /^u?int\d+$|^float64$/.test(type);

/** Kafka's rule for the value of a field that is absent, spelled the same way for both sides of the comparison. */
const defaultOf = ({ type, default: given }: KafkaField): string => {
  if (given === 'null') return 'null';
  if (type.startsWith('[]')) return 'empty';
  if (isNumber(type)) return String(Number(given ?? 0));
  if (type === 'bool') return given ?? 'false';
  if (type === 'string') return `'${given ?? ''}'`;
  if (type === 'bytes') return 'empty';
  if (type === 'records') return 'null';
  return SCALARS.has(type) ? 'zero' : 'defaults';
};

/**
 * One line per field, in wire order, saying all that matters about it in this version. Fields that no version within `described` has are left out:
 * they belong to versions we do not describe.
 */
export const fieldLines = (fields: readonly KafkaField[], version: number, described: Range, prefix = '', parentPresent = true): string[] =>
  fields
    .filter(({ versions }) => rangeOf(versions).min <= described.max && rangeOf(versions).max >= described.min)
    .flatMap((field) => {
      const { type, versions, nullableVersions, taggedVersions, tag, ignorable } = field;
      const path = `${prefix}${field.name[0]?.toLowerCase()}${field.name.slice(1)}`;
      const present = parentPresent && within(version, versions);
      const line = fieldLine(path, {
        wire: type.startsWith('[]') && !SCALARS.has(type.slice(2)) ? '[]struct' : SCALARS.has(type.replace('[]', '')) ? type : 'struct',
        present,
        // Kafka's generator lets a record set be null in every version that has it.
        nullable: present && (within(version, nullableVersions) || type === 'records'),
        tag: present && within(version, taggedVersions) ? tag : undefined,
        ignorable: ignorable === true,
        fallback: defaultOf(field),
      });
      const step = type.startsWith('[]') ? '[].' : '.';
      return [line, ...fieldLines(field.fields ?? [], version, described, `${path}${step}`, present)];
    });

export interface FieldFacts {
  readonly wire: string;
  readonly present: boolean;
  readonly nullable: boolean;
  readonly tag: number | undefined;
  readonly ignorable: boolean;
  readonly fallback: string;
}

export const fieldLine = (path: string, { wire, present, nullable, tag, ignorable, fallback }: FieldFacts): string =>
  `${path}: ${present ? `${wire}${nullable ? ' or null' : ''}${tag === undefined ? '' : `, tag ${tag}`}` : 'absent'}, default ${fallback}${ignorable ? ', ignorable' : ''}`;
