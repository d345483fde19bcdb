/** Configs of many topics at once: described with where each value comes from, changed with an answer for each topic. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeConfigs, type DescribeConfigsResponse } from '../../protocol/messages/describe-configs.ts';
import { IncrementalAlterConfigs } from '../../protocol/messages/incremental-alter-configs.ts';
import { chunks } from './chunks.ts';
import type { ConfigChange, ConfigEntries, ConfigEntry } from './plan-topic-configs.ts';

const TOPIC_RESOURCE = 2;
/** `ConfigSource.TOPIC_CONFIG`. */
const SET_ON_TOPIC = 1;
const OPERATIONS: Readonly<Record<ConfigChange['operation'], number>> = { SET: 0, DELETE: 1 };
/** Topics in one request: an answer has some 150 bytes for each config of each topic. */
const TOPICS_PER_REQUEST = 100;

type DescribedConfig = DescribeConfigsResponse['results'][number]['configs'][number];

/**
 * The named configs of these topics, null for all; a broker leaves out those it does not know. A topic that it refuses to describe has its error instead.
 * Needs DESCRIBE_CONFIGS on the topics. Throws as `Cluster.send`.
 */
export const describeConfigs = async (
  cluster: Cluster,
  topics: readonly string[],
  names: readonly string[] | null,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ConfigEntries | BrokerError>> => {
  const described = new Map<string, ConfigEntries | BrokerError>();
  for (const some of chunks(topics, TOPICS_PER_REQUEST)) {
    const resources = some.map((resourceName) => ({ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: names }));
    const { results } = await cluster.send(DescribeConfigs, { resources, includeSynonyms: true }, 'any', { signal });
    for (const { resourceName, errorCode, errorMessage, configs } of results) {
      described.set(
        resourceName,
        errorCode === ErrorCode.NONE
          ? new Map(configs.map((config) => [config.name, entryOf(config)]))
          : new BrokerError(errorCode, `read the configs of topic '${resourceName}' on the ${cluster.settings.role} cluster`, {
              detail: errorMessage,
              advice: `The link needs DESCRIBE_CONFIGS on the topics of the ${cluster.settings.role}`,
            }),
      );
    }
  }
  return described;
};

/** Milliseconds in one unit of the broker configs that are older than their twins in milliseconds (`log.retention.hours`, `log.roll.hours`). */
const UNITS: readonly (readonly [suffix: string, ms: bigint])[] = [
  ['.minutes', 60_000n],
  ['.hours', 3_600_000n],
];

/** What a broker config is for a topic: synonyms carry the names and the units under which they were set. */
const asTopicValue = ({ name, value }: { readonly name: string; readonly value: string | null }): string | undefined => {
  if (value === null) return undefined;
  const [, ms] = UNITS.find(([suffix]) => name.endsWith(suffix)) ?? [];
  return ms !== undefined && /^-?\d{1,15}$/.test(value) ? String(value.startsWith('-') ? -1n : BigInt(value) * ms) : value;
};

const entryOf = ({ value, configSource, synonyms }: DescribedConfig): ConfigEntry => {
  const next = synonyms.find(({ source }) => source !== SET_ON_TOPIC);
  const isSet = configSource === SET_ON_TOPIC;
  const inherited = isSet ? next && asTopicValue(next) : (value ?? undefined);
  return { value, isSet, ...(inherited !== undefined && { inherited }) };
};

/**
 * Changes configs and leaves the others alone; all changes of a topic, or none. Resolves with what was refused, by topic.
 * Needs ALTER_CONFIGS on the topics. Throws as `Cluster.send`.
 */
export const alterConfigs = async (
  cluster: Cluster,
  changes: readonly (readonly [topic: string, changes: readonly ConfigChange[]])[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, BrokerError>> => {
  const refused = new Map<string, BrokerError>();
  for (const some of chunks(changes, TOPICS_PER_REQUEST)) {
    const resources = some.map(([resourceName, wanted]) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName,
      configs: wanted.map(({ name, operation, to }) => ({
        name,
        configOperation: OPERATIONS[operation],
        value: operation === 'SET' ? to : null,
      })),
    }));
    const { responses } = await cluster.send(IncrementalAlterConfigs, { resources, validateOnly: false }, 'controller', { signal });
    for (const { resourceName, errorCode, errorMessage } of responses) {
      if (errorCode === ErrorCode.NONE) continue;
      const wanted = some.find(([topic]) => topic === resourceName)?.[1] ?? [];
      refused.set(
        resourceName,
        new BrokerError(errorCode, `change ${wanted.map(changeText).join(', ')} of topic '${resourceName}'`, {
          detail: errorMessage,
          advice:
            'The link needs ALTER_CONFIGS on its mirror topics; a config that cannot be followed can be left out of topic.config.sync.include',
        }),
      );
    }
  }
  return refused;
};

const changeText = ({ name, operation, to }: ConfigChange): string => (operation === 'SET' ? `${name} to ${to}` : `${name} to its default`);
