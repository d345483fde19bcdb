/**
 * CreatePartitions (key 37): raises the number of partitions of topics (KIP-195). It can never be lowered.
 *
 * v1 the broker throttles after answering (KIP-219) · v2 flexible · v3 THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
import { api, array, bool, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const CreatePartitions = api(
  37,
  'CreatePartitions',
  { versions: '0-3', flexible: '2+' },
  {
    request: {
      topics: array({
        name: string(),
        /** The new total. The present one or less is INVALID_PARTITIONS. */
        count: int32(),
        /** Replicas of the new partitions only; null leaves them to the broker. */
        assignments: array({ brokerIds: array(int32()) }).nullable(),
      }),
      timeoutMs: int32(),
      validateOnly: bool(),
    },
    response: {
      throttleTimeMs: int32(),
      results: array({ name: string(), errorCode: int16(), errorMessage: string().nullable().default(null) }),
    },
  },
);
export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>;
export type CreatePartitionsReceivedRequest = ReceivedRequestOf<typeof CreatePartitions>;
export type CreatePartitionsResponse = ResponseOf<typeof CreatePartitions>;
