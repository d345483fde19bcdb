/** Starts a link in a process of its own, so that it can be killed as processes are: without a word. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LinkOptions, MirrorTopicStatus } from '../../../src/index.ts';

/** What the process says of itself, several times a second. Sums since its start. */
export interface LinkProcessStatus {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly bytes: number;
  readonly batches: number;
  readonly lag: number;
  readonly rss: number;
  readonly cpuMicros: { readonly user: number; readonly system: number };
  /** Null when consumer offsets are not synced. */
  readonly offsetSync: { readonly ageMs: number | null; readonly groups: number; readonly waiting: number } | null;
  /** The last run of that. */
  readonly offsetSyncRun: {
    /** As ISO 8601. */
    readonly startedAt: string;
    readonly durationMs: number;
    readonly counts: Readonly<Record<string, number>>;
    readonly errors: readonly string[];
  } | null;
  /** By the broker's port, by API, when they are counted. */
  readonly requests: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** When a process kills itself without a word: as it begins this step of stopping a mirror for the n-th time. */
export interface Death {
  readonly step: string;
  readonly nth: number;
}

/** What else the process is told when it starts. */
export interface LinkProcessExtra {
  readonly death?: Death;
  /** To reach its clusters. */
  readonly timeoutMs?: number;
  /** Its status then tells them, by port and API. It pays with copies of the frames. */
  readonly countRequests?: boolean;
}

/** What the process is told to do with its link. */
export interface Order {
  readonly id: number;
  readonly what: 'promote' | 'failover' | 'status';
  /** Default: all that it can be done with. */
  readonly topics?: readonly string[];
  readonly timeoutMs: number;
}

/** What became of a mirror; offsets are plain numbers here. */
export interface ProcessOutcome {
  readonly topic: string;
  readonly state: string | null;
  readonly error: string | null;
  readonly partitions: readonly { readonly partition: number; readonly lastSourceFetchOffset: number; readonly lag: number }[];
}

type Plain<T> = T extends bigint ? number : T extends object ? { readonly [K in keyof T]: Plain<T[K]> } : T;

interface Line {
  readonly id?: number;
  readonly answer?: unknown;
  readonly refused?: string;
  readonly type: 'started' | 'status' | 'warning' | 'mirror' | 'answer' | 'closed';
  readonly to?: string;
  readonly message?: string | null;
}

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const KEPT_LINES = 30;
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class LinkProcess implements AsyncDisposable {
  readonly pid: number;
  /** Resolves when the link mirrors; rejects when the process ends first. */
  readonly started: Promise<void>;
  /** The last one. */
  status: LinkProcessStatus | null = null;
  /** Messages of mirrors that failed. */
  readonly failures: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #kept: string[] = [];
  readonly #listeners: ((status: LinkProcessStatus) => void)[] = [];
  readonly #asked = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  #orders = 0;

  /** Options must survive JSON: no functions. */
  constructor(options: LinkOptions, extra: LinkProcessExtra = {}) {
    const args = ['--import', 'tsx', MAIN, JSON.stringify(options), JSON.stringify(extra)];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.pid = child.pid!;
    running.add(child);
    this.#exited = once(child, 'close').then(() => running.delete(child));
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    this.started = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line) as Line;
        if (said.type === 'started') resolve();
        if (said.type === 'answer') this.#answered(said);
        else if (said.type === 'status') this.#tell(said as unknown as LinkProcessStatus);
        else this.#keep(line);
        if (said.to === 'FAILED') this.failures.push(said.message ?? '');
      });
      void this.#exited.then(() => {
        reject(this.#gone());
        for (const { reject: refuse } of this.#asked.values()) refuse(this.#gone());
      });
    });
    this.started.catch(() => {});
  }

  get running(): boolean {
    return running.has(this.#child);
  }

  /** Calls `listener` with every status from now on. */
  onStatus(listener: (status: LinkProcessStatus) => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves when it is gone, whoever ended it. */
  get ended(): Promise<unknown> {
    return this.#exited;
  }

  /** Rejects when the process ends before it is done. */
  stopMirrors(what: 'promote' | 'failover', timeoutMs: number, topics?: readonly string[]): Promise<readonly ProcessOutcome[]> {
    return this.#order({ what, timeoutMs, ...(topics && { topics }) });
  }

  mirrors(): Promise<readonly Plain<MirrorTopicStatus>[]> {
    return this.#order({ what: 'status', timeoutMs: 0 });
  }

  /** The last things it said. */
  log(): string {
    return this.#kept.join('\n');
  }

  /** `kill -9`. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to close the link, and resolves when it is gone. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #tell(status: LinkProcessStatus): void {
    this.status = status;
    for (const listener of this.#listeners) listener(status);
  }

  #order<T>(order: Omit<Order, 'id'>): Promise<T> {
    const id = ++this.#orders;
    return new Promise<T>((resolve, reject) => {
      if (!this.running) return reject(this.#gone());
      this.#asked.set(id, { resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ ...order, id } satisfies Order)}\n`);
    });
  }

  #answered({ id = 0, answer, refused }: Line): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (refused === undefined) asked?.resolve(answer as never);
    else asked?.reject(new Error(refused));
  }

  #gone(): Error {
    return new Error(`the link's process ended\n${this.log()}`);
  }

  #keep(line: string): void {
    this.#kept.push(line);
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
  }
}
