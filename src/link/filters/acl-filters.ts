/** Filters that select ACLs: the product's JSON. Checked, matched against entries as the wire has them, explained, printed. Pure. */
import type { AclBinding } from '../tasks/plan-acls.ts';
import { at, type FilterProblem, fieldsOf, listInJson, problemList, type Report, wordAt } from './filter-json.ts';

/** Words of the JSON with their codes on the wire; `any` only in filters. */
const RESOURCE_TYPES = { any: 1, topic: 2, group: 3, cluster: 4, transactionalId: 5, delegationToken: 6, user: 7 } as const;
const RESOURCE_PATTERN_TYPES = { any: 1, match: 2, literal: 3, prefixed: 4 } as const;
const OPERATIONS = {
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
  createTokens: 13,
  describeTokens: 14,
} as const;
const PERMISSION_TYPES = { any: 1, deny: 2, allow: 3 } as const;

const ANY = 1;
const CLUSTER_NAME = 'kafka-cluster';
const WILDCARD = '*';
const KEY = 'aclFilters';

/** One filter, in the product's shape. What is left out may be anything. Several filters select what any of them does; there is no exclude. */
export interface AclFilter {
  readonly resourceFilter: {
    readonly resourceType: keyof typeof RESOURCE_TYPES;
    readonly name?: string;
    /** `match`: every entry that concerns a resource of that name. Default `any`: entries of exactly that name, literal or prefixed. */
    readonly patternType?: keyof typeof RESOURCE_PATTERN_TYPES;
  };
  readonly accessFilter: {
    /** As in `User:ann`. */
    readonly principal?: string;
    readonly host?: string;
    readonly operation: keyof typeof OPERATIONS;
    readonly permissionType: keyof typeof PERMISSION_TYPES;
  };
}

const words = <T extends object>(codes: T): readonly Extract<keyof T, string>[] => Object.keys(codes) as Extract<keyof T, string>[];

/** A text that may be left out; undefined if it is, or after a report. */
const textAt = (path: string, value: unknown, report: Report): string | undefined => {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  report(path, value, 'must be a text that is not empty, or left out for any');
  return undefined;
};

const resourceAt = (path: string, value: unknown, report: Report): AclFilter['resourceFilter'] | null => {
  const fields = fieldsOf(path, value, ['resourceType', 'name', 'patternType'], report);
  if (fields === null) return null;
  const resourceType = wordAt(at(path, 'resourceType'), fields['resourceType'], words(RESOURCE_TYPES), report);
  const patternType = wordAt(at(path, 'patternType'), fields['patternType'], words(RESOURCE_PATTERN_TYPES), report, 'any');
  const name = textAt(at(path, 'name'), fields['name'], report);
  if (resourceType === 'cluster' && name !== undefined && name !== CLUSTER_NAME)
    report(at(path, 'name'), name, `must be '${CLUSTER_NAME}', or left out: there is no other resource of that type`);
  if (resourceType === null || patternType === null) return null;
  return Object.freeze({ resourceType, ...(name !== undefined && { name }), patternType });
};

const accessAt = (path: string, value: unknown, report: Report): AclFilter['accessFilter'] | null => {
  const fields = fieldsOf(path, value, ['principal', 'host', 'operation', 'permissionType'], report);
  if (fields === null) return null;
  const principal = textAt(at(path, 'principal'), fields['principal'], report);
  const host = textAt(at(path, 'host'), fields['host'], report);
  const operation = wordAt(at(path, 'operation'), fields['operation'], words(OPERATIONS), report);
  const permissionType = wordAt(at(path, 'permissionType'), fields['permissionType'], words(PERMISSION_TYPES), report);
  if (principal !== undefined && !/^[^:]+:./s.test(principal))
    report(at(path, 'principal'), principal, 'must have a type and a name, such as User:ann');
  if (operation === null || permissionType === null) return null;
  return Object.freeze({ ...(principal !== undefined && { principal }), ...(host !== undefined && { host }), operation, permissionType });
};

const filterAt = (path: string, value: unknown, report: Report): AclFilter | null => {
  const fields = fieldsOf(path, value, ['resourceFilter', 'accessFilter'], report);
  if (fields === null) return null;
  const resourceFilter = resourceAt(at(path, 'resourceFilter'), fields['resourceFilter'], report);
  const accessFilter = accessAt(at(path, 'accessFilter'), fields['accessFilter'], report);
  return resourceFilter === null || accessFilter === null ? null : Object.freeze({ resourceFilter, accessFilter });
};

