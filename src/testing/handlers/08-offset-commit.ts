/** OffsetCommit: members commit for their generation; an empty group lets anyone commit from outside. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { OffsetCommit, type OffsetCommitReceivedRequest } from '../../protocol/messages/offset-commit.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { demand, demandCoordinator, existing, type RequestContext } from '../request-context.ts';

export const offsetCommit = handler(OffsetCommit, (request, context) => {
  const whole = attempt(() => checkGroup(request, context));
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => {
        const outcome = whole instanceof Refusal ? whole : attempt(() => commit(request.groupId, name, partition, context));
        return { partitionIndex: partition.partitionIndex, errorCode: outcome instanceof Refusal ? outcome.errorCode : ErrorCode.NONE };
      }),
    })),
  };
});

const checkGroup = (
  { groupId, generationIdOrMemberEpoch, memberId, groupInstanceId }: OffsetCommitReceivedRequest,
  context: RequestContext,
): void => {
  demand(context, 'read', 'group', groupId);
  demandCoordinator(context, groupId);
  const group = context.cluster.groups.find(groupId);
  const generationId = generationIdOrMemberEpoch;
  if (group !== undefined) group.members.checkCommit({ memberId, groupInstanceId, generationId });
  else if (generationId >= 0) throw new Refusal('ILLEGAL_GENERATION');
};

type Committed = OffsetCommitReceivedRequest['topics'][number]['partitions'][number];

/** The offset is taken as it is given: brokers compare it with no log, and even negative ones are stored. */
const commit = (groupId: string, topic: string, committed: Committed, context: RequestContext): void => {
  const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } = committed;
  const { groups, configs } = context.cluster;
  existing(context, 'read', topic, partitionIndex);
  if (Buffer.byteLength(committedMetadata ?? '') > configs.brokerNumber('offset.metadata.max.bytes'))
    throw new Refusal('OFFSET_METADATA_TOO_LARGE');
  groups.commit(groupId, topic, partitionIndex, {
    offset: committedOffset,
    leaderEpoch: committedLeaderEpoch,
    metadata: committedMetadata,
  });
};
