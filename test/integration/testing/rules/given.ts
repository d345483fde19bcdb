/** What a case of the rules has at hand: a broker's address, a bare client, and the few requests that nearly every case makes. */
import { isDeepStrictEqual } from 'node:util';
import type { RecordBatch } from '../../../../src/codec/record-batch.ts';
import { batchesOf } from '../../../../src/codec/record-set.ts';
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { CreateTopics } from '../../../../src/protocol/messages/create-topics.ts';
import { DeleteRecords } from '../../../../src/protocol/messages/delete-records.ts';
import { DescribeProducers } from '../../../../src/protocol/messages/describe-producers.ts';
import { Fetch } from '../../../../src/protocol/messages/fetch.ts';
import { IncrementalAlterConfigs } from '../../../../src/protocol/messages/incremental-alter-configs.ts';
import { InitProducerId } from '../../../../src/protocol/messages/init-producer-id.ts';
import { ListOffsets } from '../../../../src/protocol/messages/list-offsets.ts';
import { Metadata } from '../../../../src/protocol/messages/metadata.ts';
import { Produce } from '../../../../src/protocol/messages/produce.ts';
import { WriteTxnMarkers } from '../../../../src/protocol/messages/write-txn-markers.ts';
import type { RequestOf } from '../../../../src/protocol/schema.ts';
import { RawClient } from '../raw-client.ts';
import { type Housekeeping, realHousekeeping } from './housekeeping.ts';

const { NONE, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER } = ErrorCode;

/** Where a case runs. */
export interface RuleTarget {
  /** A single broker. */
  readonly address: string;
  readonly release: '2.8' | '3.9' | '4.0' | '4.1' | '4.4';
  /** Default: waits for it. */
  readonly housekeeping?: Housekeeping;
}

/** One case: throws when the broker does something else. */
export interface BrokerRule {
  readonly name: string;
  readonly run: (given: Given) => Promise<void>;
}

export type ExpectEqual = (actual: unknown, expected: unknown, what?: string) => void;
export type Configs = Readonly<Record<string, string>>;
/** `ConfigResource.Type`. */
const TOPIC = 2;
const BROKERS = 4;
let topicNumber = 0;

/** What a case has at hand. */
export class Given {
  readonly target: RuleTarget;
  readonly client: RawClient;
  readonly expect: ExpectEqual;
  readonly housekeeping: Housekeeping;

  constructor(target: RuleTarget, client: RawClient, expect: ExpectEqual) {
    this.target = target;
    this.housekeeping = target.housekeeping ?? realHousekeeping;
    this.client = client;
    this.expect = expect;
  }

  since(release: RuleTarget['release']): boolean {
    return Number(this.target.release) >= Number(release);
  }

  /** A topic that takes records of any age and never loses one. */
  topic(configs: Configs = {}, partitions = 1, replicas: readonly number[] = []): Promise<string> {
    const defaults = this.since('4.0') ? { 'message.timestamp.after.max.ms': '9223372036854775807' } : {};
    return this.plainTopic({ 'retention.ms': '-1', ...defaults, ...configs }, partitions, replicas);
  }

