/** A whole program for process-exit.test.ts: does what its argument says, and must then end by itself. Arguments: what, port. */
import { systemClock } from '../../../src/client/clock.ts';
import { Cluster } from '../../../src/client/cluster.ts';
import { openTcp } from '../../../src/client/transport.ts';
import { LinkError } from '../../../src/errors.ts';
import { Heartbeat } from '../../../src/protocol/messages/heartbeat.ts';

const [, , what, port] = process.argv;
const controller = new AbortController();
const connecting = Cluster.connect(
  {
    role: 'source',
    bootstrap: [{ host: '127.0.0.1', port: Number(port) }],
    clientId: 'exit',
    connectTimeoutMs: 3_600_000,
    requestTimeoutMs: 3_600_000,
    maxInFlightBytes: 1,
    maxFrameBytes: 1_000_000,
    retry: { backoffMs: 1_000_000, maxBackoffMs: 1_000_000 },
  },
  { clock: systemClock, random: Math.random, openTransport: openTcp },
  { timeoutMs: 3_600_000, signal: controller.signal },
);
const codeOf = (error: unknown): string => (LinkError.is(error) ? error.code : String(error));

if (what === 'abort') {
  connecting.catch((error: unknown) => console.log(codeOf(error)));
  setImmediate(() => controller.abort());
} else {
  const cluster = await connecting;
  // One on its way, one in line behind it: both have an hour.
  const beat = { groupId: 'g', generationId: 1, memberId: 'm' };
  const calls = [1, 2].map(() => cluster.send(Heartbeat, beat, { broker: 1 }).catch(codeOf));
  if (what === 'answered') console.log(JSON.stringify((await Promise.all(calls)).map((answer) => typeof answer)));
  else await cluster.connection(1);
  await cluster.close();
  console.log(what === 'answered' ? 'closed' : (await Promise.all(calls)).join(' '));
}
