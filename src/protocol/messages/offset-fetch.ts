/** OffsetFetch (key 9). */
import { api, array, bool, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const OffsetFetch = api(
  9,
  'OffsetFetch',
  { versions: '1-9', flexible: '6+' },
  {
    request: {
      groupId: string('0-7'),
      topics: array('0-7', {
        name: string(),
        partitionIndexes: array(int32()),
      }).nullable('2+'),
      groups: array('8+', {
        groupId: string(),
        memberId: string('9+').nullable().default(null).ignorable(),
        memberEpoch: int32('9+').default(-1).ignorable(),
        topics: array({
          name: string().ignorable(),
          partitionIndexes: array(int32()),
        }).nullable(),
      }),
      requireStable: bool('7+'),
    },
    response: {
      throttleTimeMs: int32('3+').ignorable(),
      topics: array('0-7', {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32('5+').default(-1).ignorable(),
          metadata: string().nullable(),
          errorCode: int16(),
        }),
      }),
      errorCode: int16('2-7').ignorable(),
      groups: array('8+', {
        groupId: string(),
        topics: array({
          name: string().ignorable(),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32().default(-1).ignorable(),
            metadata: string().nullable(),
            errorCode: int16(),
          }),
        }),
        errorCode: int16().default(0),
      }),
    },
  },
);
export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>;
export type OffsetFetchReceivedRequest = ReceivedRequestOf<typeof OffsetFetch>;
export type OffsetFetchResponse = ResponseOf<typeof OffsetFetch>;
