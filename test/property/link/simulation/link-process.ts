/** One process of a link in a simulation: the engine as it is, between two simulated clusters. */
import { LinkError } from '../../../../src/errors.ts';
import { batchMaker } from '../../../../src/link/replication/batch-maker.ts';
import type { LinkProducer } from '../../../../src/link/replication/batch-stamp.ts';
import type { FillPolicy } from '../../../../src/link/replication/fill-policy.ts';
import { PartitionMirror } from '../../../../src/link/replication/partition-mirror.ts';
import { Replicator } from '../../../../src/link/replication/replicator.ts';
import type { DestinationLog } from './destination-log.ts';
import type { SimBrokers } from './sim-brokers.ts';
import { SimCluster } from './sim-cluster.ts';
import type { World } from './world.ts';

export interface LinkSettings {
  readonly acks: -1 | 1;
  readonly maxInFlightRequests: number;
  readonly bufferBytes: number;
  readonly partitionMaxBytes: number;
  readonly fillPolicy: FillPolicy;
  readonly sourceTrimmed: 'fill' | 'stop';
}

const PRODUCER: LinkProducer = { producerId: 4_294_968_295n, producerEpoch: 3 };
/** As long as a broker may take to carry out what it has received. */
export const FILL_GRACE_MS = 1_000;

export class LinkProcess {
  readonly source: SimCluster;
  readonly destination: SimCluster;
  readonly replicator: Replicator;
  readonly mirrors: readonly PartitionMirror[];
  readonly #closing = new AbortController();

  constructor(world: World, source: SimBrokers, destination: SimBrokers, settings: LinkSettings) {
    const { acks, partitionMaxBytes, fillPolicy, sourceTrimmed } = settings;
    this.source = new SimCluster(world, source);
    this.destination = new SimCluster(world, destination);
    this.replicator = new Replicator(
      {
        source: this.source.asCluster,
        destination: this.destination.asCluster,
        clock: world.clock,
        random: world.random,
        producer: PRODUCER,
        fetch: { responseMaxBytes: 2_000, partitionMaxBytes, minBytes: 1, waitMaxMs: 500 },
        append: {
          acks,
          timeoutMs: 1_000,
          maxInFlightRequests: settings.maxInFlightRequests,
          requestMaxBytes: 400,
          transactionalId: 'link',
        },
        markers: { requestMaxMarkers: 5, maxInFlightRequests: settings.maxInFlightRequests },
        transactions: 'committed',
        gaps: { fillPolicy, paddingMaxOffsets: 1_000, sourceTrimmed },
        fillGraceMs: FILL_GRACE_MS,
        fetchersPerBroker: 1,
        appendersPerBroker: 2,
        partitionsPerAppender: 1,
        bufferBytes: settings.bufferBytes,
        retry: { backoffMs: 10, maxBackoffMs: 100 },
        retryTimeoutMs: 30_000,
      },
      { phaseChanged: () => {}, progressed: () => {}, check: () => null, disturbed: () => {}, logStartTrouble: () => {} },
    );
    const options = {
      producer: PRODUCER,
      queueLimitBytes: 2 * partitionMaxBytes,
      fillPolicy,
      transactions: 'committed' as const,
      maker: batchMaker({ clock: world.clock, rate: () => 1_000_000, signal: this.#closing.signal }),
      listener: this.replicator,
    };
    this.mirrors = source.logs.map(
      (_, partition) => new PartitionMirror({ topic: destination.topic, sourceTopic: source.topic, partition }, options),
    );
    for (const mirror of this.mirrors) this.replicator.add(mirror);
  }

  /** The link's regular look at idle partitions: is the mirror's log what this process has made of it? */
  lookForForeignWrites(logs: readonly DestinationLog[]): void {
    for (const mirror of this.mirrors) {
      const { phase, inFlight, hasBatchToSend, ackedOffset } = mirror;
      const end = logs[mirror.partition]?.end;
      if (phase !== 'mirroring' || inFlight > 0 || hasBatchToSend || end === ackedOffset) continue;
      mirror.disturb(new LinkError('KLINK_DIVERGED', `${mirror.label} ends at ${end}, not at ${ackedOffset}`, { retriable: true }));
    }
  }

  kill(): void {
    this.source.kill();
    this.destination.kill();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.replicator.close(1_000);
  }
}
