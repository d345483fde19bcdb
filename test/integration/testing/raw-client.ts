/** A bare client for tests of brokers: one connection, one request at a time, no retries, nothing hidden. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { decodeResponse, encodeRequest } from '../../../src/protocol/frame.ts';
import type { Api, RequestOf, ResponseOf } from '../../../src/protocol/schema.ts';

export class RawClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #clientId: string | null;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #correlationId = 0;
  #wake: () => void = () => undefined;

  constructor(socket: Socket, clientId: string | null) {
    this.#socket = socket;
    this.#clientId = clientId;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Connects to `host:port`. */
  static async to(address: string, clientId: string | null = 'raw'): Promise<RawClient> {
    const [host, port] = address.split(':');
    const socket = connect({ host: host!, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket, clientId);
  }

  /** Sends bytes as they are. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends a request and returns its correlation id. */
  send<A extends Api>(api: A, version: number, body: RequestOf<A>): number {
    const correlationId = ++this.#correlationId;
    for (const chunk of encodeRequest(api, version, correlationId, this.#clientId, body).chunks) this.#socket.write(chunk);
    return correlationId;
  }

  /** The next frame, without its length bytes. Null when the peer closed instead, or `ms` passed. */
  async frame(ms = 10_000): Promise<Buffer | null> {
    const deadline = performance.now() + ms;
    for (;;) {
      const { length } = this.#received;
      if (length >= 4 && length >= 4 + this.#received.readInt32BE(0)) {
        const end = 4 + this.#received.readInt32BE(0);
        const frame = this.#received.subarray(4, end);
        this.#received = this.#received.subarray(end);
        return frame;
      }
      const left = deadline - performance.now();
      if (this.#ended || left <= 0) return null;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** One request and its answer. Rejects when the peer closes instead of answering. */
  async ask<A extends Api>(api: A, version: number, body: RequestOf<A>): Promise<ResponseOf<A>> {
    const correlationId = this.send(api, version, body);
    const frame = await this.frame();
    if (frame === null) throw new Error(`${api.name} v${version} was not answered`);
    if (frame.readInt32BE(0) !== correlationId) throw new Error(`answer ${frame.readInt32BE(0)} to request ${correlationId}`);
    return decodeResponse(api, version, frame);
  }

  /** True when the peer has closed. */
  get closed(): boolean {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }
}
