/** Addresses of the leaders that an answer points to (KIP-951): Produce v10+ and Fetch v16+. */
import type { ClusterState } from '../cluster-state.ts';
import type { Partition } from '../partition.ts';

/** Each living leader of `partitions` once. */
export const endpointsOf = (partitions: readonly (Partition | undefined)[], { brokers }: ClusterState) => {
  const leaders = new Set(partitions.map((partition) => partition?.leader));
  return brokers.filter(({ id, alive }) => alive && leaders.has(id)).map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }));
};
