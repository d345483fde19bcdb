/**
 * OffsetFetch (key 9): positions of one group, or from v8 on of many. Sent to the groups' coordinator.
 *
 * v1 from the offsets topic · v2 null topics means all, group error · v4 the broker throttles after answering (KIP-219) ·
 * v5 leader epochs (KIP-320) · v6 flexible · v7 requireStable (KIP-447) · v8 many groups (KIP-709) · v9 members of KIP-848.
 */
import { api, array, bool, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const OffsetFetch = api(
  9,
  'OffsetFetch',
  { versions: '1-9', flexible: '6+' },
  {
    request: {
      groupId: string('0-7'),
      /** Null (v2+): all partitions that have a position. */
      topics: array('0-7', {
        name: string(),
        partitionIndexes: array(int32()),
      }).nullable('2+'),
      groups: array('8+', {
        groupId: string(),
        /** For members that ask for themselves; left out by anyone else. */
        memberId: string('9+').nullable().default(null).ignorable(),
        memberEpoch: int32('9+').default(-1).ignorable(),
        topics: array({ name: string().ignorable(), partitionIndexes: array(int32()) }).nullable(),
      }),
      /** Answers UNSTABLE_OFFSET_COMMIT while a transaction with offsets of the partition is open. */
      requireStable: bool('7+'),
    },
    response: {
      throttleTimeMs: int32('3+').ignorable(),
      topics: array('0-7', {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          /** -1: no position. */
          committedOffset: int64(),
          committedLeaderEpoch: int32('5+').default(-1).ignorable(),
          metadata: string().nullable(),
          errorCode: int16(),
        }),
      }),
      /** Of the group; before v2 it is repeated for every partition. */
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
