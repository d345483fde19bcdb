/** DeleteTopics (key 20). */
import { api, array, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string, uuid } from '../schema.ts';

export const DeleteTopics = api(
  20,
  'DeleteTopics',
  { versions: '1-6', flexible: '4+' },
  {
    request: {
      topics: array('6+', {
        name: string().nullable().default(null),
        topicId: uuid(),
      }),
      topicNames: array('0-5', string()).ignorable(),
      timeoutMs: int32(),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      responses: array({
        name: string().nullable('6+'),
        topicId: uuid('6+').ignorable(),
        errorCode: int16(),
        errorMessage: string('5+').nullable().default(null).ignorable(),
      }),
    },
  },
);
export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>;
export type DeleteTopicsReceivedRequest = ReceivedRequestOf<typeof DeleteTopics>;
export type DeleteTopicsResponse = ResponseOf<typeof DeleteTopics>;
