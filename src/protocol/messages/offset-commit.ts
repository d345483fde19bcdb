/** OffsetCommit (key 8). */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const OffsetCommit = api(
  8,
  'OffsetCommit',
  { versions: '2-9', flexible: '8+' },
  {
    request: {
      groupId: string(),
      generationIdOrMemberEpoch: int32('1+').default(-1).ignorable(),
      memberId: string('1+').ignorable(),
      groupInstanceId: string('7+').nullable().default(null),
      retentionTimeMs: int64('2-4').default(-1n).ignorable(),
      topics: array({
        name: string().ignorable(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32('6+').default(-1).ignorable(),
          committedMetadata: string().nullable(),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32('3+').ignorable(),
      topics: array({
        name: string().ignorable(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    },
  },
);
export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>;
export type OffsetCommitReceivedRequest = ReceivedRequestOf<typeof OffsetCommit>;
export type OffsetCommitResponse = ResponseOf<typeof OffsetCommit>;
