/** The configs of a running link: those that count now, for everybody who looks when he needs them. */
import type { ConfigSet } from './config-set.ts';
import type { LinkConfigs } from './link-configs.ts';

export class LiveConfigs {
  #set: ConfigSet;

  constructor(set: ConfigSet) {
    this.#set = set;
  }

  get set(): ConfigSet {
    return this.#set;
  }

  get values(): LinkConfigs {
    return this.#set.values;
  }

  replace(set: ConfigSet): void {
    this.#set = set;
  }
}
