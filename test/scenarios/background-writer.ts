/** Writes to a source topic in the background, so that a scenario has something to disturb. */
import { sampleBatches } from './sample-batches.ts';
import type { Workbench } from './workbench.ts';

/** Between two rounds over the partitions. */
const PAUSE_MS = 15;

export class BackgroundWriter {
  /** Batches that were acknowledged. */
  written = 0;
  #stopping = false;
  readonly #done: Promise<void>;

  /** Begins at once: one batch to each partition in turn, again and again. */
  constructor(bench: Workbench, topic: string, partitions: number, seed = 7) {
    this.#done = this.#write(bench, topic, partitions, seed);
    this.#done.catch(() => {});
  }

  /** Resolves when `count` more batches have been acknowledged. */
  async wrote(count: number): Promise<void> {
    const until = this.written + count;
    while (this.written < until) {
      await Promise.race([this.#done, this.#nextWrite()]);
      if (this.#stopping) return;
    }
  }

  /** Resolves when everything begun is acknowledged; rejects when a write could not be done. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  #wake: (() => void)[] = [];
  #nextWrite(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  async #write(bench: Workbench, topic: string, partitions: number, seed: number): Promise<void> {
    const batches = await sampleBatches({ seed, batches: 15 });
    for (let i = 0; !this.#stopping; i++) {
      await bench.append(topic, i % partitions, [batches[i % batches.length]!]);
      this.written++;
      for (const wake of this.#wake.splice(0)) wake();
      if (i % partitions === partitions - 1) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
