/** The last word about committed offsets when a mirror is stopped without its source: none stays beyond the end of the log. */
import { BrokerError } from '../../client/broker-error.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { chunks } from './chunks.ts';
import type { GroupAdmin, OffsetToCommit } from './group-admin.ts';
import { type MirrorLogs, partitionKey } from './mirror-logs.ts';
import { type TaskError, taskError } from './task.ts';

const GROUPS_AT_ONCE = 100;

/** What was done about offsets beyond the end. */
export interface ClampedOffsets {
  /** Positions that were set back to the end of their partition. */
  readonly clamped: number;
  /** Groups that could not be read or set back; those with members move themselves. */
  readonly errors: readonly TaskError[];
}

/**
 * Sets back every group of the destination whose position for one of these topics is beyond the end of its partition: a consumer would not find
 * its position there, and fall back to its reset policy. Groups that the link may not DESCRIBE are left out. Can be repeated.
 */
export const clampOffsets = async (
  destination: GroupAdmin,
  logs: MirrorLogs,
  topics: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ClampedOffsets> => {
  const listing = await destination.list(signal);
  const errors: TaskError[] = listing.errors.map((error) => taskError(error, null));
  let clamped = 0;
  for (const some of chunks([...listing.groups.keys()], GROUPS_AT_ONCE)) {
    for (const [group, offsets] of await destination.offsets(some, signal)) {
      if (LinkError.is(offsets)) {
        errors.push(taskError(offsets, group));
        continue;
      }
      const positions = [...offsets]
        .filter(([topic]) => topics.has(topic))
        .flatMap(([topic, partitions]) => [...partitions].map(([partition, committed]) => ({ topic, partition, ...committed })));
      const ranges = await logs.ranges(positions, signal);
      const beyond: OffsetToCommit[] = positions.flatMap(({ topic, partition, offset, metadata }) => {
        const end = ranges.get(partitionKey(topic, partition))?.end;
        return end !== undefined && offset > end ? [{ topic, partition, offset: end, metadata }] : [];
      });
      if (beyond.length === 0) continue;
      const codes = await destination.commit(group, beyond, signal).catch((error) => LinkError.from(error));
      if (LinkError.is(codes)) {
        errors.push(taskError(codes, group));
        continue;
      }
      clamped += codes.filter((code) => code === ErrorCode.NONE).length;
      const code = codes.find((other) => other !== ErrorCode.NONE);
      if (code !== undefined) {
        const refusal = new BrokerError(code, `set the offsets of group '${group}' back to the ends of the mirror`);
        errors.push(taskError(refusal, group, ...(code === ErrorCode.UNKNOWN_MEMBER_ID ? (['CONSUMER_GROUP_IN_USE_ERROR'] as const) : [])));
      }
    }
  }
  return { clamped, errors };
};
