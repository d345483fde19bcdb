/** Describes a link in a process of its own: name and destination as JSON in the first argument, what it found and how long that took as JSON on standard output. */
import { describeLink } from '../../../src/index.ts';

const { name, bootstrap } = JSON.parse(process.argv[2] ?? '{}') as { readonly name: string; readonly bootstrap: readonly string[] };
const began = performance.now();
const cpuBefore = process.cpuUsage();
const description = await describeLink(name, { destination: { bootstrap } });
const took = performance.now() - began;
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(
  JSON.stringify({
    /** Of the call, connecting included. */
    tookMs: Math.round(took),
    cpuMs: Math.round((user + system) / 1_000),
    /** Since the process was started: Node, and TypeScript that is compiled while it is loaded, included. */
    sinceStartMs: Math.round(performance.now()),
    description,
  }),
);
