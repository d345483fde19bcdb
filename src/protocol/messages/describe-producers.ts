/** DescribeProducers (key 61). */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeProducers = api(
  61,
  'DescribeProducers',
  { versions: '0', flexible: '0+' },
  {
    request: {
      topics: array({
        name: string(),
        partitionIndexes: array(int32()),
      }),
    },
    response: {
      throttleTimeMs: int32(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
          errorMessage: string().nullable().default(null),
          activeProducers: array({
            producerId: int64(),
            producerEpoch: int32(),
            lastSequence: int32().default(-1),
            lastTimestamp: int64().default(-1n),
            coordinatorEpoch: int32(),
            currentTxnStartOffset: int64().default(-1n),
          }),
        }),
      }),
    },
  },
);
export type DescribeProducersRequest = RequestOf<typeof DescribeProducers>;
export type DescribeProducersReceivedRequest = ReceivedRequestOf<typeof DescribeProducers>;
export type DescribeProducersResponse = ResponseOf<typeof DescribeProducers>;
