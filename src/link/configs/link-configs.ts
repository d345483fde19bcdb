/** Every config of a link as one table: the rows of all parts, the types that follow from them, and what is known but has no meaning here. */
import type { ConfigRow, ConfigValue, ValueOf } from './config-row.ts';
import { ENGINE_CONFIGS } from './engine-configs.ts';
import { MIRROR_CONFIGS } from './mirror-configs.ts';
import { SECURITY_CONFIGS } from './security-configs.ts';
import { SYNC_CONFIGS } from './sync-configs.ts';

/** Rows by option name, in the order in which they are listed. */
export const LINK_CONFIGS = { ...MIRROR_CONFIGS, ...SYNC_CONFIGS, ...ENGINE_CONFIGS, ...SECURITY_CONFIGS } as const;

/** The parts of the table, for pages. */
export const CONFIG_PARTS: readonly (readonly [title: string, rows: Readonly<Record<string, ConfigRow>>])[] = [
  ['The link and its mirrors', MIRROR_CONFIGS],
  ['Tasks', SYNC_CONFIGS],
  ['Sizes and times', ENGINE_CONFIGS],
  ['Security', SECURITY_CONFIGS],
];

export type ConfigOption = keyof typeof LINK_CONFIGS;
export const CONFIG_OPTIONS = Object.keys(LINK_CONFIGS) as readonly ConfigOption[];

/** All configs of a link, with every value known. */
export type LinkConfigs = { readonly [Option in ConfigOption]: ValueOf<(typeof LINK_CONFIGS)[Option]> };
/** Configs as a program writes them: what is left out has its default. */
export type LinkConfigOptions = { readonly [Option in ConfigOption]?: LinkConfigs[Option] | undefined };

/** The row of an option, as one of the union: what works on all of them needs no more. */
export const rowOf = (option: ConfigOption): ConfigRow => LINK_CONFIGS[option];

const byKey: ReadonlyMap<string, ConfigOption> = new Map(CONFIG_OPTIONS.map((option) => [rowOf(option).key, option]));

/** The option of a dotted name; undefined if there is none. */
export const optionOfKey = (key: string): ConfigOption | undefined => byKey.get(key);

export const isConfigOption = (name: string): name is ConfigOption => Object.hasOwn(LINK_CONFIGS, name);

const frozen = (value: ConfigValue): ConfigValue => (Array.isArray(value) ? Object.freeze([...value]) : value);

/** What every config is when nobody has said anything. */
export const CONFIG_DEFAULTS = Object.freeze(
  Object.fromEntries(CONFIG_OPTIONS.map((option) => [option, frozen(rowOf(option).default)])),
) as LinkConfigs;

/** Names that Kafka or the product know and a link outside brokers cannot follow, with what to do instead. */
export const CONFIGS_WITHOUT_MEANING: Readonly<Record<string, string>> = {
  'dest.cluster.id': 'it is the id of the destination and cannot be set',
  'link.prefix': "it only shows the prefix: set 'cluster.link.prefix' when the link is created",
  'cluster.link.id': 'it is given to the link when it is created',
  'remote.link.connection.mode': 'it has no meaning here: one process opens the connections to both clusters',
  'client.dns.lookup': 'it has no meaning here: all addresses of a name are tried',
  'connections.max.idle.ms': 'it has no meaning here: connections that were closed are opened again when they are needed',
  'default.api.timeout.ms': "it has no meaning here: calls take a time limit each, and requests have 'request.timeout.ms'",
  'reconnect.backoff.ms': "use 'retry.backoff.ms'",
  'reconnect.backoff.max.ms': "use 'retry.backoff.max.ms'",
  'socket.connection.setup.timeout.max.ms': "use 'socket.connection.setup.timeout.ms'",
  'replica.fetch.backoff.ms': "use 'retry.backoff.ms'",
  'replica.fetch.response.min.bytes': "use 'replica.fetch.min.bytes'",
  'replica.socket.timeout.ms': "use 'request.timeout.ms'",
  'replica.socket.receive.buffer.bytes': 'it has no meaning here: the system sizes the buffers of sockets',
  'sasl.kerberos.service.name': 'it has no meaning here: there is no Kerberos',
  'sasl.login.callback.handler.class': 'it has no meaning here: there are no Java classes',
};
const WITHOUT_MEANING_BY_PREFIX: readonly (readonly [prefix: string, advice: string])[] = [
  ['local.', 'it has no meaning here: how the destination is reached is said where the link is opened'],
  ['confluent.', 'it is a setting of brokers, not of links'],
];

/** Why a name that is known elsewhere is no config here; undefined for a name that nobody knows. */
export const adviceForKey = (key: string): string | undefined =>
  Object.hasOwn(CONFIGS_WITHOUT_MEANING, key)
    ? CONFIGS_WITHOUT_MEANING[key]
    : WITHOUT_MEANING_BY_PREFIX.find(([prefix]) => key.startsWith(prefix))?.[1];
