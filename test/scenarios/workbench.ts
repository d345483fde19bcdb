/** What a scenario does to a cluster over the wire: topics, rights, writing and reading, on connections of its own. */
import { BrokerError } from '../../src/client/broker-error.ts';
import { systemClock } from '../../src/client/clock.ts';
import { Cluster } from '../../src/client/cluster.ts';
import { openTcp } from '../../src/client/transport.ts';
import { ErrorCode } from '../../src/protocol/error-codes.ts';
import { CreatePartitions } from '../../src/protocol/messages/create-partitions.ts';
import { CreateTopics } from '../../src/protocol/messages/create-topics.ts';
import { DeleteRecords } from '../../src/protocol/messages/delete-records.ts';
import { DeleteTopics } from '../../src/protocol/messages/delete-topics.ts';
import { DescribeConfigs } from '../../src/protocol/messages/describe-configs.ts';
import { IncrementalAlterConfigs } from '../../src/protocol/messages/incremental-alter-configs.ts';
import { OffsetCommit } from '../../src/protocol/messages/offset-commit.ts';
import { OffsetFetch } from '../../src/protocol/messages/offset-fetch.ts';
import { Produce } from '../../src/protocol/messages/produce.ts';
import { WriteTxnMarkers } from '../../src/protocol/messages/write-txn-markers.ts';
import { ZERO_UUID } from '../../src/protocol/schema.ts';
import { readRange, type WalkedLog, walkPartition } from './log-walk.ts';
import { Rights } from './rights.ts';
import { type ProducerIds, type TransactionView, transactionView } from './transaction-view.ts';
import { type VisibleLog, visibleLog } from './visible-records.ts';

const MIB = 1024 * 1024;
const PATIENCE_MS = 60_000;
const ADMIN_TIMEOUT_MS = 30_000;
/** Transactions aside, nothing newer is needed. */
const MAX_PRODUCE_VERSION = 11;
const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;

