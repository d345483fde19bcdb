/** What is done to a source cluster so that its logs become nasty: a script of steps, plain data, the same for the same seed. */
import type { PartitionName, ProducerAct } from './nasty-java.ts';

/** A record and where it goes. */
export interface ScriptedRecord extends PartitionName {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
  /** Without one the producer takes its clock. */
  readonly timestamp?: number;
}

/** What a topic goes through. Each in half of the topics, so that every pair meets. */
export interface Traits {
  /** Transactions write into it, besides plain producers. */
  readonly transactional: boolean;
  /** Cleaned by the log cleaner, from the beginning or from the middle of the script on. */
  readonly compacted: boolean;
  /** Its log start moves. */
  readonly trimmed: boolean;
  /** `message.timestamp.type` changes back and forth. */
  readonly restamped: boolean;
  /** Times of records jump: long ago, far ahead, backwards. */
  readonly wildTimes: boolean;
}

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
  readonly traits: Traits;
}

export type Step =
  | {
      readonly do: 'open';
      readonly producer: string;
      readonly config: Readonly<Record<string, string>>;
      readonly transactionalId: string | null;
    }
  | { readonly do: 'send'; readonly producer: string; readonly records: readonly ScriptedRecord[] }
  | { readonly do: ProducerAct; readonly producer: string }
  /** Waits until the coordinator has aborted what a dead producer left. */
  | { readonly do: 'expire'; readonly transactionalId: string }
  | { readonly do: 'configure'; readonly topic: string; readonly set: Readonly<Record<string, string>> }
  /** Moves the log start to this share of the way to the log end. */
  | ({ readonly do: 'trim'; readonly share: number } & PartitionName)
  /** One batch that no Java producer would send: records without a time (−1) among others with one. */
  | ({ readonly do: 'append-timeless'; readonly records: number; readonly seed: number } & PartitionName)
  /** So many offsets of which nothing is left: appended and trimmed away. */
  | ({ readonly do: 'pad'; readonly offsets: number } & PartitionName)
  /** Waits until the log cleaner has been through everything it may touch. */
  | { readonly do: 'clean'; readonly topics: readonly string[] };

/** Topics, and steps to be done one after the other. */
export interface Script {
  readonly seed: number;
  readonly topics: readonly TopicPlan[];
  readonly steps: readonly Step[];
  /** To be done when the cleaner is kept away: the last records, which leave every compacted log something to clean. */
  readonly finale: readonly Step[];
}

/** Every partition of these topics. */
export const partitionsOf = (topics: readonly TopicPlan[]): PartitionName[] =>
  topics.flatMap(({ name, partitions }) => Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })));
