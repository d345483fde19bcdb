/** One broker of an embedded cluster: a listening socket, and the way of a request from frame to frame. */
import { ErrorCode } from '../protocol/error-codes.ts';
import { decodeRequest, decodeRequestHeader, encodeResponse, type RequestHeader } from '../protocol/frame.ts';
import { ApiVersions } from '../protocol/messages/api-versions.ts';
import { apiByKey } from '../protocol/messages/index.ts';
import { type Api, covers, type ReceivedRequestOf, type SentResponseOf } from '../protocol/schema.ts';
import type { BrokerNode, ClusterState } from './cluster-state.ts';
import { FetchSessions } from './fetch-sessions.ts';
import { type FrameConnection, type FrameServer, listenForFrames } from './frame-server.ts';
import { HANDLERS } from './handlers/index.ts';
import { type AnswerBody, HANG_UP, NO_ANSWER } from './interception.ts';
import { type SupportedApi, supportedApis } from './releases.ts';
import type { RequestContext } from './request-context.ts';
import { pause } from './waiting.ts';

/** A frame that passed a broker, as an observer sees it. Bytes are without the 4 length bytes and must not be changed. */
export interface ObservedFrame {
  readonly brokerId: number;
  /** `ip:port` of the client. */
  readonly peer: string;
  readonly direction: 'request' | 'response';
  readonly api: Api;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly bytes: Buffer;
}

/** Called for every request that could be read and for every answer that was sent. */
export type Observer = (frame: ObservedFrame) => void;

/** ApiVersions is answered in version 0 when its own version is not known: the one error a client can read before it knows anything (KIP-511). */
const unsupportedApiVersions = (header: RequestHeader, max: number): readonly Buffer[] =>
  encodeResponse(ApiVersions, 0, header.correlationId, {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: ApiVersions.key, minVersion: 0, maxVersion: max }],
  }).chunks;

/** Enough to see what is wrong; a mistake in an interceptor repeats itself with every retry. */
const MAX_DEFECTS = 20;

export class Broker {
  readonly node: BrokerNode;
  readonly #cluster: ClusterState;
  readonly #apis: ReadonlyMap<number, SupportedApi>;
  readonly #observers: ReadonlySet<Observer>;
  #server: FrameServer | undefined;
  #sessions: FetchSessions;
  /** Resolves when a stalled broker goes on. */
  #gate: Promise<void> | undefined;
  #openGate: () => void = () => undefined;
  #throttleMs = 0;
  /** Until when, by the monotonic clock, a throttled connection is not served (KIP-219). */
  readonly #mutedUntil = new WeakMap<FrameConnection, number>();

