/** Finds out whether a mirror would be copied back to where it comes from: two links that feed each other would never end. */
import { LinkError } from '../errors.ts';
import type { MirrorNames } from './mirror-names.ts';
import type { PrepareContext } from './plan-topics.ts';
import { parseIdentity, parseKey, parseMirror } from './store/store-records.ts';
import { StoreTopic } from './store/store-topic.ts';

/** Looks into the memory of the links that write to the source cluster. A link that may not look there cannot tell. Throws `KLINK_CONFIG`. */
export const refuseLoops = async (
  { options, source, destination, signal }: PrepareContext,
  names: readonly MirrorNames[],
): Promise<void> => {
  const { clusterId } = destination.metadata;
  if (clusterId === null) return;
  const topic = new StoreTopic(source, { clock: options.clock, timeoutMs: options.settings.requestTimeoutMs });
  const entries = await topic
    .exists(signal)
    .then((exists) => (exists ? topic.readAll(signal) : []))
    .catch((error: unknown) => {
      if (signal.aborted) throw error;
      options.logger.debug({ link: options.name, error }, 'the links of the source cluster cannot be looked at');
      return [];
    });
  const fromHere = new Set<string>();
  const mirrors = new Map<string, { readonly link: string; readonly sourceTopic: string }>();
  for (const { key, value } of entries) {
    const parsed = parseKey(key);
    if (parsed === null || value === null) continue;
    if (parsed.kind === 'producer' && parseIdentity(value).sourceClusterId === clusterId) fromHere.add(parsed.link);
    if (parsed.kind !== 'mirror') continue;
    const { sourceTopic, state } = parseMirror(value);
    if (state === 'STOPPED') mirrors.delete(`${parsed.link}/${parsed.topic}`);
    else mirrors.set(`${parsed.link}/${parsed.topic}`, { link: parsed.link, sourceTopic });
  }
  for (const { topic: mirror, sourceTopic } of names) {
    for (const link of fromHere) {
      if (mirrors.get(`${link}/${sourceTopic}`)?.sourceTopic !== mirror) continue;
      throw new LinkError(
        'KLINK_CONFIG',
        `'${sourceTopic}' of the source is itself a mirror of '${mirror}' of the destination, by link '${link}': its records would go in a circle. ` +
          'Stop that mirror first, or use cluster.link.prefix',
      );
    }
  }
};
