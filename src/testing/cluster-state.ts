/** What all brokers of an embedded cluster know in common: each other, topics, configs, ids. What a real cluster keeps in its metadata log. */
import type { Clock, RandomBytes } from './clock.ts';
import { kafkaId } from './clock.ts';
import { ConfigStore } from './config/config-store.ts';
import { logConfigOf } from './config/topic-configs.ts';
import { GroupCoordinator } from './groups/group-coordinator.ts';
import { Interceptors, PlantedErrors, Tampering } from './interception.ts';
import { type CleanedRange, cleanerHabits, cleanLog } from './log/cleaning/clean-log.ts';
import type { LogConfig } from './log/log-config.ts';
import { MemoryBudget } from './log/memory-budget.ts';
import { NO_LEADER, Partition, type Topic } from './partition.ts';
import { ProducerIds } from './producer-ids.ts';
import { Refusal } from './refusal.ts';
import { type Release, since } from './releases.ts';
import type { Authorizer } from './security/authorizer.ts';
import { checkCollision, checkTopicName, type Placement, placeTopic, roundRobin, type TopicRequest } from './topic-rules.ts';

/** A broker as the others know it. */
export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  /** 0 until it listens for the first time; the same after every restart. */
  port: number;
  readonly rack: string | null;
  alive: boolean;
}

/** What a cluster is made of; defaults are already filled in. */
export interface ClusterSetup {
  readonly release: Release;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly brokers: readonly BrokerNode[];
  readonly brokerConfig: Readonly<Record<string, string>>;
  readonly authorizer: Authorizer | null;
  readonly maxLogBytes: number;
}

export class ClusterState {
  readonly clusterId: string;
  readonly release: Release;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly brokers: readonly BrokerNode[];
  readonly configs: ConfigStore;
  readonly authorizer: Authorizer | null;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds = new ProducerIds();
  readonly interceptors: Interceptors = new Interceptors();
  readonly planted: PlantedErrors = new PlantedErrors();
  readonly tampering: Tampering = new Tampering();
  readonly budget: MemoryBudget;
  /** What went wrong inside handlers and interceptors, as opposed to what clients did wrong. */
  readonly defects: unknown[] = [];
  readonly #topics = new Map<string, Topic>();
  readonly #namesById = new Map<string, string>();
  readonly #logConfigs = new Map<string, { readonly revision: number; readonly config: LogConfig }>();
  #created = 0;

  constructor({ release, clock, random, brokers, brokerConfig, authorizer, maxLogBytes }: ClusterSetup) {
    this.clusterId = kafkaId(random);
    this.release = release;
    this.clock = clock;
    this.random = random;
    this.brokers = brokers;
    this.configs = new ConfigStore(release, brokerConfig);
    this.authorizer = authorizer;
    this.budget = new MemoryBudget(maxLogBytes);
    this.groups = new GroupCoordinator({ clock, random, configs: this.configs });
  }

  /** Wall time as record times are written. */
  get now(): bigint {
    return BigInt(Math.floor(this.clock.wallTime()));
  }

  get aliveBrokers(): readonly BrokerNode[] {
    return this.brokers.filter(({ alive }) => alive);
  }

  readonly isAlive = (id: number): boolean => this.brokers.some((broker) => broker.id === id && broker.alive);

  /** With ZooKeeper one of the brokers; with KRaft any broker forwards to the controller, and clients are told of one that lives. */
  get controllerId(): number {
    return this.aliveBrokers[0]?.id ?? -1;
  }

  /** Brokers before KRaft refuse what only the controller does. */
  get forwardsToController(): boolean {
    return since(this.release, '3.9');
  }

  get topics(): Iterable<Topic> {
    return this.#topics.values();
  }

