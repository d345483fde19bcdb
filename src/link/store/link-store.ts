/** What a link remembers between processes, as a port: the engine does not know where it is kept. */
import type { LinkProducer } from '../replication/append-queue.ts';

/** Who a link is: the same for every process that runs it. */
export interface LinkIdentity extends LinkProducer {
  /** 22 characters of base64url, as Kafka's ids. */
  readonly linkId: string;
  readonly sourceClusterId: string | null;
}

/** A mirror topic as the store knows it. */
export interface StoredMirror {
  readonly topic: string;
  readonly sourceTopic: string;
  /** Ids of the topics that belong together; null on clusters without topic ids. A different id is a different topic. */
  readonly sourceTopicId: string | null;
  readonly topicId: string | null;
  /** Where each partition of the mirror begins at the source, where that was chosen; left out: wherever the source's log begins. */
  readonly startOffsets?: readonly number[];
}

export interface LinkStore {
  /** Reads what there is, and changes nothing; null when the link is not known here. */
  load(signal: AbortSignal): Promise<LinkIdentity | null>;
  /** The link's identity; made by `create` when the store has none. When two processes make one at once, the first that was stored is everybody's. */
  identity(create: () => Promise<LinkIdentity>, signal: AbortSignal): Promise<LinkIdentity>;
  mirror(topic: string): StoredMirror | undefined;
  saveMirror(mirror: StoredMirror, signal: AbortSignal): Promise<void>;
}

/** Remembers nothing beyond the process: for tests. */
export class MemoryLinkStore implements LinkStore {
  #identity: LinkIdentity | null = null;
  readonly #mirrors = new Map<string, StoredMirror>();

  async load(): Promise<LinkIdentity | null> {
    return this.#identity;
  }

  async identity(create: () => Promise<LinkIdentity>): Promise<LinkIdentity> {
    this.#identity ??= await create();
    return this.#identity;
  }

  mirror(topic: string): StoredMirror | undefined {
    return this.#mirrors.get(topic);
  }

  async saveMirror(mirror: StoredMirror): Promise<void> {
    this.#mirrors.set(mirror.topic, mirror);
  }
}
