/** The broker configs that an embedded broker knows: those that steer something here or supply a topic's default. */
import type { Release } from '../releases.ts';
import { atLeast, type ConfigDefinition, definitionsOf } from './config-definition.ts';
import { topicConfigDefinitions } from './topic-configs.ts';

const ROWS: Parameters<typeof definitionsOf>[0] = [
  ['default.replication.factor', 'int', '1', { check: atLeast(1n) }],
  ['fetch.max.bytes', 'int', '57671680', { check: atLeast(1024n) }],
  ['group.initial.rebalance.delay.ms', 'int', '0', { check: atLeast(0n) }],
  ['group.max.session.timeout.ms', 'int', '1800000'],
  ['group.min.session.timeout.ms', 'int', '6000'],
  ['max.incremental.fetch.session.cache.slots', 'int', '1000', { check: atLeast(0n) }],
  ['num.partitions', 'int', '1', { check: atLeast(1n) }],
  ['offset.metadata.max.bytes', 'int', '4096'],
  ['producer.id.expiration.ms', 'int', '86400000', { from: '3.9', check: atLeast(1n), dynamic: true }],
  ['transaction.partition.verification.enable', 'boolean', 'true', { from: '3.9', dynamic: true }],
  ['transactional.id.expiration.ms', 'int', '604800000', { check: atLeast(1n) }],
];

/** The broker configs of a release, by name: the table above, and one for every topic config that has a broker synonym. */
export const brokerConfigDefinitions = (release: Release): ReadonlyMap<string, ConfigDefinition> => {
  const definitions = new Map<string, ConfigDefinition>();
  for (const { synonym, type, fallback, check } of topicConfigDefinitions(release).values()) {
    if (synonym === null) continue;
    definitions.set(synonym, { name: synonym, type, fallback, check, synonym: null, dynamic: true });
  }
  for (const [name, definition] of definitionsOf(ROWS, release)) definitions.set(name, definition);
  return new Map([...definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
};