  constructor(node: BrokerNode, cluster: ClusterState, observers: ReadonlySet<Observer>) {
    this.node = node;
    this.#cluster = cluster;
    this.#apis = supportedApis(cluster.release);
    this.#observers = observers;
    this.#sessions = this.#noSessions();
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  get connections(): number {
    return this.#server?.connections ?? 0;
  }

  /** Listens; on the same port as before after the first time. */
  async start(): Promise<void> {
    this.#sessions = this.#noSessions();
    this.#server = await listenForFrames(this.node.port, (frame, connection) => this.#serve(frame, connection));
    this.node.port = this.#server.port;
  }

  /** Stops listening and drops every connection, as a killed process does. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.close();
    this.resume(); // after the connections are gone: what a hanging process had not answered dies with it
  }

  cut(): void {
    this.#server?.cut();
  }

  /** Accepts connections and requests, and answers nothing until {@link resume}: a process that hangs. */
  stall(): void {
    this.#gate ??= new Promise((resolve) => {
      this.#openGate = resolve;
    });
  }

  resume(): void {
    this.#openGate();
    this.#gate = undefined;
  }

  /** From now on every answer says so and is followed by that much silence on its connection; 0 ends it. */
  throttle(ms: number): void {
    this.#throttleMs = ms;
  }

  #noSessions(): FetchSessions {
    const { clock, configs } = this.#cluster;
    return new FetchSessions(clock, () => configs.brokerNumber('max.incremental.fetch.session.cache.slots'));
  }

  /** Bytes that are no request end the connection quietly; a throw from anywhere else is a mistake of this package or of a test, which must hear of it. */
  async #serve(frame: Buffer, connection: FrameConnection): Promise<readonly Buffer[] | null> {
    await this.#gate;
    await this.#unmuted(connection);
    if (connection.signal.aborted) return null;
    const header = decodeRequestHeader(frame);
    const api = this.#spoken(header);
    if (api === undefined) return this.#unspoken(header, connection);
    const request = decodeRequest(api, header.apiVersion, frame);
    const context = {
      cluster: this.#cluster,
      broker: this.node,
      sessions: this.#sessions,
      connection,
      header,
      throttleTimeMs: this.#throttleMs,
    };
    try {
      this.#show('request', api, frame, context);
      return await this.#respond(api, request, context);
    } catch (error) {
      if (!connection.signal.aborted && this.#cluster.defects.length < MAX_DEFECTS) this.#cluster.defects.push(error);
      throw error;
    }
  }

  #spoken({ apiKey, apiVersion }: RequestHeader): Api | undefined {
    const versions = this.#apis.get(apiKey)?.served;
    return versions !== undefined && covers(versions, apiVersion) ? apiByKey(apiKey) : undefined;
  }

  /** Brokers do not answer what they do not speak. */
  #unspoken(header: RequestHeader, connection: FrameConnection): readonly Buffer[] | null {
    const versions = this.#apis.get(header.apiKey)?.served;
    if (header.apiKey === ApiVersions.key && versions !== undefined) return unsupportedApiVersions(header, versions.max);
    connection.destroy();
    return null;
  }

  async #respond(api: Api, request: ReceivedRequestOf<Api>, context: RequestContext): Promise<readonly Buffer[] | null> {
    const { connection, header } = context;
    const { apiVersion, correlationId, clientId } = header;
    const { peer, signal } = connection;
    const info = { brokerId: this.node.id, apiVersion, clientId, peer, signal };
    const answer = await this.#cluster.interceptors.run(api, request, info, async () => {
      const handler = HANDLERS.get(api.key);
      return handler === undefined ? HANG_UP : handler.answer(request, context);
    });
    if (answer === HANG_UP) connection.destroy();
    if (answer === HANG_UP || answer === NO_ANSWER || signal.aborted) return null;
    const { chunks } = encodeResponse(api, apiVersion, correlationId, this.#throttled(answer, api, context));
    this.#show('response', api, chunks, context);
    await this.#gate; // whoever hangs does not answer what was asked before either
    return this.#cluster.tampering.apply(api.key, this.node.id, chunks);
  }

  #show(direction: ObservedFrame['direction'], api: Api, frame: Buffer | readonly Buffer[], { connection, header }: RequestContext): void {
    if (this.#observers.size === 0) return;
    const { apiVersion, correlationId, clientId } = header;
    const bytes = Buffer.isBuffer(frame) ? frame : Buffer.concat(frame).subarray(4);
    const seen = { brokerId: this.node.id, peer: connection.peer, direction, api, apiVersion, correlationId, clientId, bytes };
    for (const observe of this.#observers) observe(seen);
  }

  /** Fills in the throttle time. A throttled answer is sent at once and says how long the broker will not listen. */
  #throttled(body: AnswerBody, api: Api, { throttleTimeMs, connection }: RequestContext): SentResponseOf<Api> {
    if (!('throttleTimeMs' in api.response)) return body;
    if (throttleTimeMs > 0) this.#mutedUntil.set(connection, this.#cluster.clock.now() + throttleTimeMs);
    return { throttleTimeMs, ...body };
  }

  async #unmuted(connection: FrameConnection): Promise<void> {
    const until = this.#mutedUntil.get(connection);
    const { clock } = this.#cluster;
    if (until !== undefined) await pause({ clock, ms: until - clock.now(), signal: connection.signal });
  }
}
