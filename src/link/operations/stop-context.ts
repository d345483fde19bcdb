/** What stopping a mirror needs of the parts of a running link. */

import { sleep } from '../../client/clock.ts';
import { LinkError } from '../../errors.ts';
import type { Change } from '../change.ts';
import type { LinkTasks } from '../link-tasks.ts';
import type { Mirrors } from '../mirrors.ts';
import type { PrepareContext } from '../plan-topics.ts';
import { OffsetLookup } from '../replication/offset-lookup.ts';
import type { PartitionMirror } from '../replication/partition-mirror.ts';
import { clampOffsets } from '../tasks/clamp-offsets.ts';
import { GroupAdmin } from '../tasks/group-admin.ts';
import { putBack } from '../tasks/kept-offsets.ts';
import { ListedMirrorLogs } from '../tasks/mirror-logs.ts';
import { abortOpenTransactions } from './abort-open-transactions.ts';
import type { StopContext } from './stop-steps.ts';

export interface StopParts {
  readonly context: PrepareContext;
  readonly mirrors: Mirrors;
  readonly tasks: LinkTasks;
  readonly change: Change;
  readonly destinationEnd: (partition: PartitionMirror) => Promise<number>;
  readonly caughtUp: (partitions: readonly PartitionMirror[], signal: AbortSignal) => Promise<void>;
}

/** Longer than producers wait for a batch to fill, and for its answer. */
const QUIET_MS = 1_000;
const RESTING: ReadonlySet<PartitionMirror['phase']> = new Set(['paused', 'failed', 'closed']);

export const stopContext = ({ context, mirrors, tasks, change, destinationEnd, caughtUp }: StopParts): StopContext => {
  const { source, destination, options } = context;
  const retried = <T>(cluster: typeof source, topic: string, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> =>
    cluster.retry(
      async (count) => {
        if (count > 1) await cluster.refreshMetadata([topic], signal);
        return attempt();
      },
      { timeoutMs: Number.POSITIVE_INFINITY, signal },
    );
  return {
    drained: (mirror, signal) => caughtUp(mirror.partitions, signal),
    atRest: (mirror, signal) =>
      change.until(
        () => mirror.partitions.every(({ phase }) => RESTING.has(phase)),
        Number.POSITIVE_INFINITY,
        signal,
        () => `${mirror.topic} still has batches on their way`,
      ),
    rest: (mirror, paused) => {
      mirror.isHeld = paused;
      mirrors.rest(mirror);
    },
    quiet: (signal) => sleep(options.clock, QUIET_MS, signal),
    mirrorEnds: (mirror, signal) => retried(destination, mirror.topic, signal, () => Promise.all(mirror.partitions.map(destinationEnd))),
    sourceEnds: (mirror, signal) =>
      retried(source, mirror.sourceTopic, signal, () => {
        const lookup = new OffsetLookup(source, 'consumer');
        return Promise.all(mirror.partitions.map(({ partition }) => lookup.find(mirror.sourceTopic, partition, 'latest')));
      }),
    syncOffsets: async (mirror, signal) => {
      if (!options.settings.consumerOffsetSyncEnable) return;
      const run = await tasks.runNow('ConsumerOffsetSync', { signal });
      const [error] = run.errors.filter(({ code }) => code !== 'CONSUMER_GROUP_IN_USE_ERROR');
      if (error !== undefined) throw error.error;
      const waiting = tasks.offsets.waiting(mirror.topic);
      if (waiting.length > 0)
        throw new LinkError(
          'KLINK_LAG',
          `${waiting.length} committed offset(s) of '${mirror.topic}' wait for records that are not there yet`,
          { retriable: true },
        );
    },
    settleConfigs: async (mirror, fromMemory, signal) => {
      const { sourceConfigs } = mirror.stored;
      // Without a word of the source there is nothing to take over: the topic stays as it is.
      if (fromMemory && sourceConfigs === undefined) return;
      const lastSeen = fromMemory ? new Map(Object.entries(sourceConfigs ?? {})) : null;
      await tasks.topicConfigs.stop({ ...tasks.syncedTopic(mirror.topic), hasCaughtUp: true }, signal, lastSeen);
    },
    clampOffsets: async (mirror, signal) => {
      const { errors } = await clampOffsets(
        new GroupAdmin(destination),
        new ListedMirrorLogs(destination),
        new Set([mirror.topic]),
        signal,
      );
      for (const { error } of errors)
        options.logger.warn({ link: options.name, topic: mirror.topic, error }, 'a committed offset could not be set back');
    },
    putBackOffsets: async (mirror, signal) => {
      const { offsets } = mirror.stored.repair ?? {};
      if (offsets === undefined) return;
      for (const { error } of await putBack(new GroupAdmin(destination), new ListedMirrorLogs(destination), mirror.topic, offsets, signal))
        options.logger.warn({ link: options.name, topic: mirror.topic, error }, 'committed offsets could not be put back');
    },
    abortTransactions: async (mirror, signal) => {
      const partitions = mirror.partitions.map(({ partition }) => partition);
      const aborted = await abortOpenTransactions(destination, mirror.topic, partitions, { timeoutMs: Number.POSITIVE_INFINITY, signal });
      for (const transaction of aborted)
        options.logger.info({ link: options.name, topic: mirror.topic, ...transaction }, 'a transaction that was open was aborted');
    },
    save: async (mirror, stop, isOver, signal) => {
      await mirrors.change(
        mirror,
        { stop, ...(isOver && { state: 'STOPPED', ...(mirror.stored.repair != null && { repair: null }) }) },
        signal,
      );
      // Nothing more is committed for a topic that is nobody's mirror any more.
      if (isOver) await tasks.offsets.topicsChanged();
    },
  };
};
