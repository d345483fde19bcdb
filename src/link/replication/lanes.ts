/** The connections of the data path: a fetcher, an appender and a marker writer for each broker that leads a partition, made when first needed. */
import type { Clock } from '../../client/clock.ts';
import type { Cluster } from '../../client/cluster.ts';
import { Appender, type AppendLimits } from './appender.ts';
import { Fetcher, type FetchLimits } from './fetcher.ts';
import { type MarkerLimits, MarkerWriter } from './marker-writer.ts';
import type { PartitionMirror } from './partition-mirror.ts';
import { TRANSACTION_MODES, type TransactionMode } from './transaction-mode.ts';

export interface LaneOptions {
  readonly source: Cluster;
  readonly destination: Cluster;
  readonly clock: Clock;
  readonly transactions: TransactionMode;
  readonly fetch: FetchLimits;
  readonly append: AppendLimits;
  readonly markers: MarkerLimits;
  /** Fetchers per source broker (`num.cluster.link.fetchers`), each with a connection of its own. */
  readonly fetchersPerBroker: number;
  /** Produce connections per destination broker, at most. */
  readonly appendersPerBroker: number;
  /** Partitions that share a produce connection before another one is opened: a request carries one batch of each, and what it costs besides is shared by them. */
  readonly partitionsPerAppender: number;
  /** Bytes between fetch and acknowledgement, over all partitions. */
  readonly bufferBytes: number;
}

/** Where a partition's data come from and go to. */
export interface Route {
  readonly fetcher: Fetcher;
  readonly appender: Appender;
  readonly markers: MarkerWriter;
}

export class Lanes {
  readonly #options: LaneOptions;
  readonly #fetchers = new Map<string, Fetcher>();
  readonly #appenders = new Map<string, Appender>();
  readonly #markerWriters = new Map<number, MarkerWriter>();
  /** By the link's clock: when the source last answered anything on the data path. */
  sourceAnsweredAt: number;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.sourceAnsweredAt = options.clock.now();
  }

  /** Bytes fetched and not yet acknowledged. */
  get bufferedBytes(): number {
    return [...this.#fetchers.values()].reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0);
  }

  /** By the leaders that metadata names now. */
  route(mirror: PartitionMirror): Route {
    const { source, destination, fetchersPerBroker } = this.#options;
    const sourceLeader = source.metadata.partition(mirror.sourceTopic, mirror.partition)?.leaderId ?? -1;
    const destinationLeader = destination.metadata.partition(mirror.topic, mirror.partition)?.leaderId ?? -1;
    return {
      fetcher: this.#fetcher(sourceLeader, spreadOf(mirror) % fetchersPerBroker),
      appender: this.#appenderWithRoom(destinationLeader),
      markers: this.#markerWriter(destinationLeader),
    };
  }

  /** Shares the memory out anew. */
  resize(): void {
    const windowBytes = Math.floor(this.#options.bufferBytes / Math.max(1, this.#fetchers.size));
    for (const fetcher of this.#fetchers.values()) fetcher.resize(windowBytes);
  }

  async closeFetchers(): Promise<void> {
    await Promise.all([...this.#fetchers.values()].map((fetcher) => fetcher.close()));
  }

  /** Resolves when everything on its way to the destination has been answered. */
  async writersIdle(): Promise<void> {
    await Promise.all([...this.#appenders.values(), ...this.#markerWriters.values()].map((writer) => writer.idle()));
  }

  #fetcher(broker: number, index: number): Fetcher {
    const lane = `fetch-${index}`;
    const known = this.#fetchers.get(`${broker}/${lane}`);
    if (known !== undefined) return known;
    const { source, clock, fetch, bufferBytes, transactions } = this.#options;
    const { isolationLevel } = TRANSACTION_MODES[transactions];
    const onAnswer = (): void => {
      this.sourceAnsweredAt = clock.now();
    };
    const windowBytes = Math.floor(bufferBytes / (this.#fetchers.size + 1));
    const fetcher = new Fetcher(source, { id: broker, lane }, { clock, limits: fetch, isolationLevel, windowBytes, onAnswer });
    for (const other of this.#fetchers.values()) other.resize(windowBytes);
    this.#fetchers.set(`${broker}/${lane}`, fetcher);
    return fetcher;
  }

  /** The first that few partitions share; when there is none, the one with the fewest. */
  #appenderWithRoom(broker: number): Appender {
    const { appendersPerBroker, partitionsPerAppender } = this.#options;
    let fewest = this.#appender(broker, 0);
    for (let index = 1; index < appendersPerBroker && fewest.partitions >= partitionsPerAppender; index++) {
      const next = this.#appender(broker, index);
      if (next.partitions < fewest.partitions) fewest = next;
    }
    return fewest;
  }

  #appender(broker: number, index: number): Appender {
    const lane = `append-${index}`;
    const known = this.#appenders.get(`${broker}/${lane}`);
    if (known !== undefined) return known;
    const { destination, append } = this.#options;
    const appender = new Appender(destination, { id: broker, lane }, append);
    this.#appenders.set(`${broker}/${lane}`, appender);
    return appender;
  }

  #markerWriter(broker: number): MarkerWriter {
    const known = this.#markerWriters.get(broker);
    if (known !== undefined) return known;
    const { destination, markers } = this.#options;
    const writer = new MarkerWriter(destination, { id: broker, lane: 'markers' }, markers);
    this.#markerWriters.set(broker, writer);
    return writer;
  }
}

/** Neighbouring partitions go to different lanes, and the first partitions of different topics do not all meet in one. */
const spreadOf = ({ topic, partition }: PartitionMirror): number => {
  let hash = 0;
  for (let i = 0; i < topic.length; i++) hash = (Math.imul(hash, 31) + topic.charCodeAt(i)) | 0;
  return (hash >>> 0) + partition;
};
