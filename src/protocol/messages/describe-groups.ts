/** DescribeGroups (key 15). */
import { api, array, bool, bytes, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeGroups = api(
  15,
  'DescribeGroups',
  { versions: '0-6', flexible: '5+' },
  {
    request: {
      groups: array(string()),
      includeAuthorizedOperations: bool('3+'),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      groups: array({
        errorCode: int16(),
        errorMessage: string('6+').nullable().default(null),
        groupId: string(),
        groupState: string(),
        protocolType: string(),
        protocolData: string(),
        members: array({
          memberId: string(),
          groupInstanceId: string('4+').nullable().default(null).ignorable(),
          clientId: string(),
          clientHost: string(),
          memberMetadata: bytes(),
          memberAssignment: bytes(),
        }),
        authorizedOperations: int32('3+').default(-2147483648),
      }),
    },
  },
);
export type DescribeGroupsRequest = RequestOf<typeof DescribeGroups>;
export type DescribeGroupsReceivedRequest = ReceivedRequestOf<typeof DescribeGroups>;
export type DescribeGroupsResponse = ResponseOf<typeof DescribeGroups>;
