/** One connection to one broker: pipelined requests, answered in order, each with a deadline; bounded in bytes; throttled as the broker asks. */
import { MalformedError } from '../bytes/malformed.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { decodeResponse, encodeRequest, type Frame, peekCorrelationId } from '../protocol/frame.ts';
import { ApiVersions, type ApiVersionsResponse } from '../protocol/messages/api-versions.ts';
import { apiVersionsRetry, decodeApiVersions, type NegotiatedVersions, negotiate } from '../protocol/negotiate.ts';
import type { Api, RequestOf, ResponseOf } from '../protocol/schema.ts';
import { abortedError, onAbort } from './abort.ts';
import { BrokerError } from './broker-error.ts';
import type { Clock } from './clock.ts';
import { connectedChannel, disconnectedChannel, frameChannel } from './diagnostics.ts';
import { type FrameAllocator, FrameAssembler, ownMemory } from './frame-assembler.ts';
import { type Request, RequestLine } from './request-line.ts';
import { type Endpoint, endpointText, type OpenTransport, type Transport } from './transport.ts';

export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly clientId: string;
  readonly clock: Clock;
  readonly openTransport: OpenTransport;
  /** Milliseconds to open the socket and agree on versions. */
  readonly connectTimeoutMs: number;
  /** Milliseconds for an answer, when the call names no other. */
  readonly requestTimeoutMs: number;
  /** Requests whose answers are outstanding take at most so many bytes; further ones wait in line. A larger request goes alone. */
  readonly maxInFlightBytes: number;
  /** Largest answer that is accepted. */
  readonly maxFrameBytes: number;
}

export interface SendOptions {
  /** Milliseconds until the answer must be there, waiting in line included. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Never use a higher version of this API, whatever was agreed. */
  readonly maxVersion?: number;
  /** Where the answer's frame is put, when the caller has memory for it: views in the decoded answer share it. */
  readonly allocate?: FrameAllocator;
}

type Decode = (api: Api, version: number, frame: Buffer) => unknown;

interface Pending extends Request {
  readonly api: Api;
  readonly version: number;
  readonly frame: Frame;
  readonly decode: Decode;
  readonly allocate: FrameAllocator;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Takes back the wait for the caller's signal. */
  release: (() => void) | null;
}

const fulfil = ({ release, resolve }: Pending, response: unknown): void => {
  release?.();
  resolve(response);
};

const refuse = ({ release, reject }: Pending, error: unknown): void => {
  release?.();
  reject(error);
};

/** What the broker is told about us (KIP-511). */
const SOFTWARE = { clientSoftwareName: 'kafka-link', clientSoftwareVersion: '0.1.0' } as const;

/** Until versions are agreed: an ApiVersions answer has some hundred bytes, and a "length" beyond this is the start of another protocol. */
const FIRST_FRAME_MAX_BYTES = 1024 * 1024;

