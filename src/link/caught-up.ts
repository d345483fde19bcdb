/** Waits until the destination has every offset that could be copied from the source at one moment. */
import type { Clock } from '../client/clock.ts';
import type { Cluster } from '../client/cluster.ts';
import { LinkError } from '../errors.ts';
import type { Change } from './change.ts';
import { OffsetLookup } from './replication/offset-lookup.ts';
import type { PartitionMirror } from './replication/partition-mirror.ts';
import { TRANSACTION_MODES, type TransactionMode } from './replication/transaction-mode.ts';

export interface CatchingUp {
  readonly source: Cluster;
  readonly clock: Clock;
  readonly transactions: TransactionMode;
  /** Something has moved. */
  readonly change: Change;
}

/** @throws LinkError `KLINK_TIMEOUT`, `KLINK_ABORTED`; a `MirrorFailure` when a partition has failed; whatever keeps the source from being asked. */
export const caughtUp = async (
  { source, clock, transactions, change }: CatchingUp,
  partitions: readonly PartitionMirror[],
  signal: AbortSignal,
  timeoutMs: number,
): Promise<void> => {
  const deadline = clock.now() + timeoutMs;
  const ends = await source.retry(
    async (count) => {
      if (count > 1) await source.refreshMetadata([...new Set(partitions.map(({ sourceTopic }) => sourceTopic))], signal);
      const lookup = new OffsetLookup(source, TRANSACTION_MODES[transactions].sourceView);
      return Promise.all(partitions.map(({ sourceTopic, partition }) => lookup.find(sourceTopic, partition, 'latest')));
    },
    { timeoutMs, signal },
  );
  await change.until(
    () => {
      const failed = partitions.find(({ phase }) => phase === 'failed');
      if (failed !== undefined) throw failed.error ?? new LinkError('KLINK_STATE', `${failed.label} has failed`);
      return partitions.every(({ ackedOffset }, index) => ackedOffset >= (ends[index] as number));
    },
    deadline,
    signal,
    () => `the destination still lacks ${partitions.reduce((sum, { lag }) => sum + lag, 0)} offset(s)`,
  );
};
