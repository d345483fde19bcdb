/**
 * ConsumerGroupDescribe (key 69): state and members of groups that use the consumer protocol of KIP-848. Sent to their coordinator.
 *
 * v1 member type (KIP-1099).
 *
 * A classic group is GROUP_ID_NOT_FOUND here: ask DescribeGroups for it. Where the protocol is not enabled (3.x by default), every group
 * is UNSUPPORTED_VERSION, although the broker offers the API.
 */
import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  type ReceivedRequestOf,
  type RequestOf,
  type ResponseOf,
  string,
  struct,
  uuid,
} from '../schema.ts';

export const ConsumerGroupDescribe = api(
  69,
  'ConsumerGroupDescribe',
  { versions: '0-1', flexible: '0+' },
  {
    request: {
      groupIds: array(string()),
      includeAuthorizedOperations: bool(),
    },
    response: {
      throttleTimeMs: int32(),
      groups: array({
        errorCode: int16(),
        errorMessage: string().nullable().default(null),
        groupId: string(),
        /** Empty, Assigning, Reconciling, Stable, Dead. */
        groupState: string(),
        groupEpoch: int32(),
        /** Below groupEpoch while a new assignment is being worked out. */
        assignmentEpoch: int32(),
        assignorName: string(),
        members: array({
          memberId: string(),
          instanceId: string().nullable().default(null),
          rackId: string().nullable().default(null),
          memberEpoch: int32(),
          clientId: string(),
          clientHost: string(),
          subscribedTopicNames: array(string()),
          /** RE2/J, evaluated by the broker. */
          subscribedTopicRegex: string().nullable().default(null),
          /** What the member owns now; targetAssignment is what it shall own. */
          assignment: struct({
            topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
          }),
          targetAssignment: struct({
            topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
          }),
          /** 0 classic protocol, 1 consumer protocol; -1: not told. */
          memberType: int8('1+').default(-1).ignorable(),
        }),
        authorizedOperations: int32().default(-2147483648),
      }),
    },
  },
);
export type ConsumerGroupDescribeRequest = RequestOf<typeof ConsumerGroupDescribe>;
export type ConsumerGroupDescribeReceivedRequest = ReceivedRequestOf<typeof ConsumerGroupDescribe>;
export type ConsumerGroupDescribeResponse = ResponseOf<typeof ConsumerGroupDescribe>;
