/** A peer on a loopback socket that does exactly what a test tells it: byte by byte, out of order, or not at all. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { decodeRequestHeader, encodeResponse, type RequestHeader } from '../../src/protocol/frame.ts';
import { ApiVersions } from '../../src/protocol/messages/api-versions.ts';
import type { Api, SentResponseOf } from '../../src/protocol/schema.ts';

/** A request as it came, and the ways to react to it. */
export interface ScriptedRequest extends RequestHeader {
  /** Without the length bytes. */
  readonly frame: Buffer;
  readonly peer: ScriptedPeer;
  /** Answers in the version that was asked. */
  answer<A extends Api>(api: A, body: SentResponseOf<A>, as?: { readonly correlationId?: number; readonly version?: number }): void;
}

/** One client connection, seen from the broker. */
export interface ScriptedPeer {
  readonly socket: Socket;
  /** The requests that nobody has taken yet, in order. */
  next(): Promise<ScriptedRequest>;
  /** Resolves when the client has closed the connection. */
  readonly gone: Promise<void>;
}

export type Offer = readonly { readonly api: Api; readonly min?: number; readonly max?: number }[];

/** An ApiVersions answer that offers these APIs, in the versions we know unless told otherwise. */
export const offering = (offer: Offer): SentResponseOf<typeof ApiVersions> => ({
  errorCode: 0,
  apiKeys: [{ api: ApiVersions }, ...offer].map(({ api, min, max }: Offer[number]) => ({
    apiKey: api.key,
    minVersion: min ?? api.versions.min,
    maxVersion: max ?? api.versions.max,
  })),
});

/** The bytes of an answer, length included. */
export const frameOf = <A extends Api>(api: A, version: number, correlationId: number, body: SentResponseOf<A>): Buffer =>
  Buffer.concat(encodeResponse(api, version, correlationId, body).chunks);

export interface ScriptedOptions {
  /** Answers ApiVersions with this by itself. Left out: ApiVersions comes like any other request. */
  readonly offer?: Offer;
  readonly port?: number;
  /** Takes every request that is not answered by `offer`. Left out: {@link ScriptedPeer.next} hands them out. */
  readonly handle?: (request: ScriptedRequest) => void;
}

/** Hands out what is put in, in order, to whoever asks first. */
class Inbox<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];

  put(item: T): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker(item);
  }

  take(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift() as T);
    return new Promise((resolve) => this.#takers.push(resolve));
  }
}

export class ScriptedBroker {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #peers = new Inbox<ScriptedPeer>();
  #accepted = 0;
  /** Known after the end too. */
  port = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(options: ScriptedOptions = {}): Promise<ScriptedBroker> {
    const server = createServer({ allowHalfOpen: true });
    const broker = new ScriptedBroker(server);
    server.on('connection', (socket) => broker.#accept(socket, options));
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    broker.port = (server.address() as AddressInfo).port;
    return broker;
  }

  /** Connections ever accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  /** The clients in the order in which they came. */
  nextPeer(): Promise<ScriptedPeer> {
    return this.#peers.take();
  }

  /** Cuts every connection and stops listening. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket, { offer, handle }: ScriptedOptions): void {
    this.#accepted++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    const inbox = new Inbox<ScriptedRequest>();
    const gone = new Promise<void>((resolve) => {
      socket.once('end', () => {
        socket.end();
        resolve();
      });
      socket.once('close', () => {
        this.#sockets.delete(socket);
        resolve();
      });
    });
    const peer: ScriptedPeer = {
      socket,
      next: () => inbox.take(),
      gone,
    };
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const frame = bytes.subarray(4, 4 + bytes.readInt32BE(0));
        bytes = bytes.subarray(4 + frame.length);
        const header = decodeRequestHeader(frame);
        const request: ScriptedRequest = {
          ...header,
          frame,
          peer,
          answer: (api, body, { correlationId = header.correlationId, version = header.apiVersion } = {}) =>
            void socket.write(frameOf(api, version, correlationId, body)),
        };
        if (offer !== undefined && header.apiKey === ApiVersions.key) request.answer(ApiVersions, offering(offer));
        else if (handle === undefined) inbox.put(request);
        else handle(request);
      }
    });
    this.#peers.put(peer);
  }
}
