/** The pages are true: their code compiles, their links lead somewhere, and their lists are those of the source. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { LINK_ERROR_CODES, MIRROR_TOPIC_ERRORS } from 'kafka-link';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { anchors, codeBlocks, PAGES, prose, ROOT, readPage } from './docs/pages.ts';

const compilerOptions = (): ts.CompilerOptions => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT);
  // Blocks show one thing each; they need not use all they name.
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
};

/** What the compiler says of these files, which exist only in memory, as `file(line): message`. */
const complaints = (files: ReadonlyMap<string, string>): string[] => {
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.getSourceFile = (name, language, ...rest) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile.call(host, name, language, ...rest) : ts.createSourceFile(name, text, language);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap((name) => {
    const source = program.getSourceFile(name);
    if (source === undefined) return [`${name} was not read`];
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({ messageText, start = 0 }) => {
      const { line } = source.getLineAndCharacterOfPosition(start);
      return `${name}(${line + 1}): ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  });
};

describe('code in pages', () => {
  const mistake = join(ROOT, 'docs', 'mistake.ts');
  const blocks = PAGES.flatMap((page) =>
    codeBlocks(readPage(page))
      .filter(({ language }) => language === 'ts')
      // As many lines before as on the page, so that complaints have its line numbers. Each block is a module.
      .map(({ code, line }): [string, string] => [
        join(ROOT, dirname(page), `${page.replaceAll(/[/.]/g, '-')}-${line}.ts`),
        `${'\n'.repeat(line - 1)}${code}\nexport {};\n`,
      ]),
  );
  let found: readonly string[];
  beforeAll(() => {
    found = complaints(new Map([...blocks, [mistake, "import { createLink } from 'kafka-link';\nawait createLink({ name: 1 });\n"]]));
  }, 120_000);

  it('compiles', () => {
    expect(blocks.length).toBeGreaterThan(10);
    expect(found.filter((complaint) => !complaint.startsWith(mistake))).toEqual([]);
  });

  it('would not, if there were a mistake in it', () => {
    expect(found.filter((complaint) => complaint.startsWith(mistake))).toHaveLength(1);
  });
});

describe('links in pages', () => {
  it.each(PAGES)('%s: every relative link and anchor leads somewhere', (page) => {
    const text = readPage(page);
    const broken = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(({ 1: target = '' }) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : normalize(join(dirname(page), path));
        if (!existsSync(join(ROOT, file))) return true;
        return anchor !== undefined && !anchors(readFileSync(join(ROOT, file), 'utf8')).has(anchor);
      });
    expect(broken).toEqual([]);
  });

  it('lead to every page of docs/ from somewhere', () => {
    const linked = new Set(
      PAGES.flatMap((page) =>
        [...prose(readPage(page)).matchAll(/\]\(([^)\s#]+)/g)].map(({ 1: target = '' }) => normalize(join(dirname(page), target))),
      ),
    );
    expect(PAGES.filter((page) => page.startsWith('docs/') && !linked.has(page))).toEqual([]);
  });
});

describe('lists in pages', () => {
  const headings = (section: string): string[] => [...section.matchAll(/^### (\w+)$/gm)].map(({ 1: name = '' }) => name);

  it('docs/errors.md explains every code and every reason, in the order of the source, and no other', () => {
    const [, codes = '', reasons = ''] = readPage('docs/errors.md').split(/^## (?:Codes|Why a mirror fails)$/m);
    expect(headings(codes)).toEqual(LINK_ERROR_CODES);
    expect(headings(reasons)).toEqual(MIRROR_TOPIC_ERRORS);
  });

  it('docs/events-and-metrics.md names every diagnostics channel, and no other', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const code = sources.map((name) => readFileSync(join(ROOT, 'src', name), 'utf8')).join('\n');
    const channels = (text: string): Set<string> =>
      new Set([...text.matchAll(/['`](kafka-link:\w+:\w+)['`]/g)].map(({ 1: name = '' }) => name));
    expect(channels(readPage('docs/events-and-metrics.md'))).toEqual(channels(code));
  });

  it('CONTRIBUTING.md names only files that are there', () => {
    const named = [...readPage('CONTRIBUTING.md').matchAll(/`((?:src|test|scripts|docs|examples)\/[\w./-]+)`/g)].map(
      ({ 1: name = '' }) => name,
    );
    expect(named.filter((name) => !name.includes('foo-bars') && !existsSync(join(ROOT, name)))).toEqual([]);
  });
});
