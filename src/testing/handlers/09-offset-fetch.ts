/** OffsetFetch: what groups committed; -1 where they committed nothing. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { OffsetFetch } from '../../protocol/messages/offset-fetch.ts';
import type { CommittedOffset } from '../groups/group-coordinator.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { allows, demand, demandCoordinator, type RequestContext } from '../request-context.ts';

type Wanted = readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null;

export const offsetFetch = handler(OffsetFetch, ({ groupId, topics, groups }, context) => {
  if (context.header.apiVersion >= 8) {
    return { groups: groups.map((group) => ({ groupId: group.groupId, ...fetched(group.groupId, group.topics, context) })) };
  }
  const { errorCode, topics: answered } = fetched(groupId, topics, context);
  if (context.header.apiVersion >= 2 || errorCode === ErrorCode.NONE) return { topics: answered, errorCode };
  // Version 1 has no place for an error of the group: every partition carries it.
  return {
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({ ...NOTHING, partitionIndex, errorCode })),
    })),
  };
});

const NOTHING = { committedOffset: -1n, committedLeaderEpoch: -1, metadata: '', errorCode: ErrorCode.NONE as number };

const fetched = (groupId: string, wanted: Wanted, context: RequestContext) => {
  const refusal = attempt(() => {
    demand(context, 'describe', 'group', groupId);
    demandCoordinator(context, groupId);
  });
  if (refusal instanceof Refusal) return { errorCode: refusal.errorCode, topics: [] };
  const offsets = context.cluster.groups.find(groupId)?.offsets;
  const all = [...(offsets ?? [])].map(([name, partitions]) => ({ name, partitionIndexes: [...partitions.keys()] }));
  const topics = (wanted ?? all.filter(({ name }) => allows(context, 'describe', 'topic', name))).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      ...(allows(context, 'describe', 'topic', name)
        ? committedOf(offsets?.get(name)?.get(partitionIndex))
        : { ...NOTHING, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }),
    })),
  }));
  return { errorCode: ErrorCode.NONE, topics };
};

const committedOf = (committed: CommittedOffset | undefined) =>
  committed === undefined
    ? NOTHING
    : {
        committedOffset: committed.offset,
        committedLeaderEpoch: committed.leaderEpoch,
        metadata: committed.metadata,
        errorCode: ErrorCode.NONE,
      };
