/** Holds reading down to so many bytes a second, over all who share it. */
import { type Clock, sleep } from '../../client/clock.ts';

export class ByteRate {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  /** When everything that was spent will have been paid for. */
  #paidAt = Number.NEGATIVE_INFINITY;

  /** `bytesPerSecond` may be infinite. */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1_000;
  }

  /** To be called after `bytes` were read: waits for as long as they should have taken. Rejects when the signal is aborted. */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    this.#paidAt = Math.max(this.#paidAt, now) + bytes / this.#bytesPerMs;
    if (this.#paidAt > now) await sleep(this.#clock, this.#paidAt - now, signal, 'holding to the byte rate');
  }
}
