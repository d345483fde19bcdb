/** A second listener for an embedded cluster: other ports for the same brokers, which name those ports to whoever comes through them. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Metadata } from '../../../src/protocol/index.ts';
import type { TestCluster } from '../../../src/testing/index.ts';

const HOST = '127.0.0.1';

export interface SecondListener extends AsyncDisposable {
  /** `host:port` of each broker. */
  readonly bootstrap: readonly string[];
}

export const secondListener = async (cluster: TestCluster): Promise<SecondListener> => {
  /** How connections that came through here look to the brokers. */
  const peers = new Set<string>();
  const relays = await Promise.all(cluster.bootstrap.map((address) => relay(Number(address.split(':').at(-1)), peers)));
  const ports = new Map(cluster.brokerIds.map((id, index) => [id, (relays[index]!.server.address() as AddressInfo).port]));
  const restore = cluster.intercept(Metadata, async (_, proceed, { peer }) => {
    const answer = await proceed();
    if (typeof answer === 'symbol' || !peers.has(peer)) return answer;
    return { ...answer, brokers: answer.brokers.map((broker) => ({ ...broker, port: ports.get(broker.nodeId)! })) };
  });
  return {
    bootstrap: [...ports.values()].map((port) => `${HOST}:${port}`),
    [Symbol.asyncDispose]: async () => {
      restore();
      await Promise.all(relays.map(({ close }) => close()));
    },
  };
};

const relay = async (port: number, peers: Set<string>): Promise<{ readonly server: Server; readonly close: () => Promise<void> }> => {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const server = createServer({ noDelay: true }, (client) => {
    const broker = connect({ host: HOST, port, noDelay: true }, () => {
      const peer = `${broker.localAddress}:${broker.localPort}`;
      peers.add(peer);
      broker.once('close', () => peers.delete(peer));
      client.pipe(broker).pipe(client);
    });
    keep(client, broker);
    keep(broker, client);
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return {
    server,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
