/** One mirror topic: its partitions, its state, and what a user sees of both. */
import type { LinkError } from '../errors.ts';
import { MirrorFailure, type MirrorTopicError } from './mirror-failure.ts';
import { type MirrorState, mirrorStateOf } from './mirror-state.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import type { PartitionMirror, PartitionPhase } from './replication/partition-mirror.ts';

/** `PENDING`: both logs are being compared; `ACTIVE`: copied; `FAILED`: stopped for good; `CLOSED`: the link was closed. */
export type PartitionState = 'PENDING' | 'ACTIVE' | 'FAILED' | 'CLOSED';

const stateOf: Readonly<Record<PartitionPhase, PartitionState>> = {
  aligning: 'PENDING',
  mirroring: 'ACTIVE',
  draining: 'PENDING',
  failed: 'FAILED',
  closed: 'CLOSED',
};

/** One partition of a mirror, at one moment. Offsets and lag count records and markers alike, as Kafka's offsets do. */
export interface MirrorPartitionStatus {
  readonly partition: number;
  readonly state: PartitionState;
  /** End of the mirror's log, as acknowledged: every offset below it is copied. */
  readonly nextOffset: bigint;
  /** Up to where the source can be copied (its last stable offset, before the first open transaction), as of the last fetch. */
  readonly sourceEnd: bigint;
  readonly sourceStart: bigint;
  readonly lag: bigint;
  /** Log start of the mirror, as far as known; it follows the source's. */
  readonly startOffset: bigint;
  /** Why it does not; null while it does. */
  readonly logStartError: LinkError | null;
  /** Offsets of the source that belong to transactions that are still open, and to whatever follows them: copied once they end. */
  readonly openOffsets: bigint;
  /** Since the link was started: bytes of batches, compressed as they are. */
  readonly bytes: bigint;
  readonly batches: number;
  /** Since the link was started: batches whose records had to be decompressed and put into batches of other ranges. */
  readonly rebuiltBatches: number;
  /** Since the link was started: offsets without a record, filled. */
  readonly filledOffsets: bigint;
  /** What went wrong last; null since the last acknowledged batch. */
  readonly error: LinkError | null;
}

/** A mirror topic, at one moment. */
export interface MirrorTopicStatus {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly state: MirrorState;
  /** When it came into this state. */
  readonly since: Date;
  /** Sum over its partitions. */
  readonly lag: bigint;
  readonly bytes: bigint;
  readonly batches: number;
  /** How offsets without a record are filled. */
  readonly fillPolicy: FillPolicy;
  /** Why the mirror is `FAILED`: the reason of its first failed partition, as `mirror_topic_error`. */
  readonly mirrorTopicError: MirrorTopicError | null;
  readonly error: LinkError | null;
  readonly partitions: readonly MirrorPartitionStatus[];
}

export interface TopicIds {
  readonly sourceTopicId: string | null;
  readonly topicId: string | null;
}

export class MirrorTopic {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly ids: TopicIds;
  /** Where each partition begins at the source, where that was chosen. */
  readonly startOffsets: readonly number[] | null;
  readonly partitions: PartitionMirror[] = [];
  state: MirrorState = 'PENDING_MIRROR';
  since: Date;
  readonly #begun = new Set<number>();

  constructor(
    names: { readonly topic: string; readonly sourceTopic: string },
    ids: TopicIds,
    startOffsets: readonly number[] | null,
    since: Date,
  ) {
    this.topic = names.topic;
    this.sourceTopic = names.sourceTopic;
    this.ids = ids;
    this.startOffsets = startOffsets;
    this.since = since;
  }

  /** A partition has been aligned: recorded, since a later disturbance does not undo that the topic was set up. */
  begun(partition: number): void {
    this.#begun.add(partition);
  }

  get failure(): LinkError | null {
    return this.partitions.find(({ phase }) => phase === 'failed')?.error ?? null;
  }

  nextState(sourceAvailable: boolean): MirrorState {
    return mirrorStateOf({ setUp: this.#begun.size >= this.partitions.length, sourceAvailable, failed: this.failure !== null });
  }

  status(): MirrorTopicStatus {
    const partitions = this.partitions.map(partitionStatus);
    const { failure } = this;
    return {
      topic: this.topic,
      sourceTopic: this.sourceTopic,
      state: this.state,
      since: this.since,
      lag: partitions.reduce((sum, { lag }) => sum + lag, 0n),
      bytes: partitions.reduce((sum, { bytes }) => sum + bytes, 0n),
      batches: partitions.reduce((sum, { batches }) => sum + batches, 0),
      fillPolicy: this.partitions[0]?.fillPolicy ?? 'refuse',
      mirrorTopicError: failure instanceof MirrorFailure ? failure.reason : null,
      error: failure,
      partitions,
    };
  }
}

export const partitionStatus = (mirror: PartitionMirror): MirrorPartitionStatus => ({
  partition: mirror.partition,
  state: stateOf[mirror.phase],
  nextOffset: BigInt(mirror.ackedOffset),
  sourceEnd: BigInt(mirror.sourceEnd),
  sourceStart: BigInt(mirror.sourceStart),
  lag: BigInt(mirror.lag),
  startOffset: BigInt(mirror.mirrorStart),
  logStartError: mirror.logStartError,
  openOffsets: BigInt(Math.max(0, mirror.sourceHighWatermark - mirror.sourceEnd)),
  bytes: BigInt(mirror.bytes),
  batches: mirror.batches,
  rebuiltBatches: mirror.rebuiltBatches,
  filledOffsets: BigInt(mirror.filledOffsets),
  error: mirror.error,
});

export const partitionState = (phase: PartitionPhase): PartitionState => stateOf[phase];
