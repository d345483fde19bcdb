/** Runs Kafka's own command line tools, as an operator would, and collects what they print. */
import { toolsJars } from './jars.ts';
import { startJvm } from './jvm.ts';

const MAIN_CLASSES = {
  configs: 'kafka.admin.ConfigCommand',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  topics: 'org.apache.kafka.tools.TopicCommand',
} as const;

export type ConsoleTool = keyof typeof MAIN_CLASSES;

/** The lines the tool wrote to standard output. Rejects with its complaints if it does not end with 0. */
export async function consoleTool(
  tool: ConsoleTool,
  args: readonly string[],
  options: { readonly input?: string } = {},
): Promise<string[]> {
  const { classpath } = await toolsJars();
  const lines: string[] = [];
  const jvm = await startJvm({
    classpath,
    mainClass: MAIN_CLASSES[tool],
    args,
    jvmArgs: ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'],
    onLine: (line) => lines.push(line),
  });
  jvm.stdin.end(options.input ?? '');
  const { code, signal } = await jvm.exited;
  if (code !== 0) throw new Error(`${tool} ended with ${signal ?? code}\n${jvm.tail()}\n${lines.join('\n')}`);
  return lines;
}