export class Workbench implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly rights: Rights;

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.rights = new Rights(cluster);
  }

  static async open(bootstrap: readonly string[], role: string): Promise<Workbench> {
    const settings = {
      role,
      bootstrap: bootstrap.map((address) => {
        const [host = '', port] = address.split(':');
        return { host, port: Number(port) };
      }),
      clientId: 'workbench',
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
      maxInFlightBytes: 256 * MIB,
      maxFrameBytes: 256 * MIB,
      retry: { backoffMs: 20, maxBackoffMs: 200 },
    };
    const ports = { clock: systemClock, random: Math.random, openTransport: openTcp };
    return new Workbench(await Cluster.connect(settings, ports, { timeoutMs: PATIENCE_MS }));
  }

  async createTopic(name: string, options: { partitions?: number; replicationFactor?: number; configs?: object } = {}): Promise<void> {
    const { partitions = 1, replicationFactor = -1, configs = {} } = options;
    // Times of test records are near now, but never let a retention task into a comparison of two logs.
    const all = Object.entries({ 'retention.ms': '-1', ...configs }).map(([key, value]) => ({ name: key, value: String(value) }));
    const topic = { name, numPartitions: partitions, replicationFactor, assignments: [], configs: all };
    await this.#attempt([], async (count) => {
      const { topics } = await this.cluster.send(CreateTopics, { topics: [topic], timeoutMs: ADMIN_TIMEOUT_MS }, 'controller');
      const code = topics[0]!.errorCode;
      // The topic of an attempt whose answer was lost.
      if (count > 1 && code === ErrorCode.TOPIC_ALREADY_EXISTS) return;
      judge(code, `create topic ${name}`, topics[0]!.errorMessage);
    });
    await this.awaitTopic(name, partitions);
  }

  /** What a read_committed consumer sees of a partition. */
  visible(topic: string, partition: number): Promise<VisibleLog> {
    return this.#attempt([topic], () => visibleLog(this.cluster, topic, partition));
  }

  /** Commits for a group that has no members. */
  async commit(group: string, topic: string, partition: number, offset: number): Promise<void> {
    const partitions = [{ partitionIndex: partition, committedOffset: BigInt(offset), committedMetadata: '' }];
    await this.#attempt([], async () => {
      const { topics } = await this.cluster.send(OffsetCommit, { groupId: group, topics: [{ name: topic, partitions }] }, { group });
      judge(topics[0]!.partitions[0]!.errorCode, `commit for group ${group}`);
    });
  }

  /** What a group has committed; −1 for nothing. */
  committed(group: string, topic: string, partition: number): Promise<number> {
    return this.#attempt([], async () => {
      const asked = { topics: [{ name: topic, partitionIndexes: [partition] }] };
      const { topics, errorCode } = await this.cluster.send(OffsetFetch, { groupId: group, ...asked }, { group }, { maxVersion: 7 });
      judge(errorCode, `read the offsets of group ${group}`);
      return Number(topics[0]?.partitions[0]?.committedOffset ?? -1);
    });
  }

  /** The partition with its transactions; `ids`: whether producers have the ids of the source or those that a link gives them. */
  transactions(topic: string, partition: number, ids: ProducerIds): Promise<TransactionView> {
    return this.#attempt([topic], () => transactionView(this.cluster, topic, partition, ids));
  }

  /** Ends a transaction as its coordinator would. */
  async writeMarker(
    topic: string,
    partition: number,
    { producerId, producerEpoch = 0, commit }: { readonly producerId: bigint; readonly producerEpoch?: number; readonly commit: boolean },
  ): Promise<void> {
    const topics = [{ name: topic, partitionIndexes: [partition] }];
    // No coordinator is older than one that will never be.
    const marker = { producerId, producerEpoch, transactionResult: commit, topics, coordinatorEpoch: 1_000 };
    await this.#attempt([topic], async () => {
      const { markers } = await this.cluster.send(
        WriteTxnMarkers,
        { markers: [marker] },
        { leader: { topic, partition } },
        { maxVersion: 1 },
      );
      judge(markers[0]!.topics[0]!.partitions[0]!.errorCode, `end a transaction in ${topic}-${partition}`);
    });
  }

  /** Resolves when every partition has a leader that answers. */
  async awaitTopic(name: string, partitions: number): Promise<void> {
    await this.#attempt([name], async () => {
      await this.cluster.refreshMetadata([name]);
      const found = this.cluster.metadata.topic(name);
      const led = found?.partitions.filter(({ leaderId }) => leaderId >= 0).length ?? 0;
      if (led !== partitions) throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, `find ${partitions} leaders of ${name}`);
      await readRange(this.cluster, name, 0);
      await readRange(this.cluster, name, partitions - 1);
    });
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#attempt([], async () => {
      const { responses } = await this.cluster.send(
        DeleteTopics,
        { topics: [{ name, topicId: ZERO_UUID }], topicNames: [name], timeoutMs: ADMIN_TIMEOUT_MS },
        'controller',
      );
      judge(responses[0]!.errorCode, `delete topic ${name}`, responses[0]!.errorMessage);
    });
    await this.#attempt([], async () => {
      if ((await this.topics()).includes(name)) throw new BrokerError(ErrorCode.REQUEST_TIMED_OUT, `see ${name} deleted`);
    });
  }

  async growTopic(name: string, total: number): Promise<void> {
    await this.#attempt([], async () => {
      const request = { topics: [{ name, count: total, assignments: null }], timeoutMs: ADMIN_TIMEOUT_MS, validateOnly: false };
      const { results } = await this.cluster.send(CreatePartitions, request, 'controller');
      judge(results[0]!.errorCode, `grow topic ${name}`, results[0]!.errorMessage);
    });
    await this.awaitTopic(name, total);
  }

  async setConfigs(name: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const resources = [
      {
        resourceType: TOPIC_RESOURCE,
        resourceName: name,
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, configOperation: 0, value })),
      },
    ];
    const { responses } = await this.cluster.send(IncrementalAlterConfigs, { resources, validateOnly: false }, 'controller');
    judge(responses[0]!.errorCode, `set configs of ${name}`, responses[0]!.errorMessage);
    await this.#attempt([], async () => {
      const now = await this.configs(name);
      if (Object.entries(configs).some(([key, value]) => now[key] !== value)) {
        throw new BrokerError(ErrorCode.REQUEST_TIMED_OUT, `see the configs of ${name} changed`);
      }
    });
  }

  /** Sets a config as the default of all brokers; resolves when each of them says so. */
  async setBrokerDefault(key: string, value: string): Promise<void> {
    const configs = [{ name: key, configOperation: 0, value }];
    const resources = [{ resourceType: BROKER_RESOURCE, resourceName: '', configs }];
    const { responses } = await this.cluster.send(IncrementalAlterConfigs, { resources, validateOnly: false }, 'controller');
    judge(responses[0]!.errorCode, `set ${key}=${value}`, responses[0]!.errorMessage);
    await this.#attempt([], async () => {
      for (const broker of this.cluster.metadata.brokers.keys()) {
        if ((await this.brokerConfig(broker, key)) !== value) throw new BrokerError(ErrorCode.REQUEST_TIMED_OUT, `see ${key} changed`);
      }
    });
  }

  /** A config that is in force at a broker; undefined when it does not know it. */
  async brokerConfig(broker: number, key: string): Promise<string | null | undefined> {
    const resources = [{ resourceType: BROKER_RESOURCE, resourceName: String(broker), configurationKeys: [key] }];
    const { results } = await this.cluster.send(DescribeConfigs, { resources }, { broker });
    judge(results[0]!.errorCode, `describe broker ${broker}`, results[0]!.errorMessage);
    return results[0]!.configs[0]?.value;
  }

  async configs(name: string): Promise<Readonly<Record<string, string | null>>> {
    const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: null }];
    const { results } = await this.cluster.send(DescribeConfigs, { resources }, 'any');
    judge(results[0]!.errorCode, `describe configs of ${name}`, results[0]!.errorMessage);
    return Object.fromEntries(results[0]!.configs.map((config) => [config.name, config.value]));
  }

  /** Names of all topics, sorted. */
  async topics(): Promise<readonly string[]> {
    return (await this.cluster.listTopics()).map(({ name }) => name).sort();
  }

  async topicId(name: string): Promise<string | null> {
    await this.cluster.refreshMetadata([name]);
    return this.cluster.metadata.topic(name)?.topicId ?? null;
  }

  async leaderOf(topic: string, partition: number): Promise<number> {
    await this.cluster.refreshMetadata([topic]);
    return this.cluster.metadata.partition(topic, partition)?.leaderId ?? -1;
  }

  /** Appends batches one after the other and resolves with their base offsets. One whose answer is lost may be stored twice. */
  async append(topic: string, partition: number, batches: readonly Buffer[]): Promise<number[]> {
    const offsets: number[] = [];
    for (const records of batches) {
      offsets.push(
        await this.#attempt([topic], async () => {
          const { responses } = await this.cluster.send(
            Produce,
            { acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData: [{ index: partition, records }] }] },
            { leader: { topic, partition } },
            { maxVersion: MAX_PRODUCE_VERSION },
          );
          const answer = responses[0]!.partitionResponses[0]!;
          judge(answer.errorCode, `append to ${topic}-${partition}`, answer.errorMessage);
          return Number(answer.baseOffset);
        }),
      );
    }
    return offsets;
  }

  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    await this.#attempt([topic], async () => {
      const partitions = [{ partitionIndex: partition, offset: BigInt(before) }];
      const { topics } = await this.cluster.send(
        DeleteRecords,
        { topics: [{ name: topic, partitions }], timeoutMs: ADMIN_TIMEOUT_MS },
        { leader: { topic, partition } },
      );
      judge(topics[0]!.partitions[0]!.errorCode, `delete records of ${topic}-${partition}`);
    });
  }

  range(topic: string, partition: number): Promise<{ readonly start: number; readonly end: number }> {
    return this.#attempt([topic], () => readRange(this.cluster, topic, partition));
  }

  walk(topic: string, partition: number, before?: number): Promise<WalkedLog> {
    return this.#attempt([topic], () => walkPartition(this.cluster, topic, partition, before));
  }

  /** Every partition of the topic. */
  async walkAll(topic: string): Promise<readonly WalkedLog[]> {
    await this.cluster.refreshMetadata([topic]);
    const count = this.cluster.metadata.topic(topic)?.partitions.length ?? 0;
    return Promise.all(Array.from({ length: count }, (_, partition) => this.walk(topic, partition)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cluster.close();
  }

  /** Brokers restart under the workbench as well: whatever may pass is tried again, with fresh metadata of `topics`. */
  #attempt<T>(topics: readonly string[], attempt: (count: number) => Promise<T>): Promise<T> {
    return this.cluster.retry(
      async (count) => {
        const unknown = topics.some((topic) => this.cluster.metadata.topic(topic) === undefined);
        if (count > 1 || unknown) await this.cluster.refreshMetadata(topics);
        return attempt(count);
      },
      { timeoutMs: PATIENCE_MS },
    );
  }
}

const judge = (code: number, doing: string, detail: string | null = null): void => {
  if (code !== ErrorCode.NONE) throw new BrokerError(code, doing, { detail });
};
