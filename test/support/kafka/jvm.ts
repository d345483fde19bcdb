/** A child JVM that never outlives this process: killed on exit, and by its own guard thread when this process is itself killed. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What to run, and how. */
export interface JvmOptions {
  readonly classpath: string;
  readonly mainClass: string;
  readonly args?: readonly string[];
  readonly jvmArgs?: readonly string[];
  readonly cwd?: string;
  /** Gets each line of standard output; without it the lines join {@link Jvm.tail}. */
  readonly onLine?: (line: string) => void;
}

/** How a JVM ended. */
export interface JvmExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running or ended JVM. */
export interface Jvm {
  readonly pid: number;
  readonly stdin: NodeJS.WritableStream;
  /** Resolves, never rejects, when the process is gone and its output is read. */
  readonly exited: Promise<JvmExit>;
  readonly running: boolean;
  signal(signal: NodeJS.Signals): void;
  /** The last lines it wrote, for the message of a failed test. */
  tail(): string;
}

const TAIL_LINES = 200;
const children = new Set<ChildProcessWithoutNullStreams>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** One of the JDK's tools, of `$JAVA_HOME` or of the PATH. */
export const javaTool = (tool: 'java' | 'javac' | 'jar'): string =>
  process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', tool) : tool;

/** Starts a JVM. Rejects if there is no Java to start. */
export async function startJvm(options: JvmOptions): Promise<Jvm> {
  const { classpath, mainClass, args = [], jvmArgs = [], cwd, onLine } = options;
  const child = spawn(javaTool('java'), [...jvmArgs, '-cp', classpath, mainClass, ...args], { ...(cwd === undefined ? {} : { cwd }) });
  const lines: string[] = [];
  const keep = (line: string): void => {
    lines.push(line);
    if (lines.length > TAIL_LINES) lines.shift();
  };
  createInterface({ input: child.stderr }).on('line', keep);
  createInterface({ input: child.stdout }).on('line', onLine ?? keep);
  // A write to a JVM that has just died is reported by `exited`, not by a crash of the test process.
  child.stdin.on('error', () => undefined);
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new Error('java is not on the PATH nor in $JAVA_HOME: the real-Kafka tests need a JDK 17', { cause });
  }
  children.add(child);
  let ended = false;
  const exited = new Promise<JvmExit>((resolve) => {
    child.once('close', (code, signal) => {
      ended = true;
      children.delete(child);
      resolve({ code, signal });
    });
  });
  return {
    pid: child.pid!,
    stdin: child.stdin,
    exited,
    get running() {
      return !ended;
    },
    signal: (signal) => void child.kill(signal),
    tail: () => lines.join('\n'),
  };
}
