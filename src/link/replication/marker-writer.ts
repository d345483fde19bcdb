/** Writes control markers at one destination broker, as fill and as the ends of transactions: many partitions and many offsets per WriteTxnMarkers request. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import type { Connection } from '../../client/connection.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { WriteTxnMarkers, type WriteTxnMarkersRequest, type WriteTxnMarkersResponse } from '../../protocol/messages/write-txn-markers.ts';
import type { OutgoingFill } from './append-queue.ts';
import { markerError } from './broker-verdicts.ts';
import type { TransactionEnd } from './mapped-producer.ts';
import type { PartitionMirror } from './partition-mirror.ts';

export interface MarkerLimits {
  /** Markers in one request, over all its partitions: a broker writes each by itself, some 40 in a millisecond. */
  readonly requestMaxMarkers: number;
  readonly maxInFlightRequests: number;
}

interface Sent {
  readonly mirror: PartitionMirror;
  readonly fill: OutgoingFill;
}

/**
 * Ids from here downwards leave no producer state and no order of epochs behind (`RecordBatch.hasProducerId` is "above -1"). Every entry of a request
 * has one of its own: a broker merges its answers by id, and the success of one entry would hide the failure of another.
 */
const FIRST_FILLER_ID = -2n;
/** v2 adds a rule about epochs that fillers have no use for. */
const MAX_VERSION = 1;

export class MarkerWriter {
  readonly broker: number;
  readonly #cluster: Cluster;
  readonly #lane: string;
  readonly #limits: MarkerLimits;
  readonly #ready = new Set<PartitionMirror>();
  readonly #inFlight = new Set<Promise<void>>();
  #scheduled = false;
  #connection: Connection | null = null;

  constructor(cluster: Cluster, broker: { readonly id: number; readonly lane: string }, limits: MarkerLimits) {
    this.#cluster = cluster;
    this.broker = broker.id;
    this.#lane = broker.lane;
    this.#limits = limits;
  }

  /** The partition has offsets to fill. What becomes ready in the same turn of the event loop shares a request. */
  offer(mirror: PartitionMirror): void {
    this.#ready.add(mirror);
    if (this.#scheduled || this.#inFlight.size >= this.#limits.maxInFlightRequests) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  /** The partition has left for another broker, or rests. */
  withdraw(mirror: PartitionMirror): void {
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
      const request = this.#write(sent).finally(() => {
        this.#inFlight.delete(request);
        this.#pump();
      });
      this.#inFlight.add(request);
    }
  }

  /** A fair share for each: a long stretch of one partition does not keep the short ones of others waiting. */
  #take(): Sent[] {
    const { requestMaxMarkers } = this.#limits;
    const share = Math.max(1, Math.floor(requestMaxMarkers / Math.max(1, this.#ready.size)));
    const sent: Sent[] = [];
    for (const mirror of [...this.#ready].slice(0, requestMaxMarkers)) {
      this.#ready.delete(mirror);
      const fill = mirror.takeFill(share);
      if (fill !== null) sent.push({ mirror, fill });
    }
    return sent;
  }

  async #write(sent: readonly Sent[]): Promise<void> {
    try {
      const response = await this.#send(sent);
      this.#settle(sent, response);
    } catch (error) {
      for (const { mirror, fill } of sent) mirror.unanswered(fill, LinkError.from(error));
    }
  }

  async #send(sent: readonly Sent[]): Promise<WriteTxnMarkersResponse> {
    if (this.#connection?.isClosed !== false) this.#connection = await this.#cluster.connection(this.broker, this.#lane);
    return this.#connection.send(WriteTxnMarkers, { markers: entriesOf(sent) }, { maxVersion: MAX_VERSION });
  }

  #settle(sent: readonly Sent[], response: WriteTxnMarkersResponse): void {
    const written = new Map<string, number>();
    const refused = new Map<string, number>();
    for (const { topics } of response.markers) {
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          const key = `${name}/${partitionIndex}`;
          if (errorCode === ErrorCode.NONE) written.set(key, (written.get(key) ?? 0) + 1);
          else refused.set(key, errorCode);
        }
      }
    }
    for (const { mirror, fill } of sent) {
      const key = `${mirror.topic}/${mirror.partition}`;
      const code = refused.get(key);
      const count = fill.nextOffset - fill.offset;
      if (code !== undefined) {
        const error = markerError(mirror.label, fill.offset, code);
        // Before the offsets are given back: a refusal that is final is no disturbance to get over.
        if (!(error instanceof BrokerError)) mirror.fail(error);
        mirror.unanswered(fill, error);
      } else if (written.get(key) === count) {
        mirror.filled(fill);
      } else {
        const text = `Broker ${this.broker} answered for ${written.get(key) ?? 0} of ${count} markers of ${mirror.label}`;
        mirror.unanswered(fill, new LinkError('KLINK_MALFORMED', text, { retriable: true }));
      }
    }
  }
}

