/** Looks at everything that a repair depends on, and changes nothing: reasons, topics, rights, both logs of each partition, committed offsets. */
import { BrokerError } from '../../client/broker-error.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { paddingRefusal } from '../log-start/padding-estimate.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import type { MirrorTopic } from '../mirror-topic.ts';
import { type PrepareContext, patiently } from '../plan-topics.ts';
import { findDivergence } from '../replication/divergence.ts';
import { OffsetLookup } from '../replication/offset-lookup.ts';
import type { PartitionMirror } from '../replication/partition-mirror.ts';
import { TRANSACTION_MODES } from '../replication/transaction-mode.ts';
import type { StoredRepair } from '../store/link-store.ts';
import { GroupAdmin } from '../tasks/group-admin.ts';
import { type KeptOffsets, readCommitted } from '../tasks/kept-offsets.ts';
import { requireCreation, requireTopicRight } from '../topic-admin.ts';
import { type CommittedOffsetsPlan, firstOffset, planRepair, type RepairPlan, type SurveyedPartition } from './repair-plan.ts';
import { judgeFailures } from './repair-rules.ts';

export interface SurveyContext {
  readonly context: PrepareContext;
  /** Compares both logs of a partition as before every start of its copy. Throws a `MirrorFailure` when they do not agree. */
  readonly probe: (partition: PartitionMirror, signal: AbortSignal) => Promise<unknown>;
}

/** A plan, and what a repair that follows it has to remember. */
export interface SurveyedRepair {
  readonly plan: RepairPlan;
  readonly stored: Omit<StoredRepair, 'at'>;
}

/**
 * @throws LinkError `KLINK_STATE` when a repair does not help against the reason, with what does; `KLINK_AUTH` with the right that is missing and the
 *   command that grants it; `KLINK_UNSUPPORTED_LOG` when the new copy would need more padding than is allowed; else as the clusters refuse.
 */
export const surveyRepair = ({ context, probe }: SurveyContext, mirror: MirrorTopic, signal: AbortSignal): Promise<SurveyedRepair> => {
  const verdict = judgeFailures(mirror.partitions.flatMap(({ phase, error }) => (phase === 'failed' && error !== null ? [error] : [])));
  if (!verdict.isAllowed) {
    throw new LinkError(
      'KLINK_STATE',
      `Mirror topic '${mirror.topic}' has failed with ${verdict.reason}, which a repair does not cure. ${verdict.instead}`,
    );
  }
  return patiently({ ...context, signal }, mirror, async () => {
    const topicId = await lookAtTopics(context, mirror, signal);
    const seen = await Promise.all(
      mirror.partitions.map((partition) => lookAtPartition({ context, probe }, mirror, partition, topicId, signal)),
    );
    const { startOffsets } = mirror.stored;
    const surveyed = seen.map(({ agrees, ...partition }): SurveyedPartition => {
      // Another source has other offsets: where its copy begins is chosen when it is made.
      const startOffset = verdict.isOtherSource ? 0 : (startOffsets?.[partition.partition] ?? 0);
      return { ...partition, startOffset };
    });
    const mayContinue = verdict.mayHavePassed && topicId !== null && seen.every(({ agrees }) => agrees);
    if (!mayContinue) refusePadding(context, mirror, surveyed);
    const divergence = surveyed.map((partition) => partition.divergence ?? 0);
    const committed = await readCommitted(new GroupAdmin(context.destination), mirror.topic, signal);
    const plan = planRepair({
      topic: mirror.topic,
      sourceTopic: mirror.sourceTopic,
      reason: verdict.reason,
      method: mayContinue ? 'continue' : 'recreate',
      partitions: surveyed,
      committedOffsets: countOffsets(committed, divergence),
    });
    const kept = verdict.isOtherSource ? {} : { startOffsets: startOffsets === undefined ? [] : surveyed.map(firstOffset) };
    return { plan, stored: { step: 'KEEP', topicId, divergence, ...kept } };
  });
};

