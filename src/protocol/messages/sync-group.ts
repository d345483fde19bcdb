/** SyncGroup (key 14). */
import { api, array, bytes, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const SyncGroup = api(
  14,
  'SyncGroup',
  { versions: '0-5', flexible: '4+' },
  {
    request: {
      groupId: string(),
      generationId: int32(),
      memberId: string(),
      groupInstanceId: string('3+').nullable().default(null),
      protocolType: string('5+').nullable().default(null).ignorable(),
      protocolName: string('5+').nullable().default(null).ignorable(),
      assignments: array({
        memberId: string(),
        assignment: bytes(),
      }),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      errorCode: int16(),
      protocolType: string('5+').nullable().default(null).ignorable(),
      protocolName: string('5+').nullable().default(null).ignorable(),
      assignment: bytes(),
    },
  },
);
export type SyncGroupRequest = RequestOf<typeof SyncGroup>;
export type SyncGroupReceivedRequest = ReceivedRequestOf<typeof SyncGroup>;
export type SyncGroupResponse = ResponseOf<typeof SyncGroup>;
