/** Config values by where they were set, and the one that counts: topic, then this broker, then all brokers, then the properties file, then the default. */
import { Refusal } from '../refusal.ts';
import { type Release, since } from '../releases.ts';
import { brokerConfigDefinitions } from './broker-configs.ts';
import { CONFIG_SOURCES, type ConfigDefinition, type ConfigSource, checkConfig } from './config-definition.ts';
import { topicConfigDefinitions } from './topic-configs.ts';

/** A value and where it comes from. */
export interface ConfigValue {
  readonly name: string;
  readonly value: string | null;
  readonly source: (typeof CONFIG_SOURCES)[ConfigSource];
}

/** The broker name that stands for all of them in dynamic configs (KIP-226). */
export const ALL_BROKERS = '';

export class ConfigStore {
  readonly topicDefinitions: ReadonlyMap<string, ConfigDefinition>;
  readonly brokerDefinitions: ReadonlyMap<string, ConfigDefinition>;
  readonly #static: ReadonlyMap<string, string>;
  readonly #dynamic = new Map<string, ReadonlyMap<string, string>>();
  readonly #topics = new Map<string, ReadonlyMap<string, string>>();
  /** Grows with every change, so that resolved settings may be kept until then. */
  revision = 0;

  /** `brokerConfig` is what a broker's properties file would say; throws INVALID_CONFIG for a name or value no broker takes. */
  constructor(release: Release, brokerConfig: Readonly<Record<string, string>>) {
    this.topicDefinitions = topicConfigDefinitions(release);
    this.brokerDefinitions = brokerConfigDefinitions(release);
    for (const [name, value] of Object.entries(brokerConfig)) {
      const definition = this.brokerDefinitions.get(name);
      if (definition === undefined) throw new Refusal('INVALID_CONFIG', `An embedded broker has no config ${name}`);
      checkConfig(definition, value);
    }
    this.#static = new Map(Object.entries(brokerConfig));
    // A cluster formatted by 4.1 or later has eligible leader replicas on, and with them this config set for all brokers (KIP-966).
    if (since(release, '4.1')) this.setDynamic(ALL_BROKERS, new Map([['min.insync.replicas', brokerConfig['min.insync.replicas'] ?? '1']]));
  }

  /** Overrides of a topic, as they were set. */
  topicOverrides(topic: string): ReadonlyMap<string, string> {
    return this.#topics.get(topic) ?? new Map();
  }

  /** Dynamic configs of a broker, or of {@link ALL_BROKERS}. */
  dynamicOverrides(broker: string): ReadonlyMap<string, string> {
    return this.#dynamic.get(broker) ?? new Map();
  }

  setTopic(topic: string, overrides: ReadonlyMap<string, string>): void {
    this.#topics.set(topic, overrides);
    this.revision++;
  }

  forgetTopic(topic: string): void {
    this.#topics.delete(topic);
    this.revision++;
  }

  setDynamic(broker: string, overrides: ReadonlyMap<string, string>): void {
    this.#dynamic.set(broker, overrides);
    this.revision++;
  }

  /** Refuses names no topic config has. */
  checkTopicNames(overrides: ReadonlyMap<string, string>): void {
    for (const name of overrides.keys()) {
      if (!this.topicDefinitions.has(name)) throw new Refusal('INVALID_CONFIG', `Unknown topic config name: ${name}`);
    }
  }

  /** Refuses values that topic configs cannot have. */
  checkTopicValues(overrides: ReadonlyMap<string, string>): void {
    for (const [name, value] of overrides) {
      const definition = this.topicDefinitions.get(name);
      if (definition !== undefined) checkConfig(definition, value);
    }
  }

  /**
   * Refuses values a broker config cannot have, and changes to those that need a restart. Unknown names are taken, as by real brokers, which keep them for
   * plugins they do not know.
   */
  checkDynamic(overrides: ReadonlyMap<string, string>): void {
    for (const [name, value] of overrides) {
      const definition = this.brokerDefinitions.get(name);
      if (definition === undefined) continue;
      if (!definition.dynamic) throw new Refusal('INVALID_REQUEST', `Cannot update these configs dynamically: Set(${name})`);
      checkConfig(definition, value);
    }
  }

  /** Every value of a broker config that is set somewhere, the one that counts first. */
  brokerValues(name: string, broker: string): readonly ConfigValue[] {
    const values: ConfigValue[] = [];
    const consider = (value: string | null | undefined, source: ConfigSource): void => {
      if (value !== undefined && value !== null) values.push({ name, value, source: CONFIG_SOURCES[source] });
    };
    if (broker !== ALL_BROKERS) consider(this.dynamicOverrides(broker).get(name), 'dynamicBroker');
    consider(this.dynamicOverrides(ALL_BROKERS).get(name), 'dynamicDefaultBroker');
    consider(this.#static.get(name), 'staticBroker');
    consider(this.brokerDefinitions.get(name)?.fallback, 'default');
    return values;
  }

  /** Every value of a topic config that is set somewhere, the one that counts first; the names of broker values are the synonyms they were set under. */
  topicValues(name: string, topic: string, broker: string = ALL_BROKERS): readonly ConfigValue[] {
    const definition = this.topicDefinitions.get(name);
    if (definition === undefined) return [];
    const own = this.#topics.get(topic)?.get(name);
    const inherited =
      definition.synonym === null
        ? [{ name, value: definition.fallback, source: CONFIG_SOURCES.default }]
        : this.brokerValues(definition.synonym, broker);
    return own === undefined ? inherited : [{ name, value: own, source: CONFIG_SOURCES.topic }, ...inherited];
  }

  /** The broker config that counts, as text. */
  broker(name: string, broker: string = ALL_BROKERS): string {
    return this.brokerValues(name, broker)[0]?.value ?? '';
  }

  brokerNumber(name: string, broker: string = ALL_BROKERS): number {
    return Number(this.broker(name, broker));
  }

  brokerFlag(name: string, broker: string = ALL_BROKERS): boolean {
    return this.broker(name, broker).toLowerCase() === 'true';
  }
}
