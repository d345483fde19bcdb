/** WriteTxnMarkers (key 27). */
import { api, array, bool, int8, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const WriteTxnMarkers = api(
  27,
  'WriteTxnMarkers',
  { versions: '1-2', flexible: '1+' },
  {
    request: {
      markers: array({
        producerId: int64(),
        producerEpoch: int16(),
        transactionResult: bool(),
        topics: array({
          name: string(),
          partitionIndexes: array(int32()),
        }),
        coordinatorEpoch: int32(),
        transactionVersion: int8('2+').ignorable(),
      }),
    },
    response: {
      markers: array({
        producerId: int64(),
        topics: array({
          name: string(),
          partitions: array({
            partitionIndex: int32(),
            errorCode: int16(),
          }),
        }),
      }),
    },
  },
);
export type WriteTxnMarkersRequest = RequestOf<typeof WriteTxnMarkers>;
export type WriteTxnMarkersReceivedRequest = ReceivedRequestOf<typeof WriteTxnMarkers>;
export type WriteTxnMarkersResponse = ResponseOf<typeof WriteTxnMarkers>;
