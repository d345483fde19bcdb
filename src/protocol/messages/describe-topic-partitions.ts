/** DescribeTopicPartitions (key 75). */
import {
  api,
  array,
  bool,
  int16,
  int32,
  type ReceivedRequestOf,
  type RequestOf,
  type ResponseOf,
  string,
  struct,
  uuid,
} from '../schema.ts';

export const DescribeTopicPartitions = api(
  75,
  'DescribeTopicPartitions',
  { versions: '0', flexible: '0+' },
  {
    request: {
      topics: array({
        name: string(),
      }),
      responsePartitionLimit: int32().default(2000),
      cursor: struct({
        topicName: string(),
        partitionIndex: int32(),
      })
        .nullable()
        .default(null),
    },
    response: {
      throttleTimeMs: int32().ignorable(),
      topics: array({
        errorCode: int16(),
        name: string().nullable(),
        topicId: uuid().ignorable(),
        isInternal: bool().default(false).ignorable(),
        partitions: array({
          errorCode: int16(),
          partitionIndex: int32(),
          leaderId: int32(),
          leaderEpoch: int32().default(-1).ignorable(),
          replicaNodes: array(int32()),
          isrNodes: array(int32()),
          eligibleLeaderReplicas: array(int32()).nullable().default(null),
          lastKnownElr: array(int32()).nullable().default(null),
          offlineReplicas: array(int32()).ignorable(),
        }),
        topicAuthorizedOperations: int32().default(-2147483648),
      }),
      nextCursor: struct({
        topicName: string(),
        partitionIndex: int32(),
      })
        .nullable()
        .default(null),
    },
  },
);
export type DescribeTopicPartitionsRequest = RequestOf<typeof DescribeTopicPartitions>;
export type DescribeTopicPartitionsReceivedRequest = ReceivedRequestOf<typeof DescribeTopicPartitions>;
export type DescribeTopicPartitionsResponse = ResponseOf<typeof DescribeTopicPartitions>;
