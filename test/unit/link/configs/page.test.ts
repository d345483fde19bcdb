/** docs/link-configs.md and docs/filters.md say what the tables and the readers of filters say. */
import { expect, it } from 'vitest';
import { linkConfigsPage } from '../../../../scripts/docs/link-configs-table.ts';
import { parseAclFilters } from '../../../../src/link/filters/acl-filters.ts';
import { parseNameFilters } from '../../../../src/link/filters/name-filters.ts';
import { codeBlocks, readPage } from '../../docs/pages.ts';

it('docs/link-configs.md has every config: run `npx tsx scripts/link-configs-page.ts` when this fails', () => {
  const { is, shouldBe } = linkConfigsPage();
  expect(is).toBe(shouldBe);
});

it('docs/filters.md shows filters that are taken', () => {
  const [topics = '', groups = '', acls = ''] = codeBlocks(readPage('docs/filters.md')).map(({ code }) => code);
  const parsed = [parseNameFilters('topicFilters', topics), parseNameFilters('groupFilters', groups), parseAclFilters(acls)];
  expect(parsed.map(({ filters, problems }) => [filters.length, problems])).toEqual([
    [2, []],
    [2, []],
    [1, []],
  ]);
});
