/** A running embedded cluster: use it over its real sockets, look into it, and make it misbehave. */
import { LinkError } from '../errors.ts';
import { ErrorCode, type ErrorName } from '../protocol/error-codes.ts';
import type { Api } from '../protocol/schema.ts';
import { blankResponse, hasTopLevelError } from './blank-response.ts';
import type { Broker, Observer } from './broker.ts';
import type { ClusterState } from './cluster-state.ts';
import { HANG_UP, type Interceptor, NO_ANSWER, type Tamper } from './interception.ts';
import { type CleanOptions, LogHandle } from './log-handle.ts';
import type { Partition } from './partition.ts';
import { type Release, since } from './releases.ts';
import { pause } from './waiting.ts';

/** A topic to be made. */
export interface TopicOptions {
  /** Default 1. */
  readonly partitions?: number;
  /** Default 1. */
  readonly replicationFactor?: number;
  /** Replicas of each partition by broker id, the preferred leader first; instead of the two counts. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

/** Which requests a fault concerns, and how often. */
export interface FaultOptions {
  readonly api: Api;
  /** How many times; default 1. */
  readonly times?: number;
  /** Only requests to this broker. */
  readonly broker?: number;
}

/** What `startCluster` resolves with. */
export class TestCluster implements AsyncDisposable {
  readonly #state: ClusterState;
  readonly #brokers: ReadonlyMap<number, Broker>;
  readonly #observers: Set<Observer>;

  /** Made by `startCluster`. */
  constructor(state: ClusterState, brokers: ReadonlyMap<number, Broker>, observers: Set<Observer>) {
    this.#state = state;
    this.#brokers = brokers;
    this.#observers = observers;
  }

