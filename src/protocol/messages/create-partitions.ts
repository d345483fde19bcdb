/** CreatePartitions (key 37). */
import { api, array, bool, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const CreatePartitions = api(
  37,
  'CreatePartitions',
  { versions: '0-3', flexible: '2+' },
  {
    request: {
      topics: array({
        name: string(),
        count: int32(),
        assignments: array({
          brokerIds: array(int32()),
        }).nullable(),
      }),
      timeoutMs: int32(),
      validateOnly: bool(),
    },
    response: {
      throttleTimeMs: int32(),
      results: array({
        name: string(),
        errorCode: int16(),
        errorMessage: string().nullable().default(null),
      }),
    },
  },
);
export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>;
export type CreatePartitionsReceivedRequest = ReceivedRequestOf<typeof CreatePartitions>;
export type CreatePartitionsResponse = ResponseOf<typeof CreatePartitions>;
