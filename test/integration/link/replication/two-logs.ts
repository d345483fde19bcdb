/** A source and its mirror as two embedded clusters hold them, with a topic of their own for every test, and what an alignment needs of both. */
import type { Cluster } from '../../../../src/client/cluster.ts';
import { type BatchOptions, buildBatch, type NewRecord } from '../../../../src/codec/batch-builder.ts';
import { rebaseBatch } from '../../../../src/codec/patch-header.ts';
import { RecordBatch } from '../../../../src/codec/record-batch.ts';
import { type AlignmentContext, align, type GapRules } from '../../../../src/link/replication/align.ts';
import { OffsetLookup } from '../../../../src/link/replication/offset-lookup.ts';
import type { Alignment } from '../../../../src/link/replication/partition-ports.ts';
import { ProducerLookup } from '../../../../src/link/replication/producer-lookup.ts';
import type { TransactionMode } from '../../../../src/link/replication/transaction-mode.ts';
import { type LogHandle, type Release, startCluster, type TestCluster } from '../../../../src/testing/index.ts';
import { connectTo } from '../log-start/open.ts';

/** The link's. */
export const PRODUCER = { producerId: 4_000n, producerEpoch: 0 };
export const GAPS: GapRules = { fillPolicy: 'markers', paddingMaxOffsets: 1_000_000, sourceTrimmed: 'fill' };
const NOW = 1_700_000_000_000n;

export const never: AbortSignal = new AbortController().signal;

/** Records that differ from each other, and from those of another `tag`. */
export const records = (count: number, tag = 'a', timestamp = NOW): NewRecord[] =>
  Array.from({ length: count }, (_, i) => ({ key: `${tag}${i}`, value: `${tag}-${i}`, timestamp: timestamp + BigInt(i) }));

/** One source log and its mirror. */
export class Pair {
  readonly topic: string;
  readonly source: LogHandle;
  readonly mirror: LogHandle;
  readonly #stage: Stage;
  #sequence = 0;

  constructor(stage: Stage, topic: string) {
    this.topic = topic;
    this.#stage = stage;
    this.source = stage.sourceKafka.log(topic);
    this.mirror = stage.destinationKafka.log(topic);
  }

  /** Batches of so many records each, at the source and at the same offsets of the mirror. */
  async both(...counts: readonly number[]): Promise<void> {
    for (const count of counts) {
      const tag = `t${this.source.endOffset}`;
      await this.source.append(records(count, tag));
      await this.copied(records(count, tag));
    }
  }

  /** A batch of the link's. */
  async copied(content: readonly NewRecord[], options: BatchOptions = {}): Promise<void> {
    await this.mirror.append(content, { ...PRODUCER, baseSequence: this.#sequence, ...options });
    this.#sequence = (options.baseSequence ?? this.#sequence) + content.length;
  }

  /** Ready bytes as a batch of the link's. */
  async copiedBytes(bytes: Buffer, count: number): Promise<void> {
    const stamped = Buffer.from(bytes);
    rebaseBatch(RecordBatch.at(stamped), 0, Number(PRODUCER.producerId), PRODUCER.producerEpoch, this.#sequence);
    await this.mirror.appendBatch(stamped);
    this.#sequence += count;
  }

  /** Markers of the link's. */
  marked(count: number): void {
    for (let n = 0; n < count; n++) {
      this.mirror.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: -2n - BigInt(n), producerEpoch: 0 });
    }
  }

  /** A transaction of one batch at the source. */
  async transaction(count: number, result: 'commit' | 'abort' | 'open', producerId = 9n): Promise<void> {
    const state = this.source.producers.find((known) => known.producerId === producerId)?.batches.at(-1);
    const options = { producerId, producerEpoch: 0, baseSequence: (state?.lastSequence ?? -1) + 1, transactional: true };
    await this.source.append(records(count, `txn${this.source.endOffset}`), options);
    if (result !== 'open') this.source.appendMarker({ result, coordinatorEpoch: 0 }, { producerId, producerEpoch: 0 });
  }

  /** Bytes at the source's end that no producer makes: `options.baseOffset` is where they are put. */
  async raw(content: readonly NewRecord[], options: BatchOptions = {}): Promise<void> {
    this.source.appendRaw(await buildBatch(content, { baseOffset: this.source.endOffset, partitionLeaderEpoch: 0, ...options }));
  }

  align(
    gaps: Partial<GapRules> = {},
    { startOffset = null as number | null, own = true, transactions = 'committed' as TransactionMode } = {},
  ): Promise<Alignment> {
    const { context } = this.#stage;
    const given = { ...context, own: own ? context.own : null, gaps: { ...GAPS, ...gaps }, transactions };
    return align(given, { topic: this.topic, sourceTopic: this.topic, partition: 0, startOffset }, never);
  }
}

export class Stage implements AsyncDisposable {
  readonly sourceKafka: TestCluster;
  readonly destinationKafka: TestCluster;
  readonly context: AlignmentContext;
  #topics = 0;

  private constructor(sourceKafka: TestCluster, destinationKafka: TestCluster, source: Cluster, destination: Cluster) {
    this.sourceKafka = sourceKafka;
    this.destinationKafka = destinationKafka;
    this.context = {
      source,
      destination,
      sourceOffsets: new OffsetLookup(source, 'committed'),
      destinationOffsets: new OffsetLookup(destination, 'debugging'),
      own: { producer: PRODUCER, lookup: new ProducerLookup(destination, PRODUCER.producerId) },
      transactions: 'committed',
      gaps: GAPS,
    };
  }

  static async open(releases: { readonly source?: Release; readonly destination?: Release } = {}): Promise<Stage> {
    const [source, destination] = await Promise.all([
      startCluster({ release: releases.source ?? '4.1' }),
      startCluster({ release: releases.destination ?? '4.1' }),
    ]);
    return new Stage(source, destination, await connectTo(source.bootstrap, { role: 'source' }), await connectTo(destination.bootstrap));
  }

  async pair(): Promise<Pair> {
    const topic = `t${this.#topics++}`;
    await Promise.all([this.sourceKafka.createTopic(topic), this.destinationKafka.createTopic(topic)]);
    await Promise.all([this.context.source.refreshMetadata([topic]), this.context.destination.refreshMetadata([topic])]);
    return new Pair(this, topic);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.context.source.close(), this.context.destination.close()]);
    await Promise.all([this.sourceKafka.stop(), this.destinationKafka.stop()]);
  }
}
