/** A JVM that answers JSON lines: many questions may be under way, each is answered by its id. */
import { startJvm } from './jvm.ts';

/** An error the Java side answered with. */
export class JavaError extends Error {
  override readonly name = 'JavaError';
  /** The simple name of the Java exception, e.g. `UnsupportedVersionException`. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(`${type}: ${message}`);
    this.type = type;
  }
}

export interface LineProcess {
  /** Sends one command and resolves with its result. Rejects with {@link JavaError}, or when the process ends first. */
  ask<T>(command: string, line: object): Promise<T>;
  close(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly type: string; readonly message: string };
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Starts `mainClass`. `replace` and `revive` are the JSON.stringify and JSON.parse hooks of this process. */
export async function startLineProcess(options: {
  readonly classpath: string;
  readonly mainClass: string;
  readonly heapMb: number;
  readonly replace?: (this: unknown, key: string, value: unknown) => unknown;
  readonly revive?: (this: unknown, key: string, value: unknown) => unknown;
}): Promise<LineProcess> {
  const { classpath, mainClass, heapMb, replace, revive } = options;
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  const jvm = await startJvm({
    classpath,
    mainClass,
    jvmArgs: [`-Xmx${heapMb}m`, '-XX:+UseSerialGC', '-XX:+DisplayVMOutputToStderr', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'],
    onLine: (line) => {
      const { id, result, error } = JSON.parse(line, revive) as Answer;
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error) asked?.reject(new JavaError(error.type, error.message));
      else asked?.resolve(result);
    },
  });
  void jvm.exited.then(({ code, signal }) => {
    for (const asked of waiting.values()) asked.reject(new Error(`the Java process ended (${signal ?? code})\n${jvm.tail()}`));
    waiting.clear();
  });
  return {
    ask: <T>(command: string, line: object) =>
      new Promise<T>((resolve, reject) => {
        if (!jvm.running) return reject(new Error(`the Java process has ended\n${jvm.tail()}`));
        const id = ++lastId;
        waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
        jvm.stdin.write(`${JSON.stringify({ ...line, id, command }, replace)}\n`);
      }),
    close: async () => {
      // The end of its input is the end of the process.
      jvm.stdin.end();
      await jvm.exited;
    },
  };
}
