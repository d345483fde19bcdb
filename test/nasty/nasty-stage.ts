/** Two real clusters for nasty logs: scripts are played at the source, a link mirrors what is left, and both sides are compared. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LinkConfigOptions, LinkOptions } from '../../src/index.ts';
import type { WalkedLog } from '../scenarios/log-walk.ts';
import { Workbench } from '../scenarios/workbench.ts';
import { type KafkaCluster, type KafkaOptions, startKafka } from '../support/kafka/cluster.ts';
import { type Comparison, compareMirrors, compareWithOthers, type Side, sourceIsolation, type Transactions } from './comparison.ts';
import { type Bounds, type Isolation, NastyJava, type PartitionName } from './nasty-java.ts';
import { cleanAgain, createTopics, type Playhouse, playScript } from './play-script.ts';
import { partitionsOf, type Script, type TopicPlan } from './script.ts';
import { type Survey, survey } from './survey.ts';
import { type ScriptOptions, writeScripts } from './write-script.ts';

/** The cleaner comes many times a second. */
const TIDY = { 'log.cleaner.backoff.ms': '50', 'log.initial.task.delay.ms': '100', 'log.segment.delete.delay.ms': '1000' };
/** Transactions of dead producers end soon. */
const RESTLESS = {
  ...TIDY,
  // A log start that a crash brings back would be another log to mirror.
  'log.flush.start.offset.checkpoint.interval.ms': '200',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200',
};
/** The brokers of a mirror forget producers of old records again and again. */
const FORGETFUL = { ...TIDY, 'producer.id.expiration.check.interval.ms': '1000' };
const SCRIPTS_AT_ONCE = 4;
const LOOK_MS = 100;

/** Looks and retries happen often; little is fetched at a time, so that a mirror is made in many steps. */
const SETTINGS: LinkConfigOptions = {
  metadataMaxAgeMs: 500,
  availabilityCheckMs: 500,
  retryBackoffMs: 20,
  retryBackoffMaxMs: 250,
  progressIntervalMs: 50,
  replicaFetchWaitMaxMs: 100,
  replicaFetchMaxBytes: 4_096,
  replicaFetchResponseMaxBytes: 65_536,
  fillRequestMaxMarkers: 50,
};

const isSame = (a: Bounds, b: Bounds): boolean => a.start === b.start && a.end === b.end;

type StagedSide = Side & { readonly cluster: KafkaCluster };

/** Which scripts: the same for the same values. */
export interface Cast extends ScriptOptions {
  readonly seed: number;
  /** Partitions of all topics together. */
  readonly logs: number;
}

/** Scripts and the logs that they are about. */
export interface NastyLogs {
  readonly scripts: readonly Script[];
  readonly topics: readonly TopicPlan[];
  readonly partitions: readonly PartitionName[];
}

export class NastyStage implements AsyncDisposable {
  readonly java: NastyJava;
  readonly source: StagedSide;
  readonly destination: StagedSide;
  readonly #running: readonly AsyncDisposable[];

  private constructor(java: NastyJava, source: StagedSide, destination: StagedSide) {
    this.java = java;
    this.source = source;
    this.destination = destination;
    this.#running = [java, source.bench, destination.bench, source.cluster, destination.cluster];
  }

