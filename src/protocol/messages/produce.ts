/** Produce (key 0). */
import {
  api,
  array,
  int16,
  int32,
  int64,
  type ReceivedRequestOf,
  type RequestOf,
  type ResponseOf,
  records,
  string,
  struct,
} from '../schema.ts';

export const Produce = api(
  0,
  'Produce',
  { versions: '3-12', flexible: '9+' },
  {
    request: {
      transactionalId: string('3+').nullable().default(null),
      acks: int16(),
      timeoutMs: int32(),
      topicData: array({
        name: string().ignorable(),
        partitionData: array({
          index: int32(),
          records: records().nullable(),
        }),
      }),
    },
    response: {
      responses: array({
        name: string().ignorable(),
        partitionResponses: array({
          index: int32(),
          errorCode: int16(),
          baseOffset: int64(),
          logAppendTimeMs: int64('2+').default(-1n).ignorable(),
          logStartOffset: int64('5+').default(-1n).ignorable(),
          recordErrors: array('8+', {
            batchIndex: int32(),
            batchIndexErrorMessage: string().nullable().default(null),
          }).ignorable(),
          errorMessage: string('8+').nullable().default(null).ignorable(),
          currentLeader: struct('10+', {
            leaderId: int32().default(-1),
            leaderEpoch: int32().default(-1),
          }).tag(0),
        }),
      }),
      throttleTimeMs: int32('1+').ignorable(),
      nodeEndpoints: array('10+', {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string().nullable().default(null),
      }).tag(0),
    },
  },
);
export type ProduceRequest = RequestOf<typeof Produce>;
export type ProduceReceivedRequest = ReceivedRequestOf<typeof Produce>;
export type ProduceResponse = ResponseOf<typeof Produce>;
