/** Loopback sockets that carry Kafka frames: one request per connection at a time, answers in order, as a broker's network threads do it. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { FrameSplitter } from './frame-splitter.ts';

/** One accepted connection. */
export interface FrameConnection {
  /** `ip:port` of the peer. */
  readonly peer: string;
  /** Aborted when the connection is gone, so that waits on its behalf end. */
  readonly signal: AbortSignal;
  /** Writes bytes as they are, whatever they mean, and resolves when there is room for more. */
  write(chunks: readonly Buffer[]): Promise<void>;
  /** Ends the connection at once, without an answer. */
  destroy(): void;
}

/** Turns one request frame (without its length bytes) into the chunks of an answer; null sends none. A throw ends the connection. */
export type ServeFrame = (frame: Buffer, connection: FrameConnection) => Promise<readonly Buffer[] | null>;

/** A listening server. */
export interface FrameServer {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Drops every connection and goes on listening. */
  cut(): void;
  /** Drops every connection and stops listening. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Listens on `port` (0: any free one). While a request is being served the connection is not read: that is the back-pressure. */
export const listenForFrames = async (port: number, serve: ServeFrame): Promise<FrameServer> => {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void converse(socket, serve);
  });
  server.listen(port, HOST);
  await once(server, 'listening');
  const address = server.address();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    get connections() {
      return sockets.size;
    },
    cut,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
};

/** Serves a connection until either side ends it. Never rejects: whatever goes wrong on a connection ends that connection only. */
const converse = async (socket: Socket, serve: ServeFrame): Promise<void> => {
  const connection = connectionOf(socket);
  const splitter = new FrameSplitter();
  try {
    for await (const chunk of socket) {
      for (const frame of splitter.push(chunk as Buffer)) {
        const answer = await serve(frame, connection);
        if (connection.signal.aborted) return;
        if (answer !== null) await connection.write(answer);
      }
    }
  } catch {
    // A peer that resets, a frame that is no request, a version not spoken here: a broker closes, and logs.
  } finally {
    socket.destroy();
  }
};

const connectionOf = (socket: Socket): FrameConnection => {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  socket.on('error', () => undefined); // followed by 'close', which says all there is to say
  const { signal } = gone;
  return {
    peer: `${socket.remoteAddress}:${socket.remotePort}`,
    signal,
    destroy: () => socket.destroy(),
    write: async (chunks) => {
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
      if (socket.writableNeedDrain && !signal.aborted) await once(socket, 'drain', { signal });
    },
  };
};
