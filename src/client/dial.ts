/** From a host name to an open connection: every address of the name is tried, and the reasons of all are told. */
import { lookup as dnsLookup } from 'node:dns/promises';
import { LinkError } from '../errors.ts';
import { abortable } from './abort.ts';
import { limit } from './clock.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { firstOf, NoneSucceeded } from './first-of.ts';
import { type Endpoint, endpointText } from './transport.ts';

/** All addresses of a host name, or of an address itself. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export const systemLookup: Lookup = async (host) => (await dnsLookup(host, { all: true })).map(({ address }) => address);

/** Long enough for a slow handshake between continents, short enough for several dead addresses within a connect timeout. */
export const HEAD_START_MS = 1_000;

export interface DialOptions extends Omit<ConnectionOptions, 'endpoint'> {
  readonly lookup: Lookup;
}

/**
 * Connects to a host by any of its addresses, one after another with a head start for each (KIP-302: use all DNS addresses).
 *
 * @throws LinkError as {@link Connection.open}; when there are several addresses, one error that tells of all.
 */
export const dial = async (endpoint: Endpoint, live: DialOptions, signal: AbortSignal): Promise<Connection> => {
  const { lookup, ...options } = live;
  const addresses = await resolve(endpoint, lookup, options, signal);
  const open = (address: string) => (given: AbortSignal) => {
    const connecting: ConnectionOptions = {
      ...options,
      endpoint: { ...endpoint, address },
      // Also for connections that are open when it changes.
      get requestTimeoutMs() {
        return live.requestTimeoutMs;
      },
    };
    return Connection.open(connecting, given);
  };
  try {
    return await firstOf(addresses.map(open), {
      clock: options.clock,
      headStartMs: HEAD_START_MS,
      signal,
      doing: `connecting to ${endpointText(endpoint)}`,
      discard: (late) => late.destroy(null),
    });
  } catch (error) {
    throw error instanceof NoneSucceeded ? summary(error.errors) : error;
  }
};

const resolve = async (
  { host }: Endpoint,
  lookup: Lookup,
  { clock, connectTimeoutMs }: Omit<ConnectionOptions, 'endpoint'>,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const doing = `The lookup of the name ${host}`;
  const bound = limit(clock, connectTimeoutMs, doing, [signal]);
  try {
    const addresses = await abortable(lookup(host), bound.signal, doing);
    if (addresses.length > 0) return addresses;
  } catch (cause) {
    if (LinkError.is(cause)) throw cause;
    throw unknownName(host, cause);
  } finally {
    bound.end();
  }
  throw unknownName(host);
};

const unknownName = (host: string, cause?: unknown): LinkError =>
  new LinkError(
    'KLINK_CONNECT',
    `The name ${host} cannot be resolved${cause instanceof Error ? ` (${cause.message})` : ''}: check it and the DNS`,
    {
      cause,
      retriable: true,
    },
  );

/**
 * One error for several failed ways. `KLINK_CONNECT` and retriable if any of them may work later: a broker that is down may come back.
 * A peer that is no broker will not become one: if all are like that, the code tells what they are.
 */
export const summary = (errors: readonly LinkError[], what?: string): LinkError => {
  const [first] = errors;
  if (first !== undefined && errors.length === 1 && what === undefined) return first;
  const reasons = [...new Set(errors.map(({ message }) => message))].join('; ');
  const retriable = errors.length === 0 || errors.some((error) => error.retriable);
  return new LinkError(
    first === undefined || retriable ? 'KLINK_CONNECT' : first.code,
    what === undefined ? reasons : `${what}: ${reasons}`,
    {
      cause: errors.length === 1 ? first : new AggregateError(errors, reasons),
      retriable,
    },
  );
};
