/** The compacted topic in which the links of a destination cluster remember themselves: found, made, read whole, appended to. */
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
import { describeTopicConfigs } from '../topic-admin.ts';

/** One topic for all links of a destination cluster; the link's name is part of every key. */
export const STORE_TOPIC = '__kafka_link';
const NEEDED_RIGHTS = `The link needs DESCRIBE, READ and WRITE on the topic ${STORE_TOPIC} of the destination`;
const PARTITION = 0;
const PRODUCE_TIMEOUT_MS = 20_000;
const MAX_PRODUCE_VERSION = 11;
/** Few round trips, each of which takes a broker no longer than a fetch of a large batch. */
const FETCH_BYTES = 8 * 1_048_576;
/** Only segments that are closed are compacted; with the brokers' default of 1 GiB none of a store would be for years. */
const SEGMENT_BYTES = 16 * 1_048_576;
const BROKER_DEFAULT = -1;

export interface StoreEntry {
  readonly key: string;
  /** Null: forgotten. */
  readonly value: string | null;
}

export interface StoreTopicOptions {
  readonly clock: Clock;
  /** For each call. */
  readonly timeoutMs: number;
}

export class StoreTopic {
  readonly #cluster: Cluster;
  readonly #options: StoreTopicOptions;

  constructor(cluster: Cluster, options: StoreTopicOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Whether the topic is there now. A topic that the link may not see is not taken for one that is missing. */
  exists(signal: AbortSignal): Promise<boolean> {
    return this.#retry(() => this.#exists(signal), signal);
  }

  /** Creates the topic unless it is there. One that would forget what it is given is refused. */
  ensure(signal: AbortSignal): Promise<void> {
    return this.#retry(() => this.#ensure(signal), signal);
  }

  /** Every record of the topic, in order: it is compacted. Starts anew after a failure in between. */
  readAll(signal: AbortSignal): Promise<readonly StoreEntry[]> {
    return this.#retry(async () => {
      const { start, end } = await new OffsetLookup(this.#cluster, 'consumer').range(STORE_TOPIC, PARTITION);
      const all: StoreEntry[] = [];
      for (let offset = start; offset < end; ) {
        const { entries, next } = await this.#read(offset, signal);
        for (const entry of entries) all.push(entry);
        offset = next;
      }
      return all;
    }, signal);
  }

  async append(entries: readonly StoreEntry[], signal: AbortSignal, options: BatchOptions = {}): Promise<void> {
    const timestamp = BigInt(Math.trunc(this.#options.clock.wallTime()));
    const records = await buildBatch(
      entries.map((entry) => ({ ...entry, timestamp })),
      options,
    );
    await this.#retry(async () => {
      const response = await this.#cluster.send(
        Produce,
        { acks: -1, timeoutMs: PRODUCE_TIMEOUT_MS, topicData: [{ name: STORE_TOPIC, partitionData: [{ index: PARTITION, records }] }] },
        { leader: { topic: STORE_TOPIC, partition: PARTITION } },
        { signal, maxVersion: MAX_PRODUCE_VERSION },
      );
      const answer = response.responses[0]?.partitionResponses[0];
      if (answer !== undefined && answer.errorCode === ErrorCode.NONE) return;
      throw new BrokerError(answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, `write to ${STORE_TOPIC}`, {
        detail: answer?.errorMessage ?? null,
        advice: NEEDED_RIGHTS,
      });
    }, signal);
  }

  #retry<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#cluster.retry(
      async (count) => {
        if (count > 1) await this.#cluster.refreshMetadata([STORE_TOPIC], signal);
        return attempt();
      },
      { timeoutMs: this.#options.timeoutMs, signal },
    );
  }

  async #exists(signal: AbortSignal): Promise<boolean> {
    await this.#cluster.refreshMetadata([STORE_TOPIC], signal);
    const found = this.#cluster.metadata.topic(STORE_TOPIC)?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (found === ErrorCode.NONE) return true;
    if (found === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return false;
    throw new BrokerError(found, `find the topic ${STORE_TOPIC} of the destination`, { advice: NEEDED_RIGHTS });
  }

  async #ensure(signal: AbortSignal): Promise<void> {
    if (await this.#exists(signal)) return this.#requireCompaction(signal);
    const configs = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: String(SEGMENT_BYTES) },
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

  /** A link whose rights do not let it look at configs is trusted to have been given the right topic. */
  async #requireCompaction(signal: AbortSignal): Promise<void> {
    const configs = await describeTopicConfigs(this.#cluster, [STORE_TOPIC], ['cleanup.policy'], signal).catch((error: unknown) => {
      if (LinkError.is(error, 'KLINK_AUTH')) return null;
      throw error;
    });
    const policy = configs?.get(STORE_TOPIC)?.get('cleanup.policy') ?? 'compact';
    if (policy === 'compact') return;
    throw corruptStore(
      `its cleanup.policy is '${policy}': what links remember would be deleted with time. Set cleanup.policy=compact on the topic`,
    );
  }

  async #read(offset: number, signal: AbortSignal): Promise<{ entries: readonly StoreEntry[]; next: number }> {
    const partition = { topic: STORE_TOPIC, partition: PARTITION, offset, maxBytes: FETCH_BYTES, advice: NEEDED_RIGHTS };
    const { records } = await fetchPartition(this.#cluster, partition, signal);
    const { entries, next } = await parseRecords(records ?? Buffer.alloc(0), offset);
    if (next === offset)
      throw new LinkError('KLINK_STATE', `${STORE_TOPIC} cannot be read at offset ${offset} at the moment`, { retriable: true });
    return { entries, next };
  }
}

/** Brokers do not look at the CRC of what they serve, and a damaged key would make a record of one link look like another's. */
const parseRecords = async (records: Buffer, offset: number): Promise<{ entries: readonly StoreEntry[]; next: number }> => {
  const entries: StoreEntry[] = [];
  let next = offset;
  try {
    for (const batch of batchesOf(records)) {
      if (!verifyCrc(batch)) throw corruptStore(`the batch at offset ${batch.baseOffset} is damaged: its CRC is wrong`);
      next = batch.nextOffsetNumber;
      if (batch.isControl) continue;
      for (const { key, value, offset: at } of await readRecords(batch)) {
        if (Number(at) >= offset && key !== null) entries.push({ key: key.toString(), value: value?.toString() ?? null });
      }
    }
  } catch (error) {
    throw LinkError.is(error, 'KLINK_CORRUPT_BATCH')
      ? corruptStore(`it cannot be read from offset ${next} on: ${error.message}`, error)
      : error;
  }
  return { entries, next };
};

/** What links remember cannot be relied upon: never guessed at. */
export const corruptStore = (what: string, cause?: unknown): LinkError =>
  new LinkError(
    'KLINK_STORE',
    `The topic ${STORE_TOPIC}, in which links remember themselves, cannot be used: ${what}. Nothing was changed`,
    {
      cause,
    },
  );
