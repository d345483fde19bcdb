/** What the demo's producers write: topics of different codecs, batch sizes and partition counts, and the same records in every run. */
import { buildBatch, type Compression } from 'kafka-link/codec';
import type { Addressed, WireClient } from './wire.ts';

export interface DemoTopic {
  readonly name: string;
  readonly partitions: number;
  readonly compression: Compression;
  /** Records in a batch. */
  readonly records: number;
  /** Batches per partition that are there before the link starts. */
  readonly backlog: number;
  /** Batches per partition and round of the producers. */
  readonly perRound: number;
}

export const TOPICS: readonly DemoTopic[] = [
  { name: 'orders', partitions: 3, compression: 'lz4', records: 250, backlog: 320, perRound: 4 },
  { name: 'payments', partitions: 2, compression: 'zstd', records: 500, backlog: 220, perRound: 2 },
  { name: 'clicks', partitions: 4, compression: 'none', records: 40, backlog: 500, perRound: 8 },
  { name: 'telemetry', partitions: 2, compression: 'snappy', records: 400, backlog: 200, perRound: 2 },
  { name: 'audit', partitions: 1, compression: 'gzip', records: 1, backlog: 1_200, perRound: 10 },
];

const ROUND_MS = 100;
/** Different batches of each topic; they are written in turn. Compressing live would be most of the work of the demo. */
const VARIETY = 16;

/** A generator of numbers in [0, 1) that is the same in every run (mulberry32). */
const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const batchOf = (topic: DemoTopic, random: () => number): Promise<Buffer> => {
  const hex = (): string => Math.floor(random() * 2 ** 32).toString(16);
  const timestamp = BigInt(Date.now());
  const records = Array.from({ length: topic.records }, (_, i) => {
    const id = `${hex()}${hex()}`;
    const value = JSON.stringify({
      id,
      kind: topic.name,
      customer: hex(),
      amount: Math.round(random() * 100_000) / 100,
      region: 'eu-west',
      trace: hex(),
    });
    return { key: id, value, timestamp: timestamp + BigInt(i), headers: [{ key: 'source', value: Buffer.from('demo') }] };
  });
  return buildBatch(records, { compression: topic.compression });
};

/** Writes the topics of the demo into a cluster. */
export class Producers {
  readonly #client: WireClient;
  readonly #batches: ReadonlyMap<DemoTopic, readonly Buffer[]>;
  #round = 0;

  private constructor(client: WireClient, batches: ReadonlyMap<DemoTopic, readonly Buffer[]>) {
    this.#client = client;
    this.#batches = batches;
  }

  /** Makes the batches ready. */
  static async prepare(client: WireClient): Promise<Producers> {
    const random = randomOf(2011);
    const batches = new Map<DemoTopic, readonly Buffer[]>();
    for (const topic of TOPICS) {
      const own: Buffer[] = [];
      for (let i = 0; i < VARIETY; i++) own.push(await batchOf(topic, random));
      batches.set(topic, own);
    }
    return new Producers(client, batches);
  }

  /** What the topics hold before there is a link. */
  async writeBacklog(signal: AbortSignal): Promise<void> {
    for (let done = 0; done < Math.max(...TOPICS.map(({ backlog }) => backlog)); done++) {
      signal.throwIfAborted();
      await this.#write((topic) => done < topic.backlog);
    }
  }

  /** Writes round after round until `stop` is aborted. Rejects when the cluster refuses a batch. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const due = performance.now() + ROUND_MS;
      for (let i = 0; i < Math.max(...TOPICS.map(({ perRound }) => perRound)); i++) await this.#write((topic) => i < topic.perRound);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    }
  }

  /** One batch for every partition of the topics that are due. */
  #write(isDue: (topic: DemoTopic) => boolean): Promise<void> {
    const round = this.#round++;
    const batches: Addressed[] = [];
    for (const [topic, variety] of this.#batches) {
      if (!isDue(topic)) continue;
      for (let partition = 0; partition < topic.partitions; partition++) {
        batches.push({ topic: topic.name, partition, batch: variety[(round + partition) % variety.length] as Buffer });
      }
    }
    return this.#client.produce(batches);
  }
}
