/** What is known of a cluster's brokers, topics and leaders; a newer leader epoch is never overwritten by an older one (KIP-320). */
import { ErrorCode } from '../protocol/error-codes.ts';
import { Metadata, type MetadataResponse } from '../protocol/messages/metadata.ts';
import { ZERO_UUID } from '../protocol/schema.ts';
import type { Endpoint } from './transport.ts';

export interface PartitionInfo {
  readonly partition: number;
  /** Broker id, or -1 when there is no leader at the moment. */
  readonly leaderId: number;
  /** -1 when the broker is too old to tell reliably (before 2.4). */
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface TopicInfo {
  readonly name: string;
  /** As Kafka's tools print it; null on clusters without topic ids (before 2.8). */
  readonly topicId: string | null;
  /** Broker error code for the topic; its partitions are empty unless it is 0. */
  readonly errorCode: number;
  readonly partitions: readonly PartitionInfo[];
}

/** Brokers before 2.4 may tell an old epoch while a partition is reassigned (KAFKA-9212): using it gets every fetch refused as fenced. */
const FIRST_RELIABLE_LEADER_EPOCHS = 9;

export class MetadataCache {
  #clusterId: string | null = null;
  #controllerId = -1;
  #brokers: ReadonlyMap<number, Endpoint> = new Map();
  readonly #topics = new Map<string, TopicInfo>();

  get clusterId(): string | null {
    return this.#clusterId;
  }

  /** A live broker that takes controller requests (KRaft brokers forward them), or -1. */
  get controllerId(): number {
    return this.#controllerId;
  }

  /** Live brokers by id. */
  get brokers(): ReadonlyMap<number, Endpoint> {
    return this.#brokers;
  }

  topic(name: string): TopicInfo | undefined {
    return this.#topics.get(name);
  }

  partition(topic: string, partition: number): PartitionInfo | undefined {
    const partitions = this.#topics.get(topic)?.partitions;
    const expected = partitions?.[partition];
    // Brokers list all partitions; an answer that leaves some out must not shift the others.
    return expected?.partition === partition ? expected : partitions?.find((other) => other.partition === partition);
  }

  /** Why a partition has no leader that could be asked: brokers tell no partitions of a topic that may not be described, and that does not pass by itself. */
  noLeaderCode(topic: string): number {
    const code = this.#topics.get(topic)?.errorCode;
    return code === ErrorCode.TOPIC_AUTHORIZATION_FAILED ? code : ErrorCode.LEADER_NOT_AVAILABLE;
  }

  /** Takes over an answer to Metadata of `version`. Topics it does not speak of stay as they were. */
  apply(response: MetadataResponse, version: number = Metadata.versions.max): void {
    this.#clusterId = response.clusterId ?? this.#clusterId;
    this.#controllerId = response.controllerId;
    this.#brokers = new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    for (const topic of response.topics) {
      if (topic.name === null) continue;
      const topicId = topic.topicId === ZERO_UUID ? null : topic.topicId;
      const before = this.#topics.get(topic.name);
      // A topic that was created anew begins its epochs anew. Without ids, its absence in between is what tells.
      const known = new Map(before?.topicId === topicId ? before.partitions.map((info) => [info.partition, info]) : []);
      const partitions = topic.partitions
        .map(
          (found): PartitionInfo => ({
            partition: found.partitionIndex,
            leaderId: Math.max(-1, found.leaderId),
            leaderEpoch: version < FIRST_RELIABLE_LEADER_EPOCHS ? -1 : found.leaderEpoch,
            replicas: found.replicaNodes,
            isr: found.isrNodes,
          }),
        )
        .sort((a, b) => a.partition - b.partition)
        .map((found) => {
          const last = known.get(found.partition);
          return last !== undefined && found.leaderEpoch >= 0 && last.leaderEpoch > found.leaderEpoch ? last : found;
        });
      this.#topics.set(topic.name, { name: topic.name, topicId, errorCode: topic.errorCode, partitions });
    }
  }
}
