/** What DescribeConfigs and both AlterConfigs have in common: the resource that is meant. */
import { Refusal } from '../refusal.ts';
import { demand, type RequestContext, spring } from '../request-context.ts';
import type { Operation } from '../security/acl.ts';

/** `ConfigResource.Type` of the resources that are played here. */
const CONFIG_RESOURCES = { topic: 2, broker: 4 } as const;

export type ConfigResource = { readonly type: 'topic'; readonly name: string } | { readonly type: 'broker'; readonly name: string };

/** Throws the refusal of a resource that does not exist, is not played, or is out of reach for the sender. */
export const resourceOf = (resourceType: number, name: string, operation: Operation, context: RequestContext): ConfigResource => {
  if (resourceType === CONFIG_RESOURCES.topic) {
    demand(context, operation, 'topic', name);
    spring(context, name);
    if (context.cluster.topic(name) === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`);
    return { type: 'topic', name };
  }
  demand(context, operation, 'cluster');
  spring(context, name);
  if (resourceType !== CONFIG_RESOURCES.broker) throw new Refusal('INVALID_REQUEST', `Unexpected resource type ${resourceType}`);
  // A broker knows only its own configs; the empty name stands for the defaults of all.
  if (name !== '' && name !== String(context.broker.id)) {
    throw new Refusal('INVALID_REQUEST', `Unexpected broker id, expected ${context.broker.id}, but received ${name}`);
  }
  return { type: 'broker', name };
};
