/**
 * Produce (key 0): appends record batches, any number of partitions in one request, each answered for itself.
 *
 * v3 RecordBatch v2 and transactional id (KIP-98) · v4 may answer KAFKA_STORAGE_ERROR (KIP-112) · v5 log start offset ·
 * v6 the broker throttles after answering (KIP-219) · v7 zstd allowed (KIP-110) · v8 record errors (KIP-467) · v9 flexible ·
 * v10 tells the new leader beside NOT_LEADER_OR_FOLLOWER (KIP-951) · v11 may answer TRANSACTION_ABORTABLE (KIP-890) ·
 * v12 a transactional batch also adds its partition to the transaction (KIP-890).
 *
 * Brokers from 4.0 advertise v0 for the sake of old librdkafka, and yet refuse all below v3 (KAFKA-18659). With `acks: 0` there is no
 * response at all, not even for an error: the broker closes the connection.
 */
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
      /**
       * Must be given when any batch has the transactional bit, whatever that batch's producer id is; else error 53 for
       * the whole request.
       */
      transactionalId: string('3+').nullable().default(null),
      /** -1 all replicas in sync, 1 the leader, 0 no answer. */
      acks: int16(),
      /**
       * How long the leader waits for the replicas with `acks: -1`. When it is over: REQUEST_TIMED_OUT, although the
       * leader has written.
       */
      timeoutMs: int32(),
      topicData: array({
        name: string().ignorable(),
        partitionData: array({
          index: int32(),
          /**
           * Exactly one batch, of magic 2, with base offset 0: the leader assigns offsets. Two batches, or any other
           * base offset, are INVALID_RECORD.
           */
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
          /**
           * Of a repeated idempotent batch (one of the last five): where the first copy went, and nothing was written.
           * -1 with an error.
           */
          baseOffset: int64(),
          /** -1 unless the topic's timestamps are LogAppendTime. */
          logAppendTimeMs: int64('2+').default(-1n).ignorable(),
          logStartOffset: int64('5+').default(-1n).ignorable(),
          /** Which records made the broker refuse the whole batch. */
          recordErrors: array('8+', {
            batchIndex: int32(),
            batchIndexErrorMessage: string().nullable().default(null),
          }).ignorable(),
          errorMessage: string('8+').nullable().default(null).ignorable(),
          /** With NOT_LEADER_OR_FOLLOWER: where to go, its address among nodeEndpoints. Spares a Metadata request. */
          currentLeader: struct('10+', {
            leaderId: int32().default(-1),
            leaderEpoch: int32().default(-1),
          }).tag(0),
        }),
      }),
      /** The write was done all the same; from v6 on the broker mutes the connection for this long after it answered. */
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
