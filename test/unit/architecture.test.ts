/** The house, held by a test: which room may import which, what the mirror path may not touch, and where time, chance and `any` may come in. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../src', import.meta.url));

interface SourceFile {
  /** Below src, with slashes. */
  readonly path: string;
  readonly room: string;
  readonly text: string;
  /** Paths below src, or names of packages. */
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const imports = ts
      .preProcessFile(text, true, true)
      .importedFiles.map(({ fileName }) => (fileName.startsWith('.') ? posix.join(dirname(path), fileName) : fileName));
    return { path, room: roomOf(path), text, imports };
  });

function roomOf(path: string): string {
  const [first = '', ...rest] = path.split('/');
  return rest.length === 0 ? first.replace(/\.ts$/, '') : first;
}

/** The arrows of the house: besides itself and `errors`, a room imports these and no other. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  index: ['link', 'client'],
  link: ['client', 'protocol', 'codec', 'bytes'],
  client: ['protocol', 'bytes'],
  protocol: ['bytes'],
  codec: ['bytes'],
  bytes: [],
  testing: ['protocol', 'codec', 'bytes'],
  errors: [],
};
/** Packages beside Node's own modules, with the one room that may use them. */
const PACKAGES: Readonly<Record<string, string>> = {
  '@mongodb-js/zstd': 'codec',
  'crc-32/crc32c.js': 'codec',
  'lz4-napi': 'codec',
  snappy: 'codec',
};

