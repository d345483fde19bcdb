/** One end of the relay: a server that gives bytes, or one that takes and drops them. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { dismissed, processOptions, tell } from './arguments.ts';

/** What the parent passes: how many bytes to give, or null to take. */
export interface RelayEndOptions {
  readonly give: number | null;
}

const CHUNK = Buffer.alloc(1024 * 1024, 1);

const give = async (socket: Socket, bytes: number): Promise<void> => {
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    if (!socket.write(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK)) await once(socket, 'drain');
  }
};

const { give: bytes } = processOptions<RelayEndOptions>();
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  if (bytes === null) socket.resume();
  else void give(socket, bytes).catch(() => socket.destroy());
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
tell({ port: (server.address() as AddressInfo).port });
await dismissed();
process.exit();
