/** The link's way to its brokers, in a test's hands: cut it, or lose what comes back. The brokers are untouched, so it works with real ones. */
import { type Endpoint, type OpenTransport, openTcp, type Transport } from '../../src/client/transport.ts';
import { LinkError } from '../../src/errors.ts';
import type { Api } from '../../src/protocol/schema.ts';

/** Behind the four length bytes of a request. */
const API_KEY_AT = 4;

interface Death {
  readonly keys: ReadonlySet<number>;
  left: number;
  readonly at: 'request' | 'answer';
  readonly died: () => void;
}

export class Network {
  /** With the addresses they lead to. */
  readonly #open = new Map<Transport, string>();
  #blocked: ReadonlySet<string> = new Set();
  #detours: ReadonlyMap<string, Endpoint> = new Map();
  #death: Death | null = null;
  #isSevered = false;
  #doomed: { readonly apiKey: number; left: number } | null = null;
  /** Answers that were lost so far. */
  lostAnswers = 0;
  /** Connections opened so far. */
  opened = 0;

  /** To be given to the link. */
  readonly openTransport: OpenTransport = async (endpoint, events, limits) => {
    if (this.isDead) throw new LinkError('KLINK_CONNECT', 'Nothing comes from a process that has died', { retriable: true });
    const address = `${endpoint.host}:${endpoint.port}`;
    if (this.#isSevered || this.#blocked.has(address))
      throw new LinkError('KLINK_CONNECT', `The network does not lead to ${address}`, { retriable: true });
    let doomed = false;
    let last = false;
    const took = (size: number): void => {
      if (last) this.#die();
      if (doomed) {
        this.lostAnswers++;
        throw new LinkError('KLINK_CONNECT', 'The network lost an answer', { retriable: true });
      }
      events.sink.took(size);
    };
    const transport = await openTcp(
      this.#detours.get(address) ?? endpoint,
      {
        sink: { room: () => events.sink.room(), took },
        closed: (error) => {
          this.#open.delete(tapped);
          events.closed(error);
        },
      },
      limits,
    );
    const tapped: Transport = {
      write: (chunks) => {
        if (this.#isSevered) return;
        const due = this.#doomed;
        if (due !== null && due.left > 0 && chunks[0]!.readInt16BE(API_KEY_AT) === due.apiKey) {
          due.left--;
          doomed = true;
        }
        const death = this.#death;
        if (this.isDead) return;
        if (death?.keys.has(chunks[0]!.readInt16BE(API_KEY_AT)) === true && --death.left === 0) {
          if (death.at === 'answer') last = true;
          else return this.#die();
        }
        transport.write(chunks);
      },
      destroy: () => transport.destroy(),
    };
    this.#open.set(tapped, address);
    this.opened++;
    return tapped;
  };

  /** Connections that are open now. */
  get connections(): number {
    return this.#open.size;
  }

  /** The addresses to which connections are open now. */
  get addresses(): ReadonlySet<string> {
    return new Set(this.#open.values());
  }

  /** There is no way to these addresses any more, and no connection to them. */
  block(addresses: readonly string[]): void {
    this.#blocked = new Set(addresses);
    for (const [transport, address] of this.#open) if (this.#blocked.has(address)) transport.destroy();
  }

  /** Something else is behind these addresses from now on; null: the brokers are again. Connections to them are gone. */
  redirect(addresses: readonly string[], to: Endpoint | null): void {
    this.#detours = new Map(to === null ? [] : addresses.map((address) => [address, to]));
    for (const [transport, address] of this.#open) if (addresses.includes(address)) transport.destroy();
  }

  /** From this moment on nothing leaves the link: to its clusters it is a process that was killed. */
  sever(): void {
    this.#isSevered = true;
    this.cut();
  }

  /** Drops every connection, whatever is on its way. */
  cut(): void {
    for (const transport of this.#open.keys()) transport.destroy();
  }

  /** Whether {@link dieAt} has happened. */
  isDead = false;

  /**
   * As brokers see a process that is killed: with the `nth` request of these kinds from now on everything is dropped, before it is sent or when its answer
   * comes, and nothing is opened any more. Resolves then.
   */
  dieAt(apis: readonly Api[], nth: number, at: Death['at']): Promise<void> {
    return new Promise((died) => {
      this.#death = { keys: new Set(apis.map(({ key }) => key)), left: nth, at, died };
    });
  }

  #die(): void {
    this.isDead = true;
    this.cut();
    this.#death?.died();
  }

  /** The next `count` requests of this kind reach the broker and are worked on, but their answers are lost with the connection. */
  loseAnswers(api: Api, count: number): void {
    this.#doomed = { apiKey: api.key, left: count };
  }
}