describe('arrows', () => {
  it('there is no room without a rule', () => {
    expect([...new Set(files.map(({ room }) => room))].sort()).toEqual(Object.keys(ARROWS).sort());
  });

  it.each(Object.entries(ARROWS))('%s imports nothing but %j', (room, allowed) => {
    const wrong = files
      .filter((file) => file.room === room)
      .flatMap(({ path, imports }) =>
        imports
          .filter((target) => target.endsWith('.ts'))
          .filter((target) => ![room, 'errors', ...(room === 'errors' ? [] : allowed)].includes(roomOf(target)))
          .map((target) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it('errors.ts imports nothing at all', () => {
    expect(files.find(({ path }) => path === 'errors.ts')?.imports).toEqual([]);
  });

  it('every import that leaves a file names a file that is there, Node, or a package its room may use', () => {
    const paths = new Set(files.map(({ path }) => path));
    const wrong = files.flatMap(({ path, room, imports }) =>
      imports
        .filter((target) => !paths.has(target) && !target.startsWith('node:') && PACKAGES[target] !== room)
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the mirror path', () => {
  const openers = ['compression', 'record', 'read-records', 'batch-builder', 'index'].map((name) => `codec/${name}.ts`);

  /** `filler-batch.ts` makes batches of its own, and so needs the rooms of those that open them. */
  const importers = ['rebuild-batch', 'filler-batch'].map((name) => `link/replication/${name}.ts`);
  const opening = new Set(['decompress', 'decodeRecordFrames', 'decodeRecordBody', 'readRecordFrames', 'readRecords']);

  it('never opens a batch: only rebuild-batch.ts does', () => {
    const replication = files.filter(({ path }) => path.startsWith('link/replication/'));
    const wrongImports = replication
      .filter(({ path }) => !importers.includes(path))
      .flatMap(({ path, imports }) => imports.filter((target) => openers.includes(target)).map((target) => `${path} imports ${target}`));
    const wrongNames = replication
      .filter(({ path }) => path !== 'link/replication/rebuild-batch.ts')
      .filter((file) => nodesOf(file).some((node) => ts.isIdentifier(node) && opening.has(node.text)))
      .map(({ path }) => `${path} opens batches`);
    expect([...wrongImports, ...wrongNames]).toEqual([]);
  });

  it('is made of these rules about files that exist', () => {
    const paths = files.map(({ path }) => path);
    expect([...openers, ...importers].filter((path) => !paths.includes(path))).toEqual([]);
    expect(paths.filter((path) => path.startsWith('link/replication/')).length).toBeGreaterThan(5);
  });
});

/** Every node of a file's syntax tree: comments and strings are not among them. */
const nodesOf = ({ path, text }: SourceFile): readonly ts.Node[] => {
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return nodes;
};

const MEMBERS = new Set(['Date.now', 'performance.now', 'Math.random', 'process.hrtime', 'process.env']);
const GLOBALS = new Set(['setTimeout', 'setInterval']);

const clocksIn = (file: SourceFile): string[] =>
  nodesOf(file).flatMap((node) => {
    if (ts.isPropertyAccessExpression(node) && MEMBERS.has(node.getText())) return [node.getText()];
    if (ts.isIdentifier(node) && GLOBALS.has(node.text)) return [node.text];
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments ?? []).length === 0) return ['new Date()'];
    return [];
  });

describe('time, chance and the environment', () => {
  /** Where a port gets its default. */
  const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
    'link/options.ts': ['Math.random'],
    'link/verify/options.ts': ['Math.random'],
    'client/clock.ts': ['Date.now', 'performance.now', 'setTimeout'],
    'testing/clock.ts': ['Date.now', 'performance.now', 'setTimeout'],
  };

  it('come into link, client, protocol, codec and bytes through ports alone', () => {
    const wrong = files.flatMap((file) =>
      clocksIn(file)
        .filter((name) => DEFAULTS[file.path]?.includes(name) !== true)
        .map((name) => `${file.path} uses ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('are looked for in the right way', () => {
    const text = 'const a = Date.now(); setTimeout(() => {}, 1); /* Math.random() */ new Date(); new Date(5);';
    expect(clocksIn({ path: 'x.ts', room: 'x', text, imports: [] })).toEqual(['Date.now', 'setTimeout', 'new Date()']);
  });
});

describe('house rules', () => {
  it('no `any` outside the schema language and its compiler', () => {
    const allowed = ['protocol/schema.ts', 'protocol/compile.ts'];
    const found = files.filter((file) => nodesOf(file).some(({ kind }) => kind === ts.SyntaxKind.AnyKeyword)).map(({ path }) => path);
    expect(found.filter((path) => !allowed.includes(path))).toEqual([]);
  });

  it('no default exports, and `export *` in the list of messages alone', () => {
    const wrong = files.flatMap((file) =>
      nodesOf(file).flatMap((node) => {
        const isDefault = ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword;
        const isStar = ts.isExportDeclaration(node) && node.exportClause === undefined && file.path !== 'protocol/messages/index.ts';
        return (isDefault && !ts.isDefaultClause(node.parent)) || isStar ? [`${file.path}: ${node.parent.getText().slice(0, 60)}`] : [];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('every file says in its first line why it exists', () => {
    expect(files.filter(({ text }) => !/^\/\*\*/.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('file names are kebab-case', () => {
    const wrong = files.filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(posix.basename(path)));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  /** Longer than 300 lines, with what speaks for it. */
  const LONG: Readonly<Record<string, string>> = {
    'client/cluster.ts': 'one cluster as callers see it: metadata, routing and coordinators decide each other',
    'client/connection.ts': 'one state machine: what is sent, in flight, muted and closed decides each other',
    'link/link.ts': 'the public object: half of it documents methods',
    'link/replication/partition-mirror.ts': 'one state machine: what is fetched, queued, on its way and stopped for decides each other',
    'testing/groups/classic-group.ts': 'the classic group protocol is one state machine',
    'testing/log/partition-log.ts': 'one log: append, read and truncate share its segments',
    'testing/test-cluster.ts': 'the public object: every fault is a documented method',
  };

  it('a file of more than 300 lines has a reason', () => {
    const long = files.filter(({ text }) => text.split('\n').length - 1 > 300).map(({ path }) => path);
    expect(long.filter((path) => LONG[path] === undefined)).toEqual([]);
    const present = new Set(files.map(({ path }) => path));
    expect(Object.keys(LONG).filter((path) => !present.has(path))).toEqual([]);
  });
});
