/** Which mirrors an operation is for: by name, by pattern, or all of them. */
import { LinkError } from '../../errors.ts';
import { checkNameFilters, type NameFilter, NameFilters } from '../filters/name-filters.ts';

/** Names of mirror topics; or filters as in `auto.create.mirror.topics.filters`, over the names of mirror topics; or `all`. */
export type MirrorSelection = 'all' | readonly string[] | { readonly filters: readonly NameFilter[] };

/** The names that are meant, those that no mirror has included: whoever names one is told so. Throws `KLINK_CONFIG`. */
export const selectedNames = (selection: MirrorSelection, mirrors: readonly string[]): readonly string[] => {
  if (selection === 'all') return mirrors;
  if (Array.isArray(selection)) return [...new Set(selection as readonly string[])];
  const { filters, problems } = checkNameFilters('topicFilters', (selection as { filters: unknown }).filters);
  if (problems.length > 0) {
    throw new LinkError(
      'KLINK_CONFIG',
      `The filters are not usable:\n${problems.map(({ path, value, rule }) => `- ${path} is ${value}; it ${rule}`).join('\n')}`,
    );
  }
  const chosen = new NameFilters('topicFilters', filters);
  return mirrors.filter((topic) => chosen.selects(topic));
};
