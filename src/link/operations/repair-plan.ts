/** What a repair will do, in numbers and in words, before it does anything. Pure. */
import { describeFill, estimateFill } from '../log-start/padding-estimate.ts';
import type { MirrorTopicError } from '../mirror-failure.ts';

/**
 * - `recreate`: the mirror topic is deleted, made anew under its name and with its configs, and copied again. No broker takes records off the end
 *   of a log for a client, so there is no smaller cure for a mirror that has what its source has not.
 * - `continue`: both logs agree again up to the end of the mirror, as at every start of a link: it goes on where it ends, and nothing is lost.
 */
export type RepairMethod = 'recreate' | 'continue';

/** One partition as a repair finds it, and what becomes of it. Offsets count records and markers alike, as Kafka's do. */
export interface PartitionRepair {
  readonly partition: number;
  /** Why this partition has failed; null when it has not. */
  readonly reason: MirrorTopicError | null;
  /** Up to here both logs are alike, as far as can be seen; null when they have no offsets in common to tell by. */
  readonly divergence: bigint | null;
  readonly mirrorStart: bigint;
  readonly mirrorEnd: bigint;
  readonly sourceStart: bigint;
  /** Up to where it can be copied. */
  readonly sourceEnd: bigint;
  /** Offsets of the mirror that the source does not have, or has with other records: the repair deletes them. So many records at most. */
  readonly lostOffsets: bigint;
  /** Offsets that are copied, as things stand. */
  readonly offsetsToCopy: bigint;
  /** Offsets below the first one, which have to be padded and are deleted again, since a log cannot be told to begin there. */
  readonly offsetsToPad: bigint;
}

/** What consumer groups have committed at the destination for the mirror topic. */
export interface CommittedOffsetsPlan {
  readonly groups: number;
  /** Positions that are deleted together with the topic, and put back once the new copy has what they point at. */
  readonly offsets: number;
  /** Those of them that are beyond the divergence: they are put back to it, so that nothing of the source is skipped. */
  readonly setBack: number;
}

/** What `repair` will do about one mirror. */
export interface RepairPlan {
  readonly topic: string;
  readonly sourceTopic: string;
  /** Why the mirror has failed: the reason of its first failed partition. */
  readonly reason: MirrorTopicError;
  readonly method: RepairMethod;
  readonly partitions: readonly PartitionRepair[];
  /** Sum over the partitions. Above 0 the repair needs `acceptLoss`. */
  readonly lostOffsets: bigint;
  readonly offsetsToCopy: bigint;
  readonly offsetsToPad: bigint;
  readonly committedOffsets: CommittedOffsetsPlan;
  /** All of it for people, one line for each partition. */
  readonly text: string;
}

/** A log as far as it can be read: `end` is the next offset to be written. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** What was seen of a partition. */
export interface SurveyedPartition {
  readonly partition: number;
  readonly reason: MirrorTopicError | null;
  /** As in {@link PartitionRepair}. */
  readonly divergence: number | null;
  readonly mirror: Range;
  /** Null: the source has no such partition any more. */
  readonly source: Range | null;
  /** Where the new copy begins, if that is later than where the source does. */
  readonly startOffset: number;
}

export interface Survey {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly reason: MirrorTopicError;
  readonly method: RepairMethod;
  readonly partitions: readonly SurveyedPartition[];
  readonly committedOffsets: CommittedOffsetsPlan;
}

/** Where the new copy of a partition begins: never beyond what the source has. */
export const firstOffset = ({ source, startOffset }: Pick<SurveyedPartition, 'source' | 'startOffset'>): number =>
  source === null ? 0 : Math.max(source.start, Math.min(startOffset, source.end));

