/** Hands a link's configs to the data path, under the names that are used there; each is looked up when it is needed, so that a change counts at once. */
import type { LinkConfigs } from './configs/link-configs.ts';
import { transactionalIdOf } from './exact-transactions.ts';
import type { ParsedOptions } from './options.ts';
import type { PrepareContext } from './plan-topics.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import type { ReplicatorOptions } from './replication/replicator.ts';
import type { TransactionMode } from './replication/transaction-mode.ts';
import type { LinkIdentity } from './store/link-store.ts';

/** The broker gives up on its followers before the connection gives up on the broker, so that the answer says what happened. */
const BROKER_SHARE_OF_TIMEOUT = 0.8;

/** With sixteen batches in it a request costs little more than its bytes do. Of transactions it carries those of one producer alone: there connections help. */
const PARTITIONS_PER_APPENDER: Readonly<Record<TransactionMode, number>> = { committed: 16, exact: 1 };

export const replicatorOptions = (
  options: ParsedOptions,
  { source, destination }: PrepareContext,
  identity: LinkIdentity,
  fillPolicy: () => FillPolicy,
): ReplicatorOptions => {
  const { clock, random } = options;
  const now = (): LinkConfigs => options.settings;
  return {
    source,
    destination,
    clock,
    random,
    producer: identity,
    fetch: {
      get responseMaxBytes() {
        return now().replicaFetchResponseMaxBytes;
      },
      get partitionMaxBytes() {
        return now().replicaFetchMaxBytes;
      },
      get minBytes() {
        return now().replicaFetchMinBytes;
      },
      get waitMaxMs() {
        return now().replicaFetchWaitMaxMs;
      },
    },
    append: {
      get acks() {
        return now().acks === 'all' ? -1 : 1;
      },
      get timeoutMs() {
        return Math.max(1, Math.floor(now().requestTimeoutMs * BROKER_SHARE_OF_TIMEOUT));
      },
      get maxInFlightRequests() {
        return now().appendInFlightRequests;
      },
      get requestMaxBytes() {
        return now().appendRequestMaxBytes;
      },
      transactionalId: transactionalIdOf(options.name),
    },
    markers: {
      get requestMaxMarkers() {
        return now().fillRequestMaxMarkers;
      },
      get maxInFlightRequests() {
        return now().appendInFlightRequests;
      },
    },
    gaps: {
      get fillPolicy() {
        return fillPolicy();
      },
      get paddingMaxOffsets() {
        return now().paddingMaxOffsets;
      },
      get sourceTrimmed() {
        return now().sourceTrimmed;
      },
    },
    transactions: options.settings.transactions,
    get fillGraceMs() {
      return now().fillGraceMs;
    },
    get fetchersPerBroker() {
      return now().numClusterLinkFetchers;
    },
    get appendersPerBroker() {
      return now().appendConnections;
    },
    partitionsPerAppender: PARTITIONS_PER_APPENDER[options.settings.transactions],
    get bufferBytes() {
      return now().bufferBytes;
    },
    get retry() {
      return { backoffMs: now().retryBackoffMs, maxBackoffMs: now().retryBackoffMaxMs };
    },
    get retryTimeoutMs() {
      return now().clusterLinkRetryTimeoutMs;
    },
  };
};
