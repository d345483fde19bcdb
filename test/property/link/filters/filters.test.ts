/** Filters against matchers that share no code with them: for names a plain reading of the rules, for ACLs the embedded cluster's DescribeAcls. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AclFilter,
  checkAclFilters,
  explainAcl,
  parseAclFilters,
  printAclFilters,
  selectsAcl,
} from '../../../../src/link/filters/acl-filters.ts';
import {
  checkNameFilters,
  type NameFilter,
  NameFilters,
  parseNameFilters,
  printNameFilters,
} from '../../../../src/link/filters/name-filters.ts';
import { matchesFilter, OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES } from '../../../../src/testing/security/acl.ts';

const SHORT = ['a', 'b', '_', '-', '.'];
const name = fc.array(fc.constantFrom(...SHORT), { minLength: 1, maxLength: 4 }).map((letters) => letters.join(''));
/** Patterns that are easy to say without a matcher for patterns. */
const PATTERNS: Readonly<Record<string, (name: string) => boolean>> = {
  '.*': () => true,
  'a.*': (text) => text.startsWith('a'),
  '.*b': (text) => text.endsWith('b'),
  '[^_]+': (text) => !text.includes('_'),
  '.{2}': (text) => text.length === 2,
  'a|b': (text) => text === 'a' || text === 'b',
};
const nameFilter = fc.tuple(
  fc.oneof(
    fc.tuple(fc.oneof(name, fc.constant('*')), fc.constant('LITERAL' as const)),
    fc.tuple(name, fc.constant('PREFIXED' as const)),
    fc.tuple(fc.constantFrom(...Object.keys(PATTERNS)), fc.constant('REGEX' as const)),
  ),
  fc.constantFrom('INCLUDE' as const, 'INCLUDE' as const, 'EXCLUDE' as const),
);
const nameFilters = fc.array(
  nameFilter.map(([[text, patternType], filterType]): NameFilter => ({ name: text, patternType, filterType })),
  { maxLength: 6 },
);

const naive = (filters: readonly NameFilter[], candidate: string): boolean => {
  const hit = (filter: NameFilter): boolean => {
    if (filter.patternType === 'REGEX') return PATTERNS[filter.name]?.(candidate) === true;
    if (filter.patternType === 'PREFIXED') return candidate.indexOf(filter.name) === 0;
    return filter.name === '*' || filter.name === candidate;
  };
  let selected = false;
  for (const filter of filters) if (filter.filterType === 'INCLUDE' && hit(filter)) selected = true;
  for (const filter of filters) if (filter.filterType === 'EXCLUDE' && hit(filter)) selected = false;
  return selected;
};

