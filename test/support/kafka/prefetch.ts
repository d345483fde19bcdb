/** Before tests that run side by side: jars and classes are there, so that no two processes fetch or compile the same. Run by itself, it can be done with before the tests begin. */
import { fileURLToPath } from 'node:url';
import { makeClassArchive } from './class-archive.ts';
import { startKafka } from './cluster.ts';
import { kafkaJars, tieredStorageJars, toolsJars } from './jars.ts';
import { javaClasses } from './java-classes.ts';
import { startJavaClient } from './java-client.ts';
import { KAFKA_28, KAFKA_39, KAFKA_NEWEST } from './versions.ts';

/** Those of which the tests start many brokers. */
const ARCHIVED = [KAFKA_39, KAFKA_NEWEST];

/** Vitest calls it once. One after the other: Maven's own repository is not safe between processes. */
export const setup = async (): Promise<void> => {
  for (const version of [KAFKA_28, KAFKA_39, KAFKA_NEWEST]) await kafkaJars(version);
  await toolsJars();
  await tieredStorageJars(KAFKA_39);
  await javaClasses('guard');
  // Compiles what it is made of.
  await (await startJavaClient()).close();
  for (const version of ARCHIVED) {
    await makeClassArchive(version, async (jvmArgs) => {
      await using kafka = await startKafka({ version, jvmArgs });
      await kafka.broker(1).stop();
    });
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup();
