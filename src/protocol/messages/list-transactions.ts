/**
 * ListTransactions (key 66): the transactional ids that this broker coordinates (KIP-664). All brokers must be asked to know all.
 *
 * v1 duration filter (KIP-994).
 */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const ListTransactions = api(
  66,
  'ListTransactions',
  { versions: '0-1', flexible: '0+' },
  {
    request: {
      /** Empty: every state. */
      stateFilters: array(string()),
      producerIdFilters: array(int64()),
      /** Only transactions open for longer than this, in ms; -1: all. */
      durationFilter: int64('1+').default(-1n),
    },
    response: {
      throttleTimeMs: int32(),
      errorCode: int16(),
      /** Filters that name no state this broker knows. */
      unknownStateFilters: array(string()),
      transactionStates: array({ transactionalId: string(), producerId: int64(), transactionState: string() }),
    },
  },
);
export type ListTransactionsRequest = RequestOf<typeof ListTransactions>;
export type ListTransactionsReceivedRequest = ReceivedRequestOf<typeof ListTransactions>;
export type ListTransactionsResponse = ResponseOf<typeof ListTransactions>;
