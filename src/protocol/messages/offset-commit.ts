/**
 * OffsetCommit (key 8): stores positions of a consumer group. Sent to the group's coordinator.
 *
 * v2 retention time · v4 the broker throttles after answering (KIP-219) · v5 no retention time (KIP-211) · v6 leader epoch (KIP-320) ·
 * v7 static membership (KIP-345) · v8 flexible · v9 usable with the consumer protocol of KIP-848.
 *
 * Brokers do not compare the offset with the log: it may be committed ahead of the data, or be negative. An offset beyond the end makes
 * a consumer fall back to its reset policy when it opens the partition.
 */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const OffsetCommit = api(
  8,
  'OffsetCommit',
  { versions: '2-9', flexible: '8+' },
  {
    request: {
      groupId: string(),
      /**
       * -1 with an empty memberId: a commit from outside. Taken while the group has no members (it is created if need
       * be), else UNKNOWN_MEMBER_ID.
       */
      generationIdOrMemberEpoch: int32('1+').default(-1).ignorable(),
      memberId: string('1+').ignorable(),
      groupInstanceId: string('7+').nullable().default(null),
      /** -1: the broker's own setting. */
      retentionTimeMs: int64('2-4').default(-1n).ignorable(),
      topics: array({
        name: string().ignorable(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          /** Epoch of the last record consumed; -1 unless both clusters share their epochs. */
          committedLeaderEpoch: int32('6+').default(-1).ignorable(),
          /** At most offset.metadata.max.bytes (4096), else OFFSET_METADATA_TOO_LARGE. */
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
          /** Group errors are repeated for every partition; from v9 a group that is not there is GROUP_ID_NOT_FOUND. */
          errorCode: int16(),
        }),
      }),
    },
  },
);
export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>;
export type OffsetCommitReceivedRequest = ReceivedRequestOf<typeof OffsetCommit>;
export type OffsetCommitResponse = ResponseOf<typeof OffsetCommit>;
