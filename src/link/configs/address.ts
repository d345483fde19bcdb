/** Addresses of brokers as a user writes them: `host:port`, or `[ipv6]:port`. Pure. */
import type { Endpoint } from '../../client/transport.ts';

const ADDRESS = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^\s:,[\]/]+)):(?<port>\d{1,5})$/;
const MAX_PORT = 65_535;

/** Null for what is none: a scheme, a path, a missing port. */
export const parseAddress = (text: unknown): Endpoint | null => {
  const { v6, host, port } = (typeof text === 'string' ? ADDRESS.exec(text)?.groups : undefined) ?? {};
  if (port === undefined || Number(port) === 0 || Number(port) > MAX_PORT) return null;
  return { host: (v6 ?? host) as string, port: Number(port) };
};

/** Of addresses that were checked when they were set. */
export const endpointsOf = (addresses: readonly string[]): readonly Endpoint[] => addresses.flatMap((text) => parseAddress(text) ?? []);
