/** One partition read once, without a session: a Fetch for those who look into a log now and then instead of following it. */
import { ErrorCode } from '../protocol/error-codes.ts';
import { Fetch } from '../protocol/messages/fetch.ts';
import { ZERO_UUID } from '../protocol/schema.ts';
import { BrokerError } from './broker-error.ts';
import type { Cluster } from './cluster.ts';

/** The last Fetch version that names topics instead of carrying their ids. */
export const LAST_FETCH_VERSION_BY_NAME = 12;
const DEFAULT_WAIT_MS = 500;
/** No session: the broker keeps nothing of the request (KIP-227). */
const NO_SESSION = { sessionId: 0, sessionEpoch: -1 } as const;
/** Wire values of Kafka's `isolation.level`. Both return control batches. */
const ISOLATION_LEVELS = { read_uncommitted: 0, read_committed: 1 } as const;
export type IsolationLevel = keyof typeof ISOLATION_LEVELS;

export interface PartitionFetch {
  readonly topic: string;
  readonly partition: number;
  /** From the log start to the log end; inside a hole is legal. */
  readonly offset: number;
  /** Soft: the first batch comes whole, however large, and the last one may be cut off. */
  readonly maxBytes: number;
  /** Milliseconds for which the leader may wait when there is nothing to read. Default 500. */
  readonly maxWaitMs?: number;
  /** `read_committed` ends at the last stable offset and brings the aborted transactions. Default `read_uncommitted`, up to the high watermark. */
  readonly isolationLevel?: IsolationLevel;
  /** See `CallOptions.lane`. */
  readonly lane?: string;
  /** What the user can do when the broker refuses. */
  readonly advice?: string;
}

export interface FetchedPartition {
  /** A slice of one segment, or null. The first batch may begin before the offset asked for; an empty one says that there is nothing to read (yet). */
  readonly records: Buffer | null;
  readonly highWatermark: number;
  /** −1 from brokers that do not say. */
  readonly lastStableOffset: number;
  /** −1 from brokers that do not say. */
  readonly logStartOffset: number;
  /** Those that touch the slice, each from its first offset to its marker. Empty with `read_uncommitted`. */
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
}

/**
 * Asks the leader that metadata names: after an error, refresh and ask again.
 *
 * @throws BrokerError for what the broker answers instead, e.g. OFFSET_OUT_OF_RANGE outside the log; LinkError as `Cluster.send`.
 */
export const fetchPartition = async (
  cluster: Cluster,
  { topic, partition, offset, maxBytes, maxWaitMs = DEFAULT_WAIT_MS, isolationLevel = 'read_uncommitted', lane, advice }: PartitionFetch,
  signal?: AbortSignal,
): Promise<FetchedPartition> => {
  const topicId = cluster.metadata.topic(topic)?.topicId ?? null;
  const response = await cluster.send(
    Fetch,
    {
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      isolationLevel: ISOLATION_LEVELS[isolationLevel],
      ...NO_SESSION,
      topics: [
        { topic, topicId: topicId ?? ZERO_UUID, partitions: [{ partition, fetchOffset: BigInt(offset), partitionMaxBytes: maxBytes }] },
      ],
    },
    { leader: { topic, partition } },
    {
      ...(topicId === null && { maxVersion: LAST_FETCH_VERSION_BY_NAME }),
      ...(lane !== undefined && { lane }),
      ...(signal && { signal }),
    },
  );
  const answer = response.responses[0]?.partitions[0];
  const errorCode = response.errorCode || answer?.errorCode || ErrorCode.NONE;
  if (errorCode !== ErrorCode.NONE) {
    throw new BrokerError(
      errorCode,
      `read offset ${offset} of ${topic}-${partition} on the ${cluster.settings.role} cluster`,
      advice === undefined ? {} : { advice },
    );
  }
  return {
    records: answer?.records ?? null,
    highWatermark: Number(answer?.highWatermark ?? -1n),
    lastStableOffset: Number(answer?.lastStableOffset ?? -1n),
    logStartOffset: Number(answer?.logStartOffset ?? -1n),
    abortedTransactions: answer?.abortedTransactions ?? [],
  };
};
