/**
 * ListOffsets (key 2): the offset that belongs to a time or to a mark of the log.
 *
 * v1 one offset per partition (KIP-79) · v2 isolation level (KIP-98) · v3 the broker throttles after answering (KIP-219) ·
 * v4 leader epochs (KIP-320) · v5 OFFSET_NOT_AVAILABLE (KIP-207) · v6 flexible · v7 -3 (KIP-734) · v8 -4 (KIP-405) · v9 -5 (KIP-1005).
 */
import { api, array, int8, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const ListOffsets = api(
  2,
  'ListOffsets',
  { versions: '1-9', flexible: '6+' },
  {
    request: {
      /**
       * -1 a client. -2 the "debugging" replica: answered by any replica, and -1 below then means the true log end.
       * Needs DESCRIBE only.
       */
      replicaId: int32(),
      /** 0: "latest" is the high watermark. 1: it is the last stable offset. */
      isolationLevel: int8('2+'),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          currentLeaderEpoch: int32('4+').default(-1).ignorable(),
          /** A time in ms, or -1 latest, -2 earliest, -3 the record of the highest time, -4 earliest local, -5 last tiered. */
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
          /** OFFSET_NOT_AVAILABLE: a leader just elected does not know its high watermark yet. */
          errorCode: int16(),
          timestamp: int64('1+').default(-1n),
          /** -1 when there is no record at or after the time. */
          offset: int64('1+').default(-1n),
          /** Epoch of the batch at the offset; -1 when unknown. */
          leaderEpoch: int32('4+').default(-1),
        }),
      }),
    },
  },
);
export type ListOffsetsRequest = RequestOf<typeof ListOffsets>;
export type ListOffsetsReceivedRequest = ReceivedRequestOf<typeof ListOffsets>;
export type ListOffsetsResponse = ResponseOf<typeof ListOffsets>;
