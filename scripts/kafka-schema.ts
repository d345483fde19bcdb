/**
 * Reduces Kafka's own message definitions (JSON inside the kafka-clients jar) to test/conformance/protocol/kafka-schema.json.
 * Run it after raising the newest Kafka release: `npx tsx scripts/kafka-schema.ts`; the conformance test then says what changed.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { APIS } from '../src/protocol/messages/index.ts';
import { fieldLines, type KafkaApi, type KafkaField, type KafkaMessage, rangeOf } from '../test/conformance/protocol/kafka-schema.ts';
import { kafkaJars } from '../test/support/kafka/jars.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../test/support/kafka/versions.ts';

const target = new URL('../test/conformance/protocol/kafka-schema.json', import.meta.url);
/** Releases that must agree with the newest in every version both describe. */
const OLDER = [KAFKA_39];

interface RawField extends Omit<KafkaField, 'fields' | 'default' | 'ignorable'> {
  readonly default?: unknown;
  readonly ignorable?: unknown;
  readonly fields?: readonly RawField[];
}
interface RawMessage {
  readonly apiKey: number;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly RawField[];
  readonly commonStructs?: readonly { name: string; fields: readonly RawField[] }[];
}

const reduceField = (field: RawField, structs: ReadonlyMap<string, readonly RawField[]>): KafkaField => {
  const { name, type, versions, nullableVersions, taggedVersions, tag } = field;
  const fields = field.fields ?? structs.get(type.replace('[]', ''));
  return {
    name,
    type,
    versions,
    ...(nullableVersions === undefined ? {} : { nullableVersions }),
    ...(taggedVersions === undefined ? {} : { taggedVersions, tag: Number(tag) }),
    ...(field.default === undefined ? {} : { default: String(field.default) }),
    ...(String(field.ignorable ?? false) === 'true' ? { ignorable: true } : {}),
    ...(fields === undefined ? {} : { fields: fields.map((inner) => reduceField(inner, structs)) }),
  };
};

const readMessage = async (dir: string, name: string): Promise<KafkaMessage & { apiKey: number }> => {
  const text = await readFile(join(dir, 'common', 'message', `${name}.json`), 'utf8');
  // Kafka's files are JSON with `//` comments, some of them behind a value.
  const raw = JSON.parse(text.replace(/^((?:[^"\n]|"(?:[^"\\\n]|\\.)*")*?)\/\/.*$/gm, '$1')) as RawMessage;
  const structs = new Map((raw.commonStructs ?? []).map((struct) => [struct.name, struct.fields]));
  const { apiKey, validVersions, flexibleVersions } = raw;
  return { apiKey, validVersions, flexibleVersions, fields: raw.fields.map((field) => reduceField(field, structs)) };
};

const readRelease = async (version: string, names: readonly string[]): Promise<KafkaApi[]> => {
  const jar = join((await kafkaJars(version)).dir, `kafka-clients-${version}.jar`);
  const dir = await mkdtemp(join(tmpdir(), 'kafka-schema-'));
  try {
    await promisify(execFile)('jar', ['--extract', '--file', jar, 'common/message'], { cwd: dir });
    const apis: KafkaApi[] = [];
    for (const name of names) {
      const { apiKey, ...request } = await readMessage(dir, `${name}Request`);
      const { apiKey: _, ...response } = await readMessage(dir, `${name}Response`);
      apis.push({ key: apiKey, name, request, response });
    }
    return apis;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

/** Throws when two releases describe one version of a message differently: then one table cannot stand for both. */
const mustAgree = (older: string, old: KafkaApi, now: KafkaApi): void => {
  for (const side of ['request', 'response'] as const) {
    const [a, b] = [rangeOf(old[side].validVersions), rangeOf(now[side].validVersions)];
    const shared = { min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) };
    for (let version = shared.min; version <= shared.max; version++) {
      // Whether a field may be dropped is no matter of the wire: 4.x made some ignorable when a later version left them out.
      const [before, after] = [old, now].map((of) =>
        fieldLines(of[side].fields, version, { min: version, max: version }).join('\n').replaceAll(', ignorable', ''),
      );
      if (before !== after)
        throw new Error(`${now.name} ${side} v${version} differs between ${older} and the newest:\n${before}\n\n${after}`);
    }
  }
};

/** One field per line, so that a change of Kafka's reads as a change of one line. */
const spell = (value: unknown, indent: string): string => {
  if (Array.isArray(value) && value.every((item) => typeof item === 'object')) {
    const inner = `${indent} `;
    return `[\n${value.map((item) => inner + spell(item, inner)).join(',\n')}\n${indent}]`;
  }
  if (Array.isArray(value) || value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${spell(item, indent)}`)
    .join(', ')}}`;
};

const names = APIS.map(({ name }) => name);
const newest = await readRelease(KAFKA_NEWEST, names);
for (const version of OLDER) {
  const older = new Map((await readRelease(version, names)).map((of) => [of.name, of]));
  for (const now of newest) mustAgree(version, older.get(now.name) as KafkaApi, now);
}
await writeFile(target, `${spell({ kafka: KAFKA_NEWEST, agrees: OLDER, apis: newest }, '')}\n`);
