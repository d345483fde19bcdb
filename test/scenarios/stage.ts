/** What every scenario uses: names of its own, links that react quickly and are closed at the end, and the comparison of both sides. */
import { expect } from 'vitest';
import {
  type ClusterLink,
  createLink,
  type LinkOptions,
  type LinkSettings,
  type MirrorPartitionStatus,
  type MirrorTopicError,
  type MirrorTopicState,
  type MirrorTopicStatus,
} from '../../src/index.ts';
import type { ClusterControl, Environment } from './environment.ts';
import type { WalkedBatch, WalkedLog } from './log-walk.ts';
import type { VisibleLog } from './visible-records.ts';

/** A scenario plays the same on embedded and on real clusters, and expects the same of both. */
export interface Scenario {
  readonly name: string;
  /** What each side must have at least. Default 1. */
  readonly brokers?: 3;
  readonly play: (stage: Stage) => Promise<void>;
}

/** Looks and retries happen often enough that no scenario waits long for them. */
const BRISK: Partial<LinkSettings> = {
  metadataMaxAgeMs: 300,
  availabilityCheckMs: 200,
  availabilityCheckConsecutiveFailureThreshold: 3,
  retryBackoffMs: 20,
  retryBackoffMaxMs: 250,
  progressIntervalMs: 50,
  replicaFetchWaitMaxMs: 100,
};
const PATIENCE_MS = 60_000;

let names = 0;

export class Stage implements AsyncDisposable {
  readonly environment: Environment;
  /** What the links of this scenario complained about, for the message of a failed one. */
  readonly warnings: string[] = [];
  readonly #links: ClusterLink[] = [];
  readonly #name: string;

  constructor(environment: Environment) {
    this.environment = environment;
    this.#name = `s${++names}`;
  }

  get source(): ClusterControl {
    return this.environment.source;
  }

  get destination(): ClusterControl {
    return this.environment.destination;
  }

  /** A topic name nobody else uses. */
  topic(what = 'topic'): string {
    return `${this.#name}-${what}`;
  }

  /** A running link, closed with the stage. The name belongs to the scenario unless another is given. */
  async link(topics: readonly string[], { settings, ...options }: Partial<LinkOptions> = {}): Promise<ClusterLink> {
    const link = await createLink(this.options(topics, { ...options, ...(settings && { settings }) }));
    this.#links.push(link);
    link.on('warning', ({ topic, partition, error }) => this.warnings.push(`${topic}-${partition} ${error.code} ${error.message}`));
    return link;
  }

  /** The options of {@link link}. */
  options(topics: readonly string[], { settings, ...options }: Partial<LinkOptions> = {}): LinkOptions {
    return {
      name: `${this.#name}-link`,
      source: { bootstrap: this.source.bootstrap },
      destination: { bootstrap: this.destination.bootstrap },
      topics,
      settings: { ...BRISK, ...settings },
      ...options,
    };
  }

  /** The mirror has everything the source has now, in the same batches, at the same offsets. */
  async expectMirrored(link: ClusterLink, topic: string): Promise<readonly WalkedLog[]> {
    await link.caughtUp({ timeoutMs: PATIENCE_MS });
    return this.expectEqualLogs(topic);
  }

  /** Both sides hold the same, told by a walk over both logs and, where there is one, by Kafka's own consumer. Returns the source's logs. */
  async expectEqualLogs(topic: string): Promise<readonly WalkedLog[]> {
    const source = await this.source.bench.walkAll(topic);
    const destination = await this.destination.bench.walkAll(topic);
    expect(destination.map(contentOf)).toEqual(source.map(contentOf));
    const digests = await this.environment.digests?.(topic);
    if (digests !== undefined) expect(digests.destination).toEqual(digests.source);
    return source;
  }

  /**
   * A consumer sees the same records at the same offsets on both sides, and both logs start and end alike, whatever lies between the records.
   * Resolves with the source's.
   */
  async expectSameRecords(topic: string, partitions = 1): Promise<readonly VisibleLog[]> {
    const [source, destination] = await Promise.all([
      this.visible('source', topic, partitions),
      this.visible('destination', topic, partitions),
    ]);
    expect(destination).toEqual(source);
    return source;
  }

  /** What a consumer sees of each partition on one side. */
  visible(side: 'source' | 'destination', topic: string, partitions = 1): Promise<readonly VisibleLog[]> {
    const { bench } = this[side];
    return Promise.all(Array.from({ length: partitions }, (_, partition) => bench.visible(topic, partition)));
  }

  /** Resolves when the mirror's log starts there. */
  async expectMirrorStart(topic: string, partition: number, start: number): Promise<void> {
    await expect
      .poll(async () => (await this.destination.bench.range(topic, partition)).start, { timeout: PATIENCE_MS, interval: 50 })
      .toBe(start);
  }

  /** The mirror holds the source's batches from the start up to `end`, and nothing else. */
  async expectCopiedUpTo(topic: string, partition: number, end: number): Promise<void> {
    const source = await this.source.bench.walk(topic, partition, end);
    const destination = await this.destination.bench.walk(topic, partition);
    expect(destination.batches).toEqual(source.batches);
    expect(destination.end).toBe(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }
}

const contentOf = ({ start, end, batches }: WalkedLog): { start: number; end: number; batches: readonly WalkedBatch[] } => ({
  start,
  end,
  batches,
});

/** Resolves with the mirror once it is in this state; rejects when it fails instead, or never gets there. */
export const inState = (
  link: ClusterLink,
  topic: string,
  state: MirrorTopicState,
  timeoutMs: number = PATIENCE_MS,
): Promise<MirrorTopicStatus> =>
  new Promise((resolve, reject) => {
    const look = (): void => {
      const mirror = link.mirror(topic);
      if (mirror.state === state) settle(() => resolve(mirror));
      else if (mirror.state === 'FAILED') settle(() => reject(mirror.error));
    };
    const settle = (done: () => void): void => {
      clearTimeout(timer);
      link.off('mirror', look);
      done();
    };
    const timer = setTimeout(
      () => settle(() => reject(new Error(`${topic} is ${link.mirror(topic).state}, not ${state}, after ${timeoutMs} ms`))),
      timeoutMs,
    );
    link.on('mirror', look);
    look();
  });

/** Resolves with the failed partition once the mirror has failed, and checks why. */
export const failsWith = async (
  link: ClusterLink,
  topic: string,
  reasons: MirrorTopicError | readonly MirrorTopicError[],
): Promise<MirrorPartitionStatus> => {
  const mirror = await inState(link, topic, 'FAILED');
  expect([reasons].flat(), mirror.error?.message).toContain(mirror.mirrorTopicError);
  return mirror.partitions.find(({ state }) => state === 'FAILED')!;
};

/** Resolves when the mirror has everything up to `offset` of a partition. */
export const reaches = (
  link: ClusterLink,
  topic: string,
  partition: number,
  offset: number,
  timeoutMs: number = PATIENCE_MS,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const look = (): void => {
      const { partitions, state, error } = link.mirror(topic);
      if ((partitions[partition]?.nextOffset ?? -1n) >= BigInt(offset)) settle(resolve);
      else if (state === 'FAILED') settle(() => reject(error));
    };
    const settle = (done: () => void): void => {
      clearTimeout(timer);
      link.off('progress', look);
      link.off('mirror', look);
      done();
    };
    const timer = setTimeout(
      () => settle(() => reject(new Error(`${topic}-${partition} did not reach ${offset} within ${timeoutMs} ms`))),
      timeoutMs,
    );
    link.on('progress', look);
    link.on('mirror', look);
    look();
  });
