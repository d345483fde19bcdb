/** Finds out whether a mirror would be copied back to where it comes from, over however many clusters: links that feed each other would never end. */
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { connectCluster } from './connect-clusters.ts';
import type { MirrorNames } from './mirror-names.ts';
import { type ParsedOptions, parseCluster } from './options.ts';
import type { PrepareContext } from './plan-topics.ts';
import { parseIdentity, parseKey, parseLink, parseMirror } from './store/store-records.ts';
import { type StoreEntry, StoreTopic } from './store/store-topic.ts';

/** For reaching a cluster further up that neither side of this link is. */
const REACH_MS = 3_000;
/** More than chains have: the search ends in any case. */
const MAX_CLUSTERS = 16;

/** From where a topic is copied, and by which link. */
interface Feed {
  readonly link: string;
  readonly sourceTopic: string;
  readonly clusterId: string;
  readonly bootstrap: readonly string[];
}

/** Where the search stands: a topic of some cluster, the mirror that it must not come from, and the links in between. */
interface Trace {
  readonly topic: string;
  readonly names: MirrorNames;
  readonly links: readonly string[];
}

/** By topic: what feeds it, as the links that write to the cluster remember it. */
const feedsOf = (entries: readonly StoreEntry[]): ReadonlyMap<string, readonly Feed[]> => {
  const clusterIds = new Map<string, string | null>();
  const bootstraps = new Map<string, readonly string[]>();
  const mirrors = new Map<string, { readonly link: string; readonly topic: string; readonly sourceTopic: string }>();
  for (const { key, value } of entries) {
    const parsed = parseKey(key);
    if (parsed === null || value === null) {
      mirrors.delete(key);
      continue;
    }
    if (parsed.kind === 'producer') clusterIds.set(parsed.link, parseIdentity(value).sourceClusterId);
    if (parsed.kind === 'link') bootstraps.set(parsed.link, parseLink(value).configs['bootstrap.servers']?.split(',') ?? []);
    if (parsed.kind !== 'mirror') continue;
    const { topic, sourceTopic, state } = parseMirror(value);
    if (state === 'STOPPED') mirrors.delete(key);
    else mirrors.set(key, { link: parsed.link, topic, sourceTopic });
  }
  const feeds = new Map<string, Feed[]>();
  for (const { link, topic, sourceTopic } of mirrors.values()) {
    const clusterId = clusterIds.get(link) ?? null;
    if (clusterId === null) continue;
    feeds.set(topic, [...(feeds.get(topic) ?? []), { link, sourceTopic, clusterId, bootstrap: bootstraps.get(link) ?? [] }]);
  }
  return feeds;
};

/**
 * Looks into the memory of the links that write to the source cluster, of those that write to their sources, and so on. What cannot be looked at, since it
 * cannot be reached from here or since a right is missing, cannot be told. Throws `KLINK_CONFIG`.
 */
export const refuseLoops = async (context: PrepareContext, names: readonly MirrorNames[]): Promise<void> => {
  const { source, destination } = context;
  const goal = destination.metadata.clusterId;
  const start = source.metadata.clusterId;
  if (goal === null || start === null) return;
  const seen = new Set<string>();
  const looked = new Map<string, ReadonlyMap<string, readonly Feed[]>>();
  let level = new Map<string, { readonly bootstrap: readonly string[]; readonly traces: readonly Trace[] }>([
    [start, { bootstrap: [], traces: names.map((one) => ({ topic: one.sourceTopic, names: one, links: [] })) }],
  ]);
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [clusterId, { bootstrap, traces }] of level) {
      if (!looked.has(clusterId) && looked.size < MAX_CLUSTERS) looked.set(clusterId, await lookAt(context, clusterId, bootstrap));
      for (const trace of traces) {
        for (const feed of looked.get(clusterId)?.get(trace.topic) ?? []) {
          const links = [...trace.links, feed.link];
          if (feed.clusterId === goal && feed.sourceTopic === trace.names.topic) throw inACircle(trace.names, links);
          const place = `${trace.names.topic}/${feed.clusterId}/${feed.sourceTopic}`;
          if (seen.has(place)) continue;
          seen.add(place);
          const there = next.get(feed.clusterId) ?? { bootstrap: feed.bootstrap, traces: [] };
          next.set(feed.clusterId, { ...there, traces: [...there.traces, { topic: feed.sourceTopic, names: trace.names, links }] });
        }
      }
    }
    level = next;
  }
};

const inACircle = ({ topic, sourceTopic }: MirrorNames, links: readonly string[]): LinkError =>
  new LinkError(
    'KLINK_CONFIG',
    `'${sourceTopic}' of the source is itself a mirror of '${topic}' of the destination, by ${links.length === 1 ? 'link' : 'links'} ` +
      `${links.map((link) => `'${link}'`).join(', ')}: its records would go in a circle. Stop that mirror first, or use cluster.link.prefix`,
  );

const lookAt = async (
  { options, source, destination, signal }: PrepareContext,
  clusterId: string,
  bootstrap: readonly string[],
): Promise<ReturnType<typeof feedsOf>> => {
  const known = [source, destination].find(({ metadata }) => metadata.clusterId === clusterId);
  let reached: Cluster | null = null;
  try {
    reached = known === undefined ? await reach(options, bootstrap, signal) : null;
    const cluster = known ?? reached;
    // An address that leads elsewhere meanwhile says nothing.
    if (cluster?.metadata.clusterId !== clusterId) return new Map();
    const topic = new StoreTopic(cluster, { clock: options.clock, timeoutMs: options.settings.requestTimeoutMs });
    return (await topic.exists(signal)) ? feedsOf(await topic.readAll(signal)) : new Map();
  } catch (error) {
    if (signal.aborted) throw error;
    options.logger.debug({ link: options.name, clusterId, error }, 'the links of a cluster that feeds this one cannot be looked at');
    return new Map();
  } finally {
    await reached?.close();
  }
};

const reach = async (options: ParsedOptions, bootstrap: readonly string[], signal: AbortSignal): Promise<Cluster | null> => {
  const problems: string[] = [];
  const source = parseCluster('source', { bootstrap: [...bootstrap] }, options.name, problems);
  return problems.length > 0
    ? null
    : connectCluster('source', { ...options, settings: options.settings, source }, { timeoutMs: REACH_MS, signal });
};
