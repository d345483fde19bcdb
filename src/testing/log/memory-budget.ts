/** One bound on the bytes of all logs of a cluster, so that a runaway test fails instead of taking the machine down. */
import { Refusal } from '../refusal.ts';

export class MemoryBudget {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Refuses as a broker does whose disk is full. */
  claim(bytes: number): void {
    if (this.#used + bytes > this.limit) {
      throw new Refusal('KAFKA_STORAGE_ERROR', `The logs of this embedded cluster may hold ${this.limit} bytes: raise maxLogBytes`);
    }
    this.#used += bytes;
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}
