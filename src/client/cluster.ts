/** One Kafka cluster: reached over several addresses, its metadata kept, requests routed to where they belong. */
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { FindCoordinator } from '../protocol/messages/find-coordinator.ts';
import { Metadata, type MetadataResponse } from '../protocol/messages/metadata.ts';
import type { Api, RequestOf, ResponseOf } from '../protocol/schema.ts';
import { abortable } from './abort.ts';
import { BrokerError } from './broker-error.ts';
import { type Clock, limit, type Random } from './clock.ts';
import type { Connection, SendOptions } from './connection.ts';
import { ConnectionPool, shuffled } from './connection-pool.ts';
import { HEAD_START_MS, type Lookup, summary, systemLookup } from './dial.ts';
import { firstOf, NoneSucceeded } from './first-of.ts';
import { MetadataCache } from './metadata.ts';
import { type RetryPolicy, retry } from './retry.ts';
import { type Endpoint, endpointText, type OpenTransport } from './transport.ts';

export interface ClusterSettings {
  /** What messages call the cluster: "source", "destination". */
  readonly role: string;
  readonly bootstrap: readonly Endpoint[];
  readonly clientId: string;
  /** Milliseconds to open a connection to one address and agree on versions. */
  readonly connectTimeoutMs: number;
  /** Milliseconds for a request, reaching its target included, when the call names no other. */
  readonly requestTimeoutMs: number;
  /** Per connection: bytes of requests whose answers are outstanding. */
  readonly maxInFlightBytes: number;
  /** Largest answer that is accepted. */
  readonly maxFrameBytes: number;
  /** Between attempts of a call, and between attempts to reach one address. */
  readonly retry: RetryPolicy;
}

/** What a cluster needs from the world. */
export interface ClusterPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly openTransport: OpenTransport;
  /** All addresses of a host name; Node's resolver when left out. */
  readonly lookup?: Lookup;
}

/** Who shall answer a request. */
export type Target =
  | 'any'
  | 'controller'
  | { readonly broker: number }
  | { readonly leader: { readonly topic: string; readonly partition: number } }
  | { readonly group: string };

export interface CallOptions extends SendOptions {
  /** Connections of one broker with different lanes do not wait for each other: a broker works on one request per connection at a time. */
  readonly lane?: string;
}

const CONTROL_LANE = 'control';
const GROUP_KEY_TYPE = 0;
/** From this version on FindCoordinator asks for many keys at once and answers in a list (KIP-699). */
const FIRST_BATCHED_FIND_COORDINATOR = 4;

export class Cluster {
  readonly settings: ClusterSettings;
  readonly metadata: MetadataCache = new MetadataCache();
  readonly #ports: ClusterPorts;
  readonly #pool: ConnectionPool;
  readonly #coordinators = new Map<string, number>();
  /** The Metadata request that has not been sent yet: calls join it. */
  #nextRefresh: { readonly topics: Set<string>; readonly done: Promise<void> } | null = null;
  #refreshing: Promise<void> = Promise.resolve();

  private constructor(settings: ClusterSettings, ports: ClusterPorts) {
    this.settings = settings;
    this.#ports = ports;
    this.#pool = new ConnectionPool({ ...settings, ...ports, lookup: ports.lookup ?? systemLookup, backoff: settings.retry });
  }

  /** A cluster that has not been reached yet: every call tries to. For one that may be away and come back. */
  static open(settings: ClusterSettings, ports: ClusterPorts): Cluster {
    return new Cluster(settings, ports);
  }

  /**
   * Reaches the cluster over any of its bootstrap addresses and learns its brokers.
   *
   * @throws LinkError `KLINK_CONNECT` naming every address that was tried and why it failed; when none of them will ever do,
   *   `KLINK_MALFORMED` (something else than Kafka answers), `KLINK_BROKER` or `KLINK_VERSION`; `KLINK_ABORTED`.
   */
  static async connect(
    settings: ClusterSettings,
    ports: ClusterPorts,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Cluster> {
    const cluster = new Cluster(settings, ports);
    try {
      await cluster.retry((_, signal) => cluster.refreshMetadata([], signal), {
        ...options,
        doing: `Reaching the ${settings.role} cluster at ${cluster.#bootstrapText()}`,
      });
      return cluster;
    } catch (error) {
      await cluster.close();
      if (!LinkError.is(error, 'KLINK_TIMEOUT')) throw error;
      throw new LinkError('KLINK_CONNECT', error.message, { cause: error, retriable: true });
    }
  }

  /** Aborted with `KLINK_CLOSED` when the cluster is closed, before outstanding answers are waited for. */
  get signal(): AbortSignal {
    return this.#pool.signal;
  }

  /** Repeats `attempt` while it fails with retriable errors, with backoff, until `timeoutMs` have passed: see {@link retry}. */
  retry<T>(
    attempt: (count: number, signal: AbortSignal) => Promise<T>,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal; readonly doing?: string },
  ): Promise<T> {
    const { clock, random } = this.#ports;
    const { timeoutMs, signal, doing = `A call to the ${this.settings.role} cluster` } = options;
    return retry({ clock, random, policy: this.settings.retry, timeoutMs, signals: [signal, this.signal], doing }, attempt);
  }

