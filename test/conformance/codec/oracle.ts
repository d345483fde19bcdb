/** Runs `java/BatchOracle.java`: the Java client's reading and writing of batches. Needs a JDK and, once, Kafka's jars. */
import { fileURLToPath } from 'node:url';
import { kafkaJars } from '../../support/kafka/jars.ts';
import { startJvm } from '../../support/kafka/jvm.ts';
import { KAFKA_39 } from '../../support/kafka/versions.ts';

const source = fileURLToPath(new URL('./java/BatchOracle.java', import.meta.url));

/** Writes every golden file into `dir`. */
export const writeGoldens = async (dir: string): Promise<void> => {
  await run(['golden', dir], []);
};

/** What Java reads in each record set, in the words of `describeRecordSet`. Fails when Java finds one invalid. */
export const readByJava = async (recordSets: readonly Buffer[]): Promise<string[][]> => {
  const lines = await run(
    ['read'],
    recordSets.map((bytes) => bytes.toString('hex')),
  );
  const described: string[][] = [];
  let current: string[] = [];
  for (const line of lines) {
    if (line !== '') current.push(line);
    else {
      described.push(current);
      current = [];
    }
  }
  return described;
};

const run = async (args: readonly string[], input: readonly string[]): Promise<string[]> => {
  const { classpath } = await kafkaJars(KAFKA_39);
  const lines: string[] = [];
  const jvm = await startJvm({ classpath, mainClass: source, args, onLine: (line) => lines.push(line) });
  jvm.stdin.end(input.map((line) => `${line}\n`).join(''));
  const { code } = await jvm.exited;
  if (code !== 0) throw new Error(`The oracle ended with ${code}: ${jvm.tail()}`);
  return lines;
};
