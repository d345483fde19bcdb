/** CreateTopics: each topic succeeds or fails on its own; `validateOnly` only says what would happen. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { CreateTopics, type CreateTopicsReceivedRequest } from '../../protocol/messages/create-topics.ts';
import { CONFIG_SOURCES } from '../config/config-definition.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { allows, demandController, type RequestContext, spring } from '../request-context.ts';

type Creatable = CreateTopicsReceivedRequest['topics'][number];

export const createTopics = handler(CreateTopics, ({ topics, validateOnly }, context) => {
  const times = (name: string): number => topics.filter((topic) => topic.name === name).length;
  return {
    topics: topics.map((topic) => {
      const { name } = topic;
      const outcome = attempt(() => {
        if (times(name) > 1) throw new Refusal('INVALID_REQUEST', 'Duplicate topic name.');
        return create(topic, validateOnly, context);
      });
      if (!(outcome instanceof Refusal)) return { name, errorCode: ErrorCode.NONE, errorMessage: null, ...outcome };
      return { name, errorCode: outcome.errorCode, errorMessage: outcome.errorMessage, configs: null };
    }),
  };
});

const create = (
  { name, numPartitions, replicationFactor, assignments, configs }: Creatable,
  validateOnly: boolean,
  context: RequestContext,
) => {
  const { cluster, header } = context;
  demandController(context);
  if (!allows(context, 'create', 'cluster') && !allows(context, 'create', 'topic', name)) throw new Refusal('TOPIC_AUTHORIZATION_FAILED');
  spring(context, name);
  if (header.apiVersion < 4 && assignments.length === 0 && (numPartitions === -1 || replicationFactor === -1)) {
    // Defaults for −1 came with KIP-464 (v4).
    throw new Refusal(numPartitions === -1 ? 'INVALID_PARTITIONS' : 'INVALID_REPLICATION_FACTOR');
  }
  const overrides = new Map<string, string>();
  for (const { name: key, value } of configs) {
    if (value === null) throw new Refusal('INVALID_CONFIG', `Null value not supported for topic configs: ${key}`);
    overrides.set(key, value);
  }
  const placed = cluster.createTopic(name, { numPartitions, replicationFactor, assignments }, overrides, validateOnly);
  const topicId = cluster.topic(name)?.id;
  if (header.apiVersion < 5) return topicId === undefined ? {} : { topicId };
  const resolved = [...cluster.configs.topicDefinitions.keys()].map((key) => {
    const own = overrides.get(key);
    const { value, source } = own === undefined ? cluster.configs.topicValues(key, name)[0]! : { value: own, source: CONFIG_SOURCES.topic };
    return { name: key, value, readOnly: false, configSource: source, isSensitive: false };
  });
  return {
    ...(topicId === undefined ? {} : { topicId }),
    numPartitions: placed.length,
    replicationFactor: placed[0]?.length ?? -1,
    configs: resolved,
  };
};
