/** Resolves jars from Maven Central once and keeps them in a cache directory that several processes may fill at the same time. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MIRROR_MAKER_VERSION, SLF4J_SIMPLE_VERSION, TOOLS_VERSION } from './versions.ts';

const run = promisify(execFile);

/** Everything the harness downloads or compiles: `$KAFKA_LINK_CACHE`, or `.cache/kafka` in the repository. */
export const cacheRoot = process.env['KAFKA_LINK_CACHE'] ?? fileURLToPath(new URL('../../../.cache/kafka', import.meta.url));

/** A directory that holds a complete runtime set of jars. */
export interface JarSet {
  readonly dir: string;
  /** The whole set as one `-cp` entry. */
  readonly classpath: string;
}

/** Broker, StorageTool, clients and, up to 3.x, ZooKeeper. */
export const kafkaJars = (version: string): Promise<JarSet> => resolveJars(version, [`kafka_2.13:${version}`]);

/** Console consumer and producer, kafka-consumer-groups, GetOffsetShell. */
export const toolsJars = (version: string = TOOLS_VERSION): Promise<JarSet> =>
  resolveJars(`tools-${version}`, [`kafka_2.13:${version}`, `kafka-tools:${version}`]);

/** Kafka's own remote storage for tests: a directory. */
export const tieredStorageJars = (version: string): Promise<JarSet> =>
  resolveJars(`tiered-storage-${version}`, [`kafka-storage:${version}:test`]);

/** MirrorMaker 2 and the Connect runtime it is made of. */
export const mirrorMakerJars = (version: string = MIRROR_MAKER_VERSION): Promise<JarSet> =>
  resolveJars(`mirror-maker-${version}`, [`connect-mirror:${version}`, `connect-runtime:${version}`]);

const resolving = new Map<string, Promise<JarSet>>();

function resolveJars(name: string, artifacts: readonly string[]): Promise<JarSet> {
  const pending = resolving.get(name) ?? intoCache(name, (dir) => copyDependencies(dir, artifacts)).then(asJarSet);
  resolving.set(name, pending);
  // A failed download must not poison the next attempt.
  pending.catch(() => resolving.delete(name));
  return pending;
}

const asJarSet = (dir: string): JarSet => ({ dir, classpath: join(dir, '*') });

/**
 * The cache directory `name`, filled by `fill` if it is not there yet. It appears complete or not at all: filled aside, then renamed.
 * Of two processes that fill it at once the first to rename wins, the other takes the winner's.
 */
export async function intoCache(name: string, fill: (dir: string) => Promise<void>): Promise<string> {
  const target = join(cacheRoot, name);
  if (existsSync(target)) return target;
  await mkdir(cacheRoot, { recursive: true });
  const aside = await mkdtemp(join(cacheRoot, '.filling-'));
  try {
    await fill(aside);
    await rename(aside, target).catch((cause: unknown) => {
      if (!existsSync(target)) throw cause;
    });
    return target;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function copyDependencies(dir: string, artifacts: readonly string[]): Promise<void> {
  const work = await mkdtemp(join(cacheRoot, '.maven-'));
  try {
    await writeFile(join(work, 'pom.xml'), pom(artifacts));
    const args = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${dir}`];
    // Maven's own local repository is not safe between processes, and downloads break: one retry covers both.
    await maven(args, work).catch(() => maven(args, work));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function maven(args: readonly string[], cwd: string): Promise<void> {
  try {
    await run('mvn', args, { cwd, maxBuffer: 16 << 20 });
  } catch (cause) {
    const { code, stdout } = cause as { code?: unknown; stdout?: string };
    if (code === 'ENOENT') throw new Error('mvn is not on the PATH: the real-Kafka tests need Maven 3 and a JDK 17', { cause });
    const reason = stdout?.split('\n').find((line) => line.includes('[ERROR]')) ?? String(cause);
    throw new Error(`Maven could not resolve the jars: ${reason}`, { cause });
  }
}

function pom(artifacts: readonly string[]): string {
  const dependency = (group: string, artifact: string, version: string, classifier = ''): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version><classifier>${classifier}</classifier></dependency>`;
  const kafka = artifacts.map((coordinate) => {
    const [artifact = '', version = '', classifier] = coordinate.split(':');
    return dependency('org.apache.kafka', artifact, version, classifier);
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>kafka-link</groupId><artifactId>harness</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${[...kafka, dependency('org.slf4j', 'slf4j-simple', SLF4J_SIMPLE_VERSION)].join('\n')}
</dependencies>
</project>
`;
}
