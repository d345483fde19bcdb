/**
 * OffsetDelete (key 47): deletes positions of a group (KIP-496). Sent to its coordinator. Has never become flexible.
 */
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
        partitions: array({ partitionIndex: int32() }),
      }),
    },
    response: {
      /** Of the group: NON_EMPTY_GROUP when it has members that are no consumers; then topics is empty. */
      errorCode: int16(),
      throttleTimeMs: int32().ignorable(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          /** GROUP_SUBSCRIBED_TO_TOPIC while a member is subscribed to the topic. */
          errorCode: int16(),
        }),
      }),
    },
  },
);
export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>;
export type OffsetDeleteReceivedRequest = ReceivedRequestOf<typeof OffsetDelete>;
export type OffsetDeleteResponse = ResponseOf<typeof OffsetDelete>;
