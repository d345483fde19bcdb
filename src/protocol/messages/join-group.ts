/**
 * JoinGroup (key 11): enters a classic group and waits until all its members have. The leader learns everyone's subscriptions.
 *
 * v1 rebalance timeout (KIP-62) · v3 the broker throttles after answering (KIP-219) · v4 a new member is first told its id (KIP-394) ·
 * v5 static membership (KIP-345) · v6 flexible · v7 protocol type in the answer (KIP-559) · v8 reason (KIP-800) ·
 * v9 skipAssignment (KIP-814).
 *
 * The answer comes when the rebalance is over, so it may take as long as rebalanceTimeoutMs.
 */
import { api, array, bool, bytes, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const JoinGroup = api(
  11,
  'JoinGroup',
  { versions: '0-9', flexible: '6+' },
  {
    request: {
      groupId: string(),
      sessionTimeoutMs: int32(),
      /** In v0 the session timeout stands for it. */
      rebalanceTimeoutMs: int32('1+').default(-1).ignorable(),
      /** Empty at first; from v4 the answer is then MEMBER_ID_REQUIRED with the id to come back with. */
      memberId: string(),
      groupInstanceId: string('5+').nullable().default(null),
      protocolType: string(),
      /** In the order of preference. */
      protocols: array({ name: string(), metadata: bytes() }),
      /** For the broker's log. */
      reason: string('8+').nullable().default(null).ignorable(),
    },
    response: {
      throttleTimeMs: int32('2+').ignorable(),
      errorCode: int16(),
      generationId: int32().default(-1),
      protocolType: string('7+').nullable().default(null).ignorable(),
      /** The one that all members share; empty (null from v7) with an error. */
      protocolName: string().nullable('7+'),
      leader: string(),
      /** The leader came back as a static member: the old assignment stands. */
      skipAssignment: bool('9+'),
      memberId: string(),
      /** Only for the leader. */
      members: array({ memberId: string(), groupInstanceId: string('5+').nullable().default(null).ignorable(), metadata: bytes() }),
    },
  },
);
export type JoinGroupRequest = RequestOf<typeof JoinGroup>;
export type JoinGroupReceivedRequest = ReceivedRequestOf<typeof JoinGroup>;
export type JoinGroupResponse = ResponseOf<typeof JoinGroup>;
