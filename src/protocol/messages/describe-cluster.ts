/**
 * DescribeCluster (key 60): brokers, or controllers, and what we may do to the cluster (KIP-700).
 *
 * v1 endpoint type (KIP-919) · v2 fenced brokers (KIP-1073).
 */
import { api, array, bool, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeCluster = api(
  60,
  'DescribeCluster',
  { versions: '0-2', flexible: '0+' },
  {
    request: {
      includeClusterAuthorizedOperations: bool(),
      /**
       * 1 brokers, 2 controllers; a node of the other kind answers MISMATCHED_ENDPOINT_TYPE. Controllers want ALTER on
       * the cluster.
       */
      endpointType: int8('1+').default(1),
      includeFencedBrokers: bool('2+'),
    },
    response: {
      throttleTimeMs: int32(),
      errorCode: int16(),
      errorMessage: string().nullable().default(null),
      endpointType: int8('1+').default(1),
      clusterId: string(),
      /** From a KRaft broker: any live broker. From a controller: the active one. */
      controllerId: int32().default(-1),
      brokers: array({
        brokerId: int32(),
        host: string(),
        port: int32(),
        rack: string().nullable().default(null),
        /** Registered, but not in service. */
        isFenced: bool('2+'),
      }),
      /** Bits of the operations allowed; the smallest int32 when it was not asked for. */
      clusterAuthorizedOperations: int32().default(-2147483648),
    },
  },
);
export type DescribeClusterRequest = RequestOf<typeof DescribeCluster>;
export type DescribeClusterReceivedRequest = ReceivedRequestOf<typeof DescribeCluster>;
export type DescribeClusterResponse = ResponseOf<typeof DescribeCluster>;
