/** What a family of metrics is, and how its samples are taken from what a link shows of itself. Pure. */
import type { LinkMetrics, LinkStatus } from '../link-status.ts';
import type { MirrorTopicStatus } from '../mirror-status.ts';
import type { OffsetSyncStatus } from '../tasks/consumer-offset-sync.ts';
import type { TaskName, TaskStatus } from '../tasks/task.ts';

/** A link at one moment. */
export interface LinkSnapshot {
  readonly status: LinkStatus;
  readonly metrics: Pick<LinkMetrics, 'bufferedBytes'>;
  /** Null when consumer offsets are not synced. */
  readonly offsetSync: Pick<OffsetSyncStatus, 'ageMs' | 'groups' | 'waiting'> | null;
}

type Labels = Readonly<Record<string, string | number>>;
export type Sample = readonly [labels: Labels, value: number | bigint];

/** Metrics of one name. */
export interface MetricFamily {
  /** Without the suffix that its type gives to the samples. */
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'info';
  /** Last part of the name, where the value has a unit. */
  readonly unit?: 'bytes' | 'seconds';
  /** `partition`: one sample for each partition, which are many. */
  readonly per: 'link' | 'topic' | 'partition' | 'task';
  readonly help: string;
  /** What the product calls it, where it has it. */
  readonly product?: string;
  /** Labels beside `link`. */
  readonly samples: (snapshot: LinkSnapshot) => readonly Sample[];
}

/** 1 for the word that holds, 0 for the others: so a query finds each of them at every time. */
export const oneOf = (label: string, words: readonly string[], held: string, more: Labels = {}): readonly Sample[] =>
  words.map((word) => [{ ...more, [label]: word }, word === held ? 1 : 0]);

export const countsOf = (label: string, words: readonly string[], found: readonly string[]): readonly Sample[] =>
  words.map((word) => [{ [label]: word }, found.filter((one) => one === word).length]);

/** A stopped mirror has no lag, however much its source goes on. */
export const mirrored = ({ status }: LinkSnapshot): readonly MirrorTopicStatus[] =>
  status.mirrors.filter(({ state }) => state !== 'STOPPED');

export const perTopic =
  (value: (mirror: MirrorTopicStatus) => number | bigint) =>
  (snapshot: LinkSnapshot): readonly Sample[] =>
    mirrored(snapshot).map((mirror) => [{ topic: mirror.topic }, value(mirror)]);

type PartitionStatus = MirrorTopicStatus['partitions'][number];
export const perPartition =
  (value: (partition: PartitionStatus) => number | bigint | null) =>
  (snapshot: LinkSnapshot): readonly Sample[] =>
    mirrored(snapshot).flatMap(({ topic, partitions }) =>
      partitions.flatMap((one): Sample[] => {
        const found = value(one);
        return found === null ? [] : [[{ topic, partition: one.partition }, found]];
      }),
    );

export const perTask =
  (value: (task: TaskStatus) => number) =>
  ({ status }: LinkSnapshot): readonly Sample[] =>
    status.tasks.map((task) => [{ task: task.name }, value(task)]);

/** How much of something one task has done, by the name it has in the counts of its runs. */
export const done =
  (name: TaskName, count: string) =>
  ({ status }: LinkSnapshot): readonly Sample[] =>
    status.tasks.filter((task) => task.name === name).map((task) => [{}, task.totals[count] ?? 0]);

export const errorsOf =
  (name: TaskName) =>
  ({ status }: LinkSnapshot): readonly Sample[] =>
    status.tasks.filter((task) => task.name === name).map((task) => [{}, task.errorCount]);

export const ofOffsetSync =
  (value: (sync: NonNullable<LinkSnapshot['offsetSync']>) => number | null) =>
  ({ offsetSync }: LinkSnapshot): readonly Sample[] => {
    const found = offsetSync === null ? null : value(offsetSync);
    return found === null ? [] : [[{}, found]];
  };

export const maxOf = (values: readonly bigint[]): bigint => {
  let most = 0n;
  for (const value of values) if (value > most) most = value;
  return most;
};
export const maxLag = ({ partitions }: MirrorTopicStatus): bigint => maxOf(partitions.map(({ lag }) => lag));
export const sumOf = (values: readonly (number | bigint)[]): bigint => values.reduce((sum: bigint, value) => sum + BigInt(value), 0n);
