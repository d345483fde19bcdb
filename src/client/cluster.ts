/** One Kafka cluster: bootstrap over several addresses, metadata, connections by broker and lane, requests routed to where they belong. */
import { lookup as dnsLookup } from 'node:dns/promises';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { FindCoordinator } from '../protocol/messages/find-coordinator.ts';
import { Metadata } from '../protocol/messages/metadata.ts';
import type { Api, RequestOf, ResponseOf } from '../protocol/schema.ts';
import { BrokerError } from './broker-error.ts';
import { abortedError, type Clock, type Random, sleep } from './clock.ts';
import { Connection, type SendOptions } from './connection.ts';
import { MetadataCache } from './metadata.ts';
import { backoff, type RetryPolicy, retry } from './retry.ts';
import type { Endpoint, OpenTransport } from './transport.ts';

export interface ClusterSettings {
  /** What messages call the cluster: "source", "destination". */
  readonly role: string;
  readonly bootstrap: readonly Endpoint[];
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxInFlightBytes: number;
  readonly maxFrameBytes: number;
  readonly retry: RetryPolicy;
}

/** What a cluster needs from the world. */
export interface ClusterPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly openTransport: OpenTransport;
  /** All addresses of a host name; Node's resolver when left out. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
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
const resolveHost = async (host: string): Promise<readonly string[]> =>
  (await dnsLookup(host, { all: true })).map(({ address }) => address);

export class Cluster {
  readonly settings: ClusterSettings;
  readonly metadata: MetadataCache = new MetadataCache();
  readonly #ports: ClusterPorts;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #failures = new Map<number, { count: number; notBefore: number }>();
  readonly #coordinators = new Map<string, number>();
  readonly #closing = new AbortController();
  #refresh: { readonly topics: ReadonlySet<string>; readonly done: Promise<void> } | null = null;

  private constructor(settings: ClusterSettings, ports: ClusterPorts) {
    this.settings = settings;
    this.#ports = ports;
  }

  /**
   * Reaches the cluster over any of its bootstrap addresses and learns its brokers.
   *
   * @throws LinkError `KLINK_CONNECT` naming every address that was tried and why it failed, `KLINK_MALFORMED` when something else
   *   answers there, `KLINK_TIMEOUT`, `KLINK_ABORTED`.
   */
  static async connect(
    settings: ClusterSettings,
    ports: ClusterPorts,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Cluster> {
    const cluster = new Cluster(settings, ports);
    try {
      await cluster.retry(() => cluster.refreshMetadata([], options.signal), options);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Aborted when the cluster is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Repeats `attempt` while it fails with retriable errors, with backoff, until `timeoutMs` have passed. */
  retry<T>(
    attempt: (count: number) => Promise<T>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<T> {
    const { clock, random } = this.#ports;
    return retry(
      {
        clock,
        random,
        policy: this.settings.retry,
        deadline: clock.now() + timeoutMs,
        signal: signal === undefined ? this.signal : AbortSignal.any([signal, this.signal]),
      },
      attempt,
    );
  }

  /** Asks for brokers and for these topics. Calls that ask for no more than one under way share it. */
  async refreshMetadata(topics: readonly string[], signal?: AbortSignal): Promise<void> {
    const running = this.#refresh;
    if (running !== null && topics.every((topic) => running.topics.has(topic))) return running.done;
    const done = this.#askMetadata(topics, signal);
    const mine = { topics: new Set(topics), done };
    this.#refresh = mine;
    try {
      await done;
    } finally {
      if (this.#refresh === mine) this.#refresh = null;
    }
  }

  /** The names of all topics the principal may see. */
  async listTopics(options: CallOptions = {}): Promise<readonly { readonly name: string; readonly isInternal: boolean }[]> {
    const response = await this.send(Metadata, { topics: null, allowAutoTopicCreation: false }, 'any', options);
    return response.topics.flatMap(({ name, isInternal }) => (name === null ? [] : [{ name, isInternal }]));
  }

  /**
   * Sends one request to its target and resolves with the answer; broker error codes in the answer are the caller's to judge.
   *
   * @throws LinkError as {@link Connection.send}, and `KLINK_CONNECT` (retriable) when the target is not known or not reachable.
   */
  async send<A extends Api>(api: A, body: RequestOf<A>, target: Target, { lane, ...options }: CallOptions = {}): Promise<ResponseOf<A>> {
    const connection =
      target === 'any'
        ? await this.#anyConnection(options.signal)
        : await this.connection(await this.#brokerOf(target, options), lane, options.signal);
    return connection.send(api, body, options);
  }

  /** The connection to a broker on a lane; opened when there is none. */
  async connection(broker: number, lane: string = CONTROL_LANE, signal?: AbortSignal): Promise<Connection> {
    const key = `${broker}/${lane}`;
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const opening = this.#openBroker(broker);
    this.#connections.set(key, opening);
    const forget = (): void => {
      if (this.#connections.get(key) === opening) this.#connections.delete(key);
    };
    opening.then((connection) => connection.closed.then(forget), forget);
    if (signal === undefined) return opening;
    return abortable(opening, signal, `connecting to broker ${broker}`);
  }

  /** Forgets who coordinates a group, after a broker has said that it does not. */
  forgetCoordinator(group: string): void {
    this.#coordinators.delete(group);
  }

  /** Waits for outstanding answers, `timeoutMs` at most, then closes every connection. Idempotent. */
  async close(timeoutMs = 0): Promise<void> {
    const open = [...this.#connections.values()];
    if (timeoutMs === 0) this.#closing.abort(this.#closedError());
    await Promise.allSettled(open.map(async (connection) => (await connection).close(timeoutMs)));
    this.#closing.abort(this.#closedError());
  }

  #closedError(): LinkError {
    return new LinkError('KLINK_CLOSED', `The ${this.settings.role} cluster's connections are closed`);
  }

  async #askMetadata(topics: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const connection = await this.#anyConnection(signal);
    const body = { topics: topics.map((name) => ({ name })), allowAutoTopicCreation: false };
    this.metadata.apply(await connection.send(Metadata, body, signal === undefined ? {} : { signal }));
    const live = this.metadata.brokers;
    // A broker whose address changed is another process: its old connections are of no use.
    for (const [key, opening] of this.#connections) {
      const endpoint = live.get(Number.parseInt(key, 10));
      if (endpoint === undefined) continue;
      void opening.then((open) => {
        if (open.endpoint.port !== endpoint.port) open.destroy(null);
      }, ignored);
    }
  }

  async #brokerOf(target: Exclude<Target, 'any'>, options: SendOptions): Promise<number> {
    if (target === 'controller') return this.metadata.controllerId;
    if ('broker' in target) return target.broker;
    if ('group' in target) return this.#coordinator(target.group, options);
    const { topic, partition } = target.leader;
    const leader = this.metadata.partition(topic, partition)?.leaderId ?? -1;
    if (leader >= 0) return leader;
    throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, `reach the leader of ${topic}-${partition} on the ${this.settings.role} cluster`);
  }

  async #coordinator(group: string, options: SendOptions): Promise<number> {
    const known = this.#coordinators.get(group);
    if (known !== undefined) return known;
    // v4 asks for many keys at once and answers in a list; older versions have one key and one answer.
    const request = { key: group, keyType: GROUP_KEY_TYPE, coordinatorKeys: [group] };
    const connection = await this.#anyConnection(options.signal);
    const batched = connection.versions.of(FindCoordinator) >= 4;
    const response = await connection.send(
      FindCoordinator,
      batched ? { ...request, key: '' } : { ...request, coordinatorKeys: [] },
      options,
    );
    const found = batched ? response.coordinators[0] : response;
    if (found === undefined || found.errorCode !== ErrorCode.NONE) {
      const code = found?.errorCode ?? ErrorCode.COORDINATOR_NOT_AVAILABLE;
      throw new BrokerError(code, `find the coordinator of group '${group}' on the ${this.settings.role} cluster`, {
        detail: found?.errorMessage ?? null,
      });
    }
    this.#coordinators.set(group, found.nodeId);
    return found.nodeId;
  }

  async #openBroker(broker: number): Promise<Connection> {
    const endpoint = this.metadata.brokers.get(broker);
    if (endpoint === undefined) {
      throw new LinkError(
        'KLINK_CONNECT',
        `Broker ${broker} of the ${this.settings.role} cluster is not alive: no address is known for it`,
        { retriable: true },
      );
    }
    const { clock, random } = this.#ports;
    const failed = this.#failures.get(broker);
    if (failed !== undefined && failed.notBefore > clock.now())
      await sleep(clock, failed.notBefore - clock.now(), this.signal, `waiting to reconnect to broker ${broker}`);
    try {
      const connection = await this.#openAny(await this.#addresses(endpoint));
      this.#failures.delete(broker);
      return connection;
    } catch (error) {
      const count = (failed?.count ?? 0) + 1;
      this.#failures.set(broker, { count, notBefore: clock.now() + backoff(this.settings.retry, count, random) });
      throw error;
    }
  }

  /** An open control connection, whoever it leads to; else a known broker; else the bootstrap addresses again. */
  async #anyConnection(signal: AbortSignal | undefined): Promise<Connection> {
    const brokers = shuffled([...this.metadata.brokers.keys()], this.#ports.random);
    const open = brokers.find((broker) => this.#connections.has(`${broker}/${CONTROL_LANE}`));
    const tried: LinkError[] = [];
    for (const broker of open === undefined ? brokers : [open, ...brokers.filter((other) => other !== open)]) {
      try {
        return await this.connection(broker, CONTROL_LANE, signal);
      } catch (error) {
        if (!LinkError.is(error) || error.code === 'KLINK_ABORTED' || this.signal.aborted) throw error;
        tried.push(error);
      }
    }
    return this.#bootstrapConnection(tried, signal);
  }

  /** The first connection of all; it belongs to no broker id, and lives until metadata has told the brokers' own addresses. */
  #bootstrapConnection(tried: LinkError[], signal: AbortSignal | undefined): Promise<Connection> {
    const key = 'bootstrap';
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const opening = (async () => {
      for (const endpoint of shuffled(this.settings.bootstrap, this.#ports.random)) {
        try {
          return await this.#openAny(await this.#addresses(endpoint));
        } catch (error) {
          if (!LinkError.is(error) || error.code === 'KLINK_ABORTED' || this.signal.aborted) throw error;
          tried.push(error);
        }
      }
      throw this.#unreachable(tried);
    })();
    this.#connections.set(key, opening);
    const forget = (): void => void this.#connections.delete(key);
    opening.then((connection) => connection.closed.then(forget), forget);
    return signal === undefined ? opening : abortable(opening, signal, `connecting to the ${this.settings.role} cluster`);
  }

  #unreachable(tried: readonly LinkError[]): LinkError {
    const [first] = tried;
    // An answer that is not Kafka's will not become so: say it at once instead of trying until the deadline.
    const fatal = tried.find(({ retriable }) => !retriable);
    const addresses = this.settings.bootstrap.map(({ host, port }) => `${host}:${port}`).join(', ');
    const reasons = [...new Set(tried.map(({ message }) => message))].join('; ');
    return new LinkError(
      fatal?.code ?? 'KLINK_CONNECT',
      `The ${this.settings.role} cluster cannot be reached at ${addresses}: ${reasons}`,
      {
        cause: tried.length === 1 ? first : new AggregateError(tried, reasons),
        retriable: fatal === undefined,
      },
    );
  }

  async #addresses({ host, port }: Endpoint): Promise<readonly Endpoint[]> {
    try {
      const addresses = await (this.#ports.lookup ?? resolveHost)(host);
      return addresses.map((address) => ({ host: address, port }));
    } catch (cause) {
      throw new LinkError(
        'KLINK_CONNECT',
        `The name ${host} of the ${this.settings.role} cluster cannot be resolved: check it and the DNS`,
        { cause, retriable: true },
      );
    }
  }

  async #openAny(endpoints: readonly Endpoint[]): Promise<Connection> {
    const { clientId, connectTimeoutMs, requestTimeoutMs, maxInFlightBytes, maxFrameBytes } = this.settings;
    const { clock, openTransport } = this.#ports;
    let last: unknown = new LinkError('KLINK_CONNECT', `No address is known`, { retriable: true });
    for (const endpoint of endpoints) {
      try {
        return await Connection.open(
          { endpoint, clientId, clock, openTransport, connectTimeoutMs, requestTimeoutMs, maxInFlightBytes, maxFrameBytes },
          this.signal,
        );
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
}

const ignored = (): void => {};

const shuffled = <T>(items: readonly T[], random: Random): T[] =>
  items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);

/** Lets one waiter go without taking the shared promise from the others. */
const abortable = <T>(promise: Promise<T>, signal: AbortSignal, doing: string): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(abortedError(signal, doing));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
