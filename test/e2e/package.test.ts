/** The package as a user gets it: packed, installed into an empty folder, used by a program, compiled against. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const bin = (name: string): string => join(ROOT, 'node_modules', '.bin', name);
/** Of the tarball: a megabyte is a lot for a library without a build of its own. */
const BUDGET_BYTES = 1_300_000;
const TIMEOUT_MS = 300_000;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const PROGRAM = `
import { createLink, LinkError } from 'kafka-link';
import { RecordSetCursor } from 'kafka-link/codec';
import { Metadata } from 'kafka-link/protocol';
import { startCluster } from 'kafka-link/testing';

await using source = await startCluster({ topics: { orders: { partitions: 2 } } });
await using destination = await startCluster();
for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  await source.log('orders', 1).append([{ key: 'codec', value: compression }], { compression });
}
await using link = await createLink({
  name: 'packed',
  source: { bootstrap: source.bootstrap },
  destination: { bootstrap: destination.bootstrap },
  topics: ['orders'],
});
await link.caughtUp({ timeoutMs: 10_000 });
const values = (await destination.log('orders', 1).records()).map(({ value }) => value.toString());
console.log(JSON.stringify({ values, state: link.mirror('orders').state, key: Metadata.key, is: LinkError.is(1), cursor: typeof RecordSetCursor }));
`;

const CONSUMER = `
import { type ClusterLink, createLink, type LinkEvent, type LinkOptions, LinkError, type Logger } from 'kafka-link';
import { type Compression, RecordBatch } from 'kafka-link/codec';
import { decodeResponse, Metadata, type MetadataResponse } from 'kafka-link/protocol';
import { startCluster, type TestCluster } from 'kafka-link/testing';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const options: LinkOptions = { name: 'a', source: { bootstrap: ['a:1'] }, destination: { bootstrap: ['b:1'] }, topics: ['t'], logger };
export const link: Promise<ClusterLink> = createLink(options);
export const lag = async (): Promise<bigint> => (await link).mirror('t').lag;
export const kind = (event: LinkEvent): string => (event.type === 'mirror' ? event.to : event.type);
export const code = (error: unknown): string => (LinkError.is(error, 'KLINK_AUTH') ? error.code : '');
export const codec = (bytes: Buffer): Compression => RecordBatch.at(bytes).compression;
export const metadata = (frame: Buffer): MetadataResponse => decodeResponse(Metadata, 12, frame);
export const cluster: Promise<TestCluster> = startCluster({ brokers: 3, release: '4.1' });
// @ts-expect-error a link needs a name
void createLink({ source: options.source, destination: options.destination, topics: [] });
// @ts-expect-error offsets are bigint
export const wrong: Promise<number> = lag();
`;

describe('the packed tarball', { timeout: TIMEOUT_MS }, () => {
  let folder: string;
  let packed: Packed;

  /** Built and packed aside: the tests that run at the same time see nothing of it. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafka-link-package-'));
    const stage = join(folder, 'stage');
    await mkdir(stage);
    for (const part of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'src', 'docs', 'examples'])
      await cp(join(ROOT, part), join(stage, part), { recursive: true });
    await run(bin('tsc'), ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(stage, 'dist')]);
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts'], { cwd: stage });
    [packed] = JSON.parse(stdout) as [Packed];
    await mkdir(join(folder, 'user'));
    const manifest = { private: true, type: 'module', dependencies: { 'kafka-link': `file:../stage/${packed.filename}` } };
    await writeFile(join(folder, 'user', 'package.json'), JSON.stringify(manifest));
    await run('npm', ['install', '--omit=dev', '--no-audit', '--no-fund'], { cwd: join(folder, 'user') });
  }, TIMEOUT_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds what a user needs, and nothing else', () => {
    const tops = new Set(packed.files.map(({ path }) => path.split('/')[0]));
    expect([...tops].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'docs', 'examples', 'package.json', 'src']);
    const paths = new Set(packed.files.map(({ path }) => path));
    for (const entry of ['', 'protocol/', 'codec/', 'testing/']) {
      expect(paths).toContain(`dist/${entry}index.js`);
      expect(paths).toContain(`dist/${entry}index.d.ts`);
    }
    expect([...paths].filter((path) => /\.test\.|\.cache|node_modules/.test(path))).toEqual([]);
    expect(packed.size).toBeLessThan(BUDGET_BYTES);
  });

  it('mirrors a topic from an empty folder, in every codec', async () => {
    const file = join(folder, 'user', 'program.mjs');
    // `await using` is younger than Node 20; TypeScript lowers it for the program as it does for everybody.
    const { default: ts } = await import('typescript');
    const { target, module } = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    await writeFile(file, ts.transpileModule(PROGRAM, { compilerOptions: { target, module } }).outputText);
    const { stdout, stderr } = await run(process.execPath, [file], {
      cwd: join(folder, 'user'),
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      values: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
      state: 'ACTIVE',
      key: 3,
      is: false,
      cursor: 'function',
    });
  });

  it.each([
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ])('compiles against its types, strictly, with --module %s', async (module, moduleResolution) => {
    const user = join(folder, 'user');
    await cp(join(ROOT, 'node_modules', '@types'), join(user, 'node_modules', '@types'), { recursive: true });
    await cp(join(ROOT, 'node_modules', 'undici-types'), join(user, 'node_modules', 'undici-types'), { recursive: true });
    await writeFile(join(user, 'consumer.ts'), CONSUMER);
    const args = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--target',
      'ES2022',
      '--lib',
      'ES2023,ESNext.Disposable',
      '--types',
      'node',
    ];
    await run(bin('tsc'), [...args, '--module', module, '--moduleResolution', moduleResolution, 'consumer.ts'], { cwd: user }).catch(
      (error) => {
        throw new Error((error as { stdout: string }).stdout);
      },
    );
  });
});
