/** DeleteRecords (key 21). */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DeleteRecords = api(
  21,
  'DeleteRecords',
  { versions: '0-2', flexible: '2+' },
  {
    request: {
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          offset: int64(),
        }),
      }),
      timeoutMs: int32(),
    },
    response: {
      throttleTimeMs: int32(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          lowWatermark: int64(),
          errorCode: int16(),
        }),
      }),
    },
  },
);
export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>;
export type DeleteRecordsReceivedRequest = ReceivedRequestOf<typeof DeleteRecords>;
export type DeleteRecordsResponse = ResponseOf<typeof DeleteRecords>;
