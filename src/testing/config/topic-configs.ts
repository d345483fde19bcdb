/** Every topic config of the releases played here, as one table, and what a log reads from it. */
import type { Compression } from '../../codec/record-batch.ts';
import type { LogConfig } from '../log/log-config.ts';
import type { Release } from '../releases.ts';
import { atLeast, between, type ConfigDefinition, definitionsOf, listItems, listOf, oneOf } from './config-definition.ts';

const MAX_LONG = '9223372036854775807';
const HOUR = '3600000';

/** Names, types, defaults and limits as in Kafka's `LogConfig`; synonyms as in `ServerTopicConfigSynonyms`. */
const ROWS: Parameters<typeof definitionsOf>[0] = [
  ['cleanup.policy', 'list', 'delete', { check: listOf('compact', 'delete'), synonym: 'log.cleanup.policy' }],
  ['compression.gzip.level', 'int', '-1', { from: '3.9', synonym: 'compression.gzip.level' }],
  ['compression.lz4.level', 'int', '9', { from: '3.9', check: between(1, 17), synonym: 'compression.lz4.level' }],
  [
    'compression.type',
    'string',
    'producer',
    { check: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'), synonym: 'compression.type' },
  ],
  ['compression.zstd.level', 'int', '3', { from: '3.9', check: between(-131072, 22), synonym: 'compression.zstd.level' }],
  ['delete.retention.ms', 'long', '86400000', { check: atLeast(0n), synonym: 'log.cleaner.delete.retention.ms' }],
  ['errors.deadletterqueue.group.enable', 'boolean', 'false', { from: '4.4' }],
  ['file.delete.delay.ms', 'long', '60000', { check: atLeast(0n), synonym: 'log.segment.delete.delay.ms' }],
  ['flush.messages', 'long', MAX_LONG, { check: atLeast(1n), synonym: 'log.flush.interval.messages' }],
  ['flush.ms', 'long', MAX_LONG, { check: atLeast(0n), synonym: 'log.flush.interval.ms' }],
  ['follower.replication.throttled.replicas', 'list', ''],
  ['index.interval.bytes', 'int', '4096', { check: atLeast(0n), synonym: 'log.index.interval.bytes' }],
  ['leader.replication.throttled.replicas', 'list', ''],
  ['local.retention.bytes', 'long', '-2', { from: '3.9', check: atLeast(-2n), synonym: 'log.local.retention.bytes' }],
  ['local.retention.ms', 'long', '-2', { from: '3.9', check: atLeast(-2n), synonym: 'log.local.retention.ms' }],
  ['max.compaction.lag.ms', 'long', MAX_LONG, { check: atLeast(1n), synonym: 'log.cleaner.max.compaction.lag.ms' }],
  ['max.decompressed.message.bytes', 'int', '2147483639', { from: '4.4' }],
  ['max.message.bytes', 'int', '1048588', { check: atLeast(0n), synonym: 'message.max.bytes' }],
  ['message.downconversion.enable', 'boolean', 'true', { before: '4.0', synonym: 'log.message.downconversion.enable' }],
  [
    'message.format.version',
    'string',
    '2.8-IV1',
    { before: '4.0', synonym: 'log.message.format.version', fallbacks: [{ from: '3.9', value: '3.0-IV1' }] },
  ],
  [
    'message.timestamp.after.max.ms',
    'long',
    MAX_LONG,
    { from: '3.9', check: atLeast(0n), synonym: 'log.message.timestamp.after.max.ms', fallbacks: [{ from: '4.0', value: HOUR }] },
  ],
  [
    'message.timestamp.before.max.ms',
    'long',
    MAX_LONG,
    { from: '3.9', check: atLeast(0n), synonym: 'log.message.timestamp.before.max.ms' },
  ],
  [
    'message.timestamp.difference.max.ms',
    'long',
    MAX_LONG,
    { before: '4.0', check: atLeast(0n), synonym: 'log.message.timestamp.difference.max.ms' },
  ],
  [
    'message.timestamp.type',
    'string',
    'CreateTime',
    { check: oneOf('CreateTime', 'LogAppendTime'), synonym: 'log.message.timestamp.type' },
  ],
  ['min.cleanable.dirty.ratio', 'double', '0.5', { check: between(0, 1), synonym: 'log.cleaner.min.cleanable.ratio' }],
  ['min.compaction.lag.ms', 'long', '0', { check: atLeast(0n), synonym: 'log.cleaner.min.compaction.lag.ms' }],
  ['min.insync.replicas', 'int', '1', { check: atLeast(1n), synonym: 'min.insync.replicas' }],
  ['preallocate', 'boolean', 'false', { synonym: 'log.preallocate' }],
  ['remote.copy.lag.bytes', 'long', '-1', { from: '4.4' }],
  ['remote.copy.lag.ms', 'long', '0', { from: '4.4' }],
  ['remote.log.copy.disable', 'boolean', 'false', { from: '3.9' }],
  ['remote.log.delete.on.disable', 'boolean', 'false', { from: '3.9' }],
  ['remote.storage.enable', 'boolean', 'false', { from: '3.9' }],
  ['retention.bytes', 'long', '-1', { synonym: 'log.retention.bytes' }],
  ['retention.ms', 'long', '604800000', { check: atLeast(-1n), synonym: 'log.retention.ms' }],
  ['segment.bytes', 'int', '1073741824', { before: '4.0', check: atLeast(14n), synonym: 'log.segment.bytes' }],
  ['segment.bytes', 'int', '1073741824', { from: '4.0', check: atLeast(1_048_576n), synonym: 'log.segment.bytes' }], // KIP-1030
  ['segment.index.bytes', 'int', '10485760', { check: atLeast(4n), synonym: 'log.index.size.max.bytes' }],
  ['segment.jitter.ms', 'long', '0', { check: atLeast(0n), synonym: 'log.roll.jitter.ms' }],
  ['segment.ms', 'long', '604800000', { check: atLeast(1n), synonym: 'log.roll.ms' }],
  ['unclean.leader.election.enable', 'boolean', 'false', { synonym: 'unclean.leader.election.enable' }],
];

/** The topic configs of a release, by name. */
export const topicConfigDefinitions = (release: Release): ReadonlyMap<string, ConfigDefinition> => definitionsOf(ROWS, release);

/** Reads what a log needs; `value` gives the resolved text of a config, or undefined where the release has none. */
export const logConfigOf = (value: (name: string) => string | undefined): LogConfig => {
  const long = (name: string, otherwise = MAX_LONG): bigint => BigInt(value(name) ?? otherwise);
  const policies = listItems(value('cleanup.policy') ?? 'delete');
  const compression = value('compression.type') ?? 'producer';
  // Before KIP-937 (3.6) one limit served both directions.
  const difference = value('message.timestamp.difference.max.ms') ?? MAX_LONG;
  const compacted = policies.includes('compact');
  const segmentMs = long('segment.ms');
  const compactionLag = long('max.compaction.lag.ms');
  return {
    maxMessageBytes: Number(long('max.message.bytes')),
    compression: compression === 'uncompressed' ? 'none' : (compression as Compression | 'producer'),
    timestampType: value('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: long('message.timestamp.before.max.ms', difference),
    timestampAfterMaxMs: long('message.timestamp.after.max.ms', difference),
    compacted,
    deleted: policies.includes('delete'),
    minInsyncReplicas: Number(long('min.insync.replicas')),
    segmentBytes: Number(long('segment.bytes')),
    segmentMs: compacted && compactionLag < segmentMs ? compactionLag : segmentMs,
    indexIntervalBytes: Number(long('index.interval.bytes')),
    retentionMs: long('retention.ms'),
    retentionBytes: long('retention.bytes'),
    deleteRetentionMs: long('delete.retention.ms'),
    minCompactionLagMs: long('min.compaction.lag.ms', '0'),
  };
};
