/**
 * Metadata (key 3): brokers, controller, topics, leaders and replicas as the asked broker believes them to be.
 *
 * v1 racks, controller, internal topics · v2 cluster id (KIP-78) · v4 topic creation can be forbidden · v5 offline replicas (KIP-112) ·
 * v6 the broker throttles after answering (KIP-219) · v7 leader epochs (KIP-320) · v8 authorized operations (KIP-430) · v9 flexible ·
 * v10 topic ids are told (KIP-516) · v11 cluster operations moved to DescribeCluster (KIP-700) · v12 topic ids can be asked for.
 */
import { api, array, bool, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string, uuid } from '../schema.ts';

export const Metadata = api(
  3,
  'Metadata',
  { versions: '1-12', flexible: '9+' },
  {
    request: {
      /** Null: all topics. An empty list: none, only the brokers. */
      topics: array({
        /** For asking, from v12 on only: v10 and v11 have the field, and no broker looks at it. */
        topicId: uuid('10+').ignorable(),
        name: string().nullable('10+'),
      }).nullable('1+'),
      /**
       * Kafka's default is true, and below v4 it is always so: naming a topic that is not there may then create it. Not
       * ignorable for that reason.
       */
      allowAutoTopicCreation: bool('4+').default(true),
      includeClusterAuthorizedOperations: bool('8-10'),
      includeTopicAuthorizedOperations: bool('8+'),
    },
    response: {
      throttleTimeMs: int32('3+').ignorable(),
      brokers: array({ nodeId: int32(), host: string(), port: int32(), rack: string('1+').nullable().default(null).ignorable() }),
      clusterId: string('2+').nullable().default(null).ignorable(),
      /** On KRaft any live broker, picked at random: it forwards to the controller. */
      controllerId: int32('1+').default(-1).ignorable(),
      topics: array({
        /**
         * LEADER_NOT_AVAILABLE while a topic is being created; UNKNOWN_TOPIC_OR_PARTITION also until the broker has
         * heard of it.
         */
        errorCode: int16(),
        /** Null only for an id that is not known. */
        name: string().nullable('12+'),
        topicId: uuid('10+').ignorable(),
        isInternal: bool('1+').ignorable(),
        partitions: array({
          errorCode: int16(),
          partitionIndex: int32(),
          /** -1 without a leader. */
          leaderId: int32(),
          /** Answers with a lower epoch than one seen before are stale and must not replace it (KIP-320). */
          leaderEpoch: int32('7+').default(-1).ignorable(),
          replicaNodes: array(int32()),
          isrNodes: array(int32()),
          offlineReplicas: array('5+', int32()).ignorable(),
        }),
        /** Bits of the operations allowed; the smallest int32 when it was not asked for. */
        topicAuthorizedOperations: int32('8+').default(-2147483648),
      }),
      clusterAuthorizedOperations: int32('8-10').default(-2147483648),
    },
  },
);
export type MetadataRequest = RequestOf<typeof Metadata>;
export type MetadataReceivedRequest = ReceivedRequestOf<typeof Metadata>;
export type MetadataResponse = ResponseOf<typeof Metadata>;
