/** Connections to scripted brokers, on a clock that stands still, with every write to the socket on record. */
import { Connection, type ConnectionOptions } from '../../../src/client/connection.ts';
import { type OpenTransport, openTcp } from '../../../src/client/transport.ts';
import type { LinkError } from '../../../src/errors.ts';
import { decodeRequestHeader } from '../../../src/protocol/frame.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import type { ScriptedBroker } from '../../support/scripted-broker.ts';

/** Plain TCP that notes the correlation id and API key of every request at the moment it is handed to the socket. */
const recording = (written: { apiKey: number; correlationId: number }[]): OpenTransport => {
  return async (endpoint, events, limits) => {
    const transport = await openTcp(endpoint, events, limits);
    return {
      write: (chunks) => {
        const { apiKey, correlationId } = decodeRequestHeader(Buffer.concat(chunks).subarray(4));
        written.push({ apiKey, correlationId });
        transport.write(chunks);
      },
      destroy: () => transport.destroy(),
    };
  };
};

export const connectionOptions = (port: number, clock: ManualClock, more: Partial<ConnectionOptions> = {}): ConnectionOptions => ({
  endpoint: { host: '127.0.0.1', port },
  clientId: 'test',
  clock,
  openTransport: openTcp,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  maxInFlightBytes: 1_000_000,
  maxFrameBytes: 10_000_000,
  ...more,
});

/** A connection that is open and has agreed on versions. `written` does not hold what it said meanwhile. */
export const openConnection = async (broker: ScriptedBroker, more: Partial<ConnectionOptions> = {}) => {
  const clock = new ManualClock();
  const written: { apiKey: number; correlationId: number }[] = [];
  const options = connectionOptions(broker.port, clock, { openTransport: recording(written), ...more });
  const connection = await Connection.open(options);
  written.length = 0;
  return { connection, clock, written, peer: await broker.nextPeer() };
};

/** The error a promise fails with. */
export const failure = async (promise: Promise<unknown>): Promise<LinkError> =>
  promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error: LinkError) => error,
  );
