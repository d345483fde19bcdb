/**
 * DeleteRecords (key 21): moves the start of a log forward (KIP-107). Sent to the leaders.
 *
 * v1 the broker throttles after answering (KIP-219) · v2 flexible.
 *
 * Answered when every live replica has moved. The log's end never moves: after "delete all" the next append continues where it was. The
 * new start is written to disk only every log.flush.start.offset.checkpoint.interval.ms (60 s): a crash before that brings records back.
 */
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
          /**
           * First offset to keep; -1 for the high watermark. Below the present start: no change. Beyond the high
           * watermark: OFFSET_OUT_OF_RANGE.
           */
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
          /** POLICY_VIOLATION when cleanup.policy does not contain `delete`. */
          errorCode: int16(),
        }),
      }),
    },
  },
);
export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>;
export type DeleteRecordsReceivedRequest = ReceivedRequestOf<typeof DeleteRecords>;
export type DeleteRecordsResponse = ResponseOf<typeof DeleteRecords>;
