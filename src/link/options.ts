/** The options of a link: what a user writes, and the checked, frozen form the engine sees. */
import { type Clock, type Random, systemClock } from '../client/clock.ts';
import { type Endpoint, endpointText, type OpenTransport, openTcp } from '../client/transport.ts';
import { LinkError } from '../errors.ts';
import { endpointsOf, parseAddress } from './configs/address.ts';
import { problemText } from './configs/config-problem.ts';
import { type ConfigSet, NO_CONFIGS, readConfigOptions, readConfigTexts } from './configs/config-set.ts';
import type { LinkConfigOptions, LinkConfigs } from './configs/link-configs.ts';
import { LiveConfigs } from './configs/live-configs.ts';
import { isolated, LOG_LEVELS, type Logger, silentLogger } from './logger.ts';
import type { LinkStore } from './store/link-store.ts';
import { REQUIRED_TOPIC_CONFIGS } from './topic-configs.ts';

/** How to reach a cluster. */
export interface ClusterOptions {
  /** Addresses to begin with, `host:port` or `[ipv6]:port`; all are tried, with every address their names resolve to. */
  readonly bootstrap: readonly string[];
  /** What brokers log and count quotas by. Default: `kafka-link-<link name>`. */
  readonly clientId?: string;
}

export interface LinkOptions {
  /** Unique on the destination: a link with the same name, started anywhere, is the same link. */
  readonly name: string;
  /** Left out, or without `bootstrap`: where a link that was started before last found its source (the config `bootstrap.servers`). */
  readonly source?: Partial<ClusterOptions>;
  readonly destination: ClusterOptions;
  /**
   * Source topics to mirror, by name; more can come by `auto.create.mirror.topics.filters` and `createMirrorTopic`. A link that was started before goes
   * on with every mirror it had.
   */
  readonly topics?: readonly string[];
  /** Replicas of a mirror topic that the link creates. Default: the destination's own default. */
  readonly replicationFactor?: number;
  /** Topic configs of mirror topics that the link creates, besides those that exactness needs. */
  readonly topicConfigs?: Readonly<Record<string, string>>;
  /** The configs of the link under their typed names; see docs/link-configs.md. What is set here counts more than what the link was last set to. */
  readonly settings?: LinkConfigOptions;
  /** The same under their dotted names, as Cluster Linking spells them. */
  readonly configs?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
  /** Where the link remembers itself. Default: a compacted topic on the destination. */
  readonly store?: LinkStore;
  /** Time, chance and sockets, for tests and for transports of your own. */
  readonly clock?: Clock;
  readonly random?: Random;
  readonly openTransport?: OpenTransport;
}

export interface ParsedCluster {
  /** Of the source: as it is now. */
  readonly bootstrap: readonly Endpoint[];
  readonly clientId: string;
}

/** Options with nothing left open. */
export interface ParsedOptions {
  readonly name: string;
  readonly source: ParsedCluster;
  readonly destination: ParsedCluster;
  readonly topics: readonly string[];
  readonly replicationFactor: number;
  readonly topicConfigs: Readonly<Record<string, string>>;
  /** What was set by the options alone. */
  readonly given: ConfigSet;
  readonly live: LiveConfigs;
  /** The configs as they are now. */
  readonly settings: LinkConfigs;
  readonly logger: Logger;
  readonly store: LinkStore | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly openTransport: OpenTransport;
}

/** As a table over the type, so that an option cannot be forgotten here. */
const OPTION_NAMES: ReadonlySet<string> = new Set(
  Object.keys({
    name: true,
    source: true,
    destination: true,
    topics: true,
    replicationFactor: true,
    topicConfigs: true,
    settings: true,
    configs: true,
    logger: true,
    store: true,
    clock: true,
    random: true,
    openTransport: true,
  } satisfies Record<keyof LinkOptions, true>),
);

/** Kafka's own rule for topic names; link names become parts of keys and client ids and follow it. */
const LEGAL_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const BROKER_DEFAULT = -1;

/** Whether Kafka would take it for the name of a topic. */
export const legalName = (name: unknown): boolean => typeof name === 'string' && LEGAL_NAME.test(name) && name !== '.' && name !== '..';

/** Checks how a cluster is to be reached; what is wrong goes to `problems`, one line each. A source that is remembered needs no addresses. */
export const parseCluster = (
  side: 'source' | 'destination',
  given: Partial<ClusterOptions> | undefined,
  name: string,
  problems: string[],
  { isRemembered = false }: { readonly isRemembered?: boolean } = {},
): ParsedCluster => {
  const addresses = given?.bootstrap;
  if (!(isRemembered && addresses === undefined) && (!Array.isArray(addresses) || addresses.length === 0))
    problems.push(`${side}.bootstrap needs at least one address, as in 'broker-1:9092'`);
  const bootstrap = (Array.isArray(addresses) ? addresses : []).flatMap((address: unknown) => {
    const endpoint = parseAddress(address);
    if (endpoint !== null) return [endpoint];
    problems.push(`${side}.bootstrap has '${String(address)}'; it must be host:port, without a scheme`);
    return [];
  });
  const clientId: unknown = given?.clientId;
  if (clientId !== undefined && (typeof clientId !== 'string' || clientId === ''))
    problems.push(`${side}.clientId is '${String(clientId)}'; it must be a string, or left out`);
  return { bootstrap, clientId: given?.clientId ?? `kafka-link-${name}` };
};

