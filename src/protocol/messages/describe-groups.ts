/**
 * DescribeGroups (key 15): state and members of classic groups. Sent to their coordinator.
 *
 * v2 the broker throttles after answering (KIP-219) · v3 authorized operations (KIP-430) · v4 static membership (KIP-345) ·
 * v5 flexible · v6 GROUP_ID_NOT_FOUND with a message (KIP-1043).
 */
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
        /** Below v6 a group that is not there is no error: it comes as `Dead`. */
        errorCode: int16(),
        errorMessage: string('6+').nullable().default(null),
        groupId: string(),
        /** Empty, PreparingRebalance, CompletingRebalance, Stable, Dead. */
        groupState: string(),
        protocolType: string(),
        /** The assignor's name, while the group is Stable. */
        protocolData: string(),
        members: array({
          memberId: string(),
          groupInstanceId: string('4+').nullable().default(null).ignorable(),
          clientId: string(),
          clientHost: string(),
          /** Empty unless the group is Stable; its content belongs to the clients (a consumer's subscription). */
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
