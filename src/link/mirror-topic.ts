/** One mirror topic of a running link: what the store says of it, its partitions, and the state that follows from both. */
import type { LinkError } from '../errors.ts';
import { MirrorFailure } from './mirror-failure.ts';
import { type MirrorTopicStatus, partitionStatus } from './mirror-status.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import type { PartitionMirror } from './replication/partition-mirror.ts';
import { type MirrorTopicFacts, type MirrorTopicState, mirrorTopicStateOf } from './states/mirror-topic-states.ts';
import type { LastingState, StoredMirror, StoredTransition, StoredTransitionError } from './store/link-store.ts';

/** What of a link decides about all its mirrors. */
export interface LinkFacts {
  readonly linkPaused: boolean;
  readonly sourceAvailable: boolean;
}

export class MirrorTopic {
  /** As the store has it. */
  stored: StoredMirror;
  readonly #fillPolicy: () => FillPolicy;
  readonly partitions: PartitionMirror[] = [];
  state: MirrorTopicState = 'PENDING_MIRROR';
  since: Date;
  history: readonly StoredTransition[];
  transitionErrors: readonly StoredTransitionError[];
  /** The copy has once had all that the source had. */
  hasCaughtUp: boolean;
  /** Its partitions rest while it is being stopped, whatever its state says. */
  isHeld = false;
  readonly #begun = new Set<number>();

  constructor(stored: StoredMirror, fillPolicy: () => FillPolicy, since: Date) {
    this.stored = stored;
    this.#fillPolicy = fillPolicy;
    this.history = stored.history ?? [];
    this.transitionErrors = stored.transitionErrors ?? [];
    this.hasCaughtUp = stored.hasCaughtUp === true;
    this.since = since;
  }

  get topic(): string {
    return this.stored.topic;
  }

  get sourceTopic(): string {
    return this.stored.sourceTopic;
  }

  get lasting(): LastingState {
    return this.stored.state ?? 'ACTIVE';
  }

  /** A partition has been aligned: recorded, since a later disturbance does not undo that the topic was set up. */
  begun(partition: number): void {
    this.#begun.add(partition);
  }

  /** Every partition has all that the source had when it was last asked. */
  get isCaughtUp(): boolean {
    return this.#begun.size >= this.partitions.length && this.partitions.every(({ phase, lag }) => phase === 'mirroring' && lag === 0);
  }

  get failure(): LinkError | null {
    return this.partitions.find(({ phase }) => phase === 'failed')?.error ?? null;
  }

  /** What is known of it. */
  facts({ linkPaused, sourceAvailable }: LinkFacts): MirrorTopicFacts {
    const { lasting, stored } = this;
    return {
      paused: lasting === 'PAUSED',
      stopping: lasting === 'PENDING_STOPPED' ? (stored.stop?.by ?? 'FAILOVER') : null,
      stopped: lasting === 'STOPPED',
      setUp: this.#begun.size >= this.partitions.length,
      failed: this.failure !== null,
      linkPaused,
      linkFailed: false,
      sourceAvailable,
    };
  }

  nextState(link: LinkFacts): MirrorTopicState {
    return mirrorTopicStateOf(this.facts(link));
  }

  /** `now`: by the link's clock. */
  status(now: number): MirrorTopicStatus {
    const partitions = this.partitions.map((partition) => partitionStatus(partition, now));
    const { failure } = this;
    return {
      topic: this.topic,
      sourceTopic: this.sourceTopic,
      state: this.state,
      since: this.since,
      stop: this.stored.stop ?? null,
      history: this.history,
      transitionErrors: this.transitionErrors,
      lag: partitions.reduce((sum, { lag }) => sum + lag, 0n),
      bytes: partitions.reduce((sum, { bytes }) => sum + bytes, 0n),
      batches: partitions.reduce((sum, { batches }) => sum + batches, 0),
      fillPolicy: this.#fillPolicy(),
      mirrorTopicError: failure instanceof MirrorFailure ? failure.reason : null,
      error: failure,
      partitions,
    };
  }
}
