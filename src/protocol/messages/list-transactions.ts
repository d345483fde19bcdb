/** ListTransactions (key 66). */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const ListTransactions = api(
  66,
  'ListTransactions',
  { versions: '0-1', flexible: '0+' },
  {
    request: {
      stateFilters: array(string()),
      producerIdFilters: array(int64()),
      durationFilter: int64('1+').default(-1n),
    },
    response: {
      throttleTimeMs: int32(),
      errorCode: int16(),
      unknownStateFilters: array(string()),
      transactionStates: array({
        transactionalId: string(),
        producerId: int64(),
        transactionState: string(),
      }),
    },
  },
);
export type ListTransactionsRequest = RequestOf<typeof ListTransactions>;
export type ListTransactionsReceivedRequest = ReceivedRequestOf<typeof ListTransactions>;
export type ListTransactionsResponse = ResponseOf<typeof ListTransactions>;
