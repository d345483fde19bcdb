/**
 * InitProducerId (key 22): hands out a producer id, or the next epoch of one that belongs to a transactional id.
 *
 * v1 the broker throttles after answering (KIP-219) · v2 flexible · v3 an epoch may be bumped by its holder (KIP-360) ·
 * v4 PRODUCER_FENCED (KIP-588) · v5 may answer TRANSACTION_ABORTABLE (KIP-890).
 */
import { api, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const InitProducerId = api(
  22,
  'InitProducerId',
  { versions: '0-5', flexible: '2+' },
  {
    request: {
      /**
       * Null: a fresh id, from any broker. Else sent to the coordinator: the same id each time, one epoch higher, and
       * open work is aborted.
       */
      transactionalId: string().nullable(),
      /** At most transaction.max.timeout.ms; without a transactional id nobody looks at it. */
      transactionTimeoutMs: int32(),
      /** With producerEpoch: what the caller holds now; refused when somebody else has come meanwhile. */
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