  /** Makes a topic and waits until it can be written. With `replicas` the first of them, which is the one we ask, leads every partition. */
  async plainTopic(configs: Configs = {}, partitions = 1, replicas: readonly number[] = []): Promise<string> {
    const name = `rule-${process.pid}-${++topicNumber}`;
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
    const counts = { numPartitions: partitions, replicationFactor: 1, assignments: [] };
    const assignments = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, brokerIds: [...replicas] }));
    const placed = replicas.length === 0 ? counts : { numPartitions: -1, replicationFactor: -1, assignments };
    const { topics } = await this.client.ask(CreateTopics, 4, { topics: [{ name, ...placed, configs: entries }], timeoutMs: 30_000 });
    this.expect(topics[0]?.errorCode, NONE, `creating ${name}`);
    // A fresh partition may answer NOT_LEADER_OR_FOLLOWER for a moment.
    for (let index = 0; index < partitions; index++) {
      for (;;) {
        const { errorCode } = await this.offsetOf(name, -2n, { index });
        if (errorCode === NONE) break;
        if (errorCode !== NOT_LEADER_OR_FOLLOWER && errorCode !== UNKNOWN_TOPIC_OR_PARTITION)
          throw new Error(`topic is not ready: ${errorCode}`);
      }
    }
    return name;
  }

  /** Produces to partition 0 and returns what the broker says of it. */
  async produce(
    topic: string,
    records: Buffer | null,
    { version = 8, acks = -1, transactionalId = null }: { version?: number; acks?: number; transactionalId?: string | null } = {},
  ) {
    const { responses } = await this.client.ask(Produce, version, {
      transactionalId,
      acks,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    });
    return responses[0]!.partitionResponses[0]!;
  }

  /** The error code and base offset of a Produce. */
  async outcome(topic: string, records: Buffer | null, options: Parameters<Given['produce']>[2] = {}): Promise<[number, bigint]> {
    const { errorCode, baseOffset } = await this.produce(topic, records, options);
    return [errorCode, baseOffset];
  }

  /** Fetches partition 0. */
  async fetch(
    topic: string,
    offset: bigint,
    options: Partial<RequestOf<typeof Fetch>> & { partitionMaxBytes?: number; version?: number } = {},
  ) {
    const { partitionMaxBytes = 1 << 20, version = 11, ...rest } = options;
    const answer = await this.client.ask(Fetch, version, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionEpoch: -1,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes }] }],
      ...rest,
    });
    return { ...answer, partition: answer.responses[0]?.partitions[0] };
  }

  /** The batches a fetch from `offset` returns. */
  async batches(topic: string, offset = 0n, isolationLevel = 0): Promise<RecordBatch[]> {
    const { partition } = await this.fetch(topic, offset, { isolationLevel });
    this.expect(partition?.errorCode, NONE, 'fetching');
    return [...batchesOf(partition?.records ?? Buffer.alloc(0))];
  }

  /** Every batch of partition 0 from `offset` on, through as many fetches as it has segments. */
  async stored(topic: string, offset = 0n): Promise<RecordBatch[]> {
    const found: RecordBatch[] = [];
    for (let at = offset; ; ) {
      const more = await this.batches(topic, at);
      const last = more.at(-1);
      if (last === undefined) return found;
      found.push(...more);
      at = last.nextOffset;
    }
  }

  async offsetOf(topic: string, timestamp: bigint, { index = 0, version = 5, replicaId = -1, isolationLevel = 0 } = {}) {
    const { topics } = await this.client.ask(ListOffsets, version, {
      replicaId,
      isolationLevel,
      topics: [{ name: topic, partitions: [{ partitionIndex: index, timestamp }] }],
    });
    return topics[0]!.partitions[0]!;
  }

  async endOf(topic: string): Promise<bigint> {
    return (await this.offsetOf(topic, -1n)).offset;
  }

  async markers(
    topic: string,
    ...markers: readonly { producerId: bigint; producerEpoch?: number; commit?: boolean; coordinatorEpoch?: number }[]
  ) {
    const answer = await this.client.ask(WriteTxnMarkers, 1, {
      markers: markers.map(({ producerId, producerEpoch = 0, commit = true, coordinatorEpoch = 0 }) => ({
        producerId,
        producerEpoch,
        transactionResult: commit,
        topics: [{ name: topic, partitionIndexes: [0] }],
        coordinatorEpoch,
      })),
    });
    return answer.markers.map(({ topics }) => topics[0]?.partitions[0]?.errorCode);
  }

  /** What the broker remembers of the producers of partition 0. */
  async producers(topic: string) {
    const { topics } = await this.client.ask(DescribeProducers, 0, { topics: [{ name: topic, partitionIndexes: [0] }] });
    return topics[0]!.partitions[0]!.activeProducers;
  }

  async deleteRecords(topic: string, offset: bigint) {
    const { topics } = await this.client.ask(DeleteRecords, 1, {
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }],
      timeoutMs: 10_000,
    });
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!;
    return [errorCode, lowWatermark];
  }

  /** A new producer id of the broker's own. */
  async producerId(): Promise<bigint> {
    for (;;) {
      const { errorCode, producerId } = await this.client.ask(InitProducerId, 1, { transactionalId: null, transactionTimeoutMs: 60_000 });
      if (errorCode === NONE) return producerId;
    }
  }

  /** For what a real broker hears of a moment later: asks until the answer is right, for ten seconds at most. */
  async eventually(ask: () => Promise<unknown>, expected: unknown, what?: string): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (;;) {
      const actual = await ask();
      if (isDeepStrictEqual(actual, expected) || performance.now() > deadline) return this.expect(actual, expected, what);
    }
  }

  /** A second connection to the same broker. */
  another(): Promise<RawClient> {
    return RawClient.to(this.target.address);
  }

  /** Makes a topic of a name that was just deleted; real brokers need a moment for that. */
  async recreate(name: string): Promise<void> {
    for (;;) {
      const { topics } = await this.client.ask(CreateTopics, 4, {
        topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: 30_000,
      });
      if (topics[0]?.errorCode === NONE) break;
    }
    for (;;) if ((await this.offsetOf(name, -2n)).errorCode === NONE) return;
  }

  async metadata(topic: string) {
    const { topics } = await this.client.ask(Metadata, 8, { topics: [{ name: topic }], allowAutoTopicCreation: false });
    return topics[0]!;
  }

  async topicId(topic: string): Promise<string> {
    const { topics } = await this.client.ask(Metadata, 10, { topics: [{ name: topic }], allowAutoTopicCreation: false });
    return topics[0]!.topicId;
  }

  /** Switches the check with the transaction coordinator, where there is one, off or on again for all brokers. */
  verification(enabled: boolean): Promise<void> {
    return this.alter(BROKERS, '', { 'transaction.partition.verification.enable': String(enabled) });
  }

  /** Sets configs of a topic. */
  configure(topic: string, configs: Configs): Promise<void> {
    return this.alter(TOPIC, topic, configs);
  }

  async alter(resourceType: number, resourceName: string, configs: Configs): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, configOperation: 0, value }));
    const { responses } = await this.client.ask(IncrementalAlterConfigs, 1, {
      resources: [{ resourceType, resourceName, configs: entries }],
      validateOnly: false,
    });
    this.expect(responses[0]?.errorCode, NONE, `setting ${Object.keys(configs).join()}`);
  }
}
