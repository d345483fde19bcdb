/** From options to the two clusters, with the limits that every connection of this package has. */
import { Cluster, type ClusterPorts, type ClusterSettings } from '../client/cluster.ts';
import type { ParsedOptions } from './options.ts';

/** Above what the queues let onto one connection: it holds back a flood, not the data path. */
const CONNECTION_MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;
/** Several times what a broker takes in one request by default (`socket.request.max.bytes`). */
const CONNECTION_MAX_FRAME_BYTES = 512 * 1024 * 1024;

/** Times of connections; milliseconds. */
export interface ConnectSettings {
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

/** What a connection needs of the options of a link, or of a verification. */
export interface ConnectOptions extends Pick<ParsedOptions, 'source' | 'destination' | 'clock' | 'random' | 'openTransport'> {
  readonly settings: ConnectSettings;
}

export interface ConnectedClusters {
  readonly source: Cluster;
  readonly destination: Cluster;
}

interface ConnectWait {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Reaches both clusters at once; when one cannot be reached, the other is closed again. Rejects as `Cluster.connect` does. */
export const connectClusters = async (options: ConnectOptions, wait: ConnectWait): Promise<ConnectedClusters> => {
  const connecting = [connectCluster('source', options, wait), connectCluster('destination', options, wait)] as const;
  const settled = await Promise.allSettled(connecting);
  try {
    const [source, destination] = await Promise.all(connecting);
    return { source, destination };
  } catch (error) {
    await Promise.all(settled.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)));
    throw error;
  }
};

/** Rejects as `Cluster.connect` does. */
export const connectCluster = (role: 'source' | 'destination', options: ConnectOptions, wait: ConnectWait): Promise<Cluster> =>
  Cluster.connect(...clusterOf(role, options), wait);

/** A cluster that is not reached yet, and maybe cannot be now. With `clusterId` no other is taken for it. */
export const openCluster = (role: 'source' | 'destination', options: ConnectOptions, clusterId: string | null = null): Cluster =>
  Cluster.open(...clusterOf(role, options, clusterId));

const clusterOf = (
  role: 'source' | 'destination',
  options: ConnectOptions,
  clusterId: string | null = null,
): [ClusterSettings, ClusterPorts] => {
  const { clock, random, openTransport } = options;
  const { bootstrap, clientId } = options[role];
  return [
    {
      role,
      bootstrap,
      clusterId,
      clientId,
      get connectTimeoutMs() {
        return options.settings.connectTimeoutMs;
      },
      get requestTimeoutMs() {
        return options.settings.requestTimeoutMs;
      },
      maxInFlightBytes: CONNECTION_MAX_IN_FLIGHT_BYTES,
      maxFrameBytes: CONNECTION_MAX_FRAME_BYTES,
      get retry() {
        return { backoffMs: options.settings.retryBackoffMs, maxBackoffMs: options.settings.retryBackoffMaxMs };
      },
    },
    { clock, random, openTransport },
  ];
};
