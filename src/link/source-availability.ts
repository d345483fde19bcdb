/** Decides whether the source counts as available: so many failed checks in a row, and it does not. */
import type { Clock } from '../client/clock.ts';
import { LinkError } from '../errors.ts';

export interface AvailabilityOptions {
  readonly clock: Clock;
  /** A source that has answered within this time needs no check. */
  readonly checkMs: () => number;
  readonly failureThreshold: () => number;
  /** By the clock: when the source last answered on the data path. */
  readonly answeredAt: () => number;
  /** Asks the source for anything; rejects when it does not answer. */
  readonly ask: () => Promise<void>;
}

export class SourceAvailability {
  readonly #options: AvailabilityOptions;
  #failures: number;
  /** Why the last check failed; null when it did not. */
  error: LinkError | null;

  /** `error`: why the source could not be reached from the start; it counts as away then. */
  constructor(options: AvailabilityOptions, error: LinkError | null = null) {
    this.#options = options;
    this.error = error;
    this.#failures = error === null ? 0 : options.failureThreshold();
  }

  get available(): boolean {
    return this.#failures < this.#options.failureThreshold();
  }

  async check(): Promise<void> {
    const { clock, checkMs, answeredAt, ask } = this.#options;
    try {
      if (this.error !== null || clock.now() - answeredAt() > checkMs()) await ask();
      this.#failures = 0;
      this.error = null;
    } catch (error) {
      this.#failures++;
      this.error = LinkError.from(error);
    }
  }
}
