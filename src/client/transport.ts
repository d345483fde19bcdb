/** The seam at which a byte stream to a broker is opened: plain TCP here; anything that offers the same interface may take its place. */
import { connect, type Socket } from 'node:net';
import { LinkError } from '../errors.ts';
import { abortedError, onAbort } from './abort.ts';
import type { Clock } from './clock.ts';
import type { ByteSink } from './frame-assembler.ts';

export interface Endpoint {
  /** As configured or as advertised by the broker: what a certificate would have to name. */
  readonly host: string;
  readonly port: number;
  /** The one of the host's addresses to connect to. Left out: the host is looked up when it is connected to. */
  readonly address?: string;
}

/** As in `kafka-1.example:9092 (10.0.0.7)` or `[::1]:9092`. */
export const endpointText = ({ host, port, address = host }: Endpoint): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}${address === host ? '' : ` (${address})`}`;

/** An open byte stream. */
export interface Transport {
  /**
   * One vectored write. What the kernel does not take at once is kept: the connection above bounds how much that can be. Once the broker has answered a request,
   * its memory may be used for something else; that of requests without an answer stays as it is.
   */
  write(chunks: readonly Buffer[]): void;
  /** Closes both directions at once; `closed` follows. */
  destroy(): void;
}

export interface TransportEvents {
  /** Received bytes are put here; an error it throws ends the transport. */
  readonly sink: ByteSink;
  /** Called exactly once, whoever ended it. */
  closed(error: Error | null): void;
}

/** Opens a transport to one address. Rejects with `KLINK_CONNECT` (retriable), `KLINK_TIMEOUT` or `KLINK_ABORTED`. */
export type OpenTransport = (
  endpoint: Endpoint,
  events: TransportEvents,
  limits: { readonly clock: Clock; readonly timeoutMs: number; readonly signal?: AbortSignal },
) => Promise<Transport>;

/**
 * Plain TCP. The socket reads into the buffer that the sink names next, so that the bulk of a large frame arrives in its own
 * buffer without a copy (`onread` with a buffer function asks for a new one after every read).
 */
export const openTcp: OpenTransport = (endpoint, events, { clock, timeoutMs, signal }) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortedError(signal, `connecting to ${endpointText(endpoint)}`));
      return;
    }
    let open = false;
    let failure: Error | null = null;
    const socket: Socket = connect({
      host: endpoint.address ?? endpoint.host,
      port: endpoint.port,
      noDelay: true,
      keepAlive: true,
      onread: {
        buffer: () => events.sink.room() as Buffer<ArrayBuffer>,
        callback: (size) => {
          try {
            events.sink.took(size);
          } catch (error) {
            socket.destroy(error as Error);
          }
          return true;
        },
      },
    });
    const giveUp = (error: LinkError): void => {
      settled();
      failure = error;
      socket.destroy();
    };
    const cancelTimer = clock.schedule(timeoutMs, () =>
      giveUp(
        new LinkError('KLINK_TIMEOUT', `No connection to ${endpointText(endpoint)} within ${timeoutMs} ms: check address and firewall`, {
          retriable: true,
        }),
      ),
    );
    const release = signal && onAbort(signal, () => giveUp(abortedError(signal, `connecting to ${endpointText(endpoint)}`)));
    const settled = (): void => {
      cancelTimer();
      release?.();
    };
    socket.once('connect', () => {
      settled();
      open = true;
      resolve({
        write: (chunks) => {
          socket.cork();
          for (const chunk of chunks) socket.write(chunk);
          socket.uncork();
        },
        destroy: () => void socket.destroy(),
      });
    });
    socket.on('error', (error) => {
      failure ??= error;
    });
    // A broker that is shutting down half-closes first; nothing more can come of such a connection.
    socket.on('end', () => void socket.destroy());
    socket.once('close', () => {
      settled();
      if (open) events.closed(failure);
      else if (LinkError.is(failure)) reject(failure);
      else {
        const reason = failure?.message ?? 'closed before it was open';
        reject(
          new LinkError('KLINK_CONNECT', `Cannot connect to ${endpointText(endpoint)}: ${reason}`, { cause: failure, retriable: true }),
        );
      }
    });
  });
