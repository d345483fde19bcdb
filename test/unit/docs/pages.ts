/** The pages that people read: README, CONTRIBUTING, and everything under docs/ and examples/ that is Markdown. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const markdownUnder = (directory: string): string[] =>
  readdirSync(`${ROOT}${directory}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${directory}/${name}`);

/** Paths from the root of the repository. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...markdownUnder('docs'),
  ...markdownUnder('examples'),
];

export const readPage = (page: string): string => readFileSync(`${ROOT}${page}`, 'utf8');

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** Of its first line of code. */
  readonly line: number;
}

/** The fenced blocks of a page. */
export const codeBlocks = (text: string): CodeBlock[] =>
  [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ 1: language = '', 2: code = '', index }) => ({
    language,
    code,
    line: text.slice(0, index).split('\n').length + 1,
  }));

/** A page without its fenced blocks and inline code, in which brackets are no links. */
export const prose = (text: string): string => text.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '');

/** Anchors that the headings of a page have: lower case, no punctuation, dashes for blanks. */
export const anchors = (text: string): Set<string> =>
  new Set(
    [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#{1,6} (.+)$/gm)].map(({ 1: heading = '' }) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
