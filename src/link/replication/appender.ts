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

/** One batch of a request; `index` and `records` are what goes over the wire of it. */
interface Sent {
  readonly index: number;
  readonly records: Buffer;
  readonly mirror: PartitionMirror;
  readonly batch: OutgoingBatch;
  answer: PartitionAnswer | null;
}

interface SentTopic {
  readonly name: string;
  readonly partitionData: Sent[];
}

/** What goes in one request. */
interface Load {
  readonly topics: Map<string, SentTopic>;
  /** Of whose transaction all of it is; null when it goes under the link's own producer. */
  readonly producer: TransactionalProducer | null;
}

export class Appender {
  readonly broker: number;
  readonly #cluster: Cluster;
  readonly #lane: string;
  readonly #limits: AppendLimits;
  readonly #mirrors = new Set<PartitionMirror>();
  /** Those that have a batch to send, in the order of their turns. An array, since a set in which everything comes and goes is rebuilt with every request. */
  #ready: PartitionMirror[] = [];
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
    if (!this.#ready.includes(mirror)) this.#ready.push(mirror);
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
    this.#ready = this.#ready.filter((other) => other !== mirror);
  }

  /** Resolves when every request on its way has been answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  #pump(): void {
    while (this.#inFlight.size < this.#limits.maxInFlightRequests) {
      const load = this.#take();
      if (load === null) return;
      const request = this.#append(load).finally(() => {
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
  #take(): Load | null {
    const { requestMaxBytes } = this.#limits;
    const topics: Load['topics'] = new Map();
    const passedOver: PartitionMirror[] = [];
    const again: PartitionMirror[] = [];
    let bytes = 0;
    let producer: TransactionalProducer | null = null;
    for (const mirror of this.#ready) {
      if (bytes > 0 && (bytes >= requestMaxBytes || !sameProducer(mirror.nextProducer, producer))) {
        passedOver.push(mirror);
        continue;
      }
      const batch = mirror.takeBatch();
      if (batch === null) continue;
      bytes += batch.bytes.length;
      producer = batch.producer;
      const sent: Sent = { index: mirror.partition, records: batch.bytes, mirror, batch, answer: null };
      const topic = topics.get(mirror.topic);
      if (topic === undefined) topics.set(mirror.topic, { name: mirror.topic, partitionData: [sent] });
      else topic.partitionData.push(sent);
      if (mirror.hasBatchToSend) again.push(mirror);
    }
    this.#ready = passedOver.concat(again);
    return bytes === 0 ? null : { topics, producer };
  }

  async #append(load: Load): Promise<void> {
    this.#settle(load, await this.#send(load));
  }

  async #send({ topics, producer }: Load): Promise<ProduceResponse | LinkError> {
    try {
      if (this.#connection?.isClosed !== false) this.#connection = await this.#cluster.connection(this.broker, this.#lane);
      const { acks, timeoutMs } = this.#limits;
      const transactionalId = producer === null ? null : this.#limits.transactionalId;
      const body = { transactionalId, acks, timeoutMs, topicData: [...topics.values()] };
      return await this.#connection.send(Produce, body, { maxVersion: MAX_PRODUCE_VERSION });
    } catch (error) {
      return LinkError.from(error);
    }
  }

  #settle({ topics }: Load, response: ProduceResponse | LinkError): void {
    if (!LinkError.is(response))
      for (const { name, partitionResponses } of response.responses) assign(topics.get(name)?.partitionData ?? [], partitionResponses);
    for (const { partitionData } of topics.values())
      for (const { mirror, batch, answer } of partitionData) {
        if (answer?.errorCode === ErrorCode.NONE) mirror.acknowledge(batch, Number(answer.baseOffset));
        else this.#refused(mirror, batch, LinkError.is(response) ? response : answer);
      }
  }

  #refused(mirror: PartitionMirror, batch: OutgoingBatch, why: PartitionAnswer | LinkError | null): void {
    if (why === null) {
      const message = `Broker ${this.broker} did not answer for ${mirror.label}`;
      mirror.unanswered(batch, new LinkError('KLINK_MALFORMED', message, { retriable: true }));
    } else if (LinkError.is(why)) {
      mirror.unanswered(batch, why);
    } else {
      const judge = batch.producer === null ? appendError : transactionalAppendError;
      const error = judge(mirror.label, batch.offset, why.errorCode, why.errorMessage);
      // Before the batch is given back: a refusal that is final is no disturbance to get over.
      if (error instanceof MirrorFailure) mirror.fail(error);
      mirror.unanswered(batch, error);
    }
  }
}

/** By number, and not by position: brokers answer in an order of their own. Most of them in that of the request, so the search begins behind the last one found. */
const assign = (sent: readonly Sent[], answers: readonly PartitionAnswer[]): void => {
  let at = 0;
  for (const answer of answers) {
    for (let tries = sent.length; tries > 0; tries--) {
      const candidate = sent[at]!;
      at = at + 1 === sent.length ? 0 : at + 1;
      if (candidate.index !== answer.index) continue;
      candidate.answer = answer;
      break;
    }
  }
};
