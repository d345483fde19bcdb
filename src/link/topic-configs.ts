/** The configs a mirror topic needs so that a broker stores batches as they are sent, where they are sent, for as long as the source has them. */

const LONG_MAX = '9223372036854775807';

/** What every mirror topic has, whatever its source has. `max.message.bytes` and `segment.bytes` depend on the source: {@link mirrorTopicConfigs}. */
const FIXED: Readonly<Record<string, string>> = {
  // Any other codec makes the broker decompress and renumber.
  'compression.type': 'producer',
  // Compaction before the copy has caught up would take records out of the order in which they are compared.
  'cleanup.policy': 'delete',
  // LogAppendTime would replace every timestamp.
  'message.timestamp.type': 'CreateTime',
  // Kafka 4 refuses timestamps more than an hour ahead by default (KIP-1030).
  'message.timestamp.before.max.ms': LONG_MAX,
  'message.timestamp.after.max.ms': LONG_MAX,
  // Two clocks never delete at the same moment: retention is the source's business.
  'retention.ms': '-1',
  'retention.bytes': '-1',
};

/** Configs the link sets itself. */
export const REQUIRED_TOPIC_CONFIGS: ReadonlySet<string> = new Set([...Object.keys(FIXED), 'max.message.bytes', 'segment.bytes']);

const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;
/** Batches that were stored before the source lowered its limit are still in its log. */
const AT_LEAST = 10 * 1_048_588;

/** The configs of the mirror of a topic with these configs. */
export const mirrorTopicConfigs = (source: ReadonlyMap<string, string | null>): Readonly<Record<string, string>> => {
  const maxMessageBytes = Math.max(AT_LEAST, Number(source.get('max.message.bytes') ?? DEFAULT_MAX_MESSAGE_BYTES));
  const segmentBytes = Number(source.get('segment.bytes') ?? 0);
  return {
    ...FIXED,
    'max.message.bytes': String(maxMessageBytes),
    // A batch must fit into a segment: a source with small segments may still hold larger batches.
    ...(segmentBytes > maxMessageBytes && { 'segment.bytes': String(segmentBytes) }),
  };
};

/** Configs of an existing topic that would break exactness, with the value each must have. Larger limits than needed are fine. */
export const configDrift = (
  present: ReadonlyMap<string, string | null>,
  needed: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] =>
  Object.entries(needed).filter(([key, value]) => {
    const found = present.get(key);
    if (found === undefined || found === null) return false;
    return key === 'max.message.bytes' || key === 'segment.bytes' ? Number(found) < Number(value) : found !== value;
  });