  /**
   * Asks for brokers and for these topics. One request is on its way at a time; calls made meanwhile share the next one, so that
   * what a call gets to see was true after it was made. An aborted signal ends the wait of its caller alone.
   *
   * @throws LinkError `KLINK_CONNECT` (retriable) when no broker answers, or none with anything to go by; else as {@link Cluster.send}.
   */
  refreshMetadata(topics: readonly string[], signal?: AbortSignal): Promise<void> {
    this.#nextRefresh ??= this.#planRefresh();
    for (const topic of topics) this.#nextRefresh.topics.add(topic);
    const { done } = this.#nextRefresh;
    return signal === undefined ? done : abortable(done, signal, `asking the ${this.settings.role} cluster for its metadata`);
  }

  /** The names of all topics the principal may see. */
  async listTopics(options: CallOptions = {}): Promise<readonly { readonly name: string; readonly isInternal: boolean }[]> {
    const response = await this.send(Metadata, { topics: null, allowAutoTopicCreation: false }, 'any', options);
    return response.topics.flatMap(({ name, isInternal }) => (name === null ? [] : [{ name, isInternal }]));
  }

  /**
   * Sends one request to its target and resolves with the answer; broker error codes in the answer are the caller's to judge.
   * The leader is the one that metadata told last: after an error, refresh and send again.
   *
   * @throws LinkError as {@link Connection.send}; `KLINK_CONNECT` (retriable) when the target is not reachable;
   *   `KLINK_BROKER` when there is no leader, controller or coordinator at the moment (retriable), `KLINK_AUTH` when the group may not be described.
   */
  async send<A extends Api>(api: A, body: RequestOf<A>, target: Target, { lane, ...options }: CallOptions = {}): Promise<ResponseOf<A>> {
    const { clock } = this.#ports;
    const timeoutMs = options.timeoutMs ?? this.settings.requestTimeoutMs;
    const deadline = clock.now() + timeoutMs;
    const left = (): number => deadline - clock.now();
    const routing = limit(clock, timeoutMs, `Reaching the ${this.settings.role} cluster for ${api.name}`, [options.signal, this.signal]);
    try {
      const connection = await this.#route(target, lane, routing.signal, left);
      routing.end();
      return await connection.send(api, body, { ...options, timeoutMs: left() });
    } catch (error) {
      // The coordinator may have moved with the death of this broker.
      if (typeof target === 'object' && 'group' in target && LinkError.is(error) && error.retriable) this.forgetCoordinator(target.group);
      throw error;
    } finally {
      routing.end();
    }
  }

  /**
   * The connection to a broker on a lane; opened when there is none.
   *
   * @throws LinkError as {@link Connection.open}; `KLINK_CONNECT` (retriable) when metadata names no such broker; `KLINK_CLOSED`.
   */
  async connection(broker: number, lane: string = CONTROL_LANE, signal?: AbortSignal): Promise<Connection> {
    const endpoint = this.metadata.brokers.get(broker);
    if (endpoint !== undefined) return this.#pool.connection(broker, endpoint, lane, signal);
    throw new LinkError('KLINK_CONNECT', `Broker ${broker} of the ${this.settings.role} cluster is not alive: no address is known for it`, {
      retriable: true,
    });
  }

  /** Forgets who coordinates a group, after a broker has said that it does not. */
  forgetCoordinator(group: string): void {
    this.#coordinators.delete(group);
  }

  /** Takes no more calls, waits for answers to what has been sent, `timeoutMs` at most, then closes every connection. Idempotent. */
  close(timeoutMs = 0): Promise<void> {
    return this.#pool.close(timeoutMs);
  }

