/** Hands a link's configs to the data path, under the names that are used there; each is looked up when it is needed, so that a change counts at once. */
import type { LinkConfigs } from './configs/link-configs.ts';
import type { LiveConfigs } from './configs/live-configs.ts';
import { transactionalIdOf } from './exact-transactions.ts';
import type { ParsedOptions } from './options.ts';
import type { PrepareContext } from './plan-topics.ts';
import type { BatchMaker } from './replication/append-queue.ts';
import type { AppendLimits } from './replication/appender.ts';
import type { LinkProducer } from './replication/batch-stamp.ts';
import type { FetchLimits } from './replication/fetcher.ts';
import type { FillPolicy } from './replication/fill-policy.ts';
import type { MarkerLimits } from './replication/marker-writer.ts';
import type { PartitionListener, PartitionOptions } from './replication/partition-ports.ts';
import type { ReplicatorOptions } from './replication/replicator.ts';
import type { TransactionMode } from './replication/transaction-mode.ts';
import type { LinkIdentity } from './store/link-store.ts';

/** The broker gives up on its followers before the connection gives up on the broker, so that the answer says what happened. */
const BROKER_SHARE_OF_TIMEOUT = 0.8;

/** With sixteen batches in it a request costs little more than its bytes do. Of transactions it carries those of one producer alone: there connections help. */
const PARTITIONS_PER_APPENDER: Readonly<Record<TransactionMode, number>> = { committed: 16, exact: 1 };

/** What a partition may have queued: two full answers, so that one is appended while the next is fetched. */
const QUEUED_ANSWERS = 2;

/**
 * What is looked up for every batch and request. Classes, and not objects with getters of their own: V8 keeps those as dictionaries, in which a look costs
 * ten times as much, and what it optimizes calls them where it would have put them in.
 */
abstract class FromConfigs {
  readonly #live: LiveConfigs;

  constructor(live: LiveConfigs) {
    this.#live = live;
  }

  protected get now(): LinkConfigs {
    return this.#live.values;
  }
}

class FetchConfigs extends FromConfigs implements FetchLimits {
  get responseMaxBytes(): number {
    return this.now.replicaFetchResponseMaxBytes;
  }

  get partitionMaxBytes(): number {
    return this.now.replicaFetchMaxBytes;
  }

  get minBytes(): number {
    return this.now.replicaFetchMinBytes;
  }

  get waitMaxMs(): number {
    return this.now.replicaFetchWaitMaxMs;
  }

  get requestTimeoutMs(): number {
    return this.now.requestTimeoutMs;
  }
}

class AppendConfigs extends FromConfigs implements AppendLimits {
  readonly transactionalId: string;

  constructor(live: LiveConfigs, transactionalId: string) {
    super(live);
    this.transactionalId = transactionalId;
  }

  get acks(): -1 | 1 {
    return this.now.acks === 'all' ? -1 : 1;
  }

  get timeoutMs(): number {
    return Math.max(1, Math.floor(this.now.requestTimeoutMs * BROKER_SHARE_OF_TIMEOUT));
  }

  get maxInFlightRequests(): number {
    return this.now.appendInFlightRequests;
  }

  get requestMaxBytes(): number {
    return this.now.appendRequestMaxBytes;
  }
}

class MarkerConfigs extends FromConfigs implements MarkerLimits {
  get requestMaxMarkers(): number {
    return this.now.fillRequestMaxMarkers;
  }

  get maxInFlightRequests(): number {
    return this.now.appendInFlightRequests;
  }
}

type PartitionPorts = Pick<PartitionOptions, 'producer' | 'maker' | 'listener'>;

/** For all partitions of a link. */
export class PartitionConfigs extends FromConfigs implements PartitionOptions {
  readonly producer: LinkProducer;
  readonly transactions: TransactionMode;
  readonly maker: BatchMaker;
  readonly listener: PartitionListener;
  readonly #fillPolicy: () => FillPolicy;

  constructor(live: LiveConfigs, { producer, maker, listener }: PartitionPorts, fillPolicy: () => FillPolicy) {
    super(live);
    this.producer = producer;
    this.transactions = live.values.transactions;
    this.maker = maker;
    this.listener = listener;
    this.#fillPolicy = fillPolicy;
  }

  get queueLimitBytes(): number {
    return QUEUED_ANSWERS * this.now.replicaFetchMaxBytes;
  }

  get fillPolicy(): FillPolicy {
    return this.#fillPolicy();
  }
}

export const replicatorOptions = (
  options: ParsedOptions,
  { source, destination }: PrepareContext,
  identity: LinkIdentity,
  fillPolicy: () => FillPolicy,
): ReplicatorOptions => {
  const { clock, random, live } = options;
  const now = (): LinkConfigs => live.values;
  return {
    source,
    destination,
    clock,
    random,
    producer: identity,
    fetch: new FetchConfigs(live),
    append: new AppendConfigs(live, transactionalIdOf(options.name)),
    markers: new MarkerConfigs(live),
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
