/** Topic and group filters: the product's own JSON, every problem at its path, and the reason why a name is selected or not. */
import { describe, expect, it } from 'vitest';
import {
  canSelect,
  checkNameFilters,
  type NameFilter,
  type NameFilterKind,
  NameFilters,
  parseNameFilters,
  printNameFilters,
} from '../../../../src/link/filters/name-filters.ts';

/** As tools of the product write them. */
const TOPIC_JSON = `{"topicFilters":[{"name":"orders.","patternType":"PREFIXED","filterType":"INCLUDE"},
                 {"name":"orders.tmp","patternType":"LITERAL","filterType":"EXCLUDE"}]}`;
const GROUP_JSON = `{"groupFilters":[{"name":"*","patternType":"LITERAL","filterType":"INCLUDE"},
                 {"name":"payments-eu","patternType":"LITERAL","filterType":"EXCLUDE"}]}`;

const usable = (kind: NameFilterKind, text: string): NameFilters => {
  const { filters, problems } = parseNameFilters(kind, text);
  expect(problems).toEqual([]);
  return new NameFilters(kind, filters);
};
const include = (name: string, patternType: NameFilter['patternType'] = 'LITERAL'): NameFilter => ({
  name,
  patternType,
  filterType: 'INCLUDE',
});
const exclude = (name: string, patternType: NameFilter['patternType'] = 'LITERAL'): NameFilter => ({
  ...include(name, patternType),
  filterType: 'EXCLUDE',
});

describe("the product's JSON", () => {
  it('selects topics', () => {
    const topics = usable('topicFilters', TOPIC_JSON);
    expect(['orders.', 'orders.eu', 'orders.tmp2'].filter((name) => !topics.selects(name))).toEqual([]);
    expect(['orders', 'orders.tmp', 'my.orders.eu'].filter((name) => topics.selects(name))).toEqual([]);
  });

  it('selects groups', () => {
    const groups = usable('groupFilters', GROUP_JSON);
    expect([groups.selects('billing'), groups.selects('__odd but legal *'), groups.selects('payments-eu')]).toEqual([true, true, false]);
  });

  it.each([
    ['topicFilters', TOPIC_JSON],
    ['groupFilters', GROUP_JSON],
  ] as const)('%s are printed as they came, without the blanks', (kind, text) => {
    const { filters } = parseNameFilters(kind, text);
    expect(printNameFilters(kind, filters)).toBe(JSON.stringify(JSON.parse(text)));
  });

  it('may be empty, which is what the product has for no filters', () => {
    for (const text of ['', '  ', '{"topicFilters":[]}'])
      expect(parseNameFilters('topicFilters', text)).toEqual({ filters: [], problems: [] });
    expect(printNameFilters('topicFilters', [])).toBe('');
    expect(new NameFilters('topicFilters', []).selects('orders')).toBe(false);
  });

  it('may have its words in any case, as tools write them', () => {
    const { filters } = parseNameFilters('groupFilters', '{"groupFilters":[{"name":"a","patternType":"prefixed","filterType":"Include"}]}');
    expect(filters).toEqual([include('a', 'PREFIXED')]);
  });
});

