/** One connection to one broker: pipelined requests, answered in order, each with a deadline; bounded in bytes; throttled as the broker asks. */
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { decodeResponse, encodeRequest, type Frame, peekCorrelationId } from '../protocol/frame.ts';
import { ApiVersions, type ApiVersionsResponse } from '../protocol/messages/api-versions.ts';
import { apiVersionsRetry, decodeApiVersions, type NegotiatedVersions, negotiate } from '../protocol/negotiate.ts';
import type { Api, RequestOf, ResponseOf } from '../protocol/schema.ts';
import { abortedError, type Clock } from './clock.ts';
import { connectedChannel, disconnectedChannel, frameChannel } from './diagnostics.ts';
import { FrameAssembler } from './frame-assembler.ts';
import type { Endpoint, OpenTransport, Transport } from './transport.ts';

export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly clientId: string;
  readonly clock: Clock;
  readonly openTransport: OpenTransport;
  /** Milliseconds to open the socket and agree on versions. */
  readonly connectTimeoutMs: number;
  /** Milliseconds for an answer, when the call names no other. */
  readonly requestTimeoutMs: number;
  /** Requests whose answers are outstanding may take so many bytes; further ones wait. One request always passes, however large. */
  readonly maxInFlightBytes: number;
  /** Largest answer that is accepted. */
  readonly maxFrameBytes: number;
}

export interface SendOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Never use a higher version of this API, whatever was agreed. */
  readonly maxVersion?: number;
}

interface Pending {
  readonly api: Api;
  readonly version: number;
  readonly correlationId: number;
  readonly frame: Frame;
  readonly deadline: number;
  readonly decode: (frame: Buffer) => unknown;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What the broker is told about us (KIP-511). */
const SOFTWARE = { clientSoftwareName: 'kafka-link', clientSoftwareVersion: '0.1.0' } as const;

export class Connection {
  readonly endpoint: Endpoint;
  /** Settles when the connection is gone: with null after {@link close}, else with the reason. Never rejects. */
  readonly closed: Promise<LinkError | null>;
  readonly #options: ConnectionOptions;
  #versions!: NegotiatedVersions;
  #transport: Transport | null = null;
  #outbox: Pending[] = [];
  #inFlight: Pending[] = [];
  #heldBytes = 0;
  #lastCorrelationId = 0;
  #mutedUntil = 0;
  #closing = false;
  #end: LinkError | null | undefined;
  #settleClosed!: (reason: LinkError | null) => void;
  /** Callers that wait for room, in the order in which they came: requests never overtake each other. */
  readonly #line: (() => void)[] = [];
  #cancelTimer: (() => void) | null = null;
  #timerAt = Infinity;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.endpoint = options.endpoint;
    this.closed = new Promise((settle) => {
      this.#settleClosed = settle;
    });
  }