type Entry = WriteTxnMarkersRequest['markers'][number];

/** A broker writes entry after entry: those of one partition come in the order of its offsets. */
const entriesOf = (sent: readonly Sent[]): Entry[] => [...fillersOf(sent), ...endsOf(sent)];

/** One entry for each offset of the longest stretch, with every partition that still has offsets to fill. */
const fillersOf = (all: readonly Sent[]): Entry[] => {
  const sent = all.filter(({ fill }) => fill.ends === undefined);
  const entries: Entry[] = [];
  const longest = Math.max(0, ...sent.map(({ fill }) => fill.nextOffset - fill.offset));
  let topics: Entry['topics'] = [];
  let partitions = -1;
  for (let index = 0; index < longest; index++) {
    const left = sent.filter(({ fill }) => fill.offset + index < fill.nextOffset);
    // The same list for a run of entries: mostly one partition is the last.
    if (left.length !== partitions) topics = topicsOf(left);
    partitions = left.length;
    entries.push({
      producerId: FIRST_FILLER_ID - BigInt(index),
      producerEpoch: 0,
      transactionResult: true,
      topics,
      coordinatorEpoch: 0,
    });
  }
  // The entry of all partitions last: a broker never answers a request whose last entry has only partitions that it does not know any more.
  return entries.reverse();
};

/** The ends that come first in their partitions, then those that come next, and so on: a transaction that ends in several partitions at a time takes one entry. */
const endsOf = (sent: readonly Sent[]): Entry[] => {
  const entries: Entry[] = [];
  for (let index = 0, found = -1; found !== entries.length; index++) {
    found = entries.length;
    const alike = new Map<string, { readonly end: TransactionEnd; readonly sent: Sent[] }>();
    for (const one of sent) {
      const end = one.fill.ends?.[index];
      if (end === undefined) continue;
      const key = `${end.producerId}/${end.producerEpoch}/${end.commit}/${end.coordinatorEpoch}`;
      const known = alike.get(key);
      if (known === undefined) alike.set(key, { end, sent: [one] });
      else known.sent.push(one);
    }
    for (const { end, sent: places } of alike.values()) {
      const { producerId, producerEpoch, commit, coordinatorEpoch } = end;
      entries.push({ producerId, producerEpoch, transactionResult: commit, topics: topicsOf(places), coordinatorEpoch });
    }
  }
  return entries;
};

const topicsOf = (sent: readonly Sent[]): { name: string; partitionIndexes: number[] }[] => {
  const topics = new Map<string, number[]>();
  for (const { mirror } of sent) topics.set(mirror.topic, [...(topics.get(mirror.topic) ?? []), mirror.partition]);
  return [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes }));
};

/** An id that no broker has written for itself: the control batch is a link's filler. */
export const isFillerId = (producerId: bigint): boolean => producerId <= FIRST_FILLER_ID;
