/** Starts the processes of a benchmark as plain JavaScript, compiled as the package is, and reads what they tell. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** The compiled processes. */
export interface Build extends AsyncDisposable {
  /** Starts `bench/process/<name>`. `nodeArguments` go before the script. */
  start(name: string, options: object, nodeArguments?: readonly string[]): Child;
}

/** A running process. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Resolves with the next message that has `key`; rejects when the process ends first. */
  message<T extends object>(key: keyof T & string): Promise<T>;
  /** Lets the process end, and waits for it. */
  dismiss(): Promise<void>;
}

/** Compiles the processes into a directory of their own, so that a build for another purpose does not meet this one. */
export const buildProcesses = async (): Promise<Build> => {
  await mkdir(join(repository, '.cache'), { recursive: true });
  const directory = await mkdtemp(join(repository, '.cache', 'bench-'));
  await promisify(execFile)(process.execPath, [
    join(repository, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(repository, 'bench/tsconfig.json'),
    '--outDir',
    directory,
  ]);
  return {
    start: (name, options, nodeArguments = []) =>
      startChild([...nodeArguments, join(directory, 'bench/process', `${name}.js`), JSON.stringify(options)]),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
};

const startChild = (args: readonly string[]): Child => {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const messages: object[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  const wake = (): void => {
    for (const look of waiting) look();
  };
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const message = JSON.parse(line) as object;
    if ('warning' in message) console.error(`  warning: ${message.warning}`);
    messages.push(message);
    wake();
  });
  lines.once('close', () => {
    ended = true;
    wake();
  });
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'exit');
  const dismiss = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  return {
    pid: child.pid!,
    message: <T extends object>(key: keyof T & string) =>
      new Promise<T>((resolve, reject) => {
        const look = (): void => {
          const found = messages.find((message): message is T => key in message);
          if (found === undefined && !ended) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`${args.at(-2)} ended before it said '${key}'`));
        };
        waiting.add(look);
        look();
      }),
    dismiss,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};
