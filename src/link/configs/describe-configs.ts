/** Configs in the shape of the product's listing (`GET /links/{link}/configs`). Pure. */

import type { ConfigSet } from './config-set.ts';
import { isSecret, printValue } from './config-value.ts';
import { CONFIG_OPTIONS, rowOf } from './link-configs.ts';

/** One config in the product's words. */
export interface ConfigListing {
  readonly name: string;
  /** Null for a secret, whether or not it is set, and for what has no value. */
  readonly value: string | null;
  readonly is_default: boolean;
  /** It cannot be changed after the link was created. */
  readonly is_read_only: boolean;
  readonly is_sensitive: boolean;
  readonly source: 'DYNAMIC_CLUSTER_LINK_CONFIG' | 'DEFAULT_CONFIG';
  /** Names under which the value is looked for, the first that has one counts. */
  readonly synonyms: readonly string[];
}

/** Every config of a link, set or not. */
export const describeConfigs = ({ given, values }: ConfigSet): readonly ConfigListing[] =>
  CONFIG_OPTIONS.map((option) => {
    const row = rowOf(option);
    const isSet = given[option] !== undefined;
    const hasValue = !isSecret(row) && values[option] !== null;
    return {
      name: row.key,
      value: hasValue ? printValue(row, values[option]) : null,
      is_default: !isSet,
      is_read_only: !row.dynamic,
      is_sensitive: isSecret(row),
      source: isSet ? 'DYNAMIC_CLUSTER_LINK_CONFIG' : 'DEFAULT_CONFIG',
      synonyms: [row.key],
    };
  });