const filtersAt = (list: readonly unknown[], report: Report): readonly AclFilter[] =>
  Object.freeze(list.flatMap((value, i) => filterAt(`${KEY}[${i}]`, value, report) ?? []));

/** Filters that were read. They may be used only if there are no problems. */
export interface ParsedAclFilters {
  readonly filters: readonly AclFilter[];
  readonly problems: readonly FilterProblem[];
}

/** Checks filters that are given as data. */
export const checkAclFilters = (list: unknown): ParsedAclFilters => {
  const { problems, report } = problemList();
  if (!Array.isArray(list)) report(KEY, list, 'must be a list of filters');
  return { filters: filtersAt(Array.isArray(list) ? list : [], report), problems };
};

/** Reads the value of `acl.filters`. Empty text: no filters. */
export const parseAclFilters = (text: string): ParsedAclFilters => {
  const { problems, report } = problemList();
  return { filters: filtersAt(listInJson(text, KEY, report), report), problems };
};

/** The product's JSON, as short as it can be; empty text without filters. */
export const printAclFilters = (filters: readonly AclFilter[]): string =>
  filters.length === 0
    ? ''
    : JSON.stringify({
        [KEY]: filters.map(({ resourceFilter: { resourceType, name, patternType = 'any' }, accessFilter }) => {
          const { principal, host, operation, permissionType } = accessFilter;
          return { resourceFilter: { resourceType, name, patternType }, accessFilter: { principal, host, operation, permissionType } };
        }),
      });

const concerns = (name: string, { patternType, resourceName }: AclBinding): boolean =>
  patternType === RESOURCE_PATTERN_TYPES.prefixed ? name.startsWith(resourceName) : resourceName === name || resourceName === WILDCARD;

const isAnyOr = (code: number, found: number): boolean => code === ANY || code === found;

/** What a filter asks of an entry, term by term, as Kafka's own filters do (KIP-290). */
const TERMS: Readonly<Record<string, (filter: AclFilter, binding: AclBinding) => boolean>> = {
  'resourceFilter.resourceType': ({ resourceFilter }, { resourceType }) =>
    isAnyOr(RESOURCE_TYPES[resourceFilter.resourceType], resourceType),
  'resourceFilter.patternType': ({ resourceFilter: { patternType = 'any' } }, binding) =>
    patternType === 'match' || isAnyOr(RESOURCE_PATTERN_TYPES[patternType], binding.patternType),
  'resourceFilter.name': ({ resourceFilter: { name, patternType } }, binding) =>
    name === undefined || (patternType === 'match' ? concerns(name, binding) : binding.resourceName === name),
  'accessFilter.principal': ({ accessFilter }, { principal }) => (accessFilter.principal ?? principal) === principal,
  'accessFilter.host': ({ accessFilter }, { host }) => (accessFilter.host ?? host) === host,
  'accessFilter.operation': ({ accessFilter }, { operation }) => isAnyOr(OPERATIONS[accessFilter.operation], operation),
  'accessFilter.permissionType': ({ accessFilter }, { permissionType }) =>
    isAnyOr(PERMISSION_TYPES[accessFilter.permissionType], permissionType),
};

const selects = (filter: AclFilter, binding: AclBinding): boolean => Object.values(TERMS).every((holds) => holds(filter, binding));

/** Whether one of the filters selects the entry. */
export const selectsAcl = (filters: readonly AclFilter[], binding: AclBinding): boolean =>
  filters.some((filter) => selects(filter, binding));

/** Why an entry is selected or not. */
export interface AclVerdict {
  readonly selected: boolean;
  /** The first filter that selects it. */
  readonly filter: AclFilter | null;
  /** In words: which filter selects it, or which term of each filter it does not meet. */
  readonly text: string;
}

export const explainAcl = (filters: readonly AclFilter[], binding: AclBinding): AclVerdict => {
  const index = filters.findIndex((filter) => selects(filter, binding));
  const filter = filters[index];
  if (filter !== undefined) return { selected: true, filter, text: `The ACL is selected by ${KEY}[${index}]` };
  const missed = filters.map((one, i) => {
    const terms = Object.keys(TERMS).filter((term) => TERMS[term]?.(one, binding) === false);
    return `${KEY}[${i}] by ${terms.join(', ')}`;
  });
  const text = missed.length === 0 ? 'there are no filters' : `it is kept out of ${missed.join('; ')}`;
  return { selected: false, filter: null, text: `The ACL is not selected: ${text}` };
};
