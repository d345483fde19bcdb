/** Which topic configs follow the source: the product's three classes as a table, and the rules for `topic.config.sync.include`. */

/**
 * - `always`: follows the source in any case.
 * - `configurable`: follows it when it is listed in `topic.config.sync.include`.
 * - `independent`: the destination's own business; listing it is a mistake.
 */
export type ConfigClass = 'always' | 'configurable' | 'independent';

const NAMES: Readonly<Record<ConfigClass, readonly string[]>> = {
  always: ['cleanup.policy', 'max.message.bytes', 'message.timestamp.type', 'message.timestamp.difference.max.ms'],
  configurable: [
    'compression.type',
    'compression.gzip.level',
    'compression.lz4.level',
    'compression.zstd.level',
    'confluent.segment.speculative.prefetch.enable',
    'delete.retention.ms',
    'errors.deadletterqueue.group.enable',
    'file.delete.delay.ms',
    'flush.messages',
    'flush.ms',
    'index.interval.bytes',
    'max.compaction.lag.ms',
    'max.decompressed.message.bytes',
    'message.downconversion.enable',
    'message.timestamp.after.max.ms',
    'message.timestamp.before.max.ms',
    'min.cleanable.dirty.ratio',
    'min.compaction.lag.ms',
    'min.insync.replicas',
    'preallocate',
    'retention.bytes',
    'retention.ms',
    'segment.bytes',
    'segment.index.bytes',
    'segment.jitter.ms',
    'segment.ms',
    'unclean.leader.election.enable',
  ],
  independent: [
    'follower.replication.throttled.replicas',
    'leader.replication.throttled.replicas',
    // Where the destination keeps what is old: its own disks, its own tiers.
    'local.retention.bytes',
    'local.retention.ms',
    'remote.copy.lag.bytes',
    'remote.copy.lag.ms',
    'remote.log.copy.disable',
    'remote.log.delete.on.disable',
    'remote.storage.enable',
    // Brokers since 3.0 ignore it, and 4.0 does not know it.
    'message.format.version',
    'confluent.placement.constraints',
    'confluent.key.schema.validation',
    'confluent.value.schema.validation',
    'confluent.key.subject.name.strategy',
    'confluent.value.subject.name.strategy',
  ],
};
const INDEPENDENT_PREFIX = 'confluent.tier.';

const classes: ReadonlyMap<string, ConfigClass> = new Map(
  (Object.keys(NAMES) as ConfigClass[]).flatMap((of) => NAMES[of].map((name): [string, ConfigClass] => [name, of])),
);

/** The class of a config; null when it is known neither to Kafka nor to the product. */
export const configClassOf = (name: string): ConfigClass | null =>
  name.startsWith(INDEPENDENT_PREFIX) ? 'independent' : (classes.get(name) ?? null);

/** Configs that follow the source whatever the include list says. */
export const ALWAYS_SYNCED_CONFIGS: readonly string[] = NAMES.always;

/** How often a record is stored is the destination's choice, as its replication factor is: these two follow only when they are listed. */
const CHOSEN_HERE = ['min.insync.replicas', 'unclean.leader.election.enable'];

/** `topic.config.sync.include` when nobody has said anything: all that can follow, but for `min.insync.replicas` and `unclean.leader.election.enable`. */
export const DEFAULT_CONFIG_SYNC_INCLUDE: readonly string[] = [
  ...NAMES.always,
  ...NAMES.configurable.filter((name) => !CHOSEN_HERE.includes(name)),
];

/** Kafka 4 has it no more, and who lists only what his clusters know does not know it either. */
const REMOVED_IN_KAFKA_4 = 'message.timestamp.difference.max.ms';

/** What is wrong with an include list, one line per problem: an `always` name that is missing, an `independent` one, one that nobody knows. */
export const checkConfigSyncInclude = (include: readonly string[]): readonly string[] => [
  ...NAMES.always
    .filter((name) => name !== REMOVED_IN_KAFKA_4 && !include.includes(name))
    .map((name) => `'${name}' is missing; it follows the source in any case and has to be listed`),
  ...include.flatMap((name) => {
    const found = configClassOf(name);
    if (found === 'independent') return [`'${name}' never follows the source: set it on the destination`];
    return found === null ? [`'${name}' is no topic config`] : [];
  }),
];
