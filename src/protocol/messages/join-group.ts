/** JoinGroup (key 11). */
import { api, array, bool, bytes, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const JoinGroup = api(
  11,
  'JoinGroup',
  { versions: '0-9', flexible: '6+' },
  {
    request: {
      groupId: string(),
      sessionTimeoutMs: int32(),
      rebalanceTimeoutMs: int32('1+').default(-1).ignorable(),
      memberId: string(),
      groupInstanceId: string('5+').nullable().default(null),
      protocolType: string(),
      protocols: array({
        name: string(),
        metadata: bytes(),
      }),
      reason: string('8+').nullable().default(null).ignorable(),
    },
    response: {
      throttleTimeMs: int32('2+').ignorable(),
      errorCode: int16(),
      generationId: int32().default(-1),
      protocolType: string('7+').nullable().default(null).ignorable(),
      protocolName: string().nullable('7+'),
      leader: string(),
      skipAssignment: bool('9+'),
      memberId: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string('5+').nullable().default(null).ignorable(),
        metadata: bytes(),
      }),
    },
  },
);
export type JoinGroupRequest = RequestOf<typeof JoinGroup>;
export type JoinGroupReceivedRequest = ReceivedRequestOf<typeof JoinGroup>;
export type JoinGroupResponse = ResponseOf<typeof JoinGroup>;