describe('name filters', () => {
  it('select groups as the rules say, and say so themselves', () => {
    fc.assert(
      fc.property(nameFilters, fc.array(name, { minLength: 1, maxLength: 8 }), (filters, names) => {
        const groups = new NameFilters('groupFilters', filters);
        for (const one of names) {
          const { selected, filter } = groups.explain(one);
          expect([groups.selects(one), selected]).toEqual([naive(filters, one), naive(filters, one)]);
          // The filter that is named decides alone what it is said to decide.
          if (filter !== null) expect(naive([{ ...filter, filterType: 'INCLUDE' }], one)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('select the same topics, but never an internal one', () => {
    fc.assert(
      fc.property(nameFilters, name, (filters, one) => {
        const isInternal = one.slice(0, 2) === '__';
        expect(new NameFilters('topicFilters', filters).selects(one)).toBe(!isInternal && naive(filters, one));
      }),
    );
  });

  it('do not depend on their order', () => {
    fc.assert(
      fc.property(nameFilters, name, (filters, one) => {
        const selects = (list: readonly NameFilter[]): boolean => new NameFilters('groupFilters', list).selects(one);
        expect(selects([...filters].reverse())).toBe(selects(filters));
      }),
    );
  });

  it('are the same after a way through JSON', () => {
    fc.assert(
      fc.property(nameFilters, (filters) => {
        const parsed = parseNameFilters('groupFilters', printNameFilters('groupFilters', filters));
        expect(parsed).toEqual({ filters, problems: [] });
        expect(checkNameFilters('groupFilters', filters)).toEqual(parsed);
      }),
    );
  });

  it('are read or refused, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.anything(), (text, value) => {
        for (const { problems } of [
          parseNameFilters('topicFilters', text),
          parseNameFilters('groupFilters', `{"groupFilters":${text}}`),
          parseNameFilters('groupFilters', `{"groupFilters":[${text}]}`),
          checkNameFilters('topicFilters', value),
          checkNameFilters('topicFilters', [value]),
          parseAclFilters(text),
          parseAclFilters(`{"aclFilters":[{"resourceFilter":${text},"accessFilter":${text}}]}`),
          checkAclFilters(value),
          checkAclFilters([value]),
        ]) {
          for (const problem of problems) expect(Object.values(problem).every((part) => typeof part === 'string')).toBe(true);
        }
      }),
    );
  });
});

const RESOURCE_NAMES = ['*', 'a', 'aa', 'ab', 'kafka-cluster'];
const keysOf = <T extends object>(table: T): (keyof T)[] => Object.keys(table) as (keyof T)[];
const without = (codes: Readonly<Record<string, number>>, ...left: readonly string[]): number[] =>
  Object.entries(codes).flatMap(([word, code]) => (left.includes(word) ? [] : [code]));

const aclFilter = fc.record({
  resourceFilter: fc.record(
    {
      resourceType: fc.constantFrom(...keysOf(RESOURCE_TYPES)),
      name: fc.constantFrom(...RESOURCE_NAMES),
      patternType: fc.constantFrom(...keysOf(PATTERN_TYPES)),
    },
    { requiredKeys: ['resourceType', 'patternType'] },
  ),
  accessFilter: fc.record(
    {
      principal: fc.constantFrom('User:ann', 'User:*'),
      host: fc.constantFrom('*', '10.0.0.1'),
      operation: fc.constantFrom('any', 'any', ...keysOf(OPERATIONS)),
      permissionType: fc.constantFrom(...keysOf(PERMISSIONS)),
    },
    { requiredKeys: ['operation', 'permissionType'] },
  ),
});
const binding = fc.record({
  resourceType: fc.constantFrom(...without(RESOURCE_TYPES, 'any')),
  resourceName: fc.constantFrom(...RESOURCE_NAMES),
  patternType: fc.constantFrom(...without(PATTERN_TYPES, 'any', 'match')),
  principal: fc.constantFrom('User:ann', 'User:*', 'User:bob'),
  host: fc.constantFrom('*', '10.0.0.1'),
  operation: fc.constantFrom(...without(OPERATIONS, 'any')),
  permissionType: fc.constantFrom(...without(PERMISSIONS, 'any')),
});

describe('ACL filters', () => {
  it('select what a broker would list for them', () => {
    fc.assert(
      fc.property(fc.array(aclFilter, { maxLength: 3 }), fc.array(binding, { minLength: 1, maxLength: 6 }), (filters, bindings) => {
        const lists = ({ resourceFilter, accessFilter }: AclFilter) => ({
          resourceTypeFilter: RESOURCE_TYPES[resourceFilter.resourceType as keyof typeof RESOURCE_TYPES],
          resourceNameFilter: resourceFilter.name ?? null,
          patternTypeFilter: PATTERN_TYPES[resourceFilter.patternType as keyof typeof PATTERN_TYPES],
          principalFilter: accessFilter.principal ?? null,
          hostFilter: accessFilter.host ?? null,
          operation: OPERATIONS[accessFilter.operation as keyof typeof OPERATIONS],
          permissionType: PERMISSIONS[accessFilter.permissionType as keyof typeof PERMISSIONS],
        });
        for (const one of bindings) {
          const isListed = filters.some((filter) => matchesFilter(one, lists(filter)));
          expect(selectsAcl(filters, one)).toBe(isListed);
          expect(explainAcl(filters, one).selected).toBe(isListed);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('are the same after a way through JSON', () => {
    fc.assert(
      fc.property(fc.array(aclFilter, { maxLength: 4 }), (list) => {
        const { filters, problems } = checkAclFilters(list);
        fc.pre(problems.length === 0);
        expect(filters).toEqual(list);
        expect(parseAclFilters(printAclFilters(filters))).toEqual({ filters, problems: [] });
      }),
    );
  });
});
