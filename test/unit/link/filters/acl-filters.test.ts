/** ACL filters: the product's own JSON, every problem at its path, what selects what, and why. */
import { describe, expect, it } from 'vitest';
import {
  type AclFilter,
  checkAclFilters,
  explainAcl,
  parseAclFilters,
  printAclFilters,
  selectsAcl,
} from '../../../../src/link/filters/acl-filters.ts';
import type { AclBinding } from '../../../../src/link/tasks/plan-acls.ts';

const ORDERS_JSON = `{"aclFilters":[{"resourceFilter":{"resourceType":"topic","name":"orders","patternType":"literal"},
                "accessFilter":{"principal":"User:sa-1","host":"*","operation":"any","permissionType":"any"}}]}`;
/** As in the product's examples, in capitals. */
const EVERYTHING_JSON = `{"aclFilters":[{"resourceFilter":{"resourceType":"ANY","patternType":"ANY"},
                "accessFilter":{"operation":"ANY","permissionType":"ANY"}}]}`;

/** ALLOW READ on topic orders to User:sa-1. */
const READ_ORDERS: AclBinding = {
  resourceType: 2,
  resourceName: 'orders',
  patternType: 3,
  principal: 'User:sa-1',
  host: '*',
  operation: 3,
  permissionType: 3,
};

describe("the product's JSON", () => {
  it('selects what it names', () => {
    const { filters, problems } = parseAclFilters(ORDERS_JSON);
    expect(problems).toEqual([]);
    expect(selectsAcl(filters, READ_ORDERS)).toBe(true);
    for (const change of [
      { resourceType: 3 },
      { resourceName: 'orders2' },
      { patternType: 4 },
      { principal: 'User:sa-2' },
      { host: '10.0.0.1' },
    ]) {
      expect(selectsAcl(filters, { ...READ_ORDERS, ...change })).toBe(false);
    }
  });

  it('selects everything', () => {
    const { filters, problems } = parseAclFilters(EVERYTHING_JSON);
    expect(problems).toEqual([]);
    expect(selectsAcl(filters, READ_ORDERS)).toBe(true);
    expect(selectsAcl(filters, { ...READ_ORDERS, resourceType: 7, patternType: 4, operation: 14, permissionType: 2 })).toBe(true);
    expect(printAclFilters(filters)).toBe(JSON.stringify(JSON.parse(EVERYTHING_JSON.replaceAll('ANY', 'any'))));
  });

  it('is printed as it came, without the blanks', () => {
    expect(printAclFilters(parseAclFilters(ORDERS_JSON).filters)).toBe(JSON.stringify(JSON.parse(ORDERS_JSON)));
    expect(printAclFilters([])).toBe('');
    expect(parseAclFilters('')).toEqual({ filters: [], problems: [] });
  });

  it.each(['transactionalId', 'TRANSACTIONAL_ID', 'transactional_id', 'TransactionalId'])('takes %s', (resourceType) => {
    const list = [{ resourceFilter: { resourceType }, accessFilter: { operation: 'CLUSTER_ACTION', permissionType: 'Deny' } }];
    expect(checkAclFilters(list)).toEqual({
      problems: [],
      filters: [
        {
          resourceFilter: { resourceType: 'transactionalId', patternType: 'any' },
          accessFilter: { operation: 'clusterAction', permissionType: 'deny' },
        },
      ],
    });
  });
});

describe('problems', () => {
  it('are all told at once, each at its path', () => {
    const list = [
      { resourceFilter: { resourceType: 'topics', patternType: 'prefix', names: 'a' }, accessFilter: { operation: 'consume' } },
      { resourceFilter: { resourceType: 'cluster', name: 'my-cluster' } },
      {
        resourceFilter: { resourceType: 'any', name: '' },
        accessFilter: { principal: 'ann', host: 5, operation: 'any', permissionType: 'any' },
      },
    ];
    expect(checkAclFilters(list).problems.map(({ path, value, rule }) => `${path} is ${value}; it ${rule}`)).toEqual([
      "aclFilters[0].resourceFilter.names is 'a'; it is not known here; there are resourceType, name, patternType",
      "aclFilters[0].resourceFilter.resourceType is 'topics'; it must be any, topic, group, cluster, transactionalId, delegationToken or user",
      "aclFilters[0].resourceFilter.patternType is 'prefix'; it must be any, match, literal or prefixed",
      expect.stringMatching(/^aclFilters\[0\]\.accessFilter\.operation is 'consume'; it must be any, all, read/),
      'aclFilters[0].accessFilter.permissionType is missing; it must be any, deny or allow',
      "aclFilters[1].resourceFilter.name is 'my-cluster'; it must be 'kafka-cluster', or left out: there is no other resource of that type",
      'aclFilters[1].accessFilter is missing; it must be an object with principal, host, operation, permissionType',
      "aclFilters[2].resourceFilter.name is ''; it must be a text that is not empty, or left out for any",
      'aclFilters[2].accessFilter.host is 5; it must be a text that is not empty, or left out for any',
      "aclFilters[2].accessFilter.principal is 'ann'; it must have a type and a name, such as User:ann",
    ]);
  });

  it.each(['{', '[]', '{"aclFilters":1}', '{"aclFilters":[null]}', '{"aclFilters":[{"toString":1}]}', '{"topicFilters":[]}'])(
    '%s',
    (text) => {
      expect(parseAclFilters(text).problems).not.toEqual([]);
    },
  );
});

describe('why', () => {
  const filter = (name: string): AclFilter => ({
    resourceFilter: { resourceType: 'topic', name },
    accessFilter: { operation: 'write', permissionType: 'any' },
  });

  it('names the first filter that selects it', () => {
    const filters = [filter('a'), filter('b')];
    expect(explainAcl(filters, { ...READ_ORDERS, resourceName: 'b', operation: 4 })).toEqual({
      selected: true,
      filter: filters[1],
      text: 'The ACL is selected by aclFilters[1]',
    });
  });

  it('or what keeps it out of each', () => {
    expect(explainAcl([filter('a'), filter('orders')], READ_ORDERS).text).toBe(
      'The ACL is not selected: it is kept out of aclFilters[0] by resourceFilter.name, accessFilter.operation; aclFilters[1] by accessFilter.operation',
    );
    expect(explainAcl([], READ_ORDERS)).toEqual({ selected: false, filter: null, text: 'The ACL is not selected: there are no filters' });
  });
});