  /**
   * Opens the socket and agrees on API versions.
   *
   * @throws LinkError `KLINK_CONNECT`, `KLINK_TIMEOUT`, `KLINK_ABORTED`, or `KLINK_MALFORMED` when the peer is no Kafka broker.
   */
  static async open(options: ConnectionOptions, signal?: AbortSignal): Promise<Connection> {
    const connection = new Connection(options);
    const { clock, connectTimeoutMs: timeoutMs, maxFrameBytes, endpoint } = options;
    const deadline = clock.now() + timeoutMs;
    const sink = new FrameAssembler(maxFrameBytes, (frame) => connection.#answered(frame));
    const closed = (error: Error | null): void => connection.#ended(error);
    connection.#transport = await options.openTransport(endpoint, { sink, closed }, { clock, timeoutMs, ...(signal && { signal }) });
    try {
      connection.#versions = negotiate(await connection.#askVersions(deadline, signal));
    } catch (error) {
      connection.destroy(LinkError.is(error) ? error : null);
      throw error;
    }
    if (connectedChannel.hasSubscribers) connectedChannel.publish({ ...endpoint, error: null });
    return connection;
  }

  /** The versions both sides know. */
  get versions(): NegotiatedVersions {
    return this.#versions;
  }

  /** Requests whose answers are outstanding. */
  get pending(): number {
    return this.#outbox.length + this.#inFlight.length;
  }

  get isClosed(): boolean {
    return this.#closing || this.#end !== undefined;
  }

  /**
   * Sends a request and resolves with its answer, broker error codes included.
   * Waits while the bytes in flight are at their bound or the broker has asked for silence (KIP-219).
   *
   * @throws LinkError `KLINK_TIMEOUT` (the connection is closed then: what the broker did is unknown), `KLINK_CONNECT` when it is lost,
   *   `KLINK_CLOSED`, `KLINK_ABORTED` (a late answer is ignored), `KLINK_VERSION`, `KLINK_MALFORMED`.
   */
  async send<A extends Api>(api: A, body: RequestOf<A>, { timeoutMs, signal, maxVersion }: SendOptions = {}): Promise<ResponseOf<A>> {
    const deadline = this.#options.clock.now() + (timeoutMs ?? this.#options.requestTimeoutMs);
    if (this.#line.length > 0 || this.#isFull) await this.#room(deadline, signal, api.name);
    const version = this.#versions.of(api, maxVersion);
    return (await this.#exchange(api, version, body, (frame) => decodeResponse(api, version, frame), deadline, signal)) as ResponseOf<A>;
  }

  /** Waits for outstanding answers, `timeoutMs` at most, then closes. Idempotent. */
  async close(timeoutMs = 0): Promise<void> {
    this.#closing = true;
    if (this.#end === undefined && this.pending > 0 && timeoutMs > 0) {
      const { clock } = this.#options;
      await new Promise<void>((resolve) => {
        const cancel = clock.schedule(timeoutMs, resolve);
        void Promise.allSettled([...this.#outbox, ...this.#inFlight].map((pending) => this.#settled(pending))).then(() => {
          cancel();
          resolve();
        });
      });
    }
    this.destroy(null);
    await this.closed;
  }

  /** Closes at once. Outstanding requests fail with `reason`, or with `KLINK_CLOSED`. */
  destroy(reason: LinkError | null): void {
    if (this.#end !== undefined) return;
    this.#finish(reason);
    this.#transport?.destroy();
  }

  readonly #settlements = new Map<Pending, () => void>();
  #settled(pending: Pending): Promise<void> {
    return new Promise((resolve) => this.#settlements.set(pending, resolve));
  }

  async #askVersions(deadline: number, signal: AbortSignal | undefined): Promise<ApiVersionsResponse> {
    const ask = async (version: number): Promise<ApiVersionsResponse> =>
      (await this.#exchange(
        ApiVersions,
        version,
        SOFTWARE,
        (frame) => decodeApiVersions(version, frame),
        deadline,
        signal,
      )) as ApiVersionsResponse;
    let answer = await ask(ApiVersions.versions.max);
    const again = apiVersionsRetry(ApiVersions.versions.max, answer);
    if (again !== undefined) answer = await ask(again);
    if (answer.errorCode === ErrorCode.NONE) return answer;
    throw new LinkError('KLINK_BROKER', `The broker refused ApiVersions with error code ${answer.errorCode}`);
  }

  #exchange(
    api: Api,
    version: number,
    body: RequestOf<Api>,
    decode: (frame: Buffer) => unknown,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) throw this.#end ?? closedError(this.endpoint);
      if (signal?.aborted) throw abortedError(signal, `sending ${api.name}`);
      this.#lastCorrelationId = (this.#lastCorrelationId + 1) & 0x7fff_ffff;
      const correlationId = this.#lastCorrelationId;
      const frame = encodeRequest(api, version, correlationId, this.#options.clientId, body);
      const abort = (): void => reject(abortedError(signal as AbortSignal, `waiting for the answer to ${api.name}`));
      const done = (): void => signal?.removeEventListener('abort', abort);
      signal?.addEventListener('abort', abort, { once: true });
      this.#heldBytes += frame.size;
      this.#outbox.push({
        api,
        version,
        correlationId,
        frame,
        deadline,
        decode,
        resolve: (response) => {
          done();
          resolve(response);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.#watch(deadline);
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#outbox.length === 0 || this.#transport === null || this.#end !== undefined) return;
    const wait = this.#mutedUntil - this.#options.clock.now();
    if (wait > 0) {
      this.#watch(this.#mutedUntil);
      return;
    }
    const outbox = this.#outbox;
    this.#outbox = [];
    for (const pending of outbox) {
      this.#inFlight.push(pending);
      if (frameChannel.hasSubscribers) this.#publish('request', pending, Buffer.concat(pending.frame.chunks).subarray(4));
      this.#transport.write(pending.frame.chunks);
    }
  }

  #answered(frame: Buffer): void {
    const pending = this.#inFlight.shift();
    const correlationId = peekCorrelationId(frame);
    if (pending === undefined || pending.correlationId !== correlationId) {
      const expected = pending === undefined ? 'no request is outstanding' : `${pending.api.name} has ${pending.correlationId}`;
      throw new LinkError(
        'KLINK_MALFORMED',
        `An answer with correlation id ${correlationId} came, but ${expected}: the peer is no Kafka broker, or out of step`,
      );
    }
    if (frameChannel.hasSubscribers) this.#publish('response', pending, frame);
    this.#release(pending);
    try {
      const response = pending.decode(frame) as { readonly throttleTimeMs?: number };
      if (response.throttleTimeMs !== undefined && response.throttleTimeMs > 0) {
        this.#mutedUntil = this.#options.clock.now() + response.throttleTimeMs;
      }
      pending.resolve(response);
    } catch (error) {
      pending.reject(error);
    }
    this.#pump();
  }

  #release(pending: Pending): void {
    this.#heldBytes -= pending.frame.size;
    this.#settlements.get(pending)?.();
    this.#settlements.delete(pending);
    this.#line[0]?.();
  }

