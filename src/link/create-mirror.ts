/** Makes one more mirror for a link that runs. */
import { either } from '../client/abort.ts';
import { LinkError } from '../errors.ts';
import { establishTopics, type PreparedTopic } from './establish.ts';
import { refuseLoops } from './loops.ts';
import { mirrorNames } from './mirror-names.ts';
import type { Mirrors } from './mirrors.ts';
import { legalName } from './options.ts';
import { type PrepareContext, planTopics } from './plan-topics.ts';

export interface NewMirrorOptions {
  /** Must be the name that the link gives: that of the source, with `cluster.link.prefix` before it. */
  readonly mirrorTopic?: string;
  /** Replicas. Default: what the link was made with. */
  readonly replicationFactor?: number;
  /** Topic configs, besides those that exactness needs. Default: what the link was made with. */
  readonly topicConfigs?: Readonly<Record<string, string>>;
  readonly validateOnly?: boolean;
  readonly signal?: AbortSignal;
}

export const createMirror = async (
  context: PrepareContext,
  mirrors: Mirrors,
  sourceTopic: string,
  { mirrorTopic, replicationFactor, topicConfigs, validateOnly = false, signal }: NewMirrorOptions,
): Promise<{ readonly topic: string; readonly prepared: PreparedTopic | null }> => {
  const prefix = context.options.settings.clusterLinkPrefix ?? '';
  const names = mirrorNames(prefix, sourceTopic);
  const { topic } = names;
  if (!legalName(sourceTopic) || !legalName(topic)) {
    throw new LinkError(
      'KLINK_CONFIG',
      `'${sourceTopic}' is no legal name of a topic${prefix === '' ? '' : `, or not with '${prefix}' before it`}`,
    );
  }
  if (mirrorTopic !== undefined && mirrorTopic !== topic) {
    throw new LinkError(
      'KLINK_CONFIG',
      `The mirror of '${sourceTopic}' cannot be called '${mirrorTopic}': this link ${prefix === '' ? 'has no prefix' : `has the prefix '${prefix}'`}, so it is called '${topic}'`,
    );
  }
  const known = mirrors.get(topic);
  if (known !== undefined) throw new LinkError('KLINK_STATE', `'${topic}' is a mirror topic of this link already; it is ${known.state}`);
  const { options } = context;
  const asked: PrepareContext = {
    ...context,
    signal: either(signal, context.signal),
    options: Object.create(options, {
      ...(replicationFactor !== undefined && { replicationFactor: { value: replicationFactor } }),
      ...(topicConfigs !== undefined && { topicConfigs: { value: topicConfigs } }),
    }) as typeof options,
  };
  await refuseLoops(asked, [names]);
  const plans = await planTopics(asked, [names]);
  if (validateOnly) return { topic, prepared: null };
  const [prepared] = await establishTopics(asked, plans);
  return { topic, prepared: prepared ?? null };
};
