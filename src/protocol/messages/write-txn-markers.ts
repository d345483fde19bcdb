/**
 * WriteTxnMarkers (key 27): appends transaction markers, one control record each. Meant for coordinators, open to who may ALTER the
 * cluster.
 *
 * v1 flexible · v2 transaction version (KIP-1228).
 *
 * Sent to the partitions' leaders. Nothing checks that a transaction, the transactional id or the producer id exists: every marker is
 * appended, invisible to consumers, and takes one offset. Brokers up to 3.9 speak v0 and v1, 4.0 and 4.1 v1 only.
 */
import { api, array, bool, int8, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const WriteTxnMarkers = api(
  27,
  'WriteTxnMarkers',
  { versions: '1-2', flexible: '1+' },
  {
    request: {
      markers: array({
        /** -2 and below leave no producer state and no epoch order behind; -1 makes the broker fail. */
        producerId: int64(),
        /** At least the stored one, else INVALID_PRODUCER_EPOCH. */
        producerEpoch: int16(),
        /** True commits, false aborts. */
        transactionResult: bool(),
        topics: array({ name: string(), partitionIndexes: array(int32()) }),
        /** At least the last one seen for the producer, else TRANSACTION_COORDINATOR_FENCED. */
        coordinatorEpoch: int32(),
        /** 2 demands an epoch above the stored one; 0 and 1 keep the rule above. */
        transactionVersion: int8('2+').ignorable(),
      }),
    },
    response: {
      /** One per producer id: answers for markers of the same id are merged. */
      markers: array({
        producerId: int64(),
        topics: array({
          name: string(),
          partitions: array({ partitionIndex: int32(), errorCode: int16() }),
        }),
      }),
    },
  },
);
export type WriteTxnMarkersRequest = RequestOf<typeof WriteTxnMarkers>;
export type WriteTxnMarkersReceivedRequest = ReceivedRequestOf<typeof WriteTxnMarkers>;
export type WriteTxnMarkersResponse = ResponseOf<typeof WriteTxnMarkers>;
