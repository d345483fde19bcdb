/** The link's memory in a compacted topic on the destination cluster: Kafka is the database. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Clock } from '../../client/clock.ts';
import type { Cluster } from '../../client/cluster.ts';
import { fetchPartition } from '../../client/fetch-partition.ts';
import { type BatchOptions, batchesOf, buildBatch, readRecords, verifyCrc } from '../../codec/index.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { CreateTopics } from '../../protocol/messages/create-topics.ts';
import { Produce } from '../../protocol/messages/produce.ts';
import { OffsetLookup } from '../replication/offset-lookup.ts';
import type { LinkIdentity, LinkStore, StoredMirror } from './link-store.ts';

/** One topic for all links of a destination cluster; the link's name is part of every key. */
export const STORE_TOPIC = '__kafka_link';
const NEEDED_RIGHTS = `The link needs DESCRIBE, READ and WRITE on the topic ${STORE_TOPIC} of the destination`;
const PARTITION = 0;
const PRODUCE_TIMEOUT_MS = 20_000;
const FETCH_BYTES = 1_048_576;
const BROKER_DEFAULT = -1;
const INT64_MAX = 2n ** 63n - 1n;
const INT16_MAX = 2 ** 15 - 1;

interface Entry {
  readonly key: string;
  readonly value: string | null;
}

const producerKey = (link: string, producerId: bigint): string => `producer/${link}/${producerId}`;
const mirrorKey = (link: string, topic: string): string => `mirror/${link}/${topic}`;

export class TopicLinkStore implements LinkStore {
  readonly #cluster: Cluster;
  readonly #link: string;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #mirrors = new Map<string, StoredMirror>();

  constructor(cluster: Cluster, link: string, options: { readonly clock: Clock; readonly timeoutMs: number }) {
    this.#cluster = cluster;
    this.#link = link;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  async load(signal: AbortSignal): Promise<LinkIdentity | null> {
    return (await this.#retry(() => this.#exists(signal), signal)) ? this.#load(signal) : null;
  }

  /**
   * Every candidate has a key of its own, so compaction never removes one for another: the one at the lowest offset is the link's, for ever.
   * A process that stored one and finds another before it has lost, and uses the other.
   */
  async identity(create: () => Promise<LinkIdentity>, signal: AbortSignal): Promise<LinkIdentity> {
    await this.#retry(() => this.#ensureTopic(signal), signal);
    const known = await this.#load(signal);
    if (known !== null) return known;
    const candidate = await create();
    const { producerId, producerEpoch, linkId, sourceClusterId } = candidate;
    const value = JSON.stringify({ version: 1, producerId: String(producerId), producerEpoch, linkId, sourceClusterId });
    // Written under the candidate's own producer id: a repeated attempt is recognised by the broker and not stored twice.
    await this.#append({ key: producerKey(this.#link, producerId), value }, signal, { producerId, producerEpoch, baseSequence: 0 });
    const winner = await this.#load(signal);
    if (winner === null) throw this.#corrupt('the record just written is not there');
    return winner;
  }

  mirror(topic: string): StoredMirror | undefined {
    return this.#mirrors.get(topic);
  }

  async saveMirror(mirror: StoredMirror, signal: AbortSignal): Promise<void> {
    await this.#append({ key: mirrorKey(this.#link, mirror.topic), value: JSON.stringify({ version: 1, ...mirror }) }, signal);
    this.#mirrors.set(mirror.topic, mirror);
  }

  #retry<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#cluster.retry(
      async (count) => {
        if (count > 1) await this.#cluster.refreshMetadata([STORE_TOPIC], signal);
        return attempt();
      },
      { timeoutMs: this.#timeoutMs, signal },
    );
  }

  /** Whether the topic is there now. A topic that the link may not see is not taken for one that is missing. */
  async #exists(signal: AbortSignal): Promise<boolean> {
    await this.#cluster.refreshMetadata([STORE_TOPIC], signal);
    const found = this.#cluster.metadata.topic(STORE_TOPIC)?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (found === ErrorCode.NONE) return true;
    if (found === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return false;
    throw new BrokerError(found, `find the topic ${STORE_TOPIC} of the destination`, { advice: NEEDED_RIGHTS });
  }

