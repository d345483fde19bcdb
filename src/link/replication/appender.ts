/** Appends to one destination broker over one connection: one batch of each ready partition per Produce request, pipelined. */
import type { Cluster } from '../../client/cluster.ts';
import type { Connection } from '../../client/connection.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Produce, type ProduceResponse } from '../../protocol/messages/produce.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import type { OutgoingBatch } from './append-queue.ts';
import { appendError, transactionalAppendError } from './broker-verdicts.ts';
import { sameProducer, type TransactionalProducer } from './mapped-producer.ts';
import type { PartitionMirror } from './partition-mirror.ts';

export interface AppendLimits {
  /** -1: all in-sync replicas answer for the batch; 1: the leader alone. */
  readonly acks: -1 | 1;
  /** Milliseconds the broker waits for its followers. */
  readonly timeoutMs: number;
  /** Requests on their way on one connection. */
  readonly maxInFlightRequests: number;
  /** Bytes of records in one request; a single batch may be larger. */
  readonly requestMaxBytes: number;
  /** Under which batches of transactions go; the link needs WRITE on it. Brokers ask for one, whatever it is. */
  readonly transactionalId: string;
}

/** The last version before KIP-890, from which on a coordinator is asked about every transaction: nothing the link sends needs a newer one. */
const MAX_PRODUCE_VERSION = 11;

type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number];

interface Sent {
  readonly mirror: PartitionMirror;
  readonly batch: OutgoingBatch;
}

export class Appender {
  readonly broker: number;
  readonly #cluster: Cluster;
  readonly #lane: string;
  readonly #limits: AppendLimits;
  readonly #mirrors = new Set<PartitionMirror>();
  readonly #ready = new Set<PartitionMirror>();
  readonly #inFlight = new Set<Promise<void>>();
  #scheduled = false;
  #connection: Connection | null = null;

  constructor(cluster: Cluster, broker: { readonly id: number; readonly lane: string }, limits: AppendLimits) {
    this.#cluster = cluster;
    this.broker = broker.id;
    this.#lane = broker.lane;
    this.#limits = limits;
  }

  /** Partitions that go over this connection. */
  get partitions(): number {
    return this.#mirrors.size;
  }

  add(mirror: PartitionMirror): void {
    this.#mirrors.add(mirror);
  }

  /** The partition has a batch to send. What becomes ready in the same turn of the event loop shares a request. */
  offer(mirror: PartitionMirror): void {
    this.#ready.add(mirror);
    if (this.#scheduled || this.#inFlight.size >= this.#limits.maxInFlightRequests) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  /** The partition has left for another broker, or rests: what it will have to send is not for this one. */
  withdraw(mirror: PartitionMirror): void {
    this.#mirrors.delete(mirror);
    this.#ready.delete(mirror);
  }

  /** Resolves when every request on its way has been answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  #pump(): void {
    while (this.#inFlight.size < this.#limits.maxInFlightRequests) {
      const sent = this.#take();
      if (sent.length === 0) return;
      const request = this.#append(sent).finally(() => {
        this.#inFlight.delete(request);
        this.#pump();
      });
      this.#inFlight.add(request);
    }
  }

  /**
   * One batch of each ready partition, up to the size of a request. Those that have more wait at the end of the line; those of other producers than the first
   * wait where they are, since a broker takes the transactions of one producer in a request, and no more (INVALID_PRODUCER_ID_MAPPING).
   */
  #take(): Sent[] {
    const sent: Sent[] = [];
    let bytes = 0;
    let producer: TransactionalProducer | null = null;
    // Those that are added meanwhile come behind all who were there.
    let waiting = this.#ready.size;
    for (const mirror of this.#ready) {
      if (waiting-- === 0) break;
      if (sent.length > 0 && !sameProducer(mirror.nextProducer, producer)) continue;
      this.#ready.delete(mirror);
      const batch = mirror.takeBatch();
      if (batch === null) continue;
      producer = batch.producer;
      sent.push({ mirror, batch });
      if (mirror.hasBatchToSend) this.#ready.add(mirror);
      bytes += batch.bytes.length;
      if (bytes >= this.#limits.requestMaxBytes) break;
    }
    return sent;
  }

  async #append(sent: readonly Sent[]): Promise<void> {
    const response = await this.#send(sent).catch((error: unknown) => {
      for (const { mirror, batch } of sent) mirror.unanswered(batch, LinkError.from(error));
    });
    if (response === undefined) return;
    this.#settle(sent, response);
  }

  async #send(sent: readonly Sent[]): Promise<ProduceResponse> {
    if (this.#connection?.isClosed !== false) this.#connection = await this.#cluster.connection(this.broker, this.#lane);
    const { acks, timeoutMs } = this.#limits;
    const transactionalId = sent[0]?.batch.producer == null ? null : this.#limits.transactionalId;
    const body = { transactionalId, acks, timeoutMs, topicData: byTopic(sent) };
    return this.#connection.send(Produce, body, { maxVersion: MAX_PRODUCE_VERSION });
  }

  #settle(sent: readonly Sent[], response: ProduceResponse): void {
    // By topic and then by number, and not by position: brokers answer in an order of their own.
    const answers = new Map<string, Map<number, PartitionAnswer>>();
    for (const { name, partitionResponses } of response.responses) {
      const ofTopic = answers.get(name) ?? new Map<number, PartitionAnswer>();
      answers.set(name, ofTopic);
      for (const answer of partitionResponses) ofTopic.set(answer.index, answer);
    }
    for (const { mirror, batch } of sent) {
      const answer = answers.get(mirror.topic)?.get(mirror.partition);
      if (answer === undefined) {
        mirror.unanswered(
          batch,
          new LinkError('KLINK_MALFORMED', `Broker ${this.broker} did not answer for ${mirror.label}`, { retriable: true }),
        );
      } else if (answer.errorCode === ErrorCode.NONE) {
        mirror.acknowledge(batch, Number(answer.baseOffset));
      } else {
        const judge = batch.producer === null ? appendError : transactionalAppendError;
        const error = judge(mirror.label, batch.offset, answer.errorCode, answer.errorMessage);
        // Before the batch is given back: a refusal that is final is no disturbance to get over.
        if (error instanceof MirrorFailure) mirror.fail(error);
        mirror.unanswered(batch, error);
      }
    }
  }
}

const byTopic = (sent: readonly Sent[]): { name: string; partitionData: { index: number; records: Buffer }[] }[] => {
  const topics = new Map<string, { index: number; records: Buffer }[]>();
  for (const { mirror, batch } of sent) {
    const data = { index: mirror.partition, records: batch.bytes };
    const known = topics.get(mirror.topic);
    if (known === undefined) topics.set(mirror.topic, [data]);
    else known.push(data);
  }
  return [...topics].map(([name, partitionData]) => ({ name, partitionData }));
};
