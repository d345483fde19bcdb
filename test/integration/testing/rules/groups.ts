/** Cases: committed offsets from outside, and groups without members. */
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { DeleteGroups } from '../../../../src/protocol/messages/delete-groups.ts';
import { DescribeGroups } from '../../../../src/protocol/messages/describe-groups.ts';
import { FindCoordinator } from '../../../../src/protocol/messages/find-coordinator.ts';
import { Heartbeat } from '../../../../src/protocol/messages/heartbeat.ts';
import { JoinGroup } from '../../../../src/protocol/messages/join-group.ts';
import { LeaveGroup } from '../../../../src/protocol/messages/leave-group.ts';
import { ListGroups } from '../../../../src/protocol/messages/list-groups.ts';
import { OffsetCommit } from '../../../../src/protocol/messages/offset-commit.ts';
import { OffsetDelete } from '../../../../src/protocol/messages/offset-delete.ts';
import { OffsetFetch } from '../../../../src/protocol/messages/offset-fetch.ts';
import { SyncGroup } from '../../../../src/protocol/messages/sync-group.ts';
import type { BrokerRule, Given } from './given.ts';

const { NONE, UNKNOWN_TOPIC_OR_PARTITION, OFFSET_METADATA_TOO_LARGE, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, GROUP_ID_NOT_FOUND } =
  ErrorCode;
const { COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, NON_EMPTY_GROUP, GROUP_SUBSCRIBED_TO_TOPIC } = ErrorCode;
const { MEMBER_ID_REQUIRED, INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, REBALANCE_IN_PROGRESS, INCONSISTENT_GROUP_PROTOCOL } = ErrorCode;

const NOT_YET: readonly number[] = [COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS];
let number = 0;

/** A new group whose coordinator is ready. */
const group = async (given: Given): Promise<string> => {
  const name = `group-${process.pid}-${++number}`;
  for (;;) {
    const { errorCode } = await given.client.ask(FindCoordinator, 1, { key: name, keyType: 0 });
    if (errorCode !== NONE) continue;
    const { errorCode: ready } = await given.client.ask(OffsetFetch, 3, { groupId: name, topics: [] });
    if (!NOT_YET.includes(ready)) return name;
  }
};

interface Commit {
  readonly offset?: bigint;
  readonly metadata?: string | null;
  readonly generation?: number;
  readonly member?: string;
  readonly partition?: number;
}

const commit = async (given: Given, groupId: string, topic: string, options: Commit = {}): Promise<number> => {
  const { offset = 5n, metadata = '', generation = -1, member = '', partition = 0 } = options;
  const { topics } = await given.client.ask(OffsetCommit, 5, {
    groupId,
    generationIdOrMemberEpoch: generation,
    memberId: member,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata: metadata }] }],
  });
  return topics[0]!.partitions[0]!.errorCode;
};

const committed = async (given: Given, groupId: string, topic: string) => {
  const { topics } = await given.client.ask(OffsetFetch, 3, { groupId, topics: [{ name: topic, partitionIndexes: [0] }] });
  const { committedOffset, metadata, errorCode } = topics[0]!.partitions[0]!;
  return [errorCode, committedOffset, metadata];
};

/** The metadata of the "consumer" protocol: version 0, subscribed topics, no user data. */
const subscription = (topic: string): Buffer => {
  const name = Buffer.from(topic);
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(1, 2);
  bytes.writeInt16BE(name.length, 6);
  return Buffer.concat([bytes, name, Buffer.from('ffffffff', 'hex')]);
};

const joining = (groupId: string, memberId: string, topic: string, protocol = 'range') => ({
  groupId,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId,
  protocolType: 'consumer',
  protocols: [{ name: protocol, metadata: subscription(topic) }],
});

