/** Two real clusters, live producers and links in processes of their own: what every endurance test plays with, and how it is judged. */
import { expect } from 'vitest';
import type { LinkOptions } from '../../src/index.ts';
import type { RealEnvironment } from '../scenarios/environments/real.ts';
import type { WalkedLog } from '../scenarios/log-walk.ts';
import type { LiveProducer } from '../support/kafka/java-client.ts';
import type { LinkProcess } from '../support/link-process/link-process.ts';

export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export const PARTITIONS = 6;
const PATIENCE_MS = 180_000;

/** What the producers had acknowledged, and what is in both logs. */
export interface Verdict {
  readonly acknowledged: number;
  readonly offsets: number;
  readonly batches: number;
  readonly bytes: number;
}

export class Arena {
  readonly environment: RealEnvironment;
  /** Records per second of all live producers together. */
  readonly load: number;

  constructor(environment: RealEnvironment, load: number) {
    this.environment = environment;
    this.load = load;
  }

  linkOptions(topic: string): LinkOptions {
    return {
      name: `link-of-${topic}`,
      source: { bootstrap: this.environment.source.bootstrap },
      destination: { bootstrap: this.environment.destination.bootstrap },
      topics: [topic],
      settings: { metadataMaxAgeMs: 1_000, retryBackoffMs: 50 },
    };
  }

  /** One live producer for each codec, idempotent as Java producers are; together they write all partitions. */
  produce(topic: string): Promise<LiveProducer[]> {
    const { java, source } = this.environment;
    return Promise.all(
      CODECS.map((codec, index) =>
        java.startLive(source.bootstrap, topic, {
          partitions: PARTITIONS,
          seed: index + 1,
          recordsPerSecond: this.load / CODECS.length,
          valueBytes: 10,
          maxValueBytes: 1_000,
          headers: 2,
          keys: 100,
          nullValueEvery: 50,
          config: { 'compression.type': codec, 'linger.ms': '25', 'delivery.timeout.ms': '170000' },
        }),
      ),
    );
  }

  /** Stops the producers, lets `link` catch up, and compares both sides: batch by batch, record by record, and with what was acknowledged. */
  async judge(topic: string, producers: readonly LiveProducer[], link: LinkProcess, produced = 0): Promise<Verdict> {
    const tallies = await Promise.all(producers.map((producer) => producer.stop()));
    for (const { failed, error } of tallies) expect({ failed, error }).toEqual({ failed: 0, error: null });
    const acknowledged = tallies.reduce((sum, { acked }) => sum + acked, produced);
    await this.#caughtUp(topic, link);
    expect(link.failures).toEqual([]);
    const { environment } = this;
    const source = await environment.source.bench.walkAll(topic);
    const destination = await environment.destination.bench.walkAll(topic);
    expect(destination.map(({ end }) => end)).toEqual(source.map(({ end }) => end));
    for (const [partition, log] of source.entries()) {
      // One comparison per log: a difference of a million batches printed helps nobody.
      expect(firstDifference(log, destination[partition]!), `partition ${partition}`).toBeNull();
    }
    const digests = await environment.digests(topic);
    expect(digests.destination).toEqual(digests.source);
    expect(digests.destination.reduce((sum, { count }) => sum + count, 0)).toBe(acknowledged);
    const batches = source.flatMap((log) => log.batches);
    return {
      acknowledged,
      offsets: source.reduce((sum, { end }) => sum + end, 0),
      batches: batches.length,
      bytes: batches.reduce((sum, { payloadBytes }) => sum + 61 + payloadBytes, 0),
    };
  }

  async #caughtUp(topic: string, link: LinkProcess): Promise<void> {
    const { source, destination } = this.environment;
    const deadline = performance.now() + PATIENCE_MS;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { end } = await source.bench.range(topic, partition);
      for (;;) {
        const reached = (await destination.bench.range(topic, partition)).end;
        if (reached >= end) break;
        if (!link.running || link.failures.length > 0 || performance.now() > deadline) {
          throw new Error(`${topic}-${partition} is at ${reached} of ${end}\n${link.log()}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/** Null when both logs hold the same batches; else the first two that differ. */
const firstDifference = (source: WalkedLog, destination: WalkedLog): object | null => {
  const { length } = source.batches;
  for (let i = 0; i < Math.max(length, destination.batches.length); i++) {
    const [expected, found] = [source.batches[i], destination.batches[i]];
    const keys = Object.keys(expected ?? found ?? {}) as (keyof typeof expected)[];
    if (expected === undefined || found === undefined || keys.some((key) => expected[key] !== found[key])) return { i, expected, found };
  }
  return null;
};