/** Id of the topic that is in the place of the mirror now; null when there is none. Every right that the repair will use is asked for. */
const lookAtTopics = async (
  { source, destination }: PrepareContext,
  { topic, sourceTopic }: MirrorTopic,
  signal: AbortSignal,
): Promise<string | null> => {
  await Promise.all([source.refreshMetadata([sourceTopic], signal), destination.refreshMetadata([topic], signal)]);
  const code = source.metadata.topic(sourceTopic)?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (code !== ErrorCode.NONE) throw new BrokerError(code, `find '${sourceTopic}' at the source, to copy it again`, { final: true });
  await requireTopicRight(source, [sourceTopic], 'READ', signal);
  await requireCreation(destination, topic, signal);
  const found = destination.metadata.topic(topic);
  if (found === undefined || found.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return null;
  if (found.errorCode !== ErrorCode.NONE)
    throw new BrokerError(found.errorCode, `find the mirror topic '${topic}' of the destination`, {
      advice: 'The link needs DESCRIBE, READ, WRITE and DELETE on its mirror topics',
    });
  await requireTopicRight(destination, [topic], 'WRITE', signal);
  await requireTopicRight(destination, [topic], 'DELETE', signal);
  if (found.topicId !== null) return found.topicId;
  throw new LinkError('KLINK_VERSION', `The destination has no topic ids: it cannot be told to delete this very topic '${topic}'`);
};

type Seen = Omit<SurveyedPartition, 'startOffset'> & { readonly agrees: boolean };

const NOTHING = { start: 0, end: 0 };

const lookAtPartition = async (
  { context, probe }: SurveyContext,
  { topic, sourceTopic }: MirrorTopic,
  mirrored: PartitionMirror,
  topicId: string | null,
  signal: AbortSignal,
): Promise<Seen> => {
  const { source, destination, options } = context;
  const { partition, phase, error } = mirrored;
  const reason = phase === 'failed' && error instanceof MirrorFailure ? error.reason : null;
  const isThere = topicId !== null && destination.metadata.partition(topic, partition) !== undefined;
  // The mirror first: one that goes on meanwhile is then never ahead of its source.
  const mirror = isThere ? await new OffsetLookup(destination, 'debugging').range(topic, partition) : NOTHING;
  const hasSource = source.metadata.partition(sourceTopic, partition) !== undefined;
  const view = TRANSACTION_MODES[options.settings.transactions].sourceView;
  const range = hasSource ? await new OffsetLookup(source, view).range(sourceTopic, partition) : null;
  const base = { partition, reason, mirror, source: range };
  if (mirror.end === mirror.start || range === null)
    return { ...base, divergence: isThere && mirror.end === 0 ? 0 : null, agrees: mirror.end === 0 };
  if (await agrees(probe, mirrored, signal)) return { ...base, divergence: mirror.end, agrees: true };
  const names = { topic, sourceTopic, partition };
  const divergence = await findDivergence({ source, destination }, names, { mirror, source: range }, signal);
  return { ...base, divergence, agrees: false };
};

const agrees = (probe: SurveyContext['probe'], partition: PartitionMirror, signal: AbortSignal): Promise<boolean> =>
  probe(partition, signal).then(
    () => true,
    (error: unknown) => {
      if (error instanceof MirrorFailure) return false;
      // One that is being written all the time cannot be compared, and need not be: it was, and goes on since.
      if (partition.phase === 'mirroring' && LinkError.is(error, 'KLINK_STATE') && error.retriable) return true;
      throw error;
    },
  );

/** What would stop the new copy when the old one is gone already. */
const refusePadding = ({ options }: PrepareContext, { topic }: MirrorTopic, partitions: readonly SurveyedPartition[]): void => {
  for (const surveyed of partitions) {
    const limits = { from: 0, to: firstOffset(surveyed), limit: options.settings.paddingMaxOffsets, setting: 'settings.paddingMaxOffsets' };
    const refusal = paddingRefusal(`${topic}-${surveyed.partition}`, limits);
    if (refusal !== null) throw new LinkError('KLINK_UNSUPPORTED_LOG', `The mirror cannot be copied again: ${refusal}`);
  }
};

const countOffsets = (committed: KeptOffsets, divergence: readonly number[]): CommittedOffsetsPlan => {
  const all = Object.values(committed).flat();
  return {
    groups: Object.keys(committed).length,
    offsets: all.length,
    setBack: all.filter(([partition, offset]) => offset > (divergence[partition] ?? 0)).length,
  };
};
