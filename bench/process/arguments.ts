/** How the processes of a benchmark talk to the one that starts them: options in, JSON lines out, the end of the input means "end". */

/** The options of this process, one JSON text on the command line. */
export const processOptions = <T>(): T => JSON.parse(process.argv[2] ?? '{}') as T;

/** One message to the parent. */
export const tell = (message: object): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

/** Resolves when the parent has closed the input: it has read what it wanted of this process. */
export const dismissed = (): Promise<void> =>
  new Promise((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.resume();
  });
