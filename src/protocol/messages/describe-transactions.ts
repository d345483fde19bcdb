/** DescribeTransactions (key 65). */
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
        errorCode: int16(),
        transactionalId: string(),
        transactionState: string(),
        transactionTimeoutMs: int32(),
        transactionStartTimeMs: int64(),
        producerId: int64(),
        producerEpoch: int16(),
        topics: array({
          topic: string(),
          partitions: array(int32()),
        }),
      }),
    },
  },
);
export type DescribeTransactionsRequest = RequestOf<typeof DescribeTransactions>;
export type DescribeTransactionsReceivedRequest = ReceivedRequestOf<typeof DescribeTransactions>;
export type DescribeTransactionsResponse = ResponseOf<typeof DescribeTransactions>;
