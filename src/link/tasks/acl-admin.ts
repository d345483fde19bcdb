/** ACLs of a cluster: all of them read, some added, single ones removed; each refusal with the ACL it concerns. */
import { BrokerError, type BrokerErrorDetails } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { CreateAcls } from '../../protocol/messages/create-acls.ts';
import { DeleteAcls } from '../../protocol/messages/delete-acls.ts';
import { DescribeAcls } from '../../protocol/messages/describe-acls.ts';
import { chunks } from './chunks.ts';
import type { AclBinding } from './plan-acls.ts';

/** In a filter: whatever it is. */
const ANY = 1;
/** ACLs in one request; a controller writes them as one batch of its log. */
const ACLS_PER_REQUEST = 500;

/** Names by wire code, as kafka-acls prints them. */
const RESOURCES: Readonly<Record<number, string>> = {
  2: 'topic',
  3: 'group',
  4: 'cluster',
  5: 'transactional id',
  6: 'delegation token',
  7: 'user',
};
const OPERATIONS: Readonly<Record<number, string>> = {
  2: 'ALL',
  3: 'READ',
  4: 'WRITE',
  5: 'CREATE',
  6: 'DELETE',
  7: 'ALTER',
  8: 'DESCRIBE',
  9: 'CLUSTER_ACTION',
  10: 'DESCRIBE_CONFIGS',
  11: 'ALTER_CONFIGS',
  12: 'IDEMPOTENT_WRITE',
  13: 'CREATE_TOKENS',
  14: 'DESCRIBE_TOKENS',
};
const PREFIXED = 4;
const DENY = 2;

/** An ACL as a person reads it: `DENY WRITE on topic orders* to User:ann from *`. */
export const aclText = ({ resourceType, resourceName, patternType, principal, host, operation, permissionType }: AclBinding): string => {
  const permission = permissionType === DENY ? 'DENY' : 'ALLOW';
  const resource = `${RESOURCES[resourceType] ?? `resource type ${resourceType}`} ${resourceName}${patternType === PREFIXED ? '*' : ''}`;
  return `${permission} ${OPERATIONS[operation] ?? `operation ${operation}`} on ${resource} to ${principal} from ${host}`;
};

/** An ACL that could not be added or removed, and why. */
export interface RefusedAcl {
  readonly binding: AclBinding;
  readonly error: BrokerError;
}

const adviceOf = (code: number, role: string, right: string): BrokerErrorDetails => {
  if (code === ErrorCode.SECURITY_DISABLED)
    return { advice: `ACLs can be synced only between clusters with an authorizer; the ${role} has none` };
  return code === ErrorCode.CLUSTER_AUTHORIZATION_FAILED ? { advice: `The link needs ${right} on the cluster of the ${role}` } : {};
};

/**
 * Every ACL of the cluster. Needs DESCRIBE on the cluster.
 *
 * @throws BrokerError with SECURITY_DISABLED when the cluster has no authorizer, CLUSTER_AUTHORIZATION_FAILED; LinkError as `Cluster.send`.
 */
export const describeAcls = async (cluster: Cluster, signal: AbortSignal): Promise<readonly AclBinding[]> => {
  const { role } = cluster.settings;
  const filter = {
    resourceTypeFilter: ANY,
    resourceNameFilter: null,
    patternTypeFilter: ANY,
    principalFilter: null,
    hostFilter: null,
    operation: ANY,
    permissionType: ANY,
  };
  const { errorCode, errorMessage, resources } = await cluster.send(DescribeAcls, filter, 'any', { signal });
  if (errorCode !== ErrorCode.NONE) {
    throw new BrokerError(errorCode, `read the ACLs of the ${role}`, { detail: errorMessage, ...adviceOf(errorCode, role, 'DESCRIBE') });
  }
  return resources.flatMap(({ acls, ...resource }) => acls.map((acl) => ({ ...resource, ...acl })));
};

/** Adds ACLs; those that are there already stay. Needs ALTER on the cluster. Resolves with those that were refused; throws as `Cluster.send`. */
export const createAcls = async (
  cluster: Cluster,
  bindings: readonly AclBinding[],
  signal: AbortSignal,
): Promise<readonly RefusedAcl[]> => {
  const { role } = cluster.settings;
  const refused: RefusedAcl[] = [];
  for (const some of chunks(bindings, ACLS_PER_REQUEST)) {
    const creations = some.map(({ patternType: resourcePatternType, ...rest }) => ({ ...rest, resourcePatternType }));
    const { results } = await cluster.send(CreateAcls, { creations }, 'controller', { signal });
    for (const [index, binding] of some.entries()) {
      const { errorCode = ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage = null } = results[index] ?? {};
      if (errorCode !== ErrorCode.NONE) refused.push(refusal('add', binding, errorCode, errorMessage, role));
    }
  }
  return refused;
};

/** Removes exactly these ACLs: the filters have nothing open. Needs ALTER on the cluster. Resolves and throws as {@link createAcls}. */
export const deleteAcls = async (
  cluster: Cluster,
  bindings: readonly AclBinding[],
  signal: AbortSignal,
): Promise<readonly RefusedAcl[]> => {
  const { role } = cluster.settings;
  const refused: RefusedAcl[] = [];
  for (const some of chunks(bindings, ACLS_PER_REQUEST)) {
    const filters = some.map(({ resourceType, resourceName, patternType, principal, host, operation, permissionType }) => ({
      resourceTypeFilter: resourceType,
      resourceNameFilter: resourceName,
      patternTypeFilter: patternType,
      principalFilter: principal,
      hostFilter: host,
      operation,
      permissionType,
    }));
    const { filterResults } = await cluster.send(DeleteAcls, { filters }, 'controller', { signal });
    for (const [index, binding] of some.entries()) {
      const result = filterResults[index];
      const failed = [result ?? { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: null }, ...(result?.matchingAcls ?? [])].find(
        ({ errorCode }) => errorCode !== ErrorCode.NONE,
      );
      if (failed !== undefined) refused.push(refusal('remove', binding, failed.errorCode, failed.errorMessage, role));
    }
  }
  return refused;
};

const refusal = (verb: 'add' | 'remove', binding: AclBinding, code: number, detail: string | null, role: string): RefusedAcl => ({
  binding,
  error: new BrokerError(code, `${verb} ${aclText(binding)} on the ${role}`, { detail, ...adviceOf(code, role, 'ALTER') }),
});
