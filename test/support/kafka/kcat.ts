/** Runs kcat, the command line client built on librdkafka: a second, independent pair of eyes besides the Java clients. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** On the PATH. */
export const KCAT = 'kcat';

/** Runs kcat with `args` and resolves with its standard output; librdkafka's complaints are in the error of a failed run. */
export async function kcat(
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<string> {
  const running = run(KCAT, args, { maxBuffer: 256 << 20, timeout: options.timeoutMs ?? 60_000 });
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(options.input ?? '');
  try {
    return (await running).stdout;
  } catch (cause) {
    const { code, stderr, killed } = cause as { code?: unknown; stderr?: string; killed?: boolean };
    if (code === 'ENOENT')
      throw new Error('kcat is not on the PATH: install it with "apt-get install kcat" or "brew install kcat"', { cause });
    throw new Error(`kcat ${args.join(' ')} ${killed ? 'did not end in time' : `ended with ${code}`}\n${stderr ?? ''}`, { cause });
  }
}

/** A record as kcat prints it with `-J`; bytes that are no text do not survive that, so give such tests text. */
export interface KcatRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly tstype: 'create' | 'logappend' | 'unknown';
  readonly ts: number;
  readonly key: string | null;
  readonly payload: string | null;
  /** Names and values alternate. */
  readonly headers?: readonly (string | null)[];
}

/** Every record of a topic from its start to its end. */
export async function kcatConsume(
  bootstrap: readonly string[],
  topic: string,
  options: { readonly args?: readonly string[]; readonly timeoutMs?: number } = {},
): Promise<KcatRecord[]> {
  const { args = [], ...rest } = options;
  const out = await kcat(['-C', '-b', bootstrap.join(','), '-t', topic, '-o', 'beginning', '-e', '-q', '-J', ...args], rest);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as KcatRecord);
}
