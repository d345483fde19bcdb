/** OffsetForLeaderEpoch (key 23). */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const OffsetForLeaderEpoch = api(
  23,
  'OffsetForLeaderEpoch',
  { versions: '2-4', flexible: '4+' },
  {
    request: {
      replicaId: int32('3+').default(-2).ignorable(),
      topics: array({
        topic: string(),
        partitions: array({
          partition: int32(),
          currentLeaderEpoch: int32('2+').default(-1).ignorable(),
          leaderEpoch: int32(),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32('2+').ignorable(),
      topics: array({
        topic: string(),
        partitions: array({
          errorCode: int16(),
          partition: int32(),
          leaderEpoch: int32('1+').default(-1).ignorable(),
          endOffset: int64().default(-1n),
        }),
      }),
    },
  },
);
export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>;
export type OffsetForLeaderEpochReceivedRequest = ReceivedRequestOf<typeof OffsetForLeaderEpoch>;
export type OffsetForLeaderEpochResponse = ResponseOf<typeof OffsetForLeaderEpoch>;
