/** What a user sees of a mirror topic and its partitions, at one moment. */
import type { LinkError } from '../errors.ts';
import type { MirrorTopicError } from './mirror-failure.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import type { PartitionMirror } from './replication/partition-mirror.ts';
import type { PartitionPhase } from './replication/partition-ports.ts';
import type { MirrorTopicState } from './states/mirror-topic-states.ts';
import type { RepairStepName, StoredRepair, StoredStop, StoredTransition, StoredTransitionError } from './store/link-store.ts';

/** `PENDING`: both logs are being compared; `ACTIVE`: copied; `PAUSED`: at rest; `FAILED`: stopped for good; `CLOSED`: copied no more, since the link was closed or the mirror stopped. */
export type PartitionState = 'PENDING' | 'ACTIVE' | 'PAUSED' | 'FAILED' | 'CLOSED';

const stateOf: Readonly<Record<PartitionPhase, PartitionState>> = {
  aligning: 'PENDING',
  mirroring: 'ACTIVE',
  draining: 'PENDING',
  paused: 'PAUSED',
  failed: 'FAILED',
  closed: 'CLOSED',
};

/** One partition of a mirror, at one moment. Offsets and lag count records and markers alike, as Kafka's offsets do. */
export interface MirrorPartitionStatus {
  readonly partition: number;
  readonly state: PartitionState;
  /** End of the mirror's log, as acknowledged: every offset below it is copied. */
  readonly nextOffset: bigint;
  /** Milliseconds since the source last answered for this partition; null before it has. */
  readonly sinceLastFetchMs: number | null;
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

/** How far a repair is. */
export interface RepairStatus {
  /** When it was asked for. */
  readonly since: Date;
  /** The step that it is at. */
  readonly step: RepairStepName;
}

export const repairStatus = (repair: StoredRepair | null | undefined): RepairStatus | null =>
  repair == null ? null : { since: new Date(repair.at), step: repair.step };

/** A mirror topic, at one moment. */
export interface MirrorTopicStatus {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly state: MirrorTopicState;
  /** When it came into this state. */
  readonly since: Date;
  /** How it was stopped, and where; null while it is mirrored. */
  readonly stop: StoredStop | null;
  /** The repair that is under way; null when there is none. */
  readonly repair: RepairStatus | null;
  /** The last changes of its state, the oldest first. */
  readonly history: readonly StoredTransition[];
  /** The last promotions and failovers that had begun and did not come to their end, the oldest first: at most 20, also those of processes before this one. */
  readonly transitionErrors: readonly StoredTransitionError[];
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

export const partitionStatus = (mirror: PartitionMirror, now: number): MirrorPartitionStatus => ({
  partition: mirror.partition,
  state: stateOf[mirror.phase],
  nextOffset: BigInt(mirror.ackedOffset),
  sinceLastFetchMs: mirror.lastFetchedAt === null ? null : Math.max(0, now - mirror.lastFetchedAt),
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
