/** ListOffsets (key 2). */
import { api, array, int8, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const ListOffsets = api(
  2,
  'ListOffsets',
  { versions: '1-9', flexible: '6+' },
  {
    request: {
      replicaId: int32(),
      isolationLevel: int8('2+'),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          currentLeaderEpoch: int32('4+').default(-1).ignorable(),
          timestamp: int64(),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32('2+').ignorable(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
          timestamp: int64('1+').default(-1n),
          offset: int64('1+').default(-1n),
          leaderEpoch: int32('4+').default(-1),
        }),
      }),
    },
  },
);
export type ListOffsetsRequest = RequestOf<typeof ListOffsets>;
export type ListOffsetsReceivedRequest = ReceivedRequestOf<typeof ListOffsets>;
export type ListOffsetsResponse = ResponseOf<typeof ListOffsets>;
