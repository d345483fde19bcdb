/** What a link remembers between processes, as a port: the engine does not know where it is kept. */
import type { LinkProducer } from '../replication/batch-stamp.ts';
import type { ConfigEntry } from '../tasks/plan-topic-configs.ts';
import type { TaskErrorCode } from '../tasks/task.ts';

/** Who a link is: the same for every process that runs it. */
export interface LinkIdentity extends LinkProducer {
  /** 22 characters of base64url, as Kafka's ids. */
  readonly linkId: string;
  readonly sourceClusterId: string | null;
}

/** How a link is set up: its configs by their dotted names, without secrets. */
export interface StoredLink {
  readonly configs: Readonly<Record<string, string>>;
}

/** What of a mirror's state outlives a process: what somebody has asked for. Everything else follows from what the clusters show. */
export type LastingState = 'ACTIVE' | 'PAUSED' | 'PENDING_STOPPED' | 'STOPPED';

/** One change of state, and what it was for. */
export interface StoredTransition {
  readonly from: string;
  readonly to: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Why, when it was not what somebody wanted. */
  readonly error?: string;
}

/** Why a promotion or failover that had begun did not come to its end, as `mirror_state_transition_errors`. */
export interface StoredTransitionError {
  readonly verb: StoredStop['by'];
  /** What was being done. */
  readonly step: string;
  /** The product's code; `UNKNOWN` where it has no word for it. */
  readonly code: TaskErrorCode;
  /** Our own, as of `LinkError`. */
  readonly linkErrorCode: string;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** How a mirror was stopped, and where. */
export interface StoredStop {
  readonly by: 'PROMOTE' | 'FAILOVER';
  /** Milliseconds since 1970: when it was asked for. */
  readonly at: number;
  /** By partition: log end of the mirror when it stopped; left out until then. */
  readonly offsets?: readonly number[];
  /** By partition: offsets that the source was last known to have beyond that. */
  readonly lags?: readonly number[];
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
  /** The copy has once had all that the source had. */
  readonly hasCaughtUp?: true;
  /** The configs of the source topic as they were last seen: what a mirror gets that is stopped without its source. */
  readonly sourceConfigs?: Readonly<Record<string, ConfigEntry>>;
  /** Left out: `ACTIVE`. */
  readonly state?: LastingState;
  readonly stop?: StoredStop;
  /** The last changes of state, the oldest first. */
  readonly history?: readonly StoredTransition[];
  /** What went wrong last on the way to another state, the oldest first. */
  readonly transitionErrors?: readonly StoredTransitionError[];
}

export interface LinkStore {
  /** Reads what there is, and changes nothing; null when the link is not known here. */
  load(signal: AbortSignal): Promise<LinkIdentity | null>;
  /** The link's identity; made by `create` when the store has none. When two processes make one at once, the first that was stored is everybody's. */
  identity(create: () => Promise<LinkIdentity>, signal: AbortSignal): Promise<LinkIdentity>;
  /** Null before {@link saveLink}. */
  link(): StoredLink | null;
  saveLink(link: StoredLink, signal: AbortSignal): Promise<void>;
  /** All links that are kept beside this one, and itself, as of {@link load}: by name, in the order in which they were first saved. */
  links(): ReadonlyMap<string, StoredLink>;
  mirror(topic: string): StoredMirror | undefined;
  /** All of them, in no order. */
  mirrors(): readonly StoredMirror[];
  saveMirror(mirror: StoredMirror, signal: AbortSignal): Promise<void>;
  /** As if the topic had never been a mirror of this link. */
  forgetMirror(topic: string, signal: AbortSignal): Promise<void>;
  /** As if the link had never been: its identity, its configs and its mirrors. */
  forgetLink(signal: AbortSignal): Promise<void>;
}

/** Remembers nothing beyond the process: for tests. */
export class MemoryLinkStore implements LinkStore {
  #identity: LinkIdentity | null = null;
  #link: StoredLink | null = null;
  readonly #mirrors = new Map<string, StoredMirror>();

  async load(): Promise<LinkIdentity | null> {
    return this.#identity;
  }

  async identity(create: () => Promise<LinkIdentity>): Promise<LinkIdentity> {
    this.#identity ??= await create();
    return this.#identity;
  }

  link(): StoredLink | null {
    return this.#link;
  }

  async saveLink(link: StoredLink): Promise<void> {
    this.#link = link;
  }

  /** It knows of no other. */
  links(): ReadonlyMap<string, StoredLink> {
    return new Map();
  }

  mirror(topic: string): StoredMirror | undefined {
    return this.#mirrors.get(topic);
  }

  mirrors(): readonly StoredMirror[] {
    return [...this.#mirrors.values()];
  }

  async saveMirror(mirror: StoredMirror): Promise<void> {
    this.#mirrors.set(mirror.topic, mirror);
  }

  async forgetMirror(topic: string): Promise<void> {
    this.#mirrors.delete(topic);
  }

  async forgetLink(): Promise<void> {
    this.#identity = null;
    this.#link = null;
    this.#mirrors.clear();
  }
}