/** Both spellings of configs together, and the addresses of the source, which are one of them; what is wrong with any goes to `problems`. */
const readGiven = (
  { settings = {}, configs = {}, openTransport }: LinkOptions,
  { bootstrap }: ParsedCluster,
  problems: string[],
): ConfigSet => {
  const typed = readConfigOptions(settings);
  const dotted = readConfigTexts(configs);
  problems.push(...typed.problems.map((problem) => `settings.${problemText(problem)}`), ...dotted.problems.map(problemText));
  for (const option of Object.keys(typed.configs.given))
    if (option in dotted.configs.given) problems.push(`settings.${option} is also set in configs; set it once`);
  const configured = typed.configs.given.bootstrapServers ?? dotted.configs.given.bootstrapServers;
  if (configured !== undefined && bootstrap.length > 0)
    problems.push('source.bootstrap is also set as the config bootstrap.servers; set it once');
  if (configured?.length === 0) problems.push('bootstrap.servers is empty; it needs at least one address, or leave it out');
  const bootstrapServers = configured ?? (bootstrap.length > 0 ? [...new Set(bootstrap.map(endpointText))] : undefined);
  const both = readConfigOptions({ ...typed.configs.given, ...dotted.configs.given, bootstrapServers });
  if (typed.problems.length === 0 && dotted.problems.length === 0)
    problems.push(...both.problems.map((problem) => `settings.${problemText(problem)}`));
  if (both.configs.values.securityProtocol !== 'PLAINTEXT' && openTransport === undefined)
    problems.push(
      `security.protocol is ${both.configs.values.securityProtocol}; this release speaks PLAINTEXT, other protocols come in through openTransport`,
    );
  return both.configs;
};

/**
 * Checks everything at once, before anything is contacted.
 *
 * @throws LinkError `KLINK_CONFIG` that names every problem, one per line.
 */
export const parseOptions = (options: LinkOptions): ParsedOptions => {
  if (typeof options !== 'object' || options === null) {
    throw new LinkError(
      'KLINK_CONFIG',
      `The options of the link are ${String(options)}; they must be an object with name, source, destination and topics`,
    );
  }
  const problems: string[] = [];
  const { name, topics = [], replicationFactor = BROKER_DEFAULT } = options;
  const topicConfigs = options.topicConfigs ?? {};
  if (!legalName(name)) problems.push(`name is '${String(name)}'; it must have 1 to 249 of the characters a-z A-Z 0-9 . _ -`);
  const source = parseCluster('source', options.source, String(name), problems, { isRemembered: true });
  const destination = parseCluster('destination', options.destination, String(name), problems);
  if (!Array.isArray(topics)) problems.push('topics must be a list of topic names, or left out');
  for (const topic of Array.isArray(topics) ? topics : []) {
    if (!legalName(topic)) problems.push(`topics has '${String(topic)}'; that is not a legal topic name`);
  }
  if (Array.isArray(topics) && new Set(topics).size < topics.length) problems.push('topics names a topic twice');
  if (!Number.isInteger(replicationFactor) || replicationFactor === 0 || replicationFactor < BROKER_DEFAULT || replicationFactor > 32_767) {
    problems.push(`replicationFactor is ${replicationFactor}; it must be a whole number from 1, or left out`);
  }
  for (const [key, value] of Object.entries(topicConfigs)) {
    if (typeof value !== 'string')
      problems.push(`topicConfigs has '${key}' with ${String(value)}; values are strings, as Kafka keeps them`);
    if (REQUIRED_TOPIC_CONFIGS.has(key)) problems.push(`topicConfigs has '${key}'; exact mirrors need their own value of it`);
  }
  for (const level of LOG_LEVELS) {
    if (options.logger !== undefined && typeof options.logger?.[level] !== 'function')
      problems.push(`logger has no function '${level}'; it needs ${LOG_LEVELS.join(', ')}`);
  }
  for (const key of Object.keys(options)) if (!OPTION_NAMES.has(key)) problems.push(`'${key}' is not an option`);
  const given = readGiven(options, source, problems);
  if (problems.length > 0)
    throw new LinkError('KLINK_CONFIG', `The options of the link are not usable:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
  const live = new LiveConfigs(given);
  return Object.freeze({
    name,
    source: {
      clientId: source.clientId,
      get bootstrap() {
        return endpointsOf(live.values.bootstrapServers);
      },
    },
    destination,
    topics: Object.freeze([...topics]),
    replicationFactor,
    topicConfigs: Object.freeze({ ...topicConfigs }),
    given,
    live,
    get settings() {
      return live.values;
    },
    logger: options.logger === undefined ? silentLogger : isolated(options.logger),
    store: options.store ?? null,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    openTransport: options.openTransport ?? openTcp,
  });
};

/** How a destination is reached by itself. Throws `KLINK_CONFIG`. */
export const parseDestination = (
  options: Pick<LinkOptions, 'destination' | 'clock' | 'random' | 'openTransport'>,
): Pick<ParsedOptions, 'source' | 'destination' | 'clock' | 'random' | 'openTransport' | 'settings'> => {
  const problems: string[] = [];
  const destination = parseCluster('destination', options.destination, 'links', problems);
  if (problems.length > 0) throw new LinkError('KLINK_CONFIG', problems.join('\n'));
  return {
    source: destination,
    destination,
    settings: NO_CONFIGS.values,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    openTransport: options.openTransport ?? openTcp,
  };
};
