/** CreateTopics (key 19). */
import { api, array, bool, int8, int16, int32, type ReceivedRequestOf, type RequestOf, type ResponseOf, string, uuid } from '../schema.ts';

export const CreateTopics = api(
  19,
  'CreateTopics',
  { versions: '2-7', flexible: '5+' },
  {
    request: {
      topics: array({
        name: string(),
        numPartitions: int32(),
        replicationFactor: int16(),
        assignments: array({
          partitionIndex: int32(),
          brokerIds: array(int32()),
        }),
        configs: array({
          name: string(),
          value: string().nullable(),
        }),
      }),
      timeoutMs: int32().default(60000),
      validateOnly: bool('1+'),
    },
    response: {
      throttleTimeMs: int32('2+').ignorable(),
      topics: array({
        name: string(),
        topicId: uuid('7+').ignorable(),
        errorCode: int16(),
        errorMessage: string('1+').nullable().ignorable(),
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
