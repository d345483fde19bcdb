/** What a scenario needs of the world: two clusters and the faults they can be made to have. Embedded and real clusters both give it. */
import type { IsolationLevel } from '../../src/client/fetch-partition.ts';
import type { Workbench } from './workbench.ts';

/** Bytes to be put at the end of a partition's log as they are, past every rule for producers. */
export interface RawAppend {
  readonly topic: string;
  readonly partition: number;
  /** Whole batches or messages with their absolute offsets, at or after the log end. */
  readonly bytes: Buffer;
}

/** Where a log loses its tail. */
export interface LogCut {
  readonly topic: string;
  readonly partition: number;
  /** The base of the first batch that is lost. */
  readonly offset: number;
}

/** One cluster as a scenario handles it. Every call resolves when the cluster really shows the change. */
export interface ClusterControl {
  readonly bootstrap: readonly string[];
  readonly brokerIds: readonly number[];
  /** Ordinary requests over connections that are not the link's. */
  readonly bench: Workbench;
  /** `kill -9`: connections drop, nothing is handed over. */
  kill(broker: number): Promise<void>;
  /** Orderly: leaders are handed over first. */
  stop(broker: number): Promise<void>;
  /** On the same port and data as before. */
  start(broker: number): Promise<void>;
  /** The broker keeps its connections and answers nothing. */
  stall(broker: number): Promise<void>;
  resume(broker: number): Promise<void>;
  moveLeader(topic: string, partition: number, broker: number): Promise<void>;
  /** Has the brokers ask clients for silence, as quotas do (KIP-219): those of this client id at least. */
  throttle(clientId: string): Promise<void>;
  unthrottle(clientId: string): Promise<void>;
  /** What compaction, transactions and old brokers leave behind, without waiting for them. Single-broker topics only; the broker may restart. */
  appendRaw(appends: readonly RawAppend[]): Promise<void>;
  /** Loses the tails of logs, as an unclean election or a power cut does. Single-broker topics only; the broker may restart. */
  truncate(cuts: readonly LogCut[]): Promise<void>;
  /** Flips a bit in the payload of the stored batch that begins at `offset`. Single-broker topics only. */
  damage(topic: string, partition: number, offset: number): Promise<void>;
}

/** Where a scenario plays. */
export interface Environment extends AsyncDisposable {
  readonly name: string;
  readonly source: ClusterControl;
  readonly destination: ClusterControl;
  /** Further clusters of one broker each, of the destination's release: started when they are first asked for, and kept for who asks next. */
  readonly others: (count: number) => Promise<readonly ClusterControl[]>;
  /** What Kafka's own consumer says of a topic on both sides, where there is one to ask: equal for equal logs. Default `read_uncommitted`. */
  readonly digests?: (topic: string, isolation?: IsolationLevel) => Promise<{ readonly source: unknown; readonly destination: unknown }>;
}
