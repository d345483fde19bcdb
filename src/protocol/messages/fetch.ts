/**
 * Fetch (key 1): a long poll for record sets.
 *
 * v4 RecordBatch v2 and isolation level · v5 log start offset · v7 sessions (KIP-227) · v9 leader epochs (KIP-320) ·
 * v10 zstd allowed · v11 rack and follower reads (KIP-392) · v12 flexible, last fetched epoch (KIP-595) ·
 * v13 topic ids instead of names (KIP-516) · v15 replicaState (KIP-903) · v16 node endpoints of new leaders (KIP-951) ·
 * v17 directory ids (KIP-853).
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
      clusterId: string('12+').nullable().default(null).tag(0).ignorable(),
      replicaId: int32('0-14').default(-1),
      /** Brokers only; a client leaves it out. */
      replicaState: struct('15+', {
        replicaId: int32().default(-1),
        replicaEpoch: int64().default(-1n),
      }).tag(1),
      maxWaitMs: int32(),
      minBytes: int32(),
      /** Not absolute: the first batch of the first partition that has one comes whole, however large. */
      maxBytes: int32('3+').default(0x7fffffff).ignorable(),
      isolationLevel: int8('4+').ignorable(),
      sessionId: int32('7+').ignorable(),
      sessionEpoch: int32('7+').default(-1).ignorable(),
      topics: array({
        topic: string('0-12').ignorable(),
        topicId: uuid('13+').ignorable(),
        partitions: array({
          partition: int32(),
          currentLeaderEpoch: int32('9+').default(-1).ignorable(),
          fetchOffset: int64(),
          lastFetchedEpoch: int32('12+').default(-1),
          logStartOffset: int64('5+').default(-1n).ignorable(),
          partitionMaxBytes: int32(),
          replicaDirectoryId: uuid('17+').tag(0).ignorable(),
        }),
      }),
      forgottenTopicsData: array('7+', {
        topic: string('7-12').ignorable(),
        topicId: uuid('13+').ignorable(),
        partitions: array(int32()),
      }),
      rackId: string('11+').ignorable(),
    },
    response: {
      throttleTimeMs: int32('1+').ignorable(),
      errorCode: int16('7+').ignorable(),
      sessionId: int32('7+'),
      responses: array({
        topic: string('0-12').ignorable(),
        topicId: uuid('13+').ignorable(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
          highWatermark: int64(),
          lastStableOffset: int64('4+').default(-1n).ignorable(),
          logStartOffset: int64('5+').default(-1n).ignorable(),
          /** Set when the fetcher's history parts from the leader's: where it must truncate to (KIP-595). */
          divergingEpoch: struct('12+', {
            epoch: int32().default(-1),
            endOffset: int64().default(-1n),
          }).tag(0),
          currentLeader: struct('12+', {
            leaderId: int32().default(-1),
            leaderEpoch: int32().default(-1),
          }).tag(1),
          snapshotId: struct('12+', {
            endOffset: int64().default(-1n),
            epoch: int32().default(-1),
          }).tag(2),
          abortedTransactions: array('4+', {
            producerId: int64(),
            firstOffset: int64(),
          })
            .nullable()
            .ignorable(),
          preferredReadReplica: int32('11+').default(-1),
          records: records().nullable(),
        }),
      }),
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