  /** One broker at the source: replicas are cleaned each by itself, so that a log would depend on who leads. */
  static async open(versions: {
    readonly source: string;
    readonly destination: string;
    readonly destinationBrokers?: 1 | 3;
  }): Promise<NastyStage> {
    const running: AsyncDisposable[] = [];
    const keep = async <T extends AsyncDisposable>(starting: Promise<T>): Promise<T> => {
      const one = await starting;
      running.push(one);
      return one;
    };
    const side = async (role: string, options: KafkaOptions): Promise<StagedSide> => {
      const cluster = await keep(startKafka(options));
      return { cluster, bootstrap: cluster.bootstrap, bench: await keep(Workbench.open(cluster.bootstrap, role)) };
    };
    try {
      const source = await side('source', { version: versions.source, config: RESTLESS });
      const destination = await side('destination', {
        version: versions.destination,
        brokers: versions.destinationBrokers ?? 1,
        config: FORGETFUL,
      });
      return new NastyStage(await keep(NastyJava.start()), source, destination);
    } catch (error) {
      for (const one of running.reverse()) await one[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Creates the topics of this seed's scripts. What is in them comes with {@link play}. */
  async cast({ seed, logs, ...options }: Cast): Promise<NastyLogs> {
    const scripts = writeScripts(seed, logs, options);
    for (const script of scripts) await createTopics(this.#house, script);
    const topics = scripts.flatMap((script) => script.topics);
    return { scripts, topics, partitions: partitionsOf(topics) };
  }

  /** Plays the scripts at the source. */
  async play({ scripts }: NastyLogs): Promise<void> {
    for (let i = 0; i < scripts.length; i += SCRIPTS_AT_ONCE) {
      await Promise.all(scripts.slice(i, i + SCRIPTS_AT_ONCE).map((script) => playScript(this.#house, script)));
    }
  }

  /** The log cleaner goes through the source's logs once more. */
  async clean({ scripts }: NastyLogs): Promise<void> {
    for (const script of scripts) await cleanAgain(this.#house, script);
  }

  /** What is in the source's logs. */
  async survey({ topics }: NastyLogs): Promise<Survey> {
    const walked: WalkedLog[] = [];
    for (const { name } of topics) walked.push(...(await this.source.bench.walkAll(name)));
    return survey(walked);
  }

  get #house(): Playhouse {
    return { ...this.source, java: this.java };
  }

  /** The options of a link that mirrors these topics in many small steps. */
  linkOptions(name: string, topics: readonly TopicPlan[], settings: LinkConfigOptions = {}): LinkOptions {
    return {
      name,
      source: { bootstrap: this.source.bootstrap },
      destination: { bootstrap: this.destination.bootstrap },
      topics: topics.map((topic) => topic.name),
      settings: { ...SETTINGS, ...settings },
    };
  }

  /**
   * Resolves when every mirror begins where its source does now, and ends where it can be copied to: at its last stable offset, or with
   * `exact` transactions at its end; or is of a topic that `failed` names. Rejects after `timeoutMs`, with the partitions that are not there.
   */
  async settled(
    { partitions }: Pick<NastyLogs, 'partitions'>,
    failed: () => ReadonlySet<string>,
    timeoutMs: number,
    transactions: Transactions = 'committed',
  ): Promise<void> {
    const isolation = sourceIsolation(transactions, 'read_uncommitted');
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const waiting = (await this.#standings(partitions, isolation)).filter(
        ({ topic, due, found }) => !failed().has(topic) && !isSame(due, found),
      );
      if (waiting.length === 0) return;
      if (performance.now() > deadline) {
        const texts = waiting.map(
          ({ topic, partition, due, found }) => `${topic}-${partition} is at ${found.start}..${found.end} of ${due.start}..${due.end}`,
        );
        throw new Error(`${texts.length} mirrors are not done:\n${texts.join('\n')}`);
      }
      await delay(LOOK_MS);
    }
  }

  /** Something is mirrored, and something is not. */
  async isMidway({ partitions }: NastyLogs): Promise<boolean> {
    const standings = await this.#standings(partitions, 'read_committed').catch(() => []);
    return standings.some(({ found }) => found.end > 0) && standings.some(({ due, found }) => found.end < due.end);
  }

  /** Where each log is at the source, and where it is in the mirror. */
  async #standings(
    partitions: readonly PartitionName[],
    isolation: Isolation,
  ): Promise<readonly (PartitionName & { readonly due: Bounds; readonly found: Bounds })[]> {
    const [due, found] = await Promise.all(
      [this.source, this.destination].map(({ bootstrap }) => this.java.bounds({ bootstrap, isolation, partitions })),
    );
    return partitions.map((one, i) => ({ ...one, due: due![i]!, found: found![i]! }));
  }

  /** One text for each partition in which a consumer of the mirror sees something else. */
  differences({ partitions }: Pick<NastyLogs, 'partitions'>, how?: Comparison): Promise<readonly string[]> {
    return compareMirrors(this.java, this, partitions, how);
  }

  /** The same by clients of other hands, for a few partitions. */
  differencesOfOthers({ partitions }: Pick<NastyLogs, 'partitions'>, sample: number): Promise<readonly string[]> {
    const step = Math.max(1, Math.floor(partitions.length / sample));
    return compareWithOthers(
      this.java,
      this,
      partitions.filter((_, i) => i % step === 0),
    );
  }

  /** Deletes the topics on both sides: brokers keep many files open for logs of many segments. */
  async strike({ topics }: NastyLogs): Promise<void> {
    for (const { name } of topics) {
      await this.destination.bench.deleteTopic(name);
      await this.source.bench.deleteTopic(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#running) await one[Symbol.asyncDispose]();
  }
}
