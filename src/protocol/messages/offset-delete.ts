/** OffsetDelete (key 47). */
import { api, array, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const OffsetDelete = api(
  47,
  'OffsetDelete',
  { versions: '0', flexible: 'none' },
  {
    request: {
      groupId: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
        }),
      }),
    },
    response: {
      errorCode: int16(),
      throttleTimeMs: int32().ignorable(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    },
  },
);
export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>;
export type OffsetDeleteReceivedRequest = ReceivedRequestOf<typeof OffsetDelete>;
export type OffsetDeleteResponse = ResponseOf<typeof OffsetDelete>;
