/** Compiles the harness's few Java classes, once per content and Kafka version. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { intoCache, kafkaJars } from './jars.ts';
import { javaTool } from './jvm.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('./java', import.meta.url));

/** A group of classes under `java/`, compiled together: `guard` needs no jar and fits every version, `policy` is for brokers to load. */
export type JavaSources = 'guard' | 'oracle' | 'policy';

const JAR = 'classes.jar';
const compiled = new Map<string, Promise<string>>();

/** The class path that holds the compiled `sources` and, where they need it, Kafka's jars of `version`. */
export function javaClasses(sources: JavaSources, version?: string): Promise<string> {
  const key = `${sources} ${version ?? ''}`;
  const pending = compiled.get(key) ?? compile(sources, version);
  compiled.set(key, pending);
  pending.catch(() => compiled.delete(key));
  return pending;
}

async function compile(sources: JavaSources, version: string | undefined): Promise<string> {
  const dir = join(root, sources);
  const files = (await readdir(dir)).filter((file) => file.endsWith('.java')).sort();
  const hash = createHash('sha256').update(version ?? '');
  for (const file of files) hash.update(file).update(await readFile(join(dir, file)));
  const jars = version === undefined ? undefined : await kafkaJars(version);
  const classes = await intoCache(`jar-${sources}-${hash.digest('hex').slice(0, 16)}`, async (out) => {
    const classpath = jars ? ['-cp', jars.classpath] : [];
    const paths = files.map((file) => join(dir, file));
    const loose = join(out, 'classes');
    const tool = (name: 'javac' | 'jar', args: readonly string[]): Promise<unknown> =>
      run(javaTool(name), args).catch((cause: unknown) => {
        throw new Error(`${name} failed on java/${sources}: ${(cause as { stderr?: string }).stderr ?? cause}`, { cause });
      });
    await tool('javac', ['--release', '17', '-proc:none', '-nowarn', ...classpath, '-d', loose, ...paths]);
    // A class path with a directory in it cannot be archived.
    await tool('jar', ['--create', '--file', join(out, JAR), '-C', loose, '.']);
  });
  const jar = join(classes, JAR);
  return jars ? [jar, jars.classpath].join(delimiter) : jar;
}
