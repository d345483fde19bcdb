/** Two real clusters of one broker each: fills the source, clears the destination between runs, and watches it fill up from outside. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { systemClock } from '../src/client/clock.ts';
import { Cluster } from '../src/client/cluster.ts';
import { openTcp } from '../src/client/transport.ts';
import { mirrorTopicConfigs } from '../src/link/topic-configs.ts';
import { ErrorCode } from '../src/protocol/error-codes.ts';
import { ListOffsets } from '../src/protocol/messages/list-offsets.ts';
import { Produce } from '../src/protocol/messages/produce.ts';
import { type KafkaCluster, startKafka } from '../test/support/kafka/cluster.ts';
import { type JavaClient, startJavaClient } from '../test/support/kafka/java-client.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../test/support/kafka/versions.ts';
import type { Cores } from './cores.ts';
import { cpuSeconds } from './process-usage.ts';
import { batchesPerPartition, type Effort, templateBatches, type Workload } from './workloads.ts';

/** What was put into the source topic. */
export interface Loaded {
  /** Of batches as stored. */
  readonly bytes: number;
  /** Offsets, all partitions together. */
  readonly records: number;
  readonly batchBytes: number;
  /** Bytes of the batches that were sent in turn, the same in every partition. */
  readonly batchSizes: readonly number[];
  readonly batchesPerPartition: number;
}

/** What the destination and the kernel showed between the first and the last byte appended. */
export interface Observed {
  readonly seconds: number;
  /** Of the source topic's bytes, those that were appended in that time. */
  readonly bytes: number;
  readonly cpuSeconds: { readonly participant: number; readonly sourceBroker: number; readonly destinationBroker: number };
}

export const TOPIC = 'bench';
const HEAP_MB = 1024;
const POLL_MS = 20;
const RUN_TIMEOUT_MS = 600_000;
const LOAD_LANES = 3;
const LOAD_REQUESTS = 4;
const LOAD_REQUEST_BYTES = 1_000_000;
const BROKER_CONFIG = {
  'log.segment.delete.delay.ms': '100',
  'log.initial.task.delay.ms': '100',
  'log.retention.check.interval.ms': '600000',
};

const connect = (role: string, bootstrap: readonly string[]): Promise<Cluster> =>
  Cluster.connect(
    {
      role,
      bootstrap: bootstrap.map((address) => ({ host: address.split(':')[0]!, port: Number(address.split(':')[1]) })),
      clientId: 'bench',
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 60_000,
      maxInFlightBytes: 64 << 20,
      maxFrameBytes: 64 << 20,
      retry: { backoffMs: 20, maxBackoffMs: 200 },
    },
    { clock: systemClock, random: Math.random, openTransport: openTcp },
    { timeoutMs: 30_000 },
  );

export class Rig implements AsyncDisposable {
  readonly source: KafkaCluster;
  readonly destination: KafkaCluster;
  readonly #java: JavaClient;
  readonly #from: Cluster;
  readonly #to: Cluster;

  private constructor(source: KafkaCluster, destination: KafkaCluster, java: JavaClient, from: Cluster, to: Cluster) {
    this.source = source;
    this.destination = destination;
    this.#java = java;
    this.#from = from;
    this.#to = to;
  }

  static async start(cores: Cores): Promise<Rig> {
    const [source, destination, java] = await Promise.all([
      startKafka({ version: KAFKA_39, heapMb: HEAP_MB, config: BROKER_CONFIG }),
      startKafka({ version: KAFKA_NEWEST, heapMb: HEAP_MB, config: BROKER_CONFIG }),
      startJavaClient(),
    ]);
    await Promise.all([cores.give(source.broker(1).pid!, 'copying'), cores.give(destination.broker(1).pid!, 'destination')]);
    const [from, to] = await Promise.all([connect('source', source.bootstrap), connect('destination', destination.bootstrap)]);
    return new Rig(source, destination, java, from, to);
  }

