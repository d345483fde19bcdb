/** The order in which test files begin: those that take minutes first, so that none of them is left to run alone in the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Vitest goes by its notes of earlier runs, which a clean checkout has none of, and then by the size of a file, which says nothing of scenarios. */
const LONGEST = [
  'e2e/link-scenarios',
  'e2e/syncs',
  'e2e/link-chaos',
  'e2e/nasty-logs',
  'integration/link/scenarios',
  'e2e/testing-rules',
  'e2e/log-start',
  'e2e/testing-clients',
  'e2e/harness',
  'e2e/sync-regions',
  'e2e/exact-transactions',
];

const rank = ({ moduleId }: TestSpecification): number => {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return place < 0 ? LONGEST.length : place;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