export class Connection {
  readonly endpoint: Endpoint;
  /** Settles when the connection is gone: with null after {@link close}, else with the reason. Never rejects. */
  readonly closed: Promise<LinkError | null>;
  /** For what may change while the connection lives; what may not is kept beside it, since each look into an object with getters of its own is dear. */
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #clientId: string;
  readonly #line: RequestLine<Pending>;
  #versions: NegotiatedVersions | null = null;
  #transport: Transport | null = null;
  #lastCorrelationId = 0;
  /** Answers to anything but ApiVersions: a broker gives those only to clients that it lets in. */
  #answers = 0;
  #mutedUntil = 0;
  #closing = false;
  /** Undefined while the connection lives. */
  #end: LinkError | null | undefined;
  #settleClosed!: (reason: LinkError | null) => void;
  /** Those who wait until nothing is outstanding. */
  readonly #untilIdle = new Set<() => void>();
  #cancelTimer: (() => void) | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#clientId = options.clientId;
    this.endpoint = options.endpoint;
    this.#line = new RequestLine(options.maxInFlightBytes);
    this.closed = new Promise((settle) => {
      this.#settleClosed = settle;
    });
  }

  /**
   * Opens the socket and agrees on API versions.
   *
   * @throws LinkError `KLINK_CONNECT`, `KLINK_TIMEOUT`, `KLINK_ABORTED`, `KLINK_BROKER`, or `KLINK_MALFORMED` when the peer is no Kafka broker.
   */
  static async open(options: ConnectionOptions, signal?: AbortSignal): Promise<Connection> {
    const connection = new Connection(options);
    const { clock, connectTimeoutMs: timeoutMs, maxFrameBytes, endpoint } = options;
    const deadline = clock.now() + timeoutMs;
    const sink = new FrameAssembler(
      Math.min(maxFrameBytes, FIRST_FRAME_MAX_BYTES),
      (frame) => connection.#answered(frame),
      // Answers come in the order of the requests: it is that of the oldest one.
      (size) => (connection.#line.oldestSent?.allocate ?? ownMemory)(size),
    );
    const closed = (error: Error | null): void => connection.#ended(error);
    connection.#transport = await options.openTransport(endpoint, { sink, closed }, { clock, timeoutMs, ...(signal && { signal }) });
    try {
      connection.#versions = negotiate(await connection.#askVersions(deadline, signal));
    } catch (thrown) {
      const error = thrown instanceof MalformedError ? connection.#malformed(thrown) : LinkError.from(thrown);
      connection.destroy(error);
      throw error;
    }
    sink.maxFrameBytes = maxFrameBytes;
    if (connectedChannel.hasSubscribers) connectedChannel.publish({ host: endpoint.host, port: endpoint.port, error: null });
    return connection;
  }

  /** The versions both sides know. */
  get versions(): NegotiatedVersions {
    if (this.#versions === null) throw new LinkError('KLINK_INTERNAL', 'No versions are agreed before the connection is open');
    return this.#versions;
  }

  /** Requests without an answer, those that wait in line included. */
  get pending(): number {
    return this.#line.length;
  }

  get isClosed(): boolean {
    return this.#closing || this.#end !== undefined;
  }

  /**
   * Sends a request and resolves with its answer, broker error codes included. Requests are sent in the order of the calls; they wait while
   * the bytes in flight are at their bound, or while the broker has asked for silence (KIP-219).
   * Not for Produce with `acks` 0, which brokers do not answer.
   *
   * @throws LinkError `KLINK_TIMEOUT`: either the answer is late, and the connection is closed (what the broker did is unknown), or the request was
   *   never sent; `KLINK_CONNECT` when the connection is lost; `KLINK_CLOSED`; `KLINK_ABORTED` (not sent, or a late answer is ignored);
   *   `KLINK_VERSION`; `KLINK_MALFORMED`.
   */
  send<A extends Api>(api: A, body: RequestOf<A>, options: SendOptions = {}): Promise<ResponseOf<A>> {
    const { timeoutMs = this.#options.requestTimeoutMs, maxVersion } = options;
    const deadline = this.#clock.now() + timeoutMs;
    try {
      const version = this.versions.of(api, maxVersion);
      return this.#exchange(api, version, body, decodeResponse, deadline, options) as Promise<ResponseOf<A>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes no more requests, waits for outstanding answers, `timeoutMs` at most, then closes. Idempotent. */
  async close(timeoutMs = 0): Promise<void> {
    this.#closing = true;
    if (this.#line.length > 0 && timeoutMs > 0) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          cancel();
          this.#untilIdle.delete(done);
          resolve();
        };
        const cancel = this.#clock.schedule(timeoutMs, done);
        this.#untilIdle.add(done);
      });
    }
    this.destroy(null);
  }

  /** Closes at once. Outstanding requests fail with `reason`, or with `KLINK_CLOSED`. */
  destroy(reason: LinkError | null): void {
    if (this.#end !== undefined) return;
    this.#finish(reason);
    this.#transport?.destroy();
  }

  async #askVersions(deadline: number, signal: AbortSignal | undefined): Promise<ApiVersionsResponse> {
    const ask = async (version: number): Promise<ApiVersionsResponse> => {
      const decode: Decode = (_, asked, frame) => decodeApiVersions(asked, frame);
      return (await this.#exchange(ApiVersions, version, SOFTWARE, decode, deadline, signal ? { signal } : {})) as ApiVersionsResponse;
    };
    let answer = await ask(ApiVersions.versions.max);
    const again = apiVersionsRetry(ApiVersions.versions.max, answer);
    if (again !== undefined) answer = await ask(again);
    if (answer.errorCode === ErrorCode.NONE) return answer;
    throw new BrokerError(answer.errorCode, `agree on API versions with ${endpointText(this.endpoint)}`);
  }

  #exchange(
    api: Api,
    version: number,
    body: RequestOf<Api>,
    decode: Decode,
    deadline: number,
    { signal, allocate = ownMemory }: Pick<SendOptions, 'signal' | 'allocate'>,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) throw this.#end ?? closedError(this.endpoint);
      if (signal?.aborted) throw abortedError(signal, `sending ${api.name}`);
      const correlationId = this.#lastCorrelationId;
      this.#lastCorrelationId = (correlationId + 1) & 0x7fff_ffff;
      const frame = encodeRequest(api, version, correlationId, this.#clientId, body);
      const pending: Pending = {
        api,
        version,
        correlationId,
        frame,
        size: frame.size,
        deadline,
        decode,
        allocate,
        resolve,
        reject,
        release: null,
      };
      if (signal !== undefined) {
        pending.release = onAbort(signal, () => {
          const unsent = this.#line.leave(pending);
          reject(abortedError(signal, `${unsent ? 'waiting to send' : 'waiting for the answer to'} ${api.name}`));
          if (unsent) this.#pump();
        });
      }
      this.#line.join(pending);
      this.#pump();
      this.#watch(deadline);
    });
  }

  /** Sends what may be sent, and wakes who waits for the line to be empty. */
  #pump(): void {
    while (this.#end === undefined && this.#transport !== null && this.#line.waiting > 0) {
      if (this.#mutedUntil > 0 && this.#mutedUntil > this.#clock.now()) {
        this.#watch(this.#mutedUntil);
        return;
      }
      const pending = this.#line.admit();
      if (pending === undefined) return;
      if (frameChannel.hasSubscribers) this.#publish('request', pending, Buffer.concat(pending.frame.chunks).subarray(4));
      this.#transport.write(pending.frame.chunks);
    }
    if (this.#line.length === 0) for (const wake of [...this.#untilIdle]) wake();
  }

  #answered(frame: Buffer): void {
    // One read may hold several answers, the first of which can have led to the end.
    if (this.#end !== undefined) return;
    const correlationId = peekCorrelationId(frame);
    const pending = this.#line.answered(correlationId);
    if (pending === undefined) {
      const oldest = this.#line.oldestSent;
      throw new LinkError(
        'KLINK_MALFORMED',
        `An answer with correlation id ${correlationId} came, but ${
          oldest === undefined ? 'no request is outstanding' : `${oldest.api.name} has ${oldest.correlationId}`
        }: the peer is no Kafka broker, or out of step`,
      );
    }
    if (pending.api.key !== ApiVersions.key) this.#answers++;
    if (frameChannel.hasSubscribers) this.#publish('response', pending, frame);
    try {
      const response = pending.decode(pending.api, pending.version, frame) as { readonly throttleTimeMs?: number };
      const { throttleTimeMs = 0 } = response;
      // Brokers since 2.0 answer at once and read nothing more for that time, whatever the version of the API (KIP-219).
      if (throttleTimeMs > 0) this.#mutedUntil = Math.max(this.#mutedUntil, this.#clock.now() + throttleTimeMs);
      fulfil(pending, response);
    } catch (error) {
      refuse(pending, error);
    }
    this.#pump();
  }

  /** One timer serves everything: it is moved only when an earlier time comes. */
  #watch(at: number): void {
    if (at >= this.#timerAt || this.#end !== undefined) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = this.#clock.schedule(Math.max(0, at - this.#clock.now()), () => this.#tick());
  }

  #tick(): void {
    const now = this.#clock.now();
    this.#timerAt = Number.POSITIVE_INFINITY;
    const late = this.#line.lateAnswer(now);
    if (late !== undefined) {
      const what = `${endpointText(this.endpoint)} has not answered ${late.api.name} in time`;
      const advice =
        this.#versions === null ? 'it may be no Kafka broker: check host and port' : 'the broker is overloaded, paused or unreachable';
      this.destroy(new LinkError('KLINK_TIMEOUT', `${what}: ${advice}`, { retriable: true }));
      return;
    }
    const why =
      this.#mutedUntil > now
        ? 'the broker throttles this client: raise its quota'
        : `the ${this.#line.sentBytes} bytes sent before it are not answered yet`;
    for (const overdue of this.#line.takeOverdue(now)) {
      const message = `${overdue.api.name} could not be sent to ${endpointText(this.endpoint)} in time: ${why}`;
      refuse(overdue, new LinkError('KLINK_TIMEOUT', message, { retriable: true }));
    }
    this.#pump();
    this.#watch(this.#line.nextDeadline);
  }

  #ended(error: Error | null): void {
    if (this.#end !== undefined) return;
    if (LinkError.is(error)) {
      this.#finish(error.code === 'KLINK_MALFORMED' ? this.#malformed(error) : error);
      return;
    }
    const unanswered = this.#line.oldestSent?.api;
    const before = unanswered === undefined ? '' : ` before it answered ${unanswered.name}`;
    const message = `Connection to ${endpointText(this.endpoint)} was lost${before}: ${error?.message ?? 'the broker closed it'}`;
    this.#finish(new LinkError('KLINK_CONNECT', message + this.#closeHint(unanswered), { cause: error, retriable: true }));
  }

  #malformed(cause: LinkError): LinkError {
    return new LinkError('KLINK_MALFORMED', `${endpointText(this.endpoint)}: ${cause.message}`, { cause });
  }

  /** Why a peer closes a connection on which it has answered nothing of substance. */
  #closeHint(unanswered: Api | undefined): string {
    if (unanswered === undefined || this.#answers > 0) return '';
    return this.#versions === null
      ? '. Listeners for TLS do so to plaintext clients, and so do servers that are no Kafka brokers: check host and port'
      : '. Listeners for SASL do so to clients that have not authenticated';
  }

  #finish(reason: LinkError | null): void {
    this.#end = reason;
    this.#cancelTimer?.();
    for (const pending of this.#line.clear()) refuse(pending, reason ?? closedError(this.endpoint));
    for (const wake of [...this.#untilIdle]) wake();
    const { host, port } = this.endpoint;
    if (this.#versions !== null && disconnectedChannel.hasSubscribers) disconnectedChannel.publish({ host, port, error: reason });
    this.#settleClosed(reason);
  }

  #publish(side: 'request' | 'response', { api, version, correlationId }: Pending, frame: Buffer): void {
    const { host, port } = this.endpoint;
    frameChannel.publish({ host, port, side, apiKey: api.key, apiVersion: version, correlationId, frame });
  }
}

const closedError = (endpoint: Endpoint): LinkError =>
  new LinkError('KLINK_CLOSED', `The connection to ${endpointText(endpoint)} is closed`, { retriable: true });
