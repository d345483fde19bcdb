/** docs/verify.md has the kinds of differences that there are, and the options. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { DIFFERENCE_KINDS } from '../../../../src/link/verify/difference.ts';

const root = new URL('../../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const page = read('docs/verify.md');

/** What is named in the first column of the tables of a section. */
const named = (section: string): string[] =>
  (page.split(`## ${section}\n`)[1]?.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([\w-]+)`/g)].map(({ 1: name = '' }) => name));

/** Members of an interface of the options file. */
const membersOf = (name: string): string[] => {
  const file = ts.createSourceFile('options.ts', read('src/link/verify/options.ts'), ts.ScriptTarget.Latest);
  const found = file.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name) as ts.InterfaceDeclaration;
  return found.members.map((member) => (member.name as ts.Identifier).text);
};

describe('docs/verify.md', () => {
  it('has every kind of difference, and no other', () => {
    expect(named('What counts').sort()).toEqual(Object.keys(DIFFERENCE_KINDS).sort());
  });

  it('has every option, but those that every call has', () => {
    const everywhere = ['source', 'destination', 'clock', 'random', 'openTransport'];
    const options = [...membersOf('VerifyChoices'), ...membersOf('VerifyOptions')].filter((name) => !everywhere.includes(name));
    expect(named('From a program').sort()).toEqual(options.sort());
  });
});