  get #isFull(): boolean {
    return this.#heldBytes >= this.#options.maxInFlightBytes && this.#end === undefined;
  }

  /** Stands in line until there is room. Leaves it only when the caller has gone on to send, so that nobody slips in between. */
  #room(deadline: number, signal: AbortSignal | undefined, name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#options;
      const leave = (): void => {
        cancel();
        signal?.removeEventListener('abort', abort);
        this.#line.splice(this.#line.indexOf(enter), 1);
        this.#line[0]?.();
      };
      const enter = (): void => {
        if (this.#isFull) return;
        resolve();
        // Twice: the caller's continuation, which sends, is queued by the resolve above.
        queueMicrotask(() => queueMicrotask(leave));
      };
      const refuse = (error: LinkError): void => {
        reject(error);
        leave();
      };
      const abort = (): void => refuse(abortedError(signal as AbortSignal, `waiting to send ${name}`));
      const cancel = clock.schedule(Math.max(0, deadline - clock.now()), () =>
        refuse(
          new LinkError('KLINK_TIMEOUT', `${name} to ${this.#address()} could not be sent in time: too many bytes are in flight`, {
            retriable: true,
          }),
        ),
      );
      signal?.addEventListener('abort', abort, { once: true });
      this.#line.push(enter);
    });
  }

  /** One timer serves all deadlines: it is moved only when an earlier one comes. */
  #watch(at: number): void {
    if (at >= this.#timerAt || this.#end !== undefined) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    const { clock } = this.#options;
    this.#cancelTimer = clock.schedule(Math.max(0, at - clock.now()), () => this.#tick());
  }

  #tick(): void {
    const now = this.#options.clock.now();
    this.#timerAt = Infinity;
    this.#cancelTimer = null;
    const late = [...this.#inFlight, ...this.#outbox].find(({ deadline }) => deadline <= now);
    if (late !== undefined) {
      this.destroy(
        new LinkError(
          'KLINK_TIMEOUT',
          `${this.#address()} has not answered ${late.api.name} in time: the broker is overloaded, paused or unreachable`,
          { retriable: true },
        ),
      );
      return;
    }
    this.#pump();
    for (const { deadline } of [...this.#inFlight, ...this.#outbox]) this.#watch(deadline);
  }

  #ended(error: Error | null): void {
    if (this.#end !== undefined) return;
    if (LinkError.is(error)) this.#finish(error);
    else {
      const reason = error === null ? 'the broker closed it' : error.message;
      this.#finish(
        new LinkError('KLINK_CONNECT', `Connection to ${this.#address()} was lost: ${reason}`, { cause: error, retriable: true }),
      );
    }
  }

  #finish(reason: LinkError | null): void {
    this.#end = reason;
    this.#cancelTimer?.();
    const failed = [...this.#inFlight, ...this.#outbox];
    this.#inFlight = [];
    this.#outbox = [];
    for (const pending of failed) {
      this.#release(pending);
      pending.reject(reason ?? closedError(this.endpoint));
    }
    if (disconnectedChannel.hasSubscribers) disconnectedChannel.publish({ ...this.endpoint, error: reason });
    this.#settleClosed(reason);
  }

  #address(): string {
    return `${this.endpoint.host}:${this.endpoint.port}`;
  }

  #publish(side: 'request' | 'response', { api, version, correlationId }: Pending, frame: Buffer): void {
    frameChannel.publish({ ...this.endpoint, side, apiKey: api.key, apiVersion: version, correlationId, frame });
  }
}

const closedError = ({ host, port }: Endpoint): LinkError =>
  new LinkError('KLINK_CLOSED', `The connection to ${host}:${port} is closed`, { retriable: true });