const repairOf = (surveyed: SurveyedPartition, method: RepairMethod): PartitionRepair => {
  const { partition, reason, divergence, mirror, source } = surveyed;
  const first = firstOffset(surveyed);
  const isAnew = method === 'recreate';
  const end = source?.end ?? 0;
  const lost = isAnew ? mirror.end - Math.max(mirror.start, divergence ?? 0) : 0;
  return {
    partition,
    reason,
    divergence: divergence === null ? null : BigInt(divergence),
    mirrorStart: BigInt(mirror.start),
    mirrorEnd: BigInt(mirror.end),
    sourceStart: BigInt(source?.start ?? 0),
    sourceEnd: BigInt(end),
    lostOffsets: BigInt(Math.max(0, lost)),
    offsetsToCopy: BigInt(Math.max(0, end - (isAnew ? first : mirror.end))),
    offsetsToPad: BigInt(isAnew ? first : 0),
  };
};

export const planRepair = ({ topic, sourceTopic, reason, method, partitions, committedOffsets }: Survey): RepairPlan => {
  const repairs = partitions.map((surveyed) => repairOf(surveyed, method));
  const sum = (of: 'lostOffsets' | 'offsetsToCopy' | 'offsetsToPad'): bigint => repairs.reduce((all, repair) => all + repair[of], 0n);
  const plan = {
    topic,
    sourceTopic,
    reason,
    method,
    partitions: repairs,
    lostOffsets: sum('lostOffsets'),
    offsetsToCopy: sum('offsetsToCopy'),
    offsetsToPad: sum('offsetsToPad'),
    committedOffsets,
  };
  return { ...plan, text: textOf(plan) };
};

type Untold = Omit<RepairPlan, 'text'>;

const METHODS: Readonly<Record<RepairMethod, (plan: Untold) => readonly string[]>> = {
  recreate: ({ lostOffsets, offsetsToCopy, committedOffsets: { groups, offsets, setBack } }) => [
    'The mirror topic is deleted, made anew under its name and with its configs, and copied again from its source: ' +
      `${offsetsToCopy} offset(s) to copy, ${lostOffsets} offset(s) that exist at the destination alone are lost.`,
    'Until it is there again consumers find no topic, then one that grows from its start. Those that are beyond its end fall back to their reset policy: stop them first.',
    groups === 0
      ? 'No group that the link may see has committed offsets for it.'
      : `${offsets} committed offset(s) of ${groups} group(s) are deleted with the topic and put back when the copy has got there, ` +
        `${setBack} of them where both logs part instead of beyond that.`,
  ],
  continue: ({ offsetsToCopy }) => [
    `Both logs agree again up to the end of the mirror. It goes on there: ${offsetsToCopy} offset(s) to copy, nothing is deleted, nothing is lost.`,
  ],
};

const textOf = (plan: Untold): string =>
  [
    `Repair of mirror topic '${plan.topic}', which has failed with ${plan.reason}. ${METHODS[plan.method](plan).join(' ')}`,
    ...plan.partitions.map((repair) => `- ${plan.topic}-${repair.partition}: ${partitionText(repair, plan.method)}`),
  ].join('\n');

const partitionText = (repair: PartitionRepair, method: RepairMethod): string => {
  const { reason, divergence, mirrorStart, mirrorEnd, sourceStart, sourceEnd, lostOffsets, offsetsToCopy, offsetsToPad } = repair;
  const alike = divergence === null ? 'where both logs part cannot be seen any more' : `both logs are alike up to offset ${divergence}`;
  const loss = lostOffsets === 0n ? 'nothing is lost' : `the mirror's ${lostOffsets} offset(s) from ${mirrorEnd - lostOffsets} on are lost`;
  const padding =
    offsetsToPad === 0n ? '' : `, after padding that is deleted again (${describeFill(estimateFill('padding', Number(offsetsToPad)))})`;
  return [
    ...(reason === null ? [] : [reason]),
    `mirror ${mirrorStart} to ${mirrorEnd}, source ${sourceStart} to ${sourceEnd}`,
    ...(method === 'recreate' ? [alike, loss] : []),
    `${offsetsToCopy} offset(s) to copy${padding}`,
  ].join('; ');
};
