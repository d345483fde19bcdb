/** LeaveGroup (key 13). */
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
        memberId: string(),
        groupInstanceId: string().nullable().default(null),
        reason: string('5+').nullable().default(null).ignorable(),
      }),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
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
