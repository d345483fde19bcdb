/** What the link asks of a cluster about topics: describe, create, grow, correct. Each call judges the broker's answer and says what to do. */
import { BrokerError } from '../client/broker-error.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { CreatePartitions } from '../protocol/messages/create-partitions.ts';
import { CreateTopics } from '../protocol/messages/create-topics.ts';
import { DescribeConfigs } from '../protocol/messages/describe-configs.ts';
import { IncrementalAlterConfigs } from '../protocol/messages/incremental-alter-configs.ts';
import { Metadata } from '../protocol/messages/metadata.ts';
import { type AclsOperation, aclsCommand } from './acls-command.ts';

export type TopicConfigs = ReadonlyMap<string, string | null>;

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  /** -1: the cluster's default. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

const TOPIC_RESOURCE = 2;
const SET = 0;
const ADMIN_TIMEOUT_MS = 20_000;

const createAdvice: ReadonlyMap<number, string> = new Map([
  [ErrorCode.INVALID_REPLICATION_FACTOR, 'Choose a replicationFactor not above the number of brokers of the destination'],
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'The link needs CREATE on the topic or on the cluster of the destination'],
  [ErrorCode.CLUSTER_AUTHORIZATION_FAILED, 'The link needs CREATE on the topic or on the cluster of the destination'],
  [ErrorCode.POLICY_VIOLATION, 'A policy of the destination forbids such a topic: see its create.topic.policy'],
]);

/** The named configs of these topics, by topic; a broker leaves out those it does not know. Needs DESCRIBE_CONFIGS on the topics. */
export const describeTopicConfigs = async (
  cluster: Cluster,
  topics: readonly string[],
  configurationKeys: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TopicConfigs>> => {
  const resources = topics.map((resourceName) => ({ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys }));
  const response = await cluster.send(DescribeConfigs, { resources }, 'any', { signal });
  return new Map(
    response.results.map(({ resourceName, errorCode, errorMessage, configs }) => {
      if (errorCode !== ErrorCode.NONE) {
        throw new BrokerError(errorCode, `read the configs of topic '${resourceName}' on the ${cluster.settings.role} cluster`, {
          detail: errorMessage,
          advice: `The link needs DESCRIBE_CONFIGS on the topics of the ${cluster.settings.role}`,
        });
      }
      return [resourceName, new Map(configs.map(({ name, value }) => [name, value]))];
    }),
  );
};

/** What a right is for, and its number in `AclOperation`: in `topicAuthorizedOperations` each is a bit. */
const OPERATIONS = {
  READ: { bit: 3, doing: 'read from' },
  WRITE: { bit: 4, doing: 'write to' },
  DELETE: { bit: 6, doing: 'delete' },
} as const;
const SPELLINGS = { READ: 'Read', WRITE: 'Write', DELETE: 'Delete' } as const satisfies Record<keyof typeof OPERATIONS, AclsOperation>;
const UNKNOWN_RIGHTS = -2_147_483_648;

/** Throws `KLINK_AUTH` for the first of these topics on which the principal may not do `operation`; brokers without the answer are taken to allow it. */
export const requireTopicRight = async (
  cluster: Cluster,
  topics: readonly string[],
  operation: keyof typeof OPERATIONS,
  signal: AbortSignal,
): Promise<void> => {
  const { bit, doing } = OPERATIONS[operation];
  const body = { topics: topics.map((name) => ({ name })), allowAutoTopicCreation: false, includeTopicAuthorizedOperations: true };
  const response = await cluster.send(Metadata, body, 'any', { signal }).catch((error: unknown) => {
    // Brokers before 2.3 cannot be asked.
    if (LinkError.is(error, 'KLINK_VERSION')) return null;
    throw error;
  });
  for (const { name, errorCode, topicAuthorizedOperations: rights } of response?.topics ?? []) {
    if (errorCode !== ErrorCode.NONE || rights === UNKNOWN_RIGHTS || (rights & (1 << bit)) !== 0) continue;
    throw new BrokerError(ErrorCode.TOPIC_AUTHORIZATION_FAILED, `${doing} topic '${name}' of the ${cluster.settings.role}`, {
      advice: `Grant the link ${operation} on the topic: ${aclsCommand(cluster.settings.bootstrap, SPELLINGS[operation], name ?? '')}`,
    });
  }
};

/** Creates a topic, or only checks that it could be created. That it exists already is no error: another process of the link may have been first. */
export const createTopic = async (
  cluster: Cluster,
  { name, partitions, replicationFactor, configs }: NewTopic,
  options: { readonly validateOnly: boolean; readonly signal: AbortSignal },
): Promise<void> => {
  const topic = {
    name,
    numPartitions: partitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
  const { validateOnly, signal } = options;
  const response = await cluster.send(CreateTopics, { topics: [topic], timeoutMs: ADMIN_TIMEOUT_MS, validateOnly }, 'controller', {
    signal,
  });
  const answer = response.topics[0];
  const errorCode = answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  if (errorCode === ErrorCode.NONE || (errorCode === ErrorCode.TOPIC_ALREADY_EXISTS && !validateOnly)) return;
  if (errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) {
    // It was not there when it was looked for: another look shows what it is.
    throw new LinkError('KLINK_STATE', `Topic '${name}' was created on the destination just now by somebody else`, { retriable: true });
  }
  const advice = createAdvice.get(errorCode);
  throw new BrokerError(errorCode, `create the mirror topic '${name}' on the destination`, {
    detail: answer?.errorMessage ?? null,
    ...(advice !== undefined && { advice }),
  });
};

/** Throws `KLINK_AUTH` when the principal may not create a topic of this name; that there is one now is no obstacle, since rights are judged first. */
export const requireCreation = async (cluster: Cluster, name: string, signal: AbortSignal): Promise<void> => {
  const topic = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
  const body = { topics: [topic], timeoutMs: ADMIN_TIMEOUT_MS, validateOnly: true };
  const { topics } = await cluster.send(CreateTopics, body, 'controller', { signal });
  const errorCode = topics[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return;
  const error = new BrokerError(errorCode, `create topic '${name}' of the ${cluster.settings.role}`, {
    advice: `Grant the link CREATE on the topic: ${aclsCommand(cluster.settings.bootstrap, 'Create', name)}`,
  });
  // What a policy says of a topic without configs is beside the point.
  if (error.code === 'KLINK_AUTH' || error.retriable) throw error;
};

/** Sets configs of a topic and leaves its others alone. Needs ALTER_CONFIGS on it. */
export const alterTopicConfigs = async (
  cluster: Cluster,
  topic: string,
  configs: readonly (readonly [string, string])[],
  signal: AbortSignal,
): Promise<void> => {
  const response = await cluster.send(
    IncrementalAlterConfigs,
    {
      resources: [
        {
          resourceType: TOPIC_RESOURCE,
          resourceName: topic,
          configs: configs.map(([name, value]) => ({ name, configOperation: SET, value })),
        },
      ],
      validateOnly: false,
    },
    'controller',
    { signal },
  );
  const answer = response.responses[0];
  if (answer === undefined || answer.errorCode === ErrorCode.NONE) return;
  throw new BrokerError(
    answer.errorCode,
    `set ${configs.map(([name, value]) => `${name}=${value}`).join(', ')} on the mirror topic '${topic}'`,
    {
      detail: answer.errorMessage,
      advice: 'Set them yourself, or grant the link ALTER_CONFIGS on the topic',
    },
  );
};

/** Raises the number of partitions of a topic. Needs ALTER on it. */
export const growTopic = async (cluster: Cluster, topic: string, count: number, signal: AbortSignal): Promise<void> => {
  const response = await cluster.send(
    CreatePartitions,
    { topics: [{ name: topic, count, assignments: null }], timeoutMs: ADMIN_TIMEOUT_MS, validateOnly: false },
    'controller',
    { signal },
  );
  const answer = response.results[0];
  // INVALID_PARTITIONS: another process of the link was first.
  if (answer === undefined || answer.errorCode === ErrorCode.NONE || answer.errorCode === ErrorCode.INVALID_PARTITIONS) return;
  throw new BrokerError(answer.errorCode, `grow the mirror topic '${topic}' to ${count} partitions`, {
    detail: answer.errorMessage,
    advice: 'The link needs ALTER on its mirror topics',
  });
};
