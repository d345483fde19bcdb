/**
 * DeleteTopics (key 20): deletes topics, by name or from v6 on by id.
 *
 * v1 throttle time · v2 the broker throttles after answering (KIP-219) · v3 TOPIC_DELETION_DISABLED · v4 flexible ·
 * v5 error message, THROTTLING_QUOTA_EXCEEDED (KIP-599) · v6 topic ids (KIP-516).
 *
 * Deleting a topic also deletes the positions that groups have committed for it.
 */
import { api, array, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string, uuid } from '../schema.ts';

export const DeleteTopics = api(
  20,
  'DeleteTopics',
  { versions: '1-6', flexible: '4+' },
  {
    request: {
      /** A name or an id, not both. Only an id makes sure that it is the very topic that was looked at. */
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
