/** Where the relay puts its bytes: a server that takes and drops them. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { dismissed, tell } from './arguments.ts';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.resume();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
tell({ port: (server.address() as AddressInfo).port });
await dismissed();
process.exit();
