/** Hands a link's settings to the data path, under the names that are used there. */
import type { ParsedOptions } from './options.ts';
import type { PrepareContext } from './plan-topics.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import type { ReplicatorOptions } from './replication/replicator.ts';
import type { LinkIdentity } from './store/link-store.ts';

/** The broker gives up on its followers before the connection gives up on the broker, so that the answer says what happened. */
const BROKER_SHARE_OF_TIMEOUT = 0.8;

export const replicatorOptions = (
  options: ParsedOptions,
  { source, destination }: PrepareContext,
  identity: LinkIdentity,
  fillPolicy: FillPolicy,
): ReplicatorOptions => {
  const { clock, random, acks, settings } = options;
  return {
    source,
    destination,
    clock,
    random,
    producer: identity,
    fetch: {
      responseMaxBytes: settings.replicaFetchResponseMaxBytes,
      partitionMaxBytes: settings.replicaFetchMaxBytes,
      minBytes: settings.replicaFetchMinBytes,
      waitMaxMs: settings.replicaFetchWaitMaxMs,
    },
    append: {
      acks,
      timeoutMs: Math.max(1, Math.floor(settings.requestTimeoutMs * BROKER_SHARE_OF_TIMEOUT)),
      maxInFlightRequests: settings.appendInFlightRequests,
      requestMaxBytes: settings.appendRequestMaxBytes,
    },
    markers: { requestMaxMarkers: settings.fillRequestMaxMarkers, maxInFlightRequests: settings.appendInFlightRequests },
    gaps: { fillPolicy, paddingMaxOffsets: settings.paddingMaxOffsets, sourceTrimmed: options.sourceTrimmed },
    fillGraceMs: settings.fillGraceMs,
    fetchersPerBroker: settings.numClusterLinkFetchers,
    appendersPerBroker: settings.appendConnections,
    bufferBytes: settings.bufferBytes,
    retry: { backoffMs: settings.retryBackoffMs, maxBackoffMs: settings.retryBackoffMaxMs },
    retryTimeoutMs: settings.clusterLinkRetryTimeoutMs,
  };
};
