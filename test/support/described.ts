/** What a process that was just started says of a link, and how long it took to find out. */
import type { LinkDescription } from '../../src/index.ts';
import { Program } from './program.ts';

export interface Described {
  readonly tookMs: number;
  readonly cpuMs: number;
  readonly sinceStartMs: number;
  readonly description: LinkDescription;
}

export const describeAfresh = async (name: string, bootstrap: readonly string[]): Promise<Described> => {
  await using program = Program.run('test/support/describe-process/main.ts', {}, [JSON.stringify({ name, bootstrap })]);
  const code = await program.ended;
  if (code !== 0) throw new Error(`the process ended with ${code}:\n${program.output}`);
  return JSON.parse(program.output) as Described;
};
