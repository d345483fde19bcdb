/**
 * DescribeTopicPartitions (key 75): topics page by page, with eligible leader replicas (KIP-966). KRaft brokers from 3.8 on.
 */
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
      /** Empty: all topics. Answered in the order of their names. */
      topics: array({ name: string() }),
      /** Capped by the broker's max.request.partition.size.limit. */
      responsePartitionLimit: int32().default(2000),
      /** Where to go on: nextCursor of the last answer. */
      cursor: struct({ topicName: string(), partitionIndex: int32() }).nullable().default(null),
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
          /** Outside the ISR, and yet known to hold all that was acknowledged. */
          eligibleLeaderReplicas: array(int32()).nullable().default(null),
          /** Whom an unclean recovery would consider. */
          lastKnownElr: array(int32()).nullable().default(null),
          offlineReplicas: array(int32()).ignorable(),
        }),
        topicAuthorizedOperations: int32().default(-2147483648),
      }),
      /** Null: this was the last page. */
      nextCursor: struct({ topicName: string(), partitionIndex: int32() }).nullable().default(null),
    },
  },
);
export type DescribeTopicPartitionsRequest = RequestOf<typeof DescribeTopicPartitions>;
export type DescribeTopicPartitionsReceivedRequest = ReceivedRequestOf<typeof DescribeTopicPartitions>;
export type DescribeTopicPartitionsResponse = ResponseOf<typeof DescribeTopicPartitions>;
