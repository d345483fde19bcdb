/** From options to a running link: check, connect, recall what the link was, check both sides, and only then change anything. */
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { refuseProblems } from './configs/config-problem.ts';
import { configTexts, readConfigOptions, readConfigTexts } from './configs/config-set.ts';
import { CONFIG_OPTIONS, rowOf } from './configs/link-configs.ts';
import { connectCluster, openCluster } from './connect-clusters.ts';
import { decideFillPolicy, establishIdentity, establishTopics, type PreparedTopic } from './establish.ts';
import { requireExactTransactions } from './exact-transactions.ts';
import { ClusterLink } from './link.ts';
import type { WaitOptions } from './link-status.ts';
import { refuseLoops } from './loops.ts';
import { type MirrorNames, mirrorNames } from './mirror-names.ts';
import { type LinkOptions, type ParsedOptions, parseOptions } from './options.ts';
import { type PrepareContext, planTopics, refuseSameCluster } from './plan-topics.ts';
import { refuseTakenPrefix } from './prefix-claim.ts';
import type { LinkStore, StoredMirror } from './store/link-store.ts';
import { corruptStore } from './store/store-topic.ts';
import { TopicLinkStore } from './store/topic-store.ts';

const DEFAULT_CONNECT_MS = 30_000;

/**
 * Checks the options, connects to both clusters, checks every topic, and only then makes what is missing and starts to mirror.
 * There is no half-started link: it runs, or nothing was changed. `timeoutMs` bounds the time to reach the clusters (30 s).
 *
 * A link that was started before, anywhere, goes on with its configs and its mirrors. When its source cannot be reached, it starts all the same, with
 * its mirrors `SOURCE_UNAVAILABLE`: they can be failed over, and go on when the source is back.
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
  try {
    const wait = { timeoutMs, signal: closing.signal };
    const opened = (cluster: Cluster): Cluster => {
      open.push(cluster);
      return cluster;
    };
    const [reached, destination] = await Promise.all([
      connectCluster('source', parsed, wait).then(opened, LinkError.from),
      connectCluster('destination', parsed, wait).then(opened),
    ]);
    const store = parsed.store ?? new TopicLinkStore(destination, parsed.name, { clock: parsed.clock, timeoutMs });
    const known = await store.load(closing.signal);
    const isAway = LinkError.is(reached) && reached.retriable && known !== null;
    if (LinkError.is(reached) && !isAway) throw reached;
    const source = LinkError.is(reached) ? opened(openCluster('source', parsed)) : reached;
    const isNew = store.link() === null;
    recallConfigs(parsed, store);
    if (isNew) refuseTakenPrefix(parsed, store);
    const context: PrepareContext = { options: parsed, source, destination, store, signal: closing.signal };
    const names = wantedNames(parsed, store);
    const topics = LinkError.is(reached) ? await withoutSource(context, names, reached) : await withSource(context, names);
    if (parsed.settings.transactions === 'exact') await requireExactTransactions(context);
    const identity = await establishIdentity(context);
    await rememberConfigs(parsed, store, closing.signal);
    if (isNew) await keepPrefix(parsed, store, closing.signal);
    const prepared = topics.prepared ?? (await establishTopics(context, topics.plans));
    const fillPolicy = await decideFillPolicy(context);
    const stopped = store.mirrors().filter(({ state }) => state === 'STOPPED');
    return new ClusterLink(context, closing, {
      identity,
      fillPolicy,
      topics: prepared,
      stopped,
      sourceError: LinkError.is(reached) ? reached : null,
    });
  } catch (error) {
    await Promise.all(open.map((cluster) => cluster.close()));
    throw LinkError.from(error);
  } finally {
    signal?.removeEventListener('abort', forward);
  }
};

/** What the link was last set to counts where the options say nothing. */
const recallConfigs = ({ given, live, name }: ParsedOptions, store: LinkStore): void => {
  const stored = store.link();
  if (stored === null) return;
  const before = readConfigTexts(stored.configs);
  const [problem] = before.problems;
  if (problem !== undefined) throw corruptStore(`the configs of link '${name}' have ${problem.name}, which ${problem.rule}`);
  const both = readConfigOptions({ ...before.configs.given, ...given.given });
  refuseProblems(both.problems);
  for (const option of CONFIG_OPTIONS) {
    if (rowOf(option).dynamic || given.given[option] === undefined || given.given[option] === before.configs.values[option]) continue;
    const { key } = rowOf(option);
    throw new LinkError(
      'KLINK_CONFIG',
      `Link '${name}' was made with ${key}=${before.configs.values[option]}, and it cannot be changed: leave it as it was, or delete the link first`,
    );
  }
  live.replace(both.configs);
};

const rememberConfigs = async ({ live, source }: ParsedOptions, store: LinkStore, signal: AbortSignal): Promise<void> => {
  const bootstrap = source.bootstrap.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  const configs = { ...configTexts(live.set), 'bootstrap.servers': bootstrap };
  if (JSON.stringify(configs) !== JSON.stringify(store.link()?.configs)) await store.saveLink({ configs }, signal);
};

/** Two links with one prefix may have been made at the same moment: the second is taken back. */
const keepPrefix = async (parsed: ParsedOptions, store: LinkStore, signal: AbortSignal): Promise<void> => {
  if (parsed.settings.clusterLinkPrefix === null) return;
  await store.load(signal);
  try {
    refuseTakenPrefix(parsed, store);
  } catch (refused) {
    await store.forgetLink(signal);
    throw refused;
  }
};

/** Those that are asked for, and those that the link had. */
const wantedNames = ({ topics, settings }: ParsedOptions, store: LinkStore): readonly MirrorNames[] => {
  const asked = topics.map((topic) => mirrorNames(settings.clusterLinkPrefix ?? '', topic));
  const had = store.mirrors();
  const isStopped = new Set(had.filter(({ state }) => state === 'STOPPED').map(({ topic }) => topic));
  const all = new Map([...had, ...asked].map(({ topic, sourceTopic }) => [topic, { topic, sourceTopic }]));
  return [...all.values()].filter(({ topic }) => !isStopped.has(topic));
};

type Plans = { readonly plans: Awaited<ReturnType<typeof planTopics>>; readonly prepared: readonly PreparedTopic[] | null };

const withSource = async (context: PrepareContext, names: readonly MirrorNames[]): Promise<Plans> => {
  refuseSameCluster(context);
  await refuseLoops(context, names);
  return { plans: await planTopics(context, names), prepared: null };
};

/** The mirrors as they were left: nothing can be compared until the source is back. */
const withoutSource = async (
  { options, destination, store, signal }: PrepareContext,
  names: readonly MirrorNames[],
  away: LinkError,
): Promise<Plans> => {
  if (names.some(({ topic }) => store.mirror(topic) === undefined)) throw away;
  const topics = names.map(({ topic }) => topic);
  await destination.retry(() => destination.refreshMetadata(topics, signal), { timeoutMs: options.settings.requestTimeoutMs, signal });
  const prepared = names.map(({ topic }): PreparedTopic => {
    const stored: StoredMirror = store.mirror(topic)!;
    return { stored, partitions: destination.metadata.topic(topic)?.partitions.length ?? 0, failure: null };
  });
  return { plans: [], prepared };
};
