/** Links as their status would show them, made up. */
import type { LinkStatus } from '../../src/link/link-status.ts';
import type { LinkSnapshot } from '../../src/link/metrics/metric-family.ts';
import type { MirrorPartitionStatus, MirrorTopicStatus } from '../../src/link/mirror-status.ts';
import type { TaskStatus } from '../../src/link/tasks/task.ts';

export const partitionAt = (partition: number, changes: Partial<MirrorPartitionStatus> = {}): MirrorPartitionStatus => ({
  partition,
  state: 'ACTIVE',
  nextOffset: 90n,
  sinceLastFetchMs: 1_500,
  sourceEnd: 100n,
  sourceStart: 0n,
  lag: 10n,
  startOffset: 0n,
  logStartError: null,
  openOffsets: 0n,
  bytes: 4_000n,
  batches: 4,
  rebuiltBatches: 1,
  filledOffsets: 2n,
  error: null,
  ...changes,
});

export const mirrorOf = (topic: string, changes: Partial<MirrorTopicStatus> = {}): MirrorTopicStatus => ({
  topic,
  sourceTopic: topic,
  state: 'ACTIVE',
  since: new Date(0),
  stop: null,
  history: [],
  transitionErrors: [],
  lag: 10n,
  bytes: 4_000n,
  batches: 4,
  fillPolicy: 'markers',
  mirrorTopicError: null,
  error: null,
  partitions: [partitionAt(0)],
  ...changes,
});

export const taskOf = (name: TaskStatus['name'], changes: Partial<TaskStatus> = {}): TaskStatus => ({
  name,
  state: 'ACTIVE',
  intervalMs: 5_000,
  lastRun: null,
  errors: [],
  lastError: null,
  runs: 7,
  failedRuns: 2,
  errorCount: 3,
  totals: {},
  ...changes,
});

export const linkOf = (name: string, status: Partial<LinkStatus> = {}, rest: Partial<LinkSnapshot> = {}): LinkSnapshot => ({
  status: {
    name,
    linkId: 'abc',
    sourceClusterId: 'west',
    destinationClusterId: 'east',
    state: 'ACTIVE',
    linkError: 'NO_ERROR',
    error: null,
    mirrors: [],
    tasks: [],
    ...status,
  },
  metrics: { bufferedBytes: 0 },
  offsetSync: null,
  ...rest,
});
