/** What is wrong with configs: every problem by itself, and all of them as one error. */
import { LinkError } from '../../errors.ts';

/** One thing that is wrong. */
export interface ConfigProblem {
  /** As it was given: the dotted name, or the name of the option. */
  readonly name: string;
  /** Where within the value, as in `topicFilters[1].name`; empty for the whole of it. */
  readonly path: string;
  /** What is there, cut if it is long; secrets are not shown. */
  readonly value: string;
  /** What should be there, as a clause. */
  readonly rule: string;
}

/** As in `acl.sync.ms is '5s'; it must be a whole number from 100 to 2147483647`. */
export const problemText = ({ name, path, value, rule }: ConfigProblem): string =>
  `${name}${path === '' ? '' : ` at ${path}`} is ${value}; ${rule}`;

/** More than this is noise; the rest is counted. */
const MAX_LINES = 50;

/** Configs that cannot be used. Nothing was changed. */
export class LinkConfigError extends LinkError {
  override readonly name = 'LinkConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.slice(0, MAX_LINES).map((problem) => `- ${problemText(problem)}`);
    const more = problems.length > MAX_LINES ? [`- and ${problems.length - MAX_LINES} more`] : [];
    super('KLINK_CONFIG', `The configs of the link are not usable:\n${[...lines, ...more].join('\n')}`);
    this.problems = problems;
  }
}

/** @throws LinkConfigError `KLINK_CONFIG` if there are any. */
export const refuseProblems = (problems: readonly ConfigProblem[]): void => {
  if (problems.length > 0) throw new LinkConfigError(problems);
};
