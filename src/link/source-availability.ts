/** Decides whether the source counts as available: so many failed checks in a row, and it does not. */
import type { Clock } from '../client/clock.ts';
import { LinkError } from '../errors.ts';

export interface AvailabilityOptions {
  readonly clock: Clock;
  /** A source that has answered within this time needs no check. */
  readonly checkMs: number;
  readonly failureThreshold: number;
  /** By the clock: when the source last answered on the data path. */
  readonly answeredAt: () => number;
  /** Asks the source for anything; rejects when it does not answer. */
  readonly ask: () => Promise<void>;
}

export class SourceAvailability {
  readonly #options: AvailabilityOptions;
  #failures = 0;
  /** Why the last check failed; null when it did not. */
  error: LinkError | null = null;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  get available(): boolean {
    return this.#failures < this.#options.failureThreshold;
  }

  async check(): Promise<void> {
    const { clock, checkMs, answeredAt, ask } = this.#options;
    try {
      if (clock.now() - answeredAt() > checkMs) await ask();
      this.#failures = 0;
      this.error = null;
    } catch (error) {
      this.#failures++;
      this.error = LinkError.from(error);
    }
  }
}
