/** Access control lists: Kafka's codes, what matches what, and what a set of entries allows (KIP-11, KIP-290). Pure. */

export const RESOURCE_TYPES = { any: 1, topic: 2, group: 3, cluster: 4, transactionalId: 5, delegationToken: 6 } as const;
export type ResourceType = Exclude<keyof typeof RESOURCE_TYPES, 'any'>;

export const OPERATIONS = {
  any: 1,
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const;
export type Operation = Exclude<keyof typeof OPERATIONS, 'any' | 'all'>;

export const PERMISSIONS = { any: 1, deny: 2, allow: 3 } as const;
export const PATTERN_TYPES = { any: 1, match: 2, literal: 3, prefixed: 4 } as const;

/** Name of the one resource of type cluster. */
export const CLUSTER_RESOURCE = 'kafka-cluster';
const WILDCARD = '*';
const EVERYONE = 'User:*';

/** One entry, in wire codes. */
export interface Acl {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

/** What DescribeAcls and DeleteAcls ask for; null and the `any` codes match everything. */
export interface AclFilter {
  readonly resourceTypeFilter: number;
  readonly resourceNameFilter: string | null;
  readonly patternTypeFilter: number;
  readonly principalFilter: string | null;
  readonly hostFilter: string | null;
  readonly operation: number;
  readonly permissionType: number;
}

/** These operations include DESCRIBE (or, in the second list, DESCRIBE_CONFIGS) of the same resource. */
const IMPLY_DESCRIBE: readonly number[] = [OPERATIONS.read, OPERATIONS.write, OPERATIONS.delete, OPERATIONS.alter];
const IMPLY_DESCRIBE_CONFIGS: readonly number[] = [OPERATIONS.alterConfigs];

const allowing = (operation: number): readonly number[] => {
  const implied =
    operation === OPERATIONS.describe ? IMPLY_DESCRIBE : operation === OPERATIONS.describeConfigs ? IMPLY_DESCRIBE_CONFIGS : [];
  return [operation, OPERATIONS.all, ...implied];
};

const covers = ({ patternType, resourceName }: Acl, name: string): boolean =>
  patternType === PATTERN_TYPES.prefixed ? name.startsWith(resourceName) : resourceName === name || resourceName === WILDCARD;

/** What somebody wants to do. */
export interface Attempt {
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly resourceType: number;
  readonly resourceName: string;
}

/** Whether the entries allow it: a deny beats every allow, and without an entry for the resource `otherwise` counts. */
export const isAllowed = (
  acls: readonly Acl[],
  { principal, host, operation, resourceType, resourceName }: Attempt,
  otherwise: boolean,
): boolean => {
  const concerning = acls.filter((acl) => acl.resourceType === resourceType && covers(acl, resourceName));
  if (concerning.length === 0) return otherwise;
  const mine = concerning.filter(
    (acl) => (acl.principal === principal || acl.principal === EVERYONE) && (acl.host === host || acl.host === WILDCARD),
  );
  const names = (acl: Acl, operations: readonly number[]): boolean => operations.includes(acl.operation);
  if (mine.some((acl) => acl.permissionType === PERMISSIONS.deny && names(acl, [operation, OPERATIONS.all]))) return false;
  return mine.some((acl) => acl.permissionType === PERMISSIONS.allow && names(acl, allowing(operation)));
};

const matchesName = (acl: Acl, { resourceNameFilter: name, patternTypeFilter: pattern }: AclFilter): boolean => {
  const named = name === null || acl.resourceName === name;
  if (pattern === PATTERN_TYPES.any) return named;
  if (pattern === PATTERN_TYPES.match) return name === null || covers(acl, name);
  return named && acl.patternType === pattern;
};

export const matchesFilter = (acl: Acl, filter: AclFilter): boolean =>
  (filter.resourceTypeFilter === RESOURCE_TYPES.any || filter.resourceTypeFilter === acl.resourceType) &&
  matchesName(acl, filter) &&
  (filter.principalFilter === null || filter.principalFilter === acl.principal) &&
  (filter.hostFilter === null || filter.hostFilter === acl.host) &&
  (filter.operation === OPERATIONS.any || filter.operation === acl.operation) &&
  (filter.permissionType === PERMISSIONS.any || filter.permissionType === acl.permissionType);
