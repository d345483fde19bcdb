/** The connections of one cluster, by broker and lane: shared by all who ask, reopened with backoff, dropped when a broker moves. */
import { LinkError } from '../errors.ts';
import { abortable } from './abort.ts';
import { type Random, sleep } from './clock.ts';
import type { Connection } from './connection.ts';
import { type DialOptions, dial, HEAD_START_MS, summary } from './dial.ts';
import { firstOf, NoneSucceeded } from './first-of.ts';
import { backoff, type RetryPolicy } from './retry.ts';
import { type Endpoint, endpointText } from './transport.ts';

export interface PoolOptions extends DialOptions {
  /** What messages call the cluster: "source", "destination". */
  readonly role: string;
  readonly random: Random;
  /** Between attempts to reach the same address. */
  readonly backoff: RetryPolicy;
}

interface Slot {
  /** Null for the bootstrap connection, which belongs to no broker id. */
  readonly broker: number | null;
  readonly lane: string;
  readonly endpoint: Endpoint | null;
  readonly opening: Promise<Connection>;
  connection: Connection | null;
}

const BOOTSTRAP = 'bootstrap';

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #slots = new Map<string, Slot>();
  /** Every connection that is not closed, also those that have left their slot. */
  readonly #all = new Set<Promise<Connection>>();
  /** Addresses that could not be reached, and when they may be tried again. */
  readonly #failures = new Map<string, { readonly count: number; readonly notBefore: number }>();
  readonly #closing = new AbortController();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Aborted with `KLINK_CLOSED` as soon as the pool begins to close. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** The brokers whose connection on this lane is open. */
  ready(lane: string): number[] {
    return [...this.#slots.values()].flatMap((slot) =>
      slot.broker !== null && slot.lane === lane && slot.connection !== null && !slot.connection.isClosed ? [slot.broker] : [],
    );
  }

  /** The connection to a broker on a lane; opened when there is none. An aborted signal ends the wait, not the opening: others may share it. */
  connection(broker: number, endpoint: Endpoint, lane: string, signal?: AbortSignal): Promise<Connection> {
    const opening = this.#share({ broker, lane, endpoint }, () => this.#open(broker, endpoint));
    return signal === undefined ? opening : abortable(opening, signal, `connecting to broker ${broker}`);
  }

  /** A connection to whichever of these addresses answers first; shared by all who ask until {@link forgetBootstrap}. */
  bootstrap(addresses: readonly Endpoint[], signal: AbortSignal): Promise<Connection> {
    const { role, clock, random } = this.#options;
    const opening = this.#share({ broker: null, lane: BOOTSTRAP, endpoint: null }, async () => {
      const endpoints = shuffled(addresses, random);
      try {
        return await firstOf(
          endpoints.map((endpoint) => (given) => dial(endpoint, this.#options, given)),
          {
            clock,
            headStartMs: HEAD_START_MS,
            signal: this.signal,
            doing: `connecting to the ${role} cluster`,
            discard: (late) => late.destroy(null),
          },
        );
      } catch (error) {
        throw error instanceof NoneSucceeded ? summary(error.errors) : error;
      }
    });
    return abortable(opening, signal, `connecting to the ${role} cluster`);
  }

  /** The bootstrap connection, open or on its way, is for nobody else any more. */
  forgetBootstrap(): void {
    for (const [key, slot] of this.#slots) {
      if (slot.broker !== null) continue;
      this.#slots.delete(key);
      slot.opening.then((connection) => connection.close(this.#options.requestTimeoutMs), ignored);
    }
  }

  /**
   * Takes over what metadata says. The bootstrap connection has done its duty once brokers are known. A broker that has another address
   * now is another process: its old connections are of no use, and whoever waits for one of them is told so.
   */
  follow(brokers: ReadonlyMap<number, Endpoint>): void {
    this.forgetBootstrap();
    for (const [key, slot] of this.#slots) {
      const now = slot.broker === null ? undefined : brokers.get(slot.broker);
      if (now === undefined || slot.endpoint === null || endpointText(now) === endpointText(slot.endpoint)) continue;
      this.#slots.delete(key);
      const moved = new LinkError(
        'KLINK_CONNECT',
        `Broker ${slot.broker} has moved from ${endpointText(slot.endpoint)} to ${endpointText(now)}`,
        {
          retriable: true,
        },
      );
      slot.opening.then((connection) => connection.destroy(moved), ignored);
    }
  }

  /** Opens nothing more, waits for outstanding answers, `timeoutMs` at most, then closes every connection. Idempotent. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing.abort(new LinkError('KLINK_CLOSED', `The ${this.#options.role} cluster's connections are closed`));
    await Promise.allSettled([...this.#all].map(async (opening) => (await opening).close(timeoutMs)));
  }

  #share(place: Pick<Slot, 'broker' | 'lane' | 'endpoint'>, open: () => Promise<Connection>): Promise<Connection> {
    if (this.signal.aborted) return Promise.reject(this.signal.reason);
    const key = `${place.broker ?? BOOTSTRAP}/${place.lane}`;
    const known = this.#slots.get(key);
    if (known !== undefined && known.connection?.isClosed !== true) return known.opening;
    const slot: Slot = { ...place, opening: open(), connection: null };
    this.#slots.set(key, slot);
    this.#all.add(slot.opening);
    const forget = (): void => {
      this.#all.delete(slot.opening);
      if (this.#slots.get(key) === slot) this.#slots.delete(key);
    };
    slot.opening.then((connection) => {
      slot.connection = connection;
      return connection.closed.then(forget);
    }, forget);
    return slot.opening;
  }

  async #open(broker: number, endpoint: Endpoint): Promise<Connection> {
    const { role, clock, random, backoff: policy } = this.#options;
    const address = endpointText(endpoint);
    const failed = this.#failures.get(address);
    const wait = (failed?.notBefore ?? 0) - clock.now();
    if (wait > 0) await sleep(clock, wait, this.signal, `waiting to reconnect to ${address}`);
    try {
      const connection = await dial(endpoint, this.#options, this.signal);
      this.#failures.delete(address);
      return connection;
    } catch (error) {
      if (this.signal.aborted) throw error;
      const count = (failed?.count ?? 0) + 1;
      this.#failures.set(address, { count, notBefore: clock.now() + backoff(policy, count, random) });
      throw summary([LinkError.from(error)], `Broker ${broker} of the ${role} cluster, which advertises ${address}, cannot be reached`);
    }
  }
}

const ignored = (): void => {};

/** In random order, so that the clients of a cluster do not all lean on the broker that stands first. */
export const shuffled = <T>(items: readonly T[], random: Random): T[] =>
  items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
