/** ListOffsets: log start, log end and lookups by time. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ListOffsets, type ListOffsetsReceivedRequest } from '../../protocol/messages/list-offsets.ts';
import { handler } from '../handler.ts';
import { findByTimestamp, findMaxTimestamp } from '../log/time-lookup.ts';
import type { Partition } from '../partition.ts';
import { attemptAsync, Refusal } from '../refusal.ts';
import { checkLeaderEpoch, existing, type RequestContext } from '../request-context.ts';

const LATEST = -1n;
const EARLIEST = -2n;
const MAX_TIMESTAMP = -3n;
const EARLIEST_LOCAL = -4n;
const LATEST_TIERED = -5n;
/** First version that knows each of the special timestamps. */
const KNOWN_FROM: ReadonlyMap<bigint, number> = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
]);
const CONSUMER = -1;
/** Asks any replica, and for the true log end: what a mirror needs after an ambiguous Produce. */
const DEBUGGING = -2;
const READ_COMMITTED = 1;

interface Found {
  readonly timestamp: bigint;
  readonly offset: bigint;
  readonly leaderEpoch: number;
}

const NOT_FOUND: Found = { timestamp: -1n, offset: -1n, leaderEpoch: -1 };

export const listOffsets = handler(ListOffsets, async (request, context) => {
  const topics = [];
  for (const { name, partitions } of request.topics) {
    const answered = [];
    for (const wanted of partitions) {
      const found = await attemptAsync(() => lookUp(name, wanted, request, context));
      const { partitionIndex } = wanted;
      if (found instanceof Refusal) answered.push({ partitionIndex, errorCode: found.errorCode });
      else if (context.header.apiVersion >= 4) answered.push({ partitionIndex, errorCode: ErrorCode.NONE, ...found });
      else answered.push({ partitionIndex, errorCode: ErrorCode.NONE, timestamp: found.timestamp, offset: found.offset });
    }
    topics.push({ name, partitions: answered });
  }
  return { topics };
});

type Wanted = ListOffsetsReceivedRequest['topics'][number]['partitions'][number];

const lookUp = async (
  topic: string,
  { partitionIndex, currentLeaderEpoch, timestamp }: Wanted,
  { replicaId, isolationLevel }: ListOffsetsReceivedRequest,
  context: RequestContext,
): Promise<Found> => {
  const partition = existing(context, 'describe', topic, partitionIndex);
  const knownFrom = KNOWN_FROM.get(timestamp) ?? (timestamp < 0n ? Number.POSITIVE_INFINITY : 1);
  if (context.header.apiVersion < knownFrom) throw new Refusal('UNSUPPORTED_VERSION');
  checkLeaderEpoch(partition, currentLeaderEpoch);
  const anyReplica = replicaId === DEBUGGING && partition.replicas.includes(context.broker.id);
  if (partition.leader !== context.broker.id && !anyReplica) throw new Refusal('NOT_LEADER_OR_FOLLOWER');
  return find(partition, timestamp, readable(partition, replicaId, isolationLevel));
};

/** The end as the asker may see it. */
const readable = ({ log }: Partition, replicaId: number, isolationLevel: number): bigint => {
  if (replicaId !== CONSUMER) return log.endOffset;
  return isolationLevel === READ_COMMITTED ? log.lastStableOffset : log.highWatermark;
};

const find = async ({ log, leaderEpoch }: Partition, timestamp: bigint, end: bigint): Promise<Found> => {
  const { startOffset, epochs } = log;
  switch (timestamp) {
    case LATEST:
      return { timestamp: -1n, offset: end, leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestamp: -1n, offset: startOffset, leaderEpoch: epochs.epochAt(startOffset) };
    case LATEST_TIERED:
      return NOT_FOUND; // no remote storage
    default: {
      const found = timestamp === MAX_TIMESTAMP ? await findMaxTimestamp(log) : await findByTimestamp(log, timestamp);
      return found !== null && found.offset < end ? { ...found, leaderEpoch: epochs.epochAt(found.offset) } : NOT_FOUND;
    }
  }
};
