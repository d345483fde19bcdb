/**
 * Fetch (key 1): a long poll for record sets.
 *
 * v4 RecordBatch v2 and isolation level · v5 log start offset · v7 sessions (KIP-227) ·
 * v8 the broker throttles after answering (KIP-219) · v9 leader epochs (KIP-320) · v10 zstd allowed (KIP-110) ·
 * v11 rack and follower reads (KIP-392) · v12 flexible, last fetched epoch (KIP-595) · v13 topic ids instead of names (KIP-516) ·
 * v14 OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405) · v15 replicaState (KIP-903) · v16 node endpoints of new leaders (KIP-951) ·
 * v17 directory ids (KIP-853).
 *
 * Every version returns what is stored: old segments give message sets of magic 0 and 1 even from a 4.x broker.
 */
import {
  api,
  array,
  int8,
  int16,
  int32,
  int64,
  type ReceivedRequestOf,
  type RequestOf,
  type ResponseOf,
  records,
  string,
  struct,
  uuid,
} from '../schema.ts';

export const Fetch = api(
  1,
  'Fetch',
  { versions: '4-17', flexible: '12+' },
  {
    request: {
      /** Checked by KRaft controllers only. */
      clusterId: string('12+').nullable().default(null).tag(0).ignorable(),
      /** -1 for a consumer. */
      replicaId: int32('0-14').default(-1),
      /** Brokers only; a client leaves it out. */
      replicaState: struct('15+', {
        replicaId: int32().default(-1),
        replicaEpoch: int64().default(-1n),
      }).tag(1),
      /** How long the broker may hold the request while there are fewer than minBytes. */
      maxWaitMs: int32(),
      minBytes: int32(),
      /**
       * Not absolute: the first batch of the first partition that has one comes whole, however large. Capped by the
       * broker's fetch.max.bytes.
       */
      maxBytes: int32('3+').default(0x7fffffff).ignorable(),
      /**
       * 0 up to the high watermark; 1 up to the last stable offset, with the list of aborted transactions. Both return
       * control batches.
       */
      isolationLevel: int8('4+').ignorable(),
      /**
       * With sessionEpoch 0 asks for a session; the answer may be 0, which means none. Epoch -1: no session, or the end
       * of one.
       */
      sessionId: int32('7+').ignorable(),
      sessionEpoch: int32('7+').default(-1).ignorable(),
      /**
       * Served in this order until maxBytes is used up, so a fair client rotates it. In a session: only what is new or
       * has moved.
       */
      topics: array({
        topic: string('0-12').ignorable(),
        topicId: uuid('13+').ignorable(),
        partitions: array({
          partition: int32(),
          /** -1 leaves it unchecked; else FENCED_LEADER_EPOCH when ours is older, UNKNOWN_LEADER_EPOCH when the broker lags. */
          currentLeaderEpoch: int32('9+').default(-1).ignorable(),
          fetchOffset: int64(),
          /**
           * Leader epoch of the last batch we have: the broker compares histories and answers divergingEpoch when it
           * must. For consumers too.
           */
          lastFetchedEpoch: int32('12+').default(-1),
          /** Followers only. */
          logStartOffset: int64('5+').default(-1n).ignorable(),
          /** Soft in the same way as maxBytes. */
          partitionMaxBytes: int32(),
          replicaDirectoryId: uuid('17+').tag(0).ignorable(),
        }),
      }),
      /** Partitions that leave the session. */
      forgottenTopicsData: array('7+', {
        topic: string('7-12').ignorable(),
        topicId: uuid('13+').ignorable(),
        partitions: array(int32()),
      }),
      /** Lets a leader send us to a replica in our rack. */
      rackId: string('11+').ignorable(),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      /** Of the session: FETCH_SESSION_ID_NOT_FOUND and its kin ask for a full request. */
      errorCode: int16('7+').ignorable(),
      sessionId: int32('7+'),
      /**
       * In a session only partitions with records, an error, or a moved high watermark or log start. A moved last stable
       * offset alone is not reported.
       */
      responses: array({
        topic: string('0-12').ignorable(),
        topicId: uuid('13+').ignorable(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
          highWatermark: int64(),
          /** First offset that belongs to an open transaction; -1 from versions that do not say. */
          lastStableOffset: int64('4+').default(-1n).ignorable(),
          logStartOffset: int64('5+').default(-1n).ignorable(),
          /** Set when the fetcher's history parts from the leader's: where it must truncate to (KIP-595). */
          divergingEpoch: struct('12+', {
            epoch: int32().default(-1),
            endOffset: int64().default(-1n),
          }).tag(0),
          /** With NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH. */
          currentLeader: struct('12+', {
            leaderId: int32().default(-1),
            leaderEpoch: int32().default(-1),
          }).tag(1),
          /** Of the metadata log only. */
          snapshotId: struct('12+', {
            endOffset: int64().default(-1n),
            epoch: int32().default(-1),
          }).tag(2),
          /** Null with isolation level 0. */
          abortedTransactions: array('4+', {
            producerId: int64(),
            firstOffset: int64(),
          })
            .nullable()
            .ignorable(),
          /** A broker to ask instead; then there are no records. -1: stay here. */
          preferredReadReplica: int32('11+').default(-1),
          /** A slice of one segment: the first batch may begin before the offset asked for, the last one may be cut off. */
          records: records().nullable(),
        }),
      }),
      /** Addresses of the leaders named in currentLeader. */
      nodeEndpoints: array('16+', {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string().nullable().default(null),
      }).tag(0),
    },
  },
);
export type FetchRequest = RequestOf<typeof Fetch>;
export type FetchReceivedRequest = ReceivedRequestOf<typeof Fetch>;
export type FetchResponse = ResponseOf<typeof Fetch>;