  async #ensureTopic(signal: AbortSignal): Promise<void> {
    if (await this.#exists(signal)) return;
    const configs = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
    ];
    const response = await this.#cluster.send(
      CreateTopics,
      {
        topics: [{ name: STORE_TOPIC, numPartitions: 1, replicationFactor: BROKER_DEFAULT, assignments: [], configs }],
        timeoutMs: PRODUCE_TIMEOUT_MS,
      },
      'controller',
      { signal },
    );
    const [created] = response.topics;
    if (created !== undefined && created.errorCode !== ErrorCode.NONE && created.errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) {
      throw new BrokerError(created.errorCode, `create the topic ${STORE_TOPIC} in which links remember themselves`, {
        detail: created.errorMessage,
        advice: `Grant CREATE on the cluster, or create ${STORE_TOPIC} yourself: 1 partition, cleanup.policy=compact`,
      });
    }
    // Also after creation: metadata of all brokers takes a moment to know it.
    if (await this.#exists(signal)) return;
    throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `find the topic ${STORE_TOPIC} after it was created`);
  }

  /** Reads the whole topic: it is compacted, and holds one record per mirror. */
  async #load(signal: AbortSignal): Promise<LinkIdentity | null> {
    return this.#retry(async () => {
      const { start, end } = await new OffsetLookup(this.#cluster, 'consumer').range(STORE_TOPIC, PARTITION);
      let identity: LinkIdentity | null = null;
      this.#mirrors.clear();
      for (let offset = start; offset < end; ) {
        const { entries, next } = await this.#read(offset, signal);
        for (const { key, value } of entries) {
          if (value === null) continue;
          if (key.startsWith(producerKey(this.#link, 0n).slice(0, -1))) identity ??= this.#parseIdentity(value);
          else if (key.startsWith(mirrorKey(this.#link, ''))) this.#remember(value);
        }
        offset = next;
      }
      return identity;
    }, signal);
  }

  async #read(offset: number, signal: AbortSignal): Promise<{ entries: readonly Entry[]; next: number }> {
    const place = { topic: STORE_TOPIC, partition: PARTITION, offset };
    const { records } = await fetchPartition(this.#cluster, { ...place, maxBytes: FETCH_BYTES, advice: NEEDED_RIGHTS }, signal);
    const { entries, next } = await this.#parseRecords(records ?? Buffer.alloc(0), offset);
    if (next === offset)
      throw new LinkError('KLINK_STATE', `${STORE_TOPIC} cannot be read at offset ${offset} at the moment`, { retriable: true });
    return { entries, next };
  }

  /** Brokers do not look at the CRC of what they serve, and a damaged key would make a record of this link look like another's. */
  async #parseRecords(records: Buffer, offset: number): Promise<{ entries: readonly Entry[]; next: number }> {
    const entries: Entry[] = [];
    let next = offset;
    try {
      for (const batch of batchesOf(records)) {
        if (!verifyCrc(batch)) throw this.#corrupt(`the batch at offset ${batch.baseOffset} is damaged: its CRC is wrong`);
        next = batch.nextOffsetNumber;
        if (batch.isControl) continue;
        for (const { key, value, offset: at } of await readRecords(batch)) {
          if (Number(at) >= offset && key !== null) entries.push({ key: key.toString(), value: value?.toString() ?? null });
        }
      }
    } catch (error) {
      throw LinkError.is(error, 'KLINK_CORRUPT_BATCH')
        ? this.#corrupt(`it cannot be read from offset ${next} on: ${error.message}`, error)
        : error;
    }
    return { entries, next };
  }

  async #append(entry: Entry, signal: AbortSignal, options: BatchOptions = {}): Promise<void> {
    const records = await buildBatch([{ ...entry, timestamp: BigInt(Math.trunc(this.#clock.wallTime())) }], options);
    await this.#retry(async () => {
      const response = await this.#cluster.send(
        Produce,
        { acks: -1, timeoutMs: PRODUCE_TIMEOUT_MS, topicData: [{ name: STORE_TOPIC, partitionData: [{ index: PARTITION, records }] }] },
        { leader: { topic: STORE_TOPIC, partition: PARTITION } },
        { signal, maxVersion: 11 },
      );
      const answer = response.responses[0]?.partitionResponses[0];
      if (answer !== undefined && answer.errorCode === ErrorCode.NONE) return;
      throw new BrokerError(answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, `write to ${STORE_TOPIC}`, {
        detail: answer?.errorMessage ?? null,
        advice: NEEDED_RIGHTS,
      });
    }, signal);
  }

  #parseIdentity(value: string): LinkIdentity {
    const { producerId, producerEpoch, linkId, sourceClusterId } = this.#parse(value);
    const isProducer = typeof producerId === 'string' && /^\d{1,19}$/.test(producerId) && BigInt(producerId) <= INT64_MAX;
    const isEpoch = Number.isInteger(producerEpoch) && (producerEpoch as number) >= 0 && (producerEpoch as number) <= INT16_MAX;
    if (!isProducer || !isEpoch || typeof linkId !== 'string') throw this.#corrupt(`the identity ${value} is not understood`);
    return {
      producerId: BigInt(producerId),
      producerEpoch: producerEpoch as number,
      linkId,
      sourceClusterId: typeof sourceClusterId === 'string' ? sourceClusterId : null,
    };
  }

  #remember(value: string): void {
    const { topic, sourceTopic, sourceTopicId, topicId, startOffsets } = this.#parse(value);
    if (typeof topic !== 'string' || typeof sourceTopic !== 'string') throw this.#corrupt(`the mirror ${value} is not understood`);
    const id = (given: unknown): string | null => (typeof given === 'string' ? given : null);
    const isOffset = (given: unknown): given is number => Number.isSafeInteger(given) && (given as number) >= 0;
    if (startOffsets !== undefined && !(Array.isArray(startOffsets) && startOffsets.every(isOffset)))
      throw this.#corrupt(`the mirror ${value} is not understood`);
    const mirror = { topic, sourceTopic, sourceTopicId: id(sourceTopicId), topicId: id(topicId) };
    this.#mirrors.set(topic, startOffsets === undefined ? mirror : { ...mirror, startOffsets });
  }

  #parse(value: string): Readonly<Record<string, unknown>> {
    try {
      const parsed: unknown = JSON.parse(value);
      if (typeof parsed === 'object' && parsed !== null && (parsed as { version?: unknown }).version === 1)
        return parsed as Record<string, unknown>;
    } catch (cause) {
      throw this.#corrupt(`a record is not JSON: ${value.slice(0, 80)}`, cause);
    }
    throw this.#corrupt(`a record has an unknown version: ${value.slice(0, 80)}`);
  }

  #corrupt(what: string, cause?: unknown): LinkError {
    return new LinkError(
      'KLINK_STORE',
      `The store of link '${this.#link}' in topic ${STORE_TOPIC} cannot be used: ${what}. Nothing was changed`,
      { cause },
    );
  }
}
