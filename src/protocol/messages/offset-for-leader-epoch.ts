/**
 * OffsetForLeaderEpoch (key 23): where a leader epoch ended: how a reader finds out that the log behind it was truncated (KIP-320).
 *
 * v2 current leader epoch; from here on DESCRIBE on the topic is enough · v3 replica id (KIP-392) · v4 flexible.
 */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const OffsetForLeaderEpoch = api(
  23,
  'OffsetForLeaderEpoch',
  { versions: '2-4', flexible: '4+' },
  {
    request: {
      /** -2 the "debugging" replica, Kafka's own default; -1 a consumer. */
      replicaId: int32('3+').default(-2).ignorable(),
      topics: array({
        topic: string(),
        partitions: array({
          partition: int32(),
          /** Checked like Fetch's; -1 leaves it unchecked. */
          currentLeaderEpoch: int32('2+').default(-1).ignorable(),
          /** Of the last batch we have. */
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
          /** The largest epoch not above the one asked for; -1 when none is known. */
          leaderEpoch: int32('1+').default(-1).ignorable(),
          /** First offset after that epoch. Below our position: what we have beyond it is no longer in the log. */
          endOffset: int64().default(-1n),
        }),
      }),
    },
  },
);
export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>;
export type OffsetForLeaderEpochReceivedRequest = ReceivedRequestOf<typeof OffsetForLeaderEpoch>;
export type OffsetForLeaderEpochResponse = ResponseOf<typeof OffsetForLeaderEpoch>;
