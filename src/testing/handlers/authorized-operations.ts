/** The set of operations a sender may perform on a resource, as the bit field of KIP-430. */
import { allows, type RequestContext } from '../request-context.ts';
import { OPERATIONS, type Operation, type ResourceType } from '../security/acl.ts';

/** Stands for "not asked for". */
export const NOT_ASKED = -2147483648;

const POSSIBLE: Readonly<Partial<Record<ResourceType, readonly Operation[]>>> = {
  topic: ['read', 'write', 'create', 'delete', 'alter', 'describe', 'describeConfigs', 'alterConfigs'],
  group: ['read', 'delete', 'describe', 'describeConfigs', 'alterConfigs'],
  cluster: ['create', 'alter', 'describe', 'clusterAction', 'describeConfigs', 'alterConfigs', 'idempotentWrite'],
};

export const authorizedOperations = (context: RequestContext, type: ResourceType, name?: string): number =>
  (POSSIBLE[type] ?? [])
    .filter((operation) => allows(context, operation, type, name))
    .reduce((bits, operation) => bits | (1 << OPERATIONS[operation]), 0);
