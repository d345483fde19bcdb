/** Kafka's own Java clients for tests: what they write and read back is what a mirror is judged by. */
import { javaClasses } from './java-classes.ts';
import { startLineProcess } from './line-process.ts';
import { KAFKA_NEWEST } from './versions.ts';

/** Offsets and timestamps are plain numbers here: tests stay below 2^53. */
export interface JavaRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly JavaHeader[];
  readonly timestamp: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime' | 'NoTimestampType';
}

export interface JavaHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record to write. Without a partition the producer chooses, without a timestamp it is now. */
export interface RecordToWrite {
  readonly partition?: number;
  readonly key?: Uint8Array | string | null;
  readonly value?: Uint8Array | string | null;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | string | null }[];
  readonly timestamp?: number;
}

/** A reproducible stream of records: the same description gives the same records, round robin over the partitions. */
export interface RecordStream {
  /** Default 1. */
  readonly seed?: number;
  /** Partitions 0 … n−1 are written. Default 1. */
  readonly partitions?: number;
  /** Default 100. With {@link maxValueBytes} the least size. */
  readonly valueBytes?: number;
  readonly maxValueBytes?: number;
  /** Values that do not compress. Default: words. */
  readonly random?: boolean;
  /** Number of different keys. Default 0: null keys. */
  readonly keys?: number;
  /** Headers of each record; every third has a null value. Default 0. */
  readonly headers?: number;
  /** Every n-th record has a null value. Default never. */
  readonly nullValueEvery?: number;
  /** Time of the first record; default: each record's time is now. */
  readonly timestamp?: number;
  /** Milliseconds from one record to the next, with {@link timestamp}. Default 1. */
  readonly timestampStep?: number;
}

/** Settings of the Java producer or consumer in Kafka's names, e.g. `{ 'compression.type': 'lz4', 'batch.size': '250000', 'enable.idempotence': 'false' }`. */
export type ClientConfig = Readonly<Record<string, string>>;

/** Transactions of `size` records (default: one for all); every `abortEvery`-th is aborted (default none). */
export interface TransactionPlan {
  readonly id: string;
  readonly size?: number;
  readonly abortEvery?: number;
}

export type ProduceOptions = { readonly config?: ClientConfig; readonly transaction?: TransactionPlan } & (
  | { readonly records: readonly RecordToWrite[] }
  | (RecordStream & { readonly count: number /** Forces a batch end. */; readonly flushEvery?: number })
);

/** What brokers acknowledged. */
export interface Tally {
  readonly acked: number;
  /** Records the producer gave up. Of `produce` always 0: it rejects instead. */
  readonly failed: number;
  /** The first failure. */
  readonly error: string | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly count: number;
    readonly firstOffset: number;
    readonly lastOffset: number;
  }[];
}

export interface Produced extends Tally {
  /** Of given records outside a transaction: where each went, in their order. */
  readonly offsets: readonly { readonly partition: number; readonly offset: number }[];
}

export interface ReadOptions {
  /** Default read_uncommitted. */
  readonly isolation?: 'read_uncommitted' | 'read_committed';
  readonly config?: ClientConfig;
  /** Gives up when nothing arrives for so long. Default 60 000. */
  readonly timeoutMs?: number;
}

/** One partition as the Java consumer sees it: equal digests mean equal (offset, timestamp, timestamp type, key, value, headers) throughout. */
export interface PartitionDigest {
  readonly partition: number;
  readonly count: number;
  /** Keys, values and headers. */
  readonly bytes: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly sha256: string;
}

export interface PartitionOffsets {
  readonly partition: number;
  readonly start: number;
  /** High watermark, or the last stable offset with read_committed. */
  readonly end: number;
}

export interface NewTopic {
  /** Default 1. */
  readonly partitions?: number;
  /** Default: the brokers' default, which the harness sets to their number. */
  readonly replicationFactor?: number;
  /** Broker ids of each partition, preferred leader first; instead of the two above. */
  readonly replicas?: readonly (readonly number[])[];
  readonly config?: Readonly<Record<string, string>>;
}

export interface TopicDescription {
  /** Kafka's base64 text; all `A` before 2.8. */
  readonly topicId: string;
  readonly partitions: readonly {
    readonly partition: number;
    /** −1: none. */
    readonly leader: number;
    readonly replicas: readonly number[];
    readonly isr: readonly number[];
  }[];
}

/** A producer that writes in the background. */
export interface LiveProducer {
  status(): Promise<Tally>;
  /** Stops, and waits until every record is acknowledged or given up. */
  stop(): Promise<Tally>;
}

export type ConfigTarget = { readonly topic: string } | { readonly broker: number };

type Bootstrap = readonly string[];