describe('problems', () => {
  const rulesOf = (kind: NameFilterKind, list: unknown): string[] =>
    checkNameFilters(kind, list).problems.map(({ path, value, rule }) => `${path} is ${value}; it ${rule}`);

  it('are all told at once, each at its path', () => {
    const list = [
      include('fine'),
      { name: 'orders', patternType: 'PREFIX', filterType: 'INCLUDE' },
      { name: '', patternType: 'LITERAL' },
      { name: 'orders', patternType: 'LITERAL', filterType: 'INCLUDE', topicTypes: ['LOCAL'] },
      include('(orders', 'REGEX'),
      'orders',
    ];
    expect(rulesOf('groupFilters', list)).toEqual([
      "groupFilters[1].patternType is 'PREFIX'; it must be LITERAL, PREFIXED or REGEX",
      'groupFilters[2].filterType is missing; it must be INCLUDE or EXCLUDE',
      "groupFilters[2].name is ''; it must be a name, not empty; '*' with patternType 'LITERAL' stands for every name",
      "groupFilters[3].topicTypes is [ 'LOCAL' ]; it is not known here; there are name, patternType, filterType",
      "groupFilters[4].name is '(orders'; it is no usable pattern, at character 1: '(' is not closed; a bracket that is meant needs a backslash",
      "groupFilters[5] is 'orders'; it must be an object with name, patternType, filterType",
    ]);
  });

  it.each([
    ['a name no topic can have', include('orders eu'), 'no topic is called so'],
    ['a name that is too long', include('x'.repeat(250)), 'more than 249 characters'],
    ['a prefix no topic can have', exclude('orders/', 'PREFIXED'), 'no topic is called so'],
    ['a name that means a directory', include('..'), 'is no topic name'],
    ['an internal topic', include('__consumer_offsets'), 'is internal'],
    ['a prefix of internal topics', include('_confluent-', 'PREFIXED'), 'is internal'],
    ['every name, spelled as a prefix', include('*', 'PREFIXED'), "only with patternType 'LITERAL'"],
    ['part of a name with an asterisk', include('orders*'), 'no topic is called so'],
  ])('%s', (_, filter, rule) => {
    expect(rulesOf('topicFilters', [filter])).toHaveLength(1);
    expect(rulesOf('topicFilters', [filter])[0]).toContain(rule);
  });

  it('are not made of what groups may be called, nor of excluding what is internal', () => {
    expect(rulesOf('groupFilters', [include('my group / *'), include('*', 'PREFIXED'), include('__x')])).toEqual([]);
    expect(rulesOf('topicFilters', [exclude('__x'), exclude('_', 'PREFIXED')])).toEqual([]);
  });

  it.each([
    ['no JSON', '{"topicFilters":[', 'must be JSON such as'],
    ['JSON of another kind of filter', GROUP_JSON, 'is not known here'],
    ['a list without its name', '[]', 'must be an object with topicFilters'],
    ['null', 'null', 'must be an object with topicFilters'],
    ['no list', '{"topicFilters":{}}', 'must be a list'],
    ['no filters at all', '{}', 'must be a list'],
    ['a prototype', '{"__proto__":{"topicFilters":[]}}', 'is not known here'],
    [
      'a filter with a prototype',
      '{"topicFilters":[{"__proto__":{"name":"a"},"patternType":"LITERAL","filterType":"INCLUDE"}]}',
      'is not known',
    ],
    ['a very deep one', `{"topicFilters":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'must be an object'],
    ['numbers for words', '{"topicFilters":[{"name":1,"patternType":3,"filterType":null}]}', 'must be LITERAL'],
  ])('%s', (_, text, rule) => {
    const { problems } = parseNameFilters('topicFilters', text);
    expect(problems.map((problem) => problem.rule).join('\n')).toContain(rule);
    for (const { value } of problems) expect(value.length).toBeLessThan(120);
  });
});

describe('why', () => {
  const topics = new NameFilters('topicFilters', [include('orders.', 'PREFIXED'), exclude('.*\\.tmp', 'REGEX'), include('orders.x.tmp')]);

  it.each([
    ['orders.eu', true, 'INCLUDED', "Topic 'orders.eu' is selected by INCLUDE PREFIXED 'orders.'"],
    [
      'orders.x.tmp',
      false,
      'EXCLUDED',
      "Topic 'orders.x.tmp' is not selected: EXCLUDE REGEX '.*\\.tmp' takes it out, whatever includes it",
    ],
    ['payments', false, 'NOT_INCLUDED', "Topic 'payments' is not selected: no INCLUDE filter matches it"],
    ['__consumer_offsets', false, 'INTERNAL', "Topic '__consumer_offsets' is not selected: it is internal"],
  ])('%s', (name, selected, because, text) => {
    expect(topics.explain(name)).toMatchObject({ selected, because, text });
    expect(topics.selects(name)).toBe(selected);
  });

  it('names the group, when it is about groups', () => {
    expect(new NameFilters('groupFilters', []).explain('billing').text).toBe(
      "Group 'billing' is not selected: no INCLUDE filter matches it",
    );
  });
});

it.each([
  [[], false],
  [[exclude('a')], false],
  [[include('a'), exclude('*')], false],
  [[include('a'), exclude('*', 'PREFIXED')], true],
  [[include('a'), exclude('a')], true],
])('filters %j can select something: %s', (filters, expected) => {
  expect(canSelect(filters)).toBe(expected);
});
