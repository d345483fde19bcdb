/** Finds out whether the link may fill offsets with control markers on a destination, without writing one. */
import { BrokerError } from '../client/broker-error.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from '../protocol/error-codes.ts';
import { WriteTxnMarkers } from '../protocol/messages/write-txn-markers.ts';

/** A partition that no topic has: brokers look at the right first, and then find that there is nowhere to write. */
export const NO_SUCH_PARTITION = 2 ** 31 - 1;
const FILLER_ID = -2n;

/** ALTER or CLUSTER_ACTION on the cluster is what it takes. `topic`: any name. */
export const mayWriteMarkers = async (destination: Cluster, topic: string, signal: AbortSignal): Promise<boolean> => {
  const marker = {
    producerId: FILLER_ID,
    producerEpoch: 0,
    transactionResult: true,
    topics: [{ name: topic, partitionIndexes: [NO_SUCH_PARTITION] }],
    coordinatorEpoch: 0,
  };
  const response = await destination.send(WriteTxnMarkers, { markers: [marker] }, 'any', { signal, maxVersion: 1 });
  const code = response.markers[0]?.topics[0]?.partitions[0]?.errorCode;
  if (code === ErrorCode.CLUSTER_AUTHORIZATION_FAILED) return false;
  if (code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || code === ErrorCode.NOT_LEADER_OR_FOLLOWER) return true;
  if (code === undefined) throw new LinkError('KLINK_MALFORMED', 'The destination did not answer for a marker', { retriable: true });
  throw new BrokerError(code, 'find out whether the link may write markers on the destination');
};
