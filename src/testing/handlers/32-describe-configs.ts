/** DescribeConfigs: every config of a topic or broker, with its value, its source and the values it hides. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeConfigs, type DescribeConfigsReceivedRequest } from '../../protocol/messages/describe-configs.ts';
import { CONFIG_SOURCES, CONFIG_TYPES, type ConfigDefinition } from '../config/config-definition.ts';
import type { ConfigValue } from '../config/config-store.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import type { RequestContext } from '../request-context.ts';
import { type ConfigResource, resourceOf } from './config-resource.ts';

type Wanted = DescribeConfigsReceivedRequest['resources'][number];

export const describeConfigs = handler(DescribeConfigs, ({ resources, includeSynonyms }, context) => ({
  results: resources.map((wanted) => {
    const { resourceType, resourceName } = wanted;
    const outcome = attempt(() => described(wanted, includeSynonyms, context));
    if (outcome instanceof Refusal) {
      return { errorCode: outcome.errorCode, errorMessage: outcome.errorMessage, resourceType, resourceName, configs: [] };
    }
    return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName, configs: outcome };
  }),
}));

const described = ({ resourceType, resourceName, configurationKeys }: Wanted, includeSynonyms: boolean, context: RequestContext) => {
  const resource = resourceOf(resourceType, resourceName, 'describeConfigs', context);
  const { configs } = context.cluster;
  const definitions = resource.type === 'topic' ? configs.topicDefinitions : configs.brokerDefinitions;
  const asked = (name: string): boolean => configurationKeys === null || configurationKeys.includes(name);
  return [...definitions.values()]
    .filter(({ name }) => asked(name))
    .map((definition) => ({ definition, values: valuesOf(resource, definition.name, context) }))
    .filter(({ values }) => resource.name !== '' || values.length > 0)
    .map(({ definition, values }) => entry(definition, resource, values, includeSynonyms));
};

/** The values of a config; of all brokers' defaults, only what was set dynamically. */
const valuesOf = (resource: ConfigResource, name: string, { cluster, broker }: RequestContext): readonly ConfigValue[] => {
  if (resource.type === 'topic') return cluster.configs.topicValues(name, resource.name, String(broker.id));
  const values = cluster.configs.brokerValues(name, resource.name);
  return resource.name === '' ? values.filter(({ source }) => source === CONFIG_SOURCES.dynamicDefaultBroker) : values;
};

const entry = (
  { name, type, dynamic, fallback }: ConfigDefinition,
  resource: ConfigResource,
  values: readonly ConfigValue[],
  includeSynonyms: boolean,
) => ({
  name,
  value: values[0]?.value ?? fallback,
  readOnly: resource.type === 'broker' && !dynamic,
  configSource: values[0]?.source ?? CONFIG_SOURCES.default,
  isSensitive: false,
  synonyms: includeSynonyms ? values.filter(({ value }) => value !== null) : [],
  configType: CONFIG_TYPES[type],
  documentation: null,
});
