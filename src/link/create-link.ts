/** From options to a running link: check, connect, check both sides, and only then change anything. */
import { LinkError } from '../errors.ts';
import { type ConnectedClusters, connectClusters } from './connect-clusters.ts';
import { establish } from './establish.ts';
import { ClusterLink } from './link.ts';
import type { WaitOptions } from './link-status.ts';
import { type LinkOptions, parseOptions } from './options.ts';
import { type PrepareContext, planTopics } from './plan-topics.ts';
import { TopicLinkStore } from './store/topic-store.ts';

const DEFAULT_CONNECT_MS = 30_000;

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
  let clusters: ConnectedClusters | null = null;
  try {
    clusters = await connectClusters(parsed, { timeoutMs, signal: closing.signal });
    const { source, destination } = clusters;
    const store = parsed.store ?? new TopicLinkStore(destination, parsed.name, { clock: parsed.clock, timeoutMs });
    const context: PrepareContext = { options: parsed, source, destination, store, signal: closing.signal };
    const established = await establish(context, await planTopics(context));
    return new ClusterLink(parsed, context, closing, established);
  } catch (error) {
    await Promise.all([clusters?.source.close(), clusters?.destination.close()]);
    throw LinkError.from(error);
  } finally {
    signal?.removeEventListener('abort', forward);
  }
};