  topic(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  topicName(id: string): string | undefined {
    return this.#namesById.get(id);
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.#topics.get(topic)?.partitions[index];
  }

  *partitions(): Generator<Partition, void, undefined> {
    for (const { partitions } of this.#topics.values()) yield* partitions;
  }

  /** The settings of a topic, resolved again only after a change. */
  logConfig(topic: string): LogConfig {
    const { revision } = this.configs;
    const known = this.#logConfigs.get(topic);
    if (known?.revision === revision) return known.config;
    const config = logConfigOf((name) => this.configs.topicValues(name, topic)[0]?.value ?? undefined);
    this.#logConfigs.set(topic, { revision, config });
    return config;
  }

  /** Creates a topic, or only says whether it could be. Throws the controller's refusal. Returns the replicas of each partition. */
  createTopic(
    name: string,
    request: TopicRequest,
    configs: ReadonlyMap<string, string>,
    validateOnly = false,
  ): readonly (readonly number[])[] {
    checkTopicName(name);
    if (this.#topics.has(name)) throw new Refusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
    checkCollision(name, this.#topics.keys());
    this.configs.checkTopicNames(configs);
    this.configs.checkTopicValues(configs);
    const placed = placeTopic(request, this.#placement);
    if (validateOnly) return placed;
    const topic: Topic = { name, id: kafkaId(this.random), partitions: [] };
    this.configs.setTopic(name, configs);
    this.#topics.set(name, topic);
    this.#namesById.set(topic.id, name);
    this.#created++;
    this.#addPartitions(topic, placed);
    return placed;
  }

  /** Grows a topic to `replicas.length` more partitions. */
  growTopic(topic: Topic, replicas: readonly (readonly number[])[]): void {
    this.#addPartitions(topic, replicas);
  }

  /** Replicas for partitions that are added without an assignment. */
  placePartitions(from: number, to: number, factor: number): number[][] {
    return roundRobin(from, to, factor, this.#placement);
  }

  /** Deletes a topic with its logs, configs and committed offsets. */
  deleteTopic(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', null);
    this.#topics.delete(name);
    this.#namesById.delete(topic.id);
    this.#logConfigs.delete(name);
    this.configs.forgetTopic(name);
    this.groups.forgetTopic(name);
    for (const partition of topic.partitions) {
      partition.log.dispose();
      partition.leader = NO_LEADER;
      partition.changed();
    }
  }

  /** One round of the log cleaner on a partition, by the rules of the release. */
  clean({ topic, log }: Partition, force: boolean): Promise<CleanedRange | null> {
    return cleanLog(log, { config: this.logConfig(topic), now: this.now, habits: cleanerHabits(this.release), force });
  }

  brokerDown(id: number): void {
    const broker = this.brokers.find((node) => node.id === id);
    if (broker === undefined || !broker.alive) return;
    broker.alive = false;
    for (const partition of this.partitions()) partition.lose(id, this.isAlive);
  }

  brokerUp(id: number): void {
    const broker = this.brokers.find((node) => node.id === id);
    if (broker === undefined || broker.alive) return;
    broker.alive = true;
    for (const partition of this.partitions()) partition.regain(id, this.isAlive);
  }

  /** The broker that coordinates a group or a transactional id, or undefined when none is alive. */
  coordinatorOf(key: string): BrokerNode | undefined {
    const { aliveBrokers } = this;
    return aliveBrokers[coordinatorPartition(key) % aliveBrokers.length];
  }

  get #placement(): Placement {
    return {
      brokers: this.aliveBrokers.map(({ id }) => id),
      defaultPartitions: this.configs.brokerNumber('num.partitions'),
      defaultReplicationFactor: this.configs.brokerNumber('default.replication.factor'),
      start: this.#created,
    };
  }

  #addPartitions(topic: Topic, replicas: readonly (readonly number[])[]): void {
    const { budget, release } = this;
    const log = { config: (): LogConfig => this.logConfig(topic.name), budget, release, now: (): bigint => this.now };
    for (const own of replicas) {
      const index = topic.partitions.length;
      topic.partitions.push(new Partition({ topic: topic.name, topicId: topic.id, index, replicas: own, ...log }));
    }
  }
}

/** `offsets.topic.num.partitions`. */
const COORDINATOR_PARTITIONS = 50;

/** Java's `String.hashCode`, made positive: the partition of the internal topic that a key belongs to. */
const coordinatorPartition = (key: string): number => {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash & 0x7fff_ffff) % COORDINATOR_PARTITIONS;
};
