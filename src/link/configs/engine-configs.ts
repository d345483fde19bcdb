/** Sizes and times of the engine as rows of the table of link configs: the settings of config.ts, with types as Kafka has them. */
import { SETTINGS } from '../config.ts';
import { INT_MAX, type NumberRow } from './config-row.ts';

type EngineConfigs = { readonly [Name in keyof typeof SETTINGS]: NumberRow & { readonly key: (typeof SETTINGS)[Name]['key'] } };

export const ENGINE_CONFIGS = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, setting]) => [name, { ...setting, type: setting.max > INT_MAX ? 'long' : 'int', dynamic: true }]),
) as EngineConfigs;
