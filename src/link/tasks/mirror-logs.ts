/** What a mirror has: the range of offsets that may be committed for it. */
import { abortable } from '../../client/abort.ts';
import type { Cluster } from '../../client/cluster.ts';
import { OffsetLookup } from '../replication/offset-lookup.ts';
import type { GroupPartition } from './group-admin.ts';
import type { LogRange } from './plan-offsets.ts';

/** How partitions are keyed. */
export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`;

/** Who knows how far the mirrors are: {@link ListedMirrorLogs}. */
export interface MirrorLogs {
  /**
   * The ranges by {@link partitionKey}; what is not known now is left out. An `end` must have been acknowledged by the destination: offsets up
   * to it are committed.
   */
  ranges(partitions: readonly GroupPartition[], signal: AbortSignal): Promise<ReadonlyMap<string, LogRange>>;
  /** How far a mirror is, where that is known without asking anybody; else null. Good for choosing a moment, not for what is committed. */
  copiedUpTo?(topic: string, partition: number): bigint | null;
}

/** Asks the destination's leaders for log starts and high watermarks. */
export class ListedMirrorLogs implements MirrorLogs {
  readonly #cluster: Cluster;
  readonly #lookup: OffsetLookup;
  readonly copiedUpTo: (topic: string, partition: number) => bigint | null;

  /** `copiedUpTo`: what whoever copies knows. */
  constructor(destination: Cluster, copiedUpTo: (topic: string, partition: number) => bigint | null = () => null) {
    this.#cluster = destination;
    this.#lookup = new OffsetLookup(destination, 'consumer');
    this.copiedUpTo = copiedUpTo;
  }

  async ranges(partitions: readonly GroupPartition[], signal: AbortSignal): Promise<ReadonlyMap<string, LogRange>> {
    const { metadata } = this.#cluster;
    const isUnknown = ({ topic, partition }: GroupPartition): boolean => (metadata.partition(topic, partition)?.leaderId ?? -1) < 0;
    const unknown = new Set(partitions.filter(isUnknown).map(({ topic }) => topic));
    if (unknown.size > 0) await this.#cluster.refreshMetadata([...unknown], signal);
    const ranges = new Map<string, LogRange>();
    const moved = new Set<string>();
    const ask = async ({ topic, partition }: GroupPartition): Promise<void> => {
      try {
        const { start, end } = await abortable(this.#lookup.range(topic, partition), signal, 'asking how far the mirrors are');
        ranges.set(partitionKey(topic, partition), { start: BigInt(start), end: BigInt(end) });
      } catch {
        moved.add(topic);
      }
    };
    await Promise.all(partitions.map(ask));
    signal.throwIfAborted();
    // Whoever leads them now is known the next time somebody asks.
    if (moved.size > 0) await this.#cluster.refreshMetadata([...moved], signal).catch(() => {});
    return ranges;
  }
}
