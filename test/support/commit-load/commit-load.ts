/** Starts the load of commits, and brings back what its watch has seen. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface CommitLoadOptions {
  readonly source: readonly string[];
  readonly destination: readonly string[];
  /** Each of them reads one topic, all of its partitions. */
  readonly groups: readonly string[];
  readonly topics: readonly string[];
  /** Of each topic. */
  readonly partitions: number;
  /** Of all groups together, one partition each. */
  readonly commitsPerSecond: number;
  readonly recordsPerSecond: number;
  /** What is committed meanwhile does not count. */
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** Milliseconds. */
export interface Spread {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface CommitLoadReport {
  /** That the source has acknowledged. */
  readonly commits: number;
  readonly refused: number;
  /** That did not become readable at the destination, and nothing newer did. */
  readonly missing: number;
  /** From the acknowledgement at the source until the same offset, or a later one, was read at the destination; of every commit. */
  readonly ages: Spread;
  /** From a commit to its acknowledgement by the source: how busy the machine was. */
  readonly answers: Spread;
  /** When the commits that count were made, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly cpuMicros: { readonly user: number; readonly system: number };
}

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const running = new Set<ReturnType<typeof spawn>>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Resolves when the load is over and every commit has arrived, or not in time. */
export const commitLoad = async (options: CommitLoadOptions): Promise<CommitLoadReport> => {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const [out, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  running.delete(child);
  if (code !== 0) throw new Error(`the load of commits ended with ${code}\n${complaints}`);
  return JSON.parse(out) as CommitLoadReport;
};
