/** IncrementalAlterConfigs: sets, deletes, appends to or subtracts from single overrides (KIP-339). */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { IncrementalAlterConfigs, type IncrementalAlterConfigsReceivedRequest } from '../../protocol/messages/incremental-alter-configs.ts';
import { listItems } from '../config/config-definition.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { since } from '../releases.ts';
import type { RequestContext } from '../request-context.ts';
import { type ConfigResource, resourceOf } from './config-resource.ts';

const OPERATIONS = { set: 0, delete: 1, append: 2, subtract: 3 } as const;
type Change = IncrementalAlterConfigsReceivedRequest['resources'][number]['configs'][number];

export const incrementalAlterConfigs = handler(IncrementalAlterConfigs, ({ resources, validateOnly }, context) => ({
  responses: resources.map(({ resourceType, resourceName, configs }) => {
    const outcome = attempt(() => {
      const resource = resourceOf(resourceType, resourceName, 'alterConfigs', context);
      const overrides = new Map(currentOverrides(resource, context));
      const names = configs.map(({ name }) => name);
      if (new Set(names).size < names.length) throw new Refusal('INVALID_REQUEST', `Error due to duplicate config keys`);
      for (const change of configs) applyChange(resource, overrides, change, context);
      setOverrides(resource, overrides, validateOnly, context);
    });
    const failed = outcome instanceof Refusal;
    return {
      errorCode: failed ? outcome.errorCode : ErrorCode.NONE,
      errorMessage: failed ? outcome.errorMessage : null,
      resourceType,
      resourceName,
    };
  }),
}));

const currentOverrides = ({ type, name }: ConfigResource, { cluster }: RequestContext): ReadonlyMap<string, string> =>
  type === 'topic' ? cluster.configs.topicOverrides(name) : cluster.configs.dynamicOverrides(name);

const applyChange = (
  resource: ConfigResource,
  overrides: Map<string, string>,
  { name, configOperation, value }: Change,
  context: RequestContext,
): void => {
  if (configOperation === OPERATIONS.delete) {
    overrides.delete(name);
    return;
  }
  if (value === null) throw new Refusal('INVALID_REQUEST', `Null value not supported for : ${name}`);
  if (configOperation === OPERATIONS.set) {
    overrides.set(name, value);
    return;
  }
  const { configs } = context.cluster;
  const definition = (resource.type === 'topic' ? configs.topicDefinitions : configs.brokerDefinitions).get(name);
  const notAList = since(context.cluster.release, '3.9') ? 'INVALID_CONFIG' : 'INVALID_REQUEST';
  if (definition?.type !== 'list')
    throw new Refusal(notAList, `Can't APPEND to or SUBTRACT from key ${name} because its type is not LIST.`);
  const inherited = resource.type === 'topic' ? configs.topicValues(name, resource.name) : configs.brokerValues(name, resource.name);
  const before = listItems(overrides.get(name) ?? inherited[0]?.value ?? '');
  const items = listItems(value);
  const kept = before.filter((item) => !items.includes(item));
  overrides.set(
    name,
    (configOperation === OPERATIONS.append ? [...before, ...items.filter((item) => !before.includes(item))] : kept).join(','),
  );
};

/** Checks a full set of overrides and puts it in place. */
export const setOverrides = (
  { type, name }: ConfigResource,
  overrides: ReadonlyMap<string, string>,
  validateOnly: boolean,
  { cluster }: RequestContext,
): void => {
  const { configs } = cluster;
  if (type === 'topic') {
    configs.checkTopicNames(overrides);
    const wrong = attempt(() => configs.checkTopicValues(overrides));
    // Brokers before KRaft say it with the more general code.
    if (wrong instanceof Refusal) throw since(cluster.release, '3.9') ? wrong : new Refusal('INVALID_REQUEST', wrong.errorMessage);
    if (!validateOnly) configs.setTopic(name, overrides);
  } else {
    configs.checkDynamic(overrides);
    if (!validateOnly) configs.setDynamic(name, overrides);
  }
};