  get clusterId(): string {
    return this.#state.clusterId;
  }
  get release(): Release {
    return this.#state.release;
  }
  /** `host:port` of every broker, running or not: ports stay the same through kill and restart. */
  get bootstrap(): readonly string[] {
    return this.#state.brokers.map(({ host, port }) => `${host}:${port}`);
  }
  get brokerIds(): readonly number[] {
    return [...this.#brokers.keys()];
  }
  /** Names of all topics. */
  get topics(): readonly string[] {
    return [...this.#state.topics].map(({ name }) => name);
  }
  /** Bytes that all logs hold. */
  get logBytes(): number {
    return this.#state.budget.used;
  }

  /** Makes a topic and resolves when every broker knows it, which here is at once. Rejects as the controller would refuse. */
  async createTopic(name: string, { partitions, replicationFactor, assignments = [], configs = {} }: TopicOptions = {}): Promise<void> {
    const manual = assignments.length > 0;
    const request = {
      numPartitions: partitions ?? (manual ? -1 : 1),
      replicationFactor: replicationFactor ?? (manual ? -1 : 1),
      assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
    };
    this.#state.createTopic(name, request, new Map(Object.entries(configs)));
  }

  async deleteTopic(name: string): Promise<void> {
    this.#state.deleteTopic(name);
  }

  /** The id of a topic. Throws when there is none. */
  topicId(name: string): string {
    const topic = this.#state.topic(name);
    if (topic === undefined) throw unknown(`topic ${name}`);
    return topic.id;
  }

  /** Number of partitions of a topic. Throws when there is none. */
  partitionCount(name: string): number {
    const topic = this.#state.topic(name);
    if (topic === undefined) throw unknown(`topic ${name}`);
    return topic.partitions.length;
  }

  /** The log of a partition. Throws when there is none. */
  log(topic: string, partition = 0): LogHandle {
    return new LogHandle(this.#partition(topic, partition), this.#state);
  }

  /** Offsets a group committed for a topic, by partition. */
  committed(group: string, topic: string): ReadonlyMap<number, bigint> {
    const partitions = this.#state.groups.find(group)?.offsets.get(topic);
    return new Map([...(partitions ?? [])].map(([partition, { offset }]) => [partition, offset]));
  }

  /** Overrides of a topic's configs, as they were set. */
  topicConfigs(topic: string): ReadonlyMap<string, string> {
    return this.#state.configs.topicOverrides(topic);
  }

  /** Kills a broker: its connections drop, its port refuses, and its partitions are led by others in sync. Logs survive, as on disk. */
  async kill(broker: number): Promise<void> {
    await this.#broker(broker).stop();
    this.#state.brokerDown(broker);
  }

  /** Starts a killed broker again, on its old port. It catches up and joins the in-sync replicas at once, but gets no lead back. */
  async restart(broker: number): Promise<void> {
    const killed = this.#broker(broker);
    if (killed.running) return;
    await killed.start();
    this.#state.brokerUp(broker);
  }

  /** Drops every connection to a broker, which goes on listening. */
  cut(broker: number): void {
    this.#broker(broker).cut();
  }

  /** A broker that accepts connections and requests and answers nothing, until {@link resume}. Its cluster does not notice. */
  stall(broker: number): void {
    this.#broker(broker).stall();
  }

  resume(broker: number): void {
    this.#broker(broker).resume();
  }

  /** Every answer of the broker tells its client to be silent for `ms`, and the broker does not listen meanwhile (KIP-219). 0 ends it. */
  throttle(broker: number, ms: number): void {
    this.#broker(broker).throttle(ms);
  }

  /** Open connections of a broker. */
  connections(broker: number): number {
    return this.#broker(broker).connections;
  }

  /** Gives the lead to another replica, in a new leader epoch. Throws when `to` is no living replica. */
  moveLeader(topic: string, partition: number, to: number): void {
    const moved = this.#partition(topic, partition);
    if (!moved.replicas.includes(to) || !this.#state.isAlive(to)) throw unknown(`living replica ${to} of ${topic}-${partition}`);
    if (moved.leader !== to) moved.lead(to);
  }

  /** Takes replicas out of the in-sync set, or puts them back: with fewer than `min.insync.replicas`, acks=all is refused. */
  setIsr(topic: string, partition: number, isr: readonly number[]): void {
    const changed = this.#partition(topic, partition);
    changed.isr = changed.replicas.filter((id) => isr.includes(id));
    changed.changed();
  }

  /**
   * Elects a replica that was behind: the log loses everything from `truncateTo` on, acknowledged or not, and a new epoch begins there.
   * The other living replicas follow at once.
   */
  electUnclean(topic: string, partition: number, { leader, truncateTo }: { readonly leader: number; readonly truncateTo: bigint }): void {
    const elected = this.#partition(topic, partition);
    if (!elected.replicas.includes(leader) || !this.#state.isAlive(leader))
      throw unknown(`living replica ${leader} of ${topic}-${partition}`);
    elected.log.truncateTo(truncateTo);
    elected.isr = elected.replicas.filter((id) => this.#state.isAlive(id));
    elected.lead(leader);
  }

  /** What every broker does each `producer.id.expiration.check.interval.ms`: forgets producers whose last *record time* is too long ago. */
  expireProducerIds(): void {
    // Before KIP-854 (3.5) producer ids lived as long as transactional ids.
    const setting = since(this.#state.release, '3.9') ? 'producer.id.expiration.ms' : 'transactional.id.expiration.ms';
    const limit = BigInt(this.#state.configs.brokerNumber(setting));
    for (const { log } of this.#state.partitions()) log.producers.expire(this.#state.now, limit);
  }

  /** What every broker does each `log.retention.check.interval.ms`: drops whole segments by `retention.ms` and `retention.bytes`. */
  applyRetention(): void {
    for (const { log } of this.#state.partitions()) log.applyRetention();
  }

  /** What every broker's log cleaner does: one round on each partition whose `cleanup.policy` names `compact`, as by {@link LogHandle.clean}. */
  async cleanLogs(options: CleanOptions = {}): Promise<void> {
    for (const { topic, index } of [...this.#state.partitions()]) {
      if (this.#state.topic(topic) !== undefined && this.#state.logConfig(topic).compacted) await this.log(topic, index).clean(options);
    }
  }

  /**
   * Puts `intercept` between the requests of an API and their handler. It may change nothing and look on, answer by itself, wait, or return
   * {@link NO_ANSWER} or {@link HANG_UP}. The interceptor added last comes first. Returns the function that takes it out again.
   */
  intercept<A extends Api>(api: A, intercept: Interceptor<A>): () => void {
    return this.#state.interceptors.add(api, intercept);
  }

  /** The request is carried out, but its answer is lost: the connection drops, or with `silent` stays open and nothing comes. */
  loseAnswer({ silent = false, ...fault }: FaultOptions & { readonly silent?: boolean }): () => void {
    return this.#nextTimes(fault, async (_request, proceed) => {
      await proceed();
      return silent ? NO_ANSWER : HANG_UP;
    });
  }

  /** The request is lost: nothing is carried out and the connection drops, or with `silent` stays open and nothing comes. */
  loseRequest({ silent = false, ...fault }: FaultOptions & { readonly silent?: boolean }): () => void {
    return this.#nextTimes(fault, () => (silent ? NO_ANSWER : HANG_UP));
  }

  /** Answers come `ms` late; the work is done at once. */
  delay({ ms, ...fault }: FaultOptions & { readonly ms: number }): () => void {
    return this.#nextTimes(fault, async (_request, proceed, { signal }) => {
      const answer = await proceed();
      await pause({ clock: this.#state.clock, ms, signal });
      return answer;
    });
  }

  /**
   * Answers an error instead of doing what was asked. With `topic` (and `partition`) only that one fails, and `times` counts its answers;
   * without, the whole request fails where its answer has a place for that, and else each of its topics or partitions.
   * Throws `KLINK_CONFIG` for an unknown name of an error.
   */
  fail({
    error,
    topic,
    partition,
    ...fault
  }: FaultOptions & { readonly error: ErrorName | number; readonly topic?: string; readonly partition?: number }): () => void {
    const errorCode = typeof error === 'number' ? error : ErrorCode[error];
    if (errorCode === undefined) throw new LinkError('KLINK_CONFIG', `Kafka has no error ${error}`);
    if (topic === undefined && hasTopLevelError(fault.api)) return this.#nextTimes(fault, () => blankResponse(fault.api, errorCode));
    return this.#state.planted.plant({ key: fault.api.key, errorCode, topic, partition, broker: fault.broker }, fault.times ?? 1);
  }

  /**
   * Rewrites encoded answers, the 4 length bytes included, before they are written: wrong lengths, cut frames, nonsense. What observers see is the answer
   * before that.
   */
  tamper({ api, times = 1, broker }: FaultOptions, tamper: Tamper): () => void {
    return this.#state.tampering.add(api.key, broker, times, tamper);
  }

  /** Calls `observe` for every frame that passes a broker, until the returned function is called. */
  observe(observe: Observer): () => void {
    this.#observers.add(observe);
    return () => this.#observers.delete(observe);
  }

  /** Stops everything and frees the logs. Safe to call twice. Rejects with what went wrong inside handlers or interceptors, if anything did. */
  async stop(): Promise<void> {
    await Promise.all([...this.#brokers.values()].map((broker) => broker.stop()));
    this.#state.groups.close();
    const defects = this.#state.defects.splice(0);
    if (defects.length > 0) throw new AggregateError(defects, `the embedded cluster failed: ${String(defects[0])}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #nextTimes({ api, times = 1, broker: only }: FaultOptions, intercept: Interceptor): () => void {
    let left = times;
    return this.#state.interceptors.add<Api>(api, (request, proceed, info) => {
      if (left === 0 || (only !== undefined && info.brokerId !== only)) return proceed();
      left--;
      return intercept(request, proceed, info);
    });
  }

  #broker(id: number): Broker {
    const broker = this.#brokers.get(id);
    if (broker === undefined) throw unknown(`broker ${id}`);
    return broker;
  }

  #partition(topic: string, index: number): Partition {
    const partition = this.#state.partition(topic, index);
    if (partition === undefined) throw unknown(`partition ${topic}-${index}`);
    return partition;
  }
}

const unknown = (what: string): LinkError => new LinkError('KLINK_CONFIG', `This embedded cluster has no ${what}`);