/** The only member of a stable group. */
const soleMember = async (given: Given, groupId: string, topic: string) => {
  const { memberId } = await given.client.ask(JoinGroup, 4, joining(groupId, '', topic));
  const joined = await given.client.ask(JoinGroup, 4, joining(groupId, memberId, topic));
  given.expect([joined.errorCode, joined.leader], [NONE, memberId], 'joined');
  const { generationId } = joined;
  const assignment = Buffer.from('assigned');
  const synced = await given.client.ask(SyncGroup, 2, { groupId, generationId, memberId, assignments: [{ memberId, assignment }] });
  given.expect([synced.errorCode, synced.assignment.toString()], [NONE, 'assigned'], 'synced');
  return { memberId, generationId };
};

export const GROUP_RULES: readonly BrokerRule[] = [
  {
    name: 'anyone may commit for a group that does not exist, and nothing is compared with the log',
    run: async (given) => {
      const [groupId, topic] = [await group(given), await given.topic()];
      given.expect(await committed(given, groupId, topic), [NONE, -1n, ''], 'nothing committed');
      given.expect(await commit(given, groupId, topic, { offset: 1_000n, metadata: 'm' }), NONE);
      given.expect(await committed(given, groupId, topic), [NONE, 1_000n, 'm']);
      given.expect(await commit(given, groupId, topic, { offset: -5n }), NONE, 'a negative offset');
      given.expect(await commit(given, groupId, 'no-such-topic'), UNKNOWN_TOPIC_OR_PARTITION);
      given.expect(await commit(given, groupId, topic, { partition: 9 }), UNKNOWN_TOPIC_OR_PARTITION);
      given.expect(await commit(given, groupId, topic, { metadata: 'x'.repeat(5_000) }), OFFSET_METADATA_TOO_LARGE);
      given.expect(await commit(given, groupId, topic, { member: 'ghost', generation: 3 }), UNKNOWN_MEMBER_ID, 'a member nobody knows');
      const { groups } = await given.client.ask(DescribeGroups, 3, { groups: [groupId] });
      given.expect([groups[0]!.errorCode, groups[0]!.groupState, groups[0]!.protocolType], [NONE, 'Empty', '']);
      const listed = await given.client.ask(ListGroups, 4, { statesFilter: ['Empty'] });
      given.expect(
        listed.groups.some((entry) => entry.groupId === groupId),
        true,
        'listed',
      );
    },
  },
  {
    name: 'a commit with a generation makes no group',
    run: async (given) => {
      const [groupId, topic] = [await group(given), await given.topic()];
      given.expect(await commit(given, groupId, topic, { member: 'ghost', generation: 3 }), ILLEGAL_GENERATION);
    },
  },
  {
    name: 'joining: a member is told its id, comes back with it, and leads alone',
    run: async (given) => {
      const [groupId, topic] = [await group(given), await given.topic()];
      const first = await given.client.ask(JoinGroup, 4, joining(groupId, '', topic));
      given.expect([first.errorCode, first.memberId !== ''], [MEMBER_ID_REQUIRED, true]);
      const joined = await given.client.ask(JoinGroup, 4, joining(groupId, first.memberId, topic));
      given.expect(
        [joined.errorCode, joined.generationId, joined.protocolName, joined.leader, joined.members.map(({ memberId }) => memberId)],
        [NONE, 1, 'range', first.memberId, [first.memberId]],
      );
      const ghost = await given.client.ask(JoinGroup, 4, joining(groupId, 'ghost', topic));
      given.expect(ghost.errorCode, UNKNOWN_MEMBER_ID, 'an id nobody was told');
      const other = await given.client.ask(JoinGroup, 4, joining(groupId, '', topic, 'sticky'));
      given.expect(other.errorCode, INCONSISTENT_GROUP_PROTOCOL, 'no common protocol');
      const none = await given.client.ask(JoinGroup, 4, joining('', '', topic));
      given.expect(none.errorCode, INVALID_GROUP_ID);
      const hasty = await given.client.ask(JoinGroup, 4, { ...joining(groupId, '', topic), sessionTimeoutMs: 5 });
      given.expect(hasty.errorCode, INVALID_SESSION_TIMEOUT);
      await given.client.ask(LeaveGroup, 2, { groupId, memberId: first.memberId });
    },
  },
  {
    name: 'a group with members refuses commits from outside, deletion, and deletion of offsets it is subscribed to',
    run: async (given) => {
      const [groupId, topic, other] = [await group(given), await given.topic(), await given.topic()];
      const { memberId, generationId } = await soleMember(given, groupId, topic);
      given.expect(await commit(given, groupId, topic), UNKNOWN_MEMBER_ID, 'from outside');
      given.expect(await commit(given, groupId, topic, { member: memberId, generation: generationId + 1 }), ILLEGAL_GENERATION);
      given.expect(await commit(given, groupId, topic, { member: memberId, generation: generationId }), NONE, 'by the member');
      const deleted = await given.client.ask(DeleteGroups, 1, { groupsNames: [groupId, 'no-such-group'] });
      given.expect(deleted.results.map(({ groupId: id, errorCode }) => [id, errorCode]).sort(), [
        [groupId, NON_EMPTY_GROUP],
        ['no-such-group', GROUP_ID_NOT_FOUND],
      ]);
      const offsets = await given.client.ask(OffsetDelete, 0, {
        groupId,
        topics: [topic, other].map((name) => ({ name, partitions: [{ partitionIndex: 0 }] })),
      });
      given.expect(
        [offsets.errorCode, offsets.topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode]).sort()],
        [
          NONE,
          [
            [topic, GROUP_SUBSCRIBED_TO_TOPIC],
            [other, NONE],
          ].sort(),
        ],
      );
      const { groups } = await given.client.ask(DescribeGroups, 3, { groups: [groupId] });
      const described = groups[0]!;
      given.expect(
        [
          described.groupState,
          described.protocolType,
          described.protocolData,
          described.members.map((member) => member.memberAssignment.toString()),
        ],
        ['Stable', 'consumer', 'range', ['assigned']],
      );
      const left = await given.client.ask(LeaveGroup, 2, { groupId, memberId });
      given.expect(left.errorCode, NONE, 'left');
      given.expect(await commit(given, groupId, topic, { offset: 9n }), NONE, 'from outside, once it is empty');
      given.expect(await committed(given, groupId, topic), [NONE, 9n, '']);
      const gone = await given.client.ask(DeleteGroups, 1, { groupsNames: [groupId] });
      given.expect(
        gone.results.map(({ errorCode }) => errorCode),
        [NONE],
      );
      given.expect(await committed(given, groupId, topic), [NONE, -1n, ''], 'after deletion');
    },
  },
  {
    name: 'heartbeats are refused to strangers and old generations',
    run: async (given) => {
      const [groupId, topic] = [await group(given), await given.topic()];
      const { memberId, generationId } = await soleMember(given, groupId, topic);
      const beat = async (id: string, generation: number) =>
        (await given.client.ask(Heartbeat, 2, { groupId, generationId: generation, memberId: id })).errorCode;
      given.expect(await beat(memberId, generationId), NONE);
      given.expect(await beat(memberId, generationId - 1), ILLEGAL_GENERATION);
      given.expect(await beat('ghost', generationId), UNKNOWN_MEMBER_ID);
      await given.client.ask(LeaveGroup, 2, { groupId, memberId });
    },
  },
  {
    name: 'a second member makes the first one join again',
    run: async (given) => {
      const [groupId, topic] = [await group(given), await given.topic()];
      const first = await soleMember(given, groupId, topic);
      const beat = async () => (await given.client.ask(Heartbeat, 2, { groupId, ...first })).errorCode;
      await using second = await given.another();
      const { memberId } = await second.ask(JoinGroup, 4, joining(groupId, '', topic));
      second.send(JoinGroup, 4, joining(groupId, memberId, topic));
      for (;;) if ((await beat()) === REBALANCE_IN_PROGRESS) break;
      const again = await given.client.ask(JoinGroup, 4, joining(groupId, first.memberId, topic));
      given.expect([again.errorCode, again.generationId, again.leader], [NONE, first.generationId + 1, first.memberId]);
      given.expect(again.members.map((member) => member.memberId).sort(), [first.memberId, memberId].sort());
      await second.frame();
      await given.client.ask(LeaveGroup, 2, { groupId, memberId: first.memberId });
      await given.client.ask(LeaveGroup, 2, { groupId, memberId });
    },
  },
];
