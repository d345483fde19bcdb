/** DescribeCluster (key 60). */
import { api, array, bool, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeCluster = api(
  60,
  'DescribeCluster',
  { versions: '0-2', flexible: '0+' },
  {
    request: {
      includeClusterAuthorizedOperations: bool(),
      endpointType: int8('1+').default(1),
      includeFencedBrokers: bool('2+'),
    },
    response: {
      throttleTimeMs: int32(),
      errorCode: int16(),
      errorMessage: string().nullable().default(null),
      endpointType: int8('1+').default(1),
      clusterId: string(),
      controllerId: int32().default(-1),
      brokers: array({
        brokerId: int32(),
        host: string(),
        port: int32(),
        rack: string().nullable().default(null),
        isFenced: bool('2+'),
      }),
      clusterAuthorizedOperations: int32().default(-2147483648),
    },
  },
);
export type DescribeClusterRequest = RequestOf<typeof DescribeCluster>;
export type DescribeClusterReceivedRequest = ReceivedRequestOf<typeof DescribeCluster>;
export type DescribeClusterResponse = ResponseOf<typeof DescribeCluster>;
