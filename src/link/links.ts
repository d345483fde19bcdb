/** The links of a destination cluster, without running them: listed, described from what they remember, deleted. */
import { either } from '../client/abort.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { readConfigTexts } from './configs/config-set.ts';
import { type ConfigListing, describeConfigs } from './configs/describe-configs.ts';
import { connectCluster } from './connect-clusters.ts';
import type { WaitOptions } from './link-status.ts';
import { type ClusterOptions, type LinkOptions, parseDestination } from './options.ts';
import type { LastingState, LinkIdentity, StoredStop, StoredTransition, StoredTransitionError } from './store/link-store.ts';
import { corruptStore } from './store/store-topic.ts';
import { linkNames, TopicLinkStore } from './store/topic-store.ts';

const DEFAULT_CONNECT_MS = 30_000;

/** Where links are kept: their destination cluster. */
export interface LinksOptions extends Pick<LinkOptions, 'clock' | 'random' | 'openTransport'> {
  readonly destination: ClusterOptions;
}

/** A mirror topic as its link remembers it. */
export interface MirrorDescription {
  readonly topic: string;
  readonly sourceTopic: string;
  /** What was last asked for; how far the copy is only the running link knows. */
  readonly state: LastingState;
  readonly stop: StoredStop | null;
  readonly history: readonly StoredTransition[];
  /** As of `MirrorTopicStatus`. */
  readonly transitionErrors: readonly StoredTransitionError[];
}

/** A link as it remembers itself. */
export interface LinkDescription {
  readonly name: string;
  readonly linkId: string;
  readonly sourceClusterId: string | null;
  /** As the product lists them; secrets are never kept. */
  readonly configs: readonly ConfigListing[];
  readonly mirrors: readonly MirrorDescription[];
}

/** The names of all links of a destination cluster. Rejects as `createLink` does when the cluster cannot be reached, and with `KLINK_STORE`. */
export const listLinks = (options: LinksOptions, wait: WaitOptions = {}): Promise<readonly string[]> =>
  atDestination(options, wait, (destination, context) => linkNames(destination, context, context.signal));

/** What a link remembers of itself. Throws as {@link listLinks}, and `KLINK_CONFIG` when there is no such link. */
export const describeLink = (name: string, options: LinksOptions, wait: WaitOptions = {}): Promise<LinkDescription> =>
  atDestination(options, wait, async (destination, context) => {
    const store = new TopicLinkStore(destination, name, context);
    const { linkId, sourceClusterId } = known(name, await store.load(context.signal));
    const { configs, problems } = readConfigTexts(store.link()?.configs ?? {});
    const [problem] = problems;
    if (problem !== undefined) throw corruptStore(`the configs of link '${name}' have ${problem.name}, which ${problem.rule}`);
    const mirrors = store.mirrors().map(({ topic, sourceTopic, state = 'ACTIVE', stop = null, history = [], transitionErrors = [] }) => ({
      topic,
      sourceTopic,
      state,
      stop,
      history,
      transitionErrors,
    }));
    return { name, linkId, sourceClusterId, configs: describeConfigs(configs), mirrors };
  });

export interface DeleteLinkOptions extends WaitOptions {
  /** Also with mirrors that are not stopped: they stay as they are, ordinary topics that nobody copies to any more. */
  readonly force?: boolean;
  readonly validateOnly?: boolean;
}

/**
 * Makes a destination forget a link; its topics stay. A process that runs the link must have been stopped.
 *
 * @throws LinkError `KLINK_STATE` while one of its mirrors is not `STOPPED` and `force` is not set, with which they are; else as {@link describeLink}.
 */
export const deleteLink = (
  name: string,
  options: LinksOptions,
  { force = false, validateOnly = false, ...wait }: DeleteLinkOptions = {},
): Promise<void> =>
  atDestination(options, wait, async (destination, context) => {
    const store = new TopicLinkStore(destination, name, context);
    known(name, await store.load(context.signal));
    const live = store.mirrors().filter(({ state }) => state !== 'STOPPED');
    if (live.length > 0 && !force) {
      const which = live.map(({ topic, state = 'ACTIVE' }) => `'${topic}' (${state})`);
      const some = which.length > 10 ? `${which.slice(0, 10).join(', ')} and ${which.length - 10} more` : which.join(', ');
      const pending = live.some(({ state }) => state === 'PENDING_STOPPED')
        ? ' A mirror that is being stopped must come to its end first, or it stays half done.'
        : '';
      throw new LinkError(
        'KLINK_STATE',
        `Link '${name}' still has mirrors: ${some}.${pending} Promote them or fail them over first, or delete the link with force`,
      );
    }
    if (!validateOnly) await store.forgetLink(context.signal);
  });

const known = (name: string, identity: LinkIdentity | null): LinkIdentity => {
  if (identity !== null) return identity;
  throw new LinkError('KLINK_CONFIG', `There is no link '${name}' on the destination`);
};

const atDestination = async <T>(
  options: LinksOptions,
  { signal, timeoutMs = DEFAULT_CONNECT_MS }: WaitOptions,
  use: (
    destination: Cluster,
    context: { readonly clock: ReturnType<typeof parseDestination>['clock']; readonly timeoutMs: number; readonly signal: AbortSignal },
  ) => Promise<T>,
): Promise<T> => {
  const parsed = parseDestination(options);
  const closing = new AbortController();
  const waiting = either(signal, closing.signal);
  const destination = await connectCluster('destination', parsed, { timeoutMs, signal: waiting });
  try {
    return await use(destination, { clock: parsed.clock, timeoutMs, signal: waiting });
  } finally {
    await destination.close();
  }
};
