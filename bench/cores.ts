/** Which process may run on which cores: without a rule the kernel decides; pinned, whoever copies never takes time from the destination (Linux, `taskset`). */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';

/** Where a process of a benchmark belongs. */
export type Place = 'destination' | 'copying';

/** How the cores are shared out. */
export interface Cores {
  readonly title: string;
  give(pid: number, place: Place): Promise<void>;
}

export const SHARED: Cores = { title: 'all cores for all', give: async () => {} };

const CORE: Readonly<Record<Place, number>> = { destination: 0, copying: 1 };

/**
 * The destination has one core, the source broker and the participant have another. So the replay, which needs no source, cannot use the time that a link needs
 * for it, and every participant has the same to copy with. A process keeps the threads it has begun with, as for all cores; they share one.
 */
export const PINNED: Cores = {
  title: 'one core for the destination, one for the source and who copies',
  give: async (pid, place) => {
    if (cpus().length < 2) throw new Error('pinned, a benchmark needs two cores');
    await promisify(execFile)('taskset', ['-a', '-c', '-p', String(CORE[place]), String(pid)]);
  },
};
