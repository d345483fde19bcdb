/**
 * DescribeTransactions (key 65): state of transactional ids (KIP-664). Sent to their coordinator.
 */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeTransactions = api(
  65,
  'DescribeTransactions',
  { versions: '0', flexible: '0+' },
  {
    request: {
      transactionalIds: array(string()),
    },
    response: {
      throttleTimeMs: int32(),
      transactionStates: array({
        /** TRANSACTIONAL_ID_NOT_FOUND when the coordinator has never heard of it. */
        errorCode: int16(),
        transactionalId: string(),
        /** Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, PrepareEpochFence. */
        transactionState: string(),
        transactionTimeoutMs: int32(),
        /** -1 when no transaction is open. */
        transactionStartTimeMs: int64(),
        producerId: int64(),
        producerEpoch: int16(),
        /** Partitions that take part in the open transaction. */
        topics: array({ topic: string(), partitions: array(int32()) }),
      }),
    },
  },
);
export type DescribeTransactionsRequest = RequestOf<typeof DescribeTransactions>;
export type DescribeTransactionsReceivedRequest = ReceivedRequestOf<typeof DescribeTransactions>;
export type DescribeTransactionsResponse = ResponseOf<typeof DescribeTransactions>;
