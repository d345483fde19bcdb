/** Has Kafka's own classes write the golden records anew: `npx tsx test/unit/link/tasks/golden/write-golden.ts`. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kafkaJars } from '../../../../support/kafka/jars.ts';
import { javaTool } from '../../../../support/kafka/jvm.ts';
import { KAFKA_NEWEST } from '../../../../support/kafka/versions.ts';

const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const { classpath } = await kafkaJars(KAFKA_NEWEST);
const { stdout } = await promisify(execFile)(javaTool('java'), [
  '-Dfile.encoding=UTF-8',
  '-Dstdout.encoding=UTF-8',
  '-cp',
  classpath,
  at('./GroupRecords.java'),
]);
const records = stdout
  .trim()
  .split('\n')
  .map((line) => line.split('\t'))
  .map(([kind, name, hex, content = '']) => ({ kind, name, hex, content: JSON.parse(content) }));
await writeFile(at('./group-records.json'), `${JSON.stringify({ kafka: KAFKA_NEWEST, records }, null, 1)}\n`);