  #planRefresh(): { readonly topics: Set<string>; readonly done: Promise<void> } {
    const topics = new Set<string>();
    const done = this.#refresh(topics, this.#refreshing);
    this.#refreshing = done.catch(ignored);
    return { topics, done };
  }

  /** A broker that does not answer soon is not waited for alone: another one is asked as well. */
  async #refresh(topics: ReadonlySet<string>, before: Promise<void>): Promise<void> {
    await before;
    // Once a request is on its way its topics are fixed: later calls plan another one.
    const fix = (): void => {
      if (this.#nextRefresh?.topics === topics) this.#nextRefresh = null;
    };
    try {
      const { response, version } = await this.#anyBroker(this.signal, async (connection, signal) => {
        fix();
        const body = { topics: [...topics].map((name) => ({ name })), allowAutoTopicCreation: false };
        const response = await connection.send(Metadata, body, { signal });
        this.#check(response, connection);
        return { response, version: connection.versions.of(Metadata) };
      });
      this.metadata.apply(response, version);
      this.#pool.follow(this.metadata.brokers);
    } finally {
      fix();
    }
  }

  /** Refuses answers that would make the cache worse than it is. */
  #check({ brokers, clusterId }: MetadataResponse, { endpoint }: Connection): void {
    const { role } = this.settings;
    const known = this.metadata.clusterId;
    if (brokers.length === 0) {
      throw new LinkError('KLINK_BROKER', `${endpointText(endpoint)} knows no brokers of the ${role} cluster yet: it is starting`, {
        retriable: true,
      });
    }
    if (known !== null && clusterId !== null && clusterId !== known) {
      throw new LinkError(
        'KLINK_CONNECT',
        `${endpointText(endpoint)} belongs to cluster ${clusterId} now, but the ${role} cluster is ${known}: check where its addresses lead`,
        { retriable: true },
      );
    }
  }

  async #route(target: Target, lane: string | undefined, signal: AbortSignal, left: () => number): Promise<Connection> {
    if (target === 'any') return this.#anyConnection(signal);
    if (target === 'controller') return this.connection(this.#controller(), lane, signal);
    if ('broker' in target) return this.connection(target.broker, lane, signal);
    if ('leader' in target) return this.connection(this.#leader(target.leader), lane, signal);
    return this.connection(await this.#coordinator(target.group, signal, left), lane, signal);
  }

  #controller(): number {
    const { controllerId } = this.metadata;
    if (controllerId >= 0) return controllerId;
    throw new LinkError('KLINK_BROKER', `The ${this.settings.role} cluster has no controller at the moment`, { retriable: true });
  }

  #leader({ topic, partition }: { readonly topic: string; readonly partition: number }): number {
    const leader = this.metadata.partition(topic, partition)?.leaderId ?? -1;
    if (leader >= 0) return leader;
    throw new BrokerError(
      this.metadata.noLeaderCode(topic),
      `reach the leader of ${topic}-${partition} on the ${this.settings.role} cluster`,
    );
  }

  async #coordinator(group: string, signal: AbortSignal, left: () => number): Promise<number> {
    const known = this.#coordinators.get(group);
    if (known !== undefined) return known;
    const connection = await this.#anyConnection(signal);
    const batched = connection.versions.of(FindCoordinator) >= FIRST_BATCHED_FIND_COORDINATOR;
    const keys = batched ? { key: '', coordinatorKeys: [group] } : { key: group, coordinatorKeys: [] };
    const response = await connection.send(FindCoordinator, { ...keys, keyType: GROUP_KEY_TYPE }, { signal, timeoutMs: left() });
    const found = batched ? response.coordinators[0] : response;
    if (found === undefined || found.errorCode !== ErrorCode.NONE) {
      const code = found?.errorCode ?? ErrorCode.COORDINATOR_NOT_AVAILABLE;
      throw new BrokerError(code, `find the coordinator of group '${group}' on the ${this.settings.role} cluster`, {
        detail: found?.errorMessage ?? null,
      });
    }
    // A broker that joined after the last refresh.
    if (!this.metadata.brokers.has(found.nodeId)) await this.refreshMetadata([], signal);
    this.#coordinators.set(group, found.nodeId);
    return found.nodeId;
  }

  #anyConnection(signal: AbortSignal): Promise<Connection> {
    return this.#anyBroker(signal, async (connection) => connection);
  }

  /** The first success with any broker: those with an open connection before the others, the bootstrap addresses at last (KIP-899). */
  async #anyBroker<T>(signal: AbortSignal, use: (connection: Connection, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, random } = this.#ports;
    const open = new Set(this.#pool.ready(CONTROL_LANE));
    const brokers = shuffled([...this.metadata.brokers.keys()], random).sort((a, b) => Number(open.has(b)) - Number(open.has(a)));
    const ways = [
      ...brokers.map((broker) => (given: AbortSignal) => this.connection(broker, CONTROL_LANE, given)),
      (given: AbortSignal) => this.#pool.bootstrap(given),
    ];
    try {
      return await firstOf(
        ways.map((connect) => async (given) => use(await connect(given), given)),
        {
          clock,
          headStartMs: HEAD_START_MS,
          signal,
          doing: `asking the ${this.settings.role} cluster`,
          // Connections of the pool are there for the next call.
          discard: ignored,
        },
      );
    } catch (error) {
      if (!(error instanceof NoneSucceeded)) throw error;
      throw summary(error.errors, `The ${this.settings.role} cluster cannot be reached at ${this.#bootstrapText()}`);
    }
  }

  #bootstrapText(): string {
    return this.settings.bootstrap.map(endpointText).join(', ');
  }
}

const ignored = (): void => {};
