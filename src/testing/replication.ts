/** acks=all: what becomes of something that was appended, once the other replicas have had their time. */
import type { Partition } from './partition.ts';
import { Refusal } from './refusal.ts';
import { leastInSync, type RequestContext } from './request-context.ts';
import { waitUntil } from './waiting.ts';

/** Something appended by the leader of an epoch. */
export interface Appending {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  readonly lastOffset: bigint;
}

/** Null when every replica in sync has it, what went wrong, or `open` while it is neither. */
export const fateOf = ({ partition, leaderEpoch, lastOffset }: Appending, { cluster, broker }: RequestContext): Refusal | null | 'open' => {
  if (partition.leader !== broker.id || partition.leaderEpoch !== leaderEpoch) return new Refusal('NOT_LEADER_OR_FOLLOWER');
  if (partition.log.highWatermark <= lastOffset) return 'open';
  return partition.isr.length >= leastInSync(partition, cluster) ? null : new Refusal('NOT_ENOUGH_REPLICAS_AFTER_APPEND');
};

/** Waits until the fate of all is known, or the time is over; then each has its own: null, or its refusal. */
export const replicated = async (
  appendings: readonly Appending[],
  timeoutMs: number,
  context: RequestContext,
): Promise<ReadonlyMap<Appending, Refusal | null>> => {
  const { clock } = context.cluster;
  const known = (): boolean => appendings.every((appending) => fateOf(appending, context) !== 'open');
  const partitions = new Set(appendings.map(({ partition }) => partition));
  await waitUntil(partitions, known, { clock, ms: timeoutMs, signal: context.connection.signal });
  return new Map(
    appendings.map((appending) => {
      const fate = fateOf(appending, context);
      return [appending, fate === 'open' ? new Refusal('REQUEST_TIMED_OUT') : fate];
    }),
  );
};
