/** OffsetDelete: takes back committed offsets of topics that nobody in the group is subscribed to (KIP-496). */
import { Reader } from '../../bytes/reader.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { OffsetDelete } from '../../protocol/messages/offset-delete.ts';
import type { ClassicGroup } from '../groups/classic-group.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { demand, demandCoordinator, existing, type RequestContext, spring } from '../request-context.ts';
import { codeOf } from './11-join-group.ts';

export const offsetDelete = handler(OffsetDelete, ({ groupId, topics }, context) => {
  const group = attempt(() => find(groupId, context));
  if (group instanceof Refusal) return { errorCode: group.errorCode, topics: [] };
  const subscribed = subscriptions(group.members);
  return {
    errorCode: ErrorCode.NONE,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        const outcome = attempt(() => {
          existing(context, 'read', name, partitionIndex);
          if (subscribed.has(name)) throw new Refusal('GROUP_SUBSCRIBED_TO_TOPIC');
          group.offsets.get(name)?.delete(partitionIndex);
        });
        return { partitionIndex, errorCode: codeOf(outcome) };
      }),
    })),
  };
});

const find = (groupId: string, context: RequestContext) => {
  demand(context, 'delete', 'group', groupId);
  spring(context);
  demandCoordinator(context, groupId);
  const group = context.cluster.groups.find(groupId);
  if (group === undefined) throw new Refusal('GROUP_ID_NOT_FOUND');
  if (!group.members.isEmpty && group.members.protocolType !== 'consumer') throw new Refusal('NON_EMPTY_GROUP');
  return group;
};

/** Topics in the subscriptions of the members: a version and a list of names open the metadata of the "consumer" protocol in all its versions. */
const subscriptions = ({ members, protocolName }: ClassicGroup): ReadonlySet<string> => {
  const topics = new Set<string>();
  for (const member of members.values()) {
    const reader = new Reader(member.metadataOf(protocolName ?? ''));
    if (reader.remaining < 6) continue;
    reader.int16();
    for (let left = reader.arrayLength(2); left > 0; left--) topics.add(reader.string());
  }
  return topics;
};
