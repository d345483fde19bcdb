/** A link's memory in a compacted topic on the destination cluster: Kafka is the database. */
import type { Cluster } from '../../client/cluster.ts';
import type { LinkIdentity, LinkStore, StoredLink, StoredMirror } from './link-store.ts';
import {
  formatIdentity,
  formatLink,
  formatMirror,
  linkKey,
  mirrorKey,
  parseIdentity,
  parseKey,
  parseLink,
  parseMirror,
  producerKey,
} from './store-records.ts';
import { corruptStore, type StoreEntry, StoreTopic, type StoreTopicOptions } from './store-topic.ts';

/** What the topic says of one link. */
interface Memory {
  readonly identity: LinkIdentity | null;
  /** Of every link, in the order of their first records. */
  readonly links: ReadonlyMap<string, StoredLink>;
  readonly mirrors: ReadonlyMap<string, StoredMirror>;
  /** Of every candidate there ever was. */
  readonly producerKeys: readonly string[];
}

/**
 * Every candidate for an identity has a key of its own, so compaction never removes one for another: the one at the lowest offset is the link's, until
 * the link is forgotten. Everything else is the last record of its key.
 */
const recall = (entries: readonly StoreEntry[], name: string): Memory => {
  const identities = new Map<string, string>();
  const mirrors = new Map<string, StoredMirror>();
  const links = new Map<string, StoredLink>();
  for (const { key, value } of entries) {
    const parsed = parseKey(key);
    if (parsed?.kind === 'link') {
      if (value === null) links.delete(parsed.link);
      else if (parsed.link === name) links.set(name, parseLink(value));
      else links.set(parsed.link, linkOfOthers(value));
    }
    if (parsed?.link !== name || parsed.kind === 'link') continue;
    if (parsed.kind === 'producer') {
      if (value === null) identities.delete(key);
      else if (!identities.has(key)) identities.set(key, value);
    } else if (value === null) {
      mirrors.delete(parsed.topic);
    } else {
      mirrors.set(parsed.topic, parseMirror(value));
    }
  }
  const [first] = identities.values();
  return { identity: first === undefined ? null : parseIdentity(first), links, mirrors, producerKeys: [...identities.keys()] };
};

/** What another link has written, maybe of another release, keeps nobody from working. */
const linkOfOthers = (value: string): StoredLink => {
  try {
    return parseLink(value);
  } catch {
    return { configs: {} };
  }
};

const NOTHING: Memory = { identity: null, links: new Map(), mirrors: new Map(), producerKeys: [] };

export class TopicLinkStore implements LinkStore {
  readonly #topic: StoreTopic;
  readonly #name: string;
  #memory = NOTHING;

  constructor(cluster: Cluster, link: string, options: StoreTopicOptions) {
    this.#topic = new StoreTopic(cluster, options);
    this.#name = link;
  }

  async load(signal: AbortSignal): Promise<LinkIdentity | null> {
    this.#memory = (await this.#topic.exists(signal)) ? await this.#recall(signal) : NOTHING;
    return this.#memory.identity;
  }

  /** A process that stored a candidate and finds another before it has lost, and uses the other. */
  async identity(create: () => Promise<LinkIdentity>, signal: AbortSignal): Promise<LinkIdentity> {
    await this.#topic.ensure(signal);
    this.#memory = await this.#recall(signal);
    if (this.#memory.identity !== null) return this.#memory.identity;
    const candidate = await create();
    const { producerId, producerEpoch } = candidate;
    const entry = { key: producerKey(this.#name, producerId), value: formatIdentity(candidate) };
    // Written under the candidate's own producer id: a repeated attempt is recognised by the broker and not stored twice.
    await this.#topic.append([entry], signal, { producerId, producerEpoch, baseSequence: 0 });
    this.#memory = await this.#recall(signal);
    if (this.#memory.identity === null) throw corruptStore('the record just written is not there');
    return this.#memory.identity;
  }

  link(): StoredLink | null {
    return this.#memory.links.get(this.#name) ?? null;
  }

  links(): ReadonlyMap<string, StoredLink> {
    return this.#memory.links;
  }

  async saveLink(link: StoredLink, signal: AbortSignal): Promise<void> {
    await this.#topic.append([{ key: linkKey(this.#name), value: formatLink(link) }], signal);
    this.#memory = { ...this.#memory, links: new Map(this.#memory.links).set(this.#name, link) };
  }

  mirror(topic: string): StoredMirror | undefined {
    return this.#memory.mirrors.get(topic);
  }

  mirrors(): readonly StoredMirror[] {
    return [...this.#memory.mirrors.values()];
  }

  async saveMirror(mirror: StoredMirror, signal: AbortSignal): Promise<void> {
    await this.#topic.append([{ key: mirrorKey(this.#name, mirror.topic), value: formatMirror(mirror) }], signal);
    this.#memory = { ...this.#memory, mirrors: new Map(this.#memory.mirrors).set(mirror.topic, mirror) };
  }

  async forgetMirror(topic: string, signal: AbortSignal): Promise<void> {
    await this.#topic.append([{ key: mirrorKey(this.#name, topic), value: null }], signal);
    const mirrors = new Map(this.#memory.mirrors);
    mirrors.delete(topic);
    this.#memory = { ...this.#memory, mirrors };
  }

  async forgetLink(signal: AbortSignal): Promise<void> {
    const memory = await this.#recall(signal);
    const keys = [...[...memory.mirrors.keys()].map((topic) => mirrorKey(this.#name, topic)), linkKey(this.#name), ...memory.producerKeys];
    await this.#topic.append(
      keys.map((key) => ({ key, value: null })),
      signal,
    );
    this.#memory = NOTHING;
  }

  async #recall(signal: AbortSignal): Promise<Memory> {
    return recall(await this.#topic.readAll(signal), this.#name);
  }
}

/** The names of all links that the destination knows, in the order of the alphabet. */
export const linkNames = async (cluster: Cluster, options: StoreTopicOptions, signal: AbortSignal): Promise<readonly string[]> => {
  const topic = new StoreTopic(cluster, options);
  if (!(await topic.exists(signal))) return [];
  const alive = new Map<string, boolean>();
  for (const { key, value } of await topic.readAll(signal)) {
    if (parseKey(key)?.kind === 'producer') alive.set(key, value !== null);
  }
  const names = [...alive].flatMap(([key, isAlive]) => (isAlive ? [parseKey(key)?.link ?? ''] : []));
  return [...new Set(names)].sort();
};
