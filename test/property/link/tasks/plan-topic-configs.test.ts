/** Config plans applied to a model of two clusters: what a broker of each would make of it has to be what the source does, as far as a copy may. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConfigEntries,
  type ConfigEntry,
  planTopicConfigs,
  type TopicConfigFacts,
} from '../../../../src/link/tasks/plan-topic-configs.ts';

const LONG_MAX = '9223372036854775807';
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'cleanup.policy': ['delete', 'compact', 'compact,delete', 'delete,compact'],
  'compression.type': ['producer', 'zstd', 'uncompressed'],
  'flush.ms': ['1', '5'],
  'max.message.bytes': ['1000', '1048588', '50000000'],
  'message.timestamp.after.max.ms': [LONG_MAX, '3600000', '7'],
  'message.timestamp.before.max.ms': [LONG_MAX, '3600000', '7'],
  'message.timestamp.type': ['CreateTime', 'LogAppendTime'],
  'min.insync.replicas': ['1', '2', '3'],
  'retention.bytes': ['-1', '100'],
  'retention.ms': ['-1', '604800000', '10'],
  'segment.bytes': ['1048576', '20000000', '1073741824'],
  'segment.ms': ['1', '604800000'],
};
const NAMES = Object.keys(VALUES);
const ALWAYS = ['cleanup.policy', 'max.message.bytes', 'message.timestamp.type'];
/** What the link needs while it mirrors, written down once more: see `exact-offsets` in the design. */
const EXACT: Readonly<Record<string, (value: string, source: ReadonlyMap<string, string>) => boolean>> = {
  'compression.type': (value) => value === 'producer',
  'message.timestamp.type': (value) => value === 'CreateTime',
  'message.timestamp.after.max.ms': (value) => value === LONG_MAX,
  'message.timestamp.before.max.ms': (value) => value === LONG_MAX,
  'retention.ms': (value) => value === '-1',
  'retention.bytes': (value) => value === '-1',
  'max.message.bytes': (value, source) => Number(value) >= Number(source.get('max.message.bytes')),
};

/** A topic as a broker has it: what is set, and what counts where nothing is. */
interface Topic {
  readonly set: ReadonlyMap<string, string>;
  readonly defaults: ReadonlyMap<string, string>;
}

const inForce = ({ set, defaults }: Topic, name: string): string => set.get(name) ?? (defaults.get(name) as string);
const described = (topic: Topic): ConfigEntries =>
  new Map(
    NAMES.map((name): [string, ConfigEntry] => [
      name,
      { value: inForce(topic, name), isSet: topic.set.has(name), inherited: topic.defaults.get(name) as string },
    ]),
  );
const items = (list: string): string => list.split(',').sort().join();

const values = (names: readonly string[]): fc.Arbitrary<ReadonlyMap<string, string>> =>
  fc
    .tuple(...names.map((name) => fc.constantFrom(...(VALUES[name] as readonly string[])).map((value) => [name, value] as const)))
    .map((pairs) => new Map(pairs));
const topics: fc.Arbitrary<Topic> = fc.subarray(NAMES).chain((names) => fc.record({ set: values(names), defaults: values(NAMES) }));

type Case = Omit<TopicConfigFacts, 'source' | 'destination'> & { readonly theirs: Topic; readonly ours: Topic };
const cases: fc.Arbitrary<Case> = fc.record({
  theirs: topics,
  ours: topics,
  include: fc.subarray(NAMES),
  phase: fc.constantFrom('mirroring' as const, 'stopped' as const),
  hasCaughtUp: fc.boolean(),
  replicationFactor: fc.constantFrom(null, 1, 2, 3),
  overrides: fc.subarray(['retention.ms', 'compression.type']).chain(values),
});

const planOf = ({ theirs, ours, ...facts }: Case) =>
  planTopicConfigs({ ...facts, source: described(theirs), destination: described(ours) });

const applied = (given: Case): Topic => {
  const set = new Map(given.ours.set);
  for (const { name, operation, from, to } of planOf(given).changes) {
    expect(from).toBe(inForce(given.ours, name));
    if (operation === 'SET') set.set(name, to as string);
    else expect(set.delete(name)).toBe(true);
  }
  return { ...given.ours, set };
};

describe('a plan', () => {
  it('leaves nothing to do once it is carried out', () => {
    fc.assert(
      fc.property(cases, (given) => {
        expect(planOf({ ...given, ours: applied(given) }).changes).toEqual([]);
      }),
    );
  });

  it('makes the mirror behave like its source, where the copy lets it', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const after = applied(given);
        const needed =
          given.phase === 'mirroring' ? [...Object.keys(EXACT), 'segment.bytes', ...(given.hasCaughtUp ? [] : ['cleanup.policy'])] : [];
        for (const name of new Set([...ALWAYS, ...given.include])) {
          const wanted = inForce(given.theirs, name);
          const tooMany = name === 'min.insync.replicas' && given.replicationFactor !== null && Number(wanted) > given.replicationFactor;
          if (needed.includes(name) || tooMany) continue;
          expect(items(inForce(after, name)), name).toBe(items(wanted));
          // Set here as it is set there; if it is not, then here only because the default is another.
          if (given.theirs.set.has(name)) expect(after.set.has(name), name).toBe(true);
          else expect(after.set.has(name), name).toBe(items(after.defaults.get(name) as string) !== items(wanted));
        }
      }),
    );
  });

  it('keeps what exactness needs while it mirrors', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const after = applied({ ...given, phase: 'mirroring' });
        const source = new Map(NAMES.map((name) => [name, inForce(given.theirs, name)]));
        for (const [name, holds] of Object.entries(EXACT)) expect(holds(inForce(after, name), source), name).toBe(true);
        if (!given.hasCaughtUp) expect(inForce(after, 'cleanup.policy')).toBe('delete');
      }),
    );
  });

  it('touches nothing else', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const mayChange = new Set([...ALWAYS, ...given.include, ...Object.keys(EXACT), 'segment.bytes']);
        for (const { name } of planOf(given).changes) expect(mayChange.has(name), name).toBe(true);
      }),
    );
  });

  it('never asks for more replicas than there are', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const change = planOf(given).changes.find(({ name, operation }) => name === 'min.insync.replicas' && operation === 'SET');
        if (change !== undefined && given.replicationFactor !== null)
          expect(Number(change.to)).toBeLessThanOrEqual(given.replicationFactor);
      }),
    );
  });
});
