/**
 * DescribeProducers (key 61): what partitions remember of the producers that wrote to them (KIP-664). Sent to the leaders; needs READ.
 *
 * The state is dropped after producer.id.expiration.ms, counted from the time of the producer's last record, not from its arrival.
 */
import { api, array, int16, int32, int64, type ReceivedRequestOf, type RequestOf, type ResponseOf, string } from '../schema.ts';

export const DescribeProducers = api(
  61,
  'DescribeProducers',
  { versions: '0', flexible: '0+' },
  {
    request: {
      topics: array({ name: string(), partitionIndexes: array(int32()) }),
    },
    response: {
      throttleTimeMs: int32(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
          errorMessage: string().nullable().default(null),
          activeProducers: array({
            producerId: int64(),
            producerEpoch: int32(),
            /** -1 when only markers came from this producer. Markers do not move it. */
            lastSequence: int32().default(-1),
            /** Of the last batch, in ms. */
            lastTimestamp: int64().default(-1n),
            /** Of the last marker; -1 before the first. */
            coordinatorEpoch: int32(),
            /** First offset of the transaction now open; -1 when there is none. */
            currentTxnStartOffset: int64().default(-1n),
          }),
        }),
      }),
    },
  },
);
export type DescribeProducersRequest = RequestOf<typeof DescribeProducers>;
export type DescribeProducersReceivedRequest = ReceivedRequestOf<typeof DescribeProducers>;
export type DescribeProducersResponse = ResponseOf<typeof DescribeProducers>;
