/** InitProducerId (key 22). */
import { api, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const InitProducerId = api(
  22,
  'InitProducerId',
  { versions: '0-5', flexible: '2+' },
  {
    request: {
      transactionalId: string().nullable(),
      transactionTimeoutMs: int32(),
      producerId: int64('3+').default(-1n),
      producerEpoch: int16('3+').default(-1),
    },
    response: {
      throttleTimeMs: int32().ignorable(),
      errorCode: int16(),
      producerId: int64().default(-1n),
      producerEpoch: int16(),
    },
  },
);
export type InitProducerIdRequest = RequestOf<typeof InitProducerId>;
export type InitProducerIdReceivedRequest = ReceivedRequestOf<typeof InitProducerId>;
export type InitProducerIdResponse = ResponseOf<typeof InitProducerId>;
