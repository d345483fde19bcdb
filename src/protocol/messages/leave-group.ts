/**
 * LeaveGroup (key 13): takes members out of a group at once instead of after their session timeout.
 *
 * v2 the broker throttles after answering (KIP-219) · v3 several members, static ones too (KIP-345) · v4 flexible ·
 * v5 reason (KIP-800).
 */
import { api, array, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const LeaveGroup = api(
  13,
  'LeaveGroup',
  { versions: '0-5', flexible: '4+' },
  {
    request: {
      groupId: string(),
      memberId: string('0-2'),
      members: array('3+', {
        /** May be empty when groupInstanceId is given: an administrator's way to remove a static member. */
        memberId: string(),
        groupInstanceId: string().nullable().default(null),
        reason: string('5+').nullable().default(null).ignorable(),
      }),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      /** Of the whole request; from v3 on each member has its own beside it. */
      errorCode: int16(),
      members: array('3+', {
        memberId: string(),
        groupInstanceId: string().nullable(),
        errorCode: int16(),
      }),
    },
  },
);
export type LeaveGroupRequest = RequestOf<typeof LeaveGroup>;
export type LeaveGroupReceivedRequest = ReceivedRequestOf<typeof LeaveGroup>;
export type LeaveGroupResponse = ResponseOf<typeof LeaveGroup>;