export interface JavaClient extends AsyncDisposable {
  produce(bootstrap: Bootstrap, topic: string, options: ProduceOptions): Promise<Produced>;
  /** Resolves with the first acknowledgement. `recordsPerSecond` 0 (default) is as fast as possible. */
  startLive(
    bootstrap: Bootstrap,
    topic: string,
    options?: RecordStream & { readonly recordsPerSecond?: number; readonly config?: ClientConfig },
  ): Promise<LiveProducer>;
  /** Every record from the start of the log to the end it has now, ordered by offset within a partition. */
  consume(bootstrap: Bootstrap, topic: string, options?: ReadOptions): Promise<JavaRecord[]>;
  /** The same reading, for topics too large to hold; partitions without a record are left out. */
  digest(bootstrap: Bootstrap, topic: string, options?: ReadOptions): Promise<PartitionDigest[]>;
  offsets(bootstrap: Bootstrap, topic: string, options?: ReadOptions): Promise<PartitionOffsets[]>;
  /** Resolves when every partition has a leader that answers. */
  createTopic(bootstrap: Bootstrap, topic: string, options?: NewTopic): Promise<TopicDescription>;
  deleteTopic(bootstrap: Bootstrap, topic: string): Promise<void>;
  /** `total` partitions from now on. */
  createPartitions(bootstrap: Bootstrap, topic: string, total: number): Promise<void>;
  /** Moves the log start; `before` −1 is the high watermark. Resolves with the new start. */
  deleteRecords(bootstrap: Bootstrap, topic: string, partition: number, before: number): Promise<number>;
  describeTopic(bootstrap: Bootstrap, topic: string): Promise<TopicDescription>;
  describeConfigs(bootstrap: Bootstrap, target: ConfigTarget): Promise<Readonly<Record<string, string | null>>>;
  /** A null value deletes the setting. */
  alterConfigs(bootstrap: Bootstrap, target: ConfigTarget, set: Readonly<Record<string, string | null>>): Promise<void>;
  /** Gives `principal` (`User:name`) rights, in Kafka's names (`READ`, `WRITE`, `DESCRIBE`, …), on one resource; the cluster's name is `kafka-cluster`. */
  allow(
    bootstrap: Bootstrap,
    principal: string,
    operations: readonly string[],
    resource: 'topic' | 'group' | 'cluster' | 'transactional_id',
    name: string,
  ): Promise<void>;
  /** Bytes per second that clients of this id may write, and read, of each broker; null ends it. */
  setQuota(bootstrap: Bootstrap, clientId: string, bytesPerSecond: number | null): Promise<void>;
  /** Reassigns if needed, elects, and resolves when that broker leads. */
  moveLeader(bootstrap: Bootstrap, topic: string, partition: number, toBroker: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts the clients of one Kafka version; the newest talk to every broker of the matrix. */
export async function startJavaClient(options: { readonly version?: string; readonly heapMb?: number } = {}): Promise<JavaClient> {
  const { version = KAFKA_NEWEST, heapMb = 512 } = options;
  const jvm = await startLineProcess({ classpath: await javaClasses('oracle', version), mainClass: 'KafkaOracle', heapMb });
  const ask = <T>(command: string, bootstrap: Bootstrap, line: object): Promise<T> =>
    jvm.ask<T>(command, { bootstrap: bootstrap.join(','), ...line });
  return {
    produce: (bootstrap, topic, options) =>
      ask('produce', bootstrap, { topic, ...options, ...('records' in options ? { records: options.records.map(toWire) } : {}) }),
    startLive: async (bootstrap, topic, options = {}) => {
      const { live } = await ask<{ live: number }>('startLive', bootstrap, { topic, ...options });
      return { status: () => jvm.ask('liveStatus', { live }), stop: () => jvm.ask('stopLive', { live }) };
    },
    consume: async (bootstrap, topic, options) => {
      const records = await ask<WireRecord[]>('consume', bootstrap, { topic, ...options });
      return records.map(fromWire).sort((a, b) => a.partition - b.partition || a.offset - b.offset);
    },
    digest: (bootstrap, topic, options) => ask('digest', bootstrap, { topic, ...options }),
    offsets: (bootstrap, topic, options) => ask('offsets', bootstrap, { topic, ...options }),
    createTopic: (bootstrap, topic, { config, ...shape } = {}) => ask('createTopic', bootstrap, { topic, topicConfig: config, ...shape }),
    deleteTopic: (bootstrap, topic) => ask('deleteTopic', bootstrap, { topic }),
    createPartitions: (bootstrap, topic, total) => ask('createPartitions', bootstrap, { topic, total }),
    deleteRecords: async (bootstrap, topic, partition, before) =>
      (await ask<{ lowWatermark: number }>('deleteRecords', bootstrap, { topic, partition, before })).lowWatermark,
    describeTopic: (bootstrap, topic) => ask('describeTopic', bootstrap, { topic }),
    describeConfigs: (bootstrap, target) => ask('describeConfigs', bootstrap, target),
    alterConfigs: (bootstrap, target, set) => ask('alterConfigs', bootstrap, { ...target, set }),
    allow: (bootstrap, principal, operations, resource, name) => ask('allow', bootstrap, { principal, operations, resource, name }),
    setQuota: (bootstrap, clientId, bytesPerSecond) => ask('setQuota', bootstrap, { clientId, bytesPerSecond }),
    moveLeader: (bootstrap, topic, partition, toBroker) => ask('moveLeader', bootstrap, { topic, partition, toBroker }),
    close: jvm.close,
    [Symbol.asyncDispose]: jvm.close,
  };
}

/** A record on the line between the processes: bytes as base64. */
interface WireRecord extends Omit<JavaRecord, 'key' | 'value' | 'headers'> {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly key: string; readonly value: string | null }[];
}

const base64 = (bytes: Uint8Array | string | null | undefined): string | null =>
  bytes == null ? null : Buffer.from(bytes).toString('base64');
const buffer = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'));

const toWire = ({ key, value, headers = [], ...rest }: RecordToWrite): object => ({
  ...rest,
  key: base64(key),
  value: base64(value),
  headers: headers.map((header) => ({ key: header.key, value: base64(header.value) })),
});

const fromWire = ({ key, value, headers, ...rest }: WireRecord): JavaRecord => ({
  ...rest,
  key: buffer(key),
  value: buffer(value),
  headers: headers.map((header) => ({ key: header.key, value: buffer(header.value) })),
});
