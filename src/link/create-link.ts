/** From options to a running link: check, connect, check both sides, and only then change anything. */
import { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ClusterLink } from './link.ts';
import type { WaitOptions } from './link-status.ts';
import { type LinkOptions, type ParsedOptions, parseOptions } from './options.ts';
import { establish, type PrepareContext, planTopics } from './prepare.ts';
import { TopicLinkStore } from './store/topic-store.ts';

const DEFAULT_CONNECT_MS = 30_000;
/** Above what the queues let onto one connection: it holds back a flood, not the data path. */
const CONNECTION_MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;
/** Several times what a broker takes in one request by default (`socket.request.max.bytes`). */
const CONNECTION_MAX_FRAME_BYTES = 512 * 1024 * 1024;

/**
 * Checks the options, connects to both clusters, checks every topic, and only then makes what is missing and starts to mirror.
 * There is no half-started link: it runs, or nothing was changed. `timeoutMs` bounds the time to reach the clusters (30 s).
 *
 * @throws LinkError `KLINK_CONFIG`, `KLINK_CONNECT`, `KLINK_TIMEOUT`, `KLINK_ABORTED`, `KLINK_MALFORMED`, `KLINK_AUTH`, `KLINK_BROKER`, `KLINK_STORE`,
 *   `KLINK_VERSION`, `KLINK_DIVERGED` (a destination topic has other content).
 */
export const createLink = async (
  options: LinkOptions,
  { signal, timeoutMs = DEFAULT_CONNECT_MS }: WaitOptions = {},
): Promise<ClusterLink> => {
  const parsed = parseOptions(options);
  const closing = new AbortController();
  const forward = (): void => closing.abort(signal?.reason);
  if (signal?.aborted === true) forward();
  signal?.addEventListener('abort', forward, { once: true });
  const open: Cluster[] = [];
  const connect = async (role: 'source' | 'destination'): Promise<Cluster> => {
    const cluster = await connectCluster(role, parsed, { timeoutMs, signal: closing.signal });
    open.push(cluster);
    return cluster;
  };
  try {
    const connecting = [connect('source'), connect('destination')] as const;
    await Promise.allSettled(connecting);
    const [source, destination] = await Promise.all(connecting);
    const store = parsed.store ?? new TopicLinkStore(destination, parsed.name, { clock: parsed.clock, timeoutMs });
    const context: PrepareContext = { options: parsed, source, destination, store, signal: closing.signal };
    const { identity, topics } = await establish(context, await planTopics(context));
    return new ClusterLink(parsed, context, closing, identity, topics);
  } catch (error) {
    await Promise.all(open.map((cluster) => cluster.close()));
    throw LinkError.from(error);
  } finally {
    signal?.removeEventListener('abort', forward);
  }
};

const connectCluster = (
  role: 'source' | 'destination',
  options: ParsedOptions,
  wait: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Cluster> => {
  const { clock, random, openTransport, settings } = options;
  const { bootstrap, clientId } = options[role];
  return Cluster.connect(
    {
      role,
      bootstrap,
      clientId,
      connectTimeoutMs: settings.connectTimeoutMs,
      requestTimeoutMs: settings.requestTimeoutMs,
      maxInFlightBytes: CONNECTION_MAX_IN_FLIGHT_BYTES,
      maxFrameBytes: CONNECTION_MAX_FRAME_BYTES,
      retry: { backoffMs: settings.retryBackoffMs, maxBackoffMs: settings.retryBackoffMaxMs },
    },
    { clock, random, openTransport },
    wait,
  );
};
