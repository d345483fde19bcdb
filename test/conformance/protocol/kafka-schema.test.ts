/** Every field of every message in every version, compared with Kafka's own definitions: both ways, so that neither may have one more. */
import { describe, expect, it } from 'vitest';
import { APIS } from '../../../src/protocol/messages/index.ts';
import { type AnyField, covers, type Fields, type VersionRange, ZERO_UUID } from '../../../src/protocol/schema.ts';
import { fieldLine, fieldLines, type KafkaApi, rangeOf, readKafkaSchema } from './kafka-schema.ts';

const kafka = readKafkaSchema();
const SIDES = ['request', 'response'] as const;

const wireOf = ({ spec: { wire, of } }: AnyField): string => (wire === 'array' ? `[]${of?.spec.wire}` : wire);

const fallbackOf = ({ spec: { wire, fallback } }: AnyField): string => {
  if (fallback === null) return 'null';
  if (wire === 'array') return (fallback as unknown[]).length === 0 ? 'empty' : 'not empty';
  if (wire === 'bytes') return (fallback as Buffer).length === 0 ? 'empty' : 'not empty';
  if (wire === 'uuid') return fallback === ZERO_UUID ? 'zero' : String(fallback);
  if (wire === 'struct') return 'defaults';
  return wire === 'string' ? `'${fallback}'` : String(fallback);
};

const ourLines = (fields: Fields, version: number, prefix = '', parentPresent = true): string[] =>
  Object.entries(fields).flatMap(([key, field]) => {
    const { versions, nullable, tag, ignorable, of, wire } = field.spec;
    const present = parentPresent && covers(versions, version);
    const path = `${prefix}${key}`;
    const line = fieldLine(path, {
      wire: wireOf(field),
      present,
      nullable: present && (wire === 'records' || (nullable !== undefined && covers(nullable, version))),
      tag: present ? tag : undefined,
      ignorable: ignorable === true,
      fallback: fallbackOf(field),
    });
    const inner = of?.spec.fields ?? field.spec.fields ?? {};
    return [line, ...ourLines(inner, version, `${path}${of === undefined ? '.' : '[].'}`, present)];
  });

const versionsOf = ({ min, max }: VersionRange): number[] => Array.from({ length: max - min + 1 }, (_, i) => min + i);

describe('the committed table', () => {
  it('holds every API described here and no other', () => {
    expect(kafka.apis.map(({ key, name }) => [key, name])).toEqual(APIS.map(({ key, name }) => [key, name]));
  });

  it('lists APIs in the order of their keys, each key once', () => {
    const keys = APIS.map(({ key }) => key);
    expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
  });
});

describe.each(APIS.map((api) => [api.name, api] as const))('%s', (name, api) => {
  const theirs = kafka.apis.find((candidate) => candidate.name === name) as KafkaApi;

  it('describes only versions that Kafka has', () => {
    for (const side of SIDES) {
      const valid = rangeOf(theirs[side].validVersions);
      expect(api.versions.min, side).toBeGreaterThanOrEqual(valid.min);
      expect(api.versions.max, side).toBeLessThanOrEqual(valid.max);
    }
  });

  it.each(versionsOf(api.versions).flatMap((version) => SIDES.map((side) => [version, side] as const)))('v%i %s', (version, side) => {
    const message = theirs[side];
    const flexible = rangeOf(message.flexibleVersions);
    expect(api.flexible !== null && covers(api.flexible, version), 'flexible').toBe(version >= flexible.min && version <= flexible.max);
    expect(ourLines(api[side], version)).toEqual(fieldLines(message.fields, version, api.versions));
  });
});
