/** Metadata (key 3). */
import { api, array, bool, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string, uuid } from '../schema.ts';

export const Metadata = api(
  3,
  'Metadata',
  { versions: '1-12', flexible: '9+' },
  {
    request: {
      topics: array({
        topicId: uuid('10+').ignorable(),
        name: string().nullable('10+'),
      }).nullable('1+'),
      allowAutoTopicCreation: bool('4+').default(true),
      includeClusterAuthorizedOperations: bool('8-10'),
      includeTopicAuthorizedOperations: bool('8+'),
    },
    response: {
      throttleTimeMs: int32('3+').ignorable(),
      brokers: array({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string('1+').nullable().default(null).ignorable(),
      }),
      clusterId: string('2+').nullable().default(null).ignorable(),
      controllerId: int32('1+').default(-1).ignorable(),
      topics: array({
        errorCode: int16(),
        name: string().nullable('12+'),
        topicId: uuid('10+').ignorable(),
        isInternal: bool('1+').ignorable(),
        partitions: array({
          errorCode: int16(),
          partitionIndex: int32(),
          leaderId: int32(),
          leaderEpoch: int32('7+').default(-1).ignorable(),
          replicaNodes: array(int32()),
          isrNodes: array(int32()),
          offlineReplicas: array('5+', int32()).ignorable(),
        }),
        topicAuthorizedOperations: int32('8+').default(-2147483648),
      }),
      clusterAuthorizedOperations: int32('8-10').default(-2147483648),
    },
  },
);
export type MetadataRequest = RequestOf<typeof Metadata>;
export type MetadataReceivedRequest = ReceivedRequestOf<typeof Metadata>;
export type MetadataResponse = ResponseOf<typeof Metadata>;