  /** Fills a fresh source topic, and waits until it is on the disk: writing it back must not fall into a measurement. */
  async load(workload: Workload, effort: Effort): Promise<Loaded> {
    const { partitions } = workload;
    const templates = await templateBatches(workload.shape);
    const batchSizes = templates.map(({ length }) => length);
    const batchBytes = batchSizes.reduce((sum, size) => sum + size, 0) / batchSizes.length;
    const each = batchesPerPartition(workload, effort, batchBytes);
    await this.#java.createTopic(this.source.bootstrap, TOPIC, { partitions });
    await this.#from.refreshMetadata([TOPIC]);
    const lanes = Array.from({ length: LOAD_LANES }, (_, lane) =>
      Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => partition % LOAD_LANES === lane),
    );
    await Promise.all(lanes.map((mine, lane) => this.#fill(`load-${lane}`, mine, each, templates)));
    await promisify(execFile)('sync');
    let bytes = 0;
    for (let batch = 0; batch < each; batch++) bytes += batchSizes[batch % batchSizes.length]!;
    return {
      bytes: bytes * partitions,
      records: each * partitions * workload.shape.recordsPerBatch,
      batchBytes: Math.round(batchBytes),
      batchSizes,
      batchesPerPartition: each,
    };
  }

  async #fill(lane: string, partitions: readonly number[], each: number, templates: readonly Buffer[]): Promise<void> {
    if (partitions.length === 0) return;
    const connection = await this.#from.connection(1, lane);
    const perRequest = Math.max(1, Math.floor(LOAD_REQUEST_BYTES / templates[0]!.length));
    const running = new Set<Promise<void>>();
    for (let batch = 0; batch < each; batch++) {
      for (let at = 0; at < partitions.length; at += perRequest) {
        const partitionData = partitions
          .slice(at, at + perRequest)
          .map((index) => ({ index, records: templates[batch % templates.length]! }));
        const request = connection
          .send(Produce, { acks: 1, timeoutMs: 30_000, topicData: [{ name: TOPIC, partitionData }] }, { maxVersion: 11 })
          .then(({ responses }) => {
            const refused = responses[0]!.partitionResponses.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
            if (refused !== undefined) throw new Error(`the source refused a batch with error ${refused.errorCode}`);
            running.delete(request);
          });
        running.add(request);
        if (running.size >= LOAD_REQUESTS) await Promise.race(running);
      }
    }
    await Promise.all(running);
  }

  /** An empty mirror topic as a link would make it, for participants that do not make their own. */
  async createMirror({ partitions }: Workload): Promise<void> {
    await this.#java.createTopic(this.destination.bootstrap, TOPIC, { partitions, config: mirrorTopicConfigs(new Map()) });
  }

  async clearSource(): Promise<void> {
    await this.#clear(this.source);
  }

  async clearDestination(): Promise<void> {
    await this.#clear(this.destination);
  }

  /** Deletes the topic and waits until its files are gone. */
  async #clear(cluster: KafkaCluster): Promise<void> {
    await this.#java.deleteTopic(cluster.bootstrap, TOPIC);
    const { dataDir } = cluster.broker(1);
    const left = async (): Promise<boolean> =>
      (await readdir(dataDir)).some((name) => name.startsWith(`${TOPIC}-`) || name.endsWith('-delete'));
    while (await left()) await delay(50);
  }

  /** Offsets of all partitions of the mirror together. */
  async appended(): Promise<number> {
    const partitions = this.#to.metadata.topic(TOPIC)?.partitions ?? [];
    const asked = partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp: -1n }));
    if (asked.length === 0) {
      await this.#to.refreshMetadata([TOPIC]);
      return 0;
    }
    const { topics } = await this.#to.send(ListOffsets, { replicaId: -1, topics: [{ name: TOPIC, partitions: asked }] }, { broker: 1 });
    return topics[0]!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  }

  /**
   * Watches the mirror fill up. CPU and time count from the first look that sees a record, or more than the share `after` of them (0 to 1), to the first that
   * sees all.
   */
  async observe(pid: number, { bytes, records }: Loaded, after: number): Promise<Observed> {
    const pids = [pid, this.source.broker(1).pid!, this.destination.broker(1).pid!];
    await this.#to.refreshMetadata([TOPIC]);
    const look = async () => {
      const count = await this.appended();
      return { count, at: performance.now(), cpu: pids.map(cpuSeconds) };
    };
    const deadline = performance.now() + RUN_TIMEOUT_MS;
    let first = await look();
    while (first.count <= after * records) {
      if (performance.now() > deadline) throw new Error(`only ${first.count} of ${records} records were appended`);
      await delay(POLL_MS);
      first = await look();
    }
    let last = first;
    while (last.count < records) {
      if (performance.now() > deadline) throw new Error(`only ${last.count} of ${records} records were appended`);
      await delay(POLL_MS);
      last = await look();
    }
    const [participant, sourceBroker, destinationBroker] = last.cpu.map((cpu, i) => cpu - first.cpu[i]!) as [number, number, number];
    return {
      seconds: (last.at - first.at) / 1000,
      bytes: (bytes * (last.count - first.count)) / records,
      cpuSeconds: { participant, sourceBroker, destinationBroker },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#from.close(), this.#to.close(), this.#java.close()]);
    await Promise.all([this.source.stop(), this.destination.stop()]);
  }
}
