/** The commands of the Java process that only these tests use: scripted producers, views of many partitions, consumers that follow. */
import { javaClasses } from '../support/kafka/java-classes.ts';
import { startLineProcess } from '../support/kafka/line-process.ts';
import { KAFKA_NEWEST } from '../support/kafka/versions.ts';
import type { ScriptedRecord } from './script.ts';

/** One partition of a cluster. */
export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

export type Isolation = 'read_committed' | 'read_uncommitted';

/** What is read, by whom. */
export interface ViewOptions {
  readonly bootstrap: readonly string[];
  readonly isolation: Isolation;
  readonly partitions: readonly PartitionName[];
}

/** Where a log begins and ends for such a consumer. */
export interface Bounds {
  readonly start: number;
  /** With read_committed the last stable offset. */
  readonly end: number;
}

export interface ViewSummary extends Bounds {
  /** Records between. */
  readonly count: number;
}

/** What log cleaners have taken: records that have a newer one of their key; tombstones that were old enough, too. */
export type Cleaned = 'records' | 'tombstones';

/** Views of the source and of the mirror. */
export interface ViewPair {
  readonly expected: string;
  readonly actual: string;
}

/** The first offset of each kind at which two views differ; −1: none. */
export interface ViewDifference {
  /** Of the partition, in the order of both views. */
  readonly index: number;
  readonly missing: number;
  readonly extra: number;
  readonly changed: number;
}

/** A record as it comes over the line: bytes in base64. */
export interface SeenRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly key: string; readonly value: string | null }[];
  readonly timestamp: number;
  readonly timestampType: string;
}

export interface GroupRead {
  readonly count: number;
  readonly committed: readonly (PartitionName & { readonly offset: number })[];
}

type Bootstrap = readonly string[];
/** What is done to a producer that is open: see {@link NastyJava.act}. */
export type ProducerAct = 'begin' | 'commit' | 'abort' | 'die' | 'close';

export class NastyJava implements AsyncDisposable {
  readonly #jvm: Awaited<ReturnType<typeof startLineProcess>>;

  private constructor(jvm: Awaited<ReturnType<typeof startLineProcess>>) {
    this.#jvm = jvm;
  }

  static async start(): Promise<NastyJava> {
    return new NastyJava(
      await startLineProcess({ classpath: await javaClasses('oracle', KAFKA_NEWEST), mainClass: 'KafkaOracle', heapMb: 768 }),
    );
  }

  /** A transactional id is initialised at once: older producers of it are fenced, what they left open is aborted. */
  async openProducer(
    bootstrap: Bootstrap,
    producer: string,
    config: Readonly<Record<string, string>>,
    transactionalId: string | null,
  ): Promise<void> {
    await this.#ask('openProducer', bootstrap, { producer, config, transactionalId });
  }

  /** Resolves when every record is acknowledged. */
  async send(producer: string, records: readonly ScriptedRecord[]): Promise<void> {
    await this.#jvm.ask('sendScripted', { producer, records: records.map(toWire) });
  }

  /** A producer that dies leaves its transaction open; one that is closed aborts it. */
  async act(producer: string, act: ProducerAct): Promise<void> {
    await this.#jvm.ask(`${act}Scripted`, { producer });
  }

  /** Resolves when the coordinator has aborted what a dead producer left open, after its timeout. */
  async awaitExpired(bootstrap: Bootstrap, transactionalId: string): Promise<void> {
    await this.#ask('awaitExpired', bootstrap, { transactionalId });
  }

  async setConfigs(bootstrap: Bootstrap, topic: string, set: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#ask('alterConfigs', bootstrap, { topic, set });
  }

  /** Where logs begin and end for such a consumer, without reading them; in the order of the partitions. */
  bounds({ bootstrap, ...what }: ViewOptions): Promise<readonly Bounds[]> {
    return this.#ask('bounds', bootstrap, what);
  }

  /** Reads every partition from its start to its end, and keeps what it saw under a name for {@link differences}. */
  view(view: string, { bootstrap, ...what }: ViewOptions): Promise<readonly ViewSummary[]> {
    return this.#ask('view', bootstrap, { view, ...what, config: READER });
  }

  /** A consumer that reads from the starts of now and goes on until it is stopped, at the ends of that moment; then it is a view. */
  async startFollowing(view: string, { bootstrap, ...what }: ViewOptions): Promise<void> {
    await this.#ask('startFollowing', bootstrap, { view, ...what, config: READER });
  }

  stopFollowing(view: string): Promise<readonly ViewSummary[]> {
    return this.#jvm.ask('stopFollowing', { view });
  }

  /**
   * Of two views of the same number of partitions, which are compared in their order. Equal ones are left out. `cleaned`: what a log cleaner
   * may have taken from one side need not be on the other; that goes for aborted records too, if `committed` tells which are not.
   */
  differences(
    expected: string,
    actual: string,
    cleaned: Cleaned | null = null,
    committed: ViewPair | null = null,
  ): Promise<readonly ViewDifference[]> {
    return this.#jvm.ask('compareViews', { expected, actual, cleaned, committed });
  }

  async dropView(view: string): Promise<void> {
    await this.#jvm.ask('dropView', { view });
  }

  /** The first record at or after `offset`. */
  recordAt(bootstrap: Bootstrap, isolation: Isolation, { topic, partition }: PartitionName, offset: number): Promise<SeenRecord | null> {
    return this.#ask('recordAt', bootstrap, { isolation, topic, partition, offset, config: READER });
  }

  consume(bootstrap: Bootstrap, topic: string, isolation: Isolation): Promise<readonly SeenRecord[]> {
    return this.#ask('consume', bootstrap, { topic, isolation, config: READER });
  }

  /** A consumer of a group reads all partitions to their ends, commits and leaves. */
  readInGroup({ bootstrap, ...what }: ViewOptions, group: string, protocol: 'classic' | 'consumer' = 'classic'): Promise<GroupRead> {
    const config = { ...READER, 'group.id': group, 'group.protocol': protocol, 'auto.offset.reset': 'earliest' };
    return this.#ask('readInGroup', bootstrap, { ...what, group, config });
  }

  close(): Promise<void> {
    return this.#jvm.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ask<T>(command: string, bootstrap: Bootstrap, line: object): Promise<T> {
    return this.#jvm.ask<T>(command, { bootstrap: bootstrap.join(','), ...line });
  }
}

/** A consumer that closes waits for the fetch it has under way. */
const READER = { 'fetch.max.wait.ms': '20' };

const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;

const toWire = ({ key, value, headers, ...where }: ScriptedRecord): object => ({
  ...where,
  key: base64(key),
  value: base64(value),
  headers: headers.map((header) => ({ key: header.key, value: base64(header.value) })),
});
