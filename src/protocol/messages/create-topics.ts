/**
 * CreateTopics (key 19): creates topics. Answered by the controller; a KRaft broker passes it on.
 *
 * v2 throttle time · v3 the broker throttles after answering (KIP-219) ·
 * v4 partitions and replicas may be left to the broker (KIP-464) · v5 flexible, the answer shows the configs (KIP-525) ·
 * v6 THROTTLING_QUOTA_EXCEEDED (KIP-599) · v7 topic id in the answer (KIP-516).
 */
import { api, array, bool, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string, uuid } from '../schema.ts';

export const CreateTopics = api(
  19,
  'CreateTopics',
  { versions: '2-7', flexible: '5+' },
  {
    request: {
      topics: array({
        name: string(),
        /** -1: the broker's default (v4+), or given by assignments. */
        numPartitions: int32(),
        /** -1: the broker's default (v4+), or given by assignments. */
        replicationFactor: int16(),
        /** Replicas by hand, all partitions from 0 on or none; the first replica of each is the preferred leader. */
        assignments: array({ partitionIndex: int32(), brokerIds: array(int32()) }),
        configs: array({
          name: string(),
          /** Null: the default. */
          value: string().nullable(),
        }),
      }),
      /**
       * How long the broker waits until the topic is there. When it is over: REQUEST_TIMED_OUT, and the topic may come
       * all the same.
       */
      timeoutMs: int32().default(60000),
      /** Checks everything and creates nothing. */
      validateOnly: bool('1+'),
    },
    response: {
      throttleTimeMs: int32('2+').ignorable(),
      topics: array({
        name: string(),
        topicId: uuid('7+').ignorable(),
        /** With NONE the topic exists on the controller; other brokers may not have heard of it yet. */
        errorCode: int16(),
        errorMessage: string('1+').nullable().ignorable(),
        /** TOPIC_AUTHORIZATION_FAILED when we may create the topic but not see its configs; then the fields below are empty. */
        topicConfigErrorCode: int16('5+').tag(0).ignorable(),
        numPartitions: int32('5+').default(-1).ignorable(),
        replicationFactor: int16('5+').default(-1).ignorable(),
        configs: array('5+', {
          name: string(),
          value: string().nullable(),
          readOnly: bool(),
          configSource: int8().default(-1).ignorable(),
          isSensitive: bool(),
        })
          .nullable()
          .ignorable(),
      }),
    },
  },
);
export type CreateTopicsRequest = RequestOf<typeof CreateTopics>;
export type CreateTopicsReceivedRequest = ReceivedRequestOf<typeof CreateTopics>;
export type CreateTopicsResponse = ResponseOf<typeof CreateTopics>;
