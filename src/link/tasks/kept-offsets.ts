/** Committed offsets of a topic that is deleted and made anew: brokers delete them with it, so they are read before and put back after. */
import { BrokerError } from '../../client/broker-error.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import type { KeptOffset } from '../store/link-store.ts';
import { chunks } from './chunks.ts';
import type { GroupAdmin, OffsetToCommit } from './group-admin.ts';
import { type MirrorLogs, partitionKey } from './mirror-logs.ts';
import { type TaskError, taskError } from './task.ts';

const GROUPS_AT_ONCE = 100;
/** They are written down in one record of the link's store, whose topic takes 1 MiB. */
export const MAX_KEPT_BYTES = 512 * 1024;

/** By group. */
export type KeptOffsets = Readonly<Record<string, readonly KeptOffset[]>>;

/**
 * What all groups have committed for a topic. Groups that the link may not DESCRIBE are left out: brokers do not show them.
 *
 * @throws LinkError `KLINK_STATE` when that is more than a link can keep; whatever keeps a group from being read, since what is not read would be gone.
 */
export const readCommitted = async (groups: GroupAdmin, topic: string, signal: AbortSignal): Promise<KeptOffsets> => {
  const listing = await groups.list(signal);
  const [away] = listing.errors;
  if (away !== undefined) throw away;
  const kept: Record<string, readonly KeptOffset[]> = {};
  let bytes = 0;
  for (const some of chunks([...listing.groups.keys()], GROUPS_AT_ONCE)) {
    for (const [group, offsets] of await groups.offsets(some, signal)) {
      if (LinkError.is(offsets)) throw offsets;
      const committed = [...(offsets.get(topic) ?? [])].map(
        ([partition, { offset, metadata }]): KeptOffset =>
          metadata === '' ? [partition, Number(offset)] : [partition, Number(offset), metadata],
      );
      if (committed.length === 0) continue;
      kept[group] = committed;
      bytes += JSON.stringify([group, committed]).length;
    }
  }
  if (bytes <= MAX_KEPT_BYTES) return kept;
  throw new LinkError(
    'KLINK_STATE',
    `The committed offsets of '${topic}' (${Object.keys(kept).length} groups, ${bytes} bytes) are more than a link keeps (${MAX_KEPT_BYTES} bytes), and brokers delete them with the topic. Delete groups that are not needed`,
  );
};

/** Each at most as far as its partition's limit. Pure. */
export const limited = (kept: KeptOffsets, limits: readonly number[]): KeptOffsets =>
  Object.fromEntries(
    Object.entries(kept).map(([group, offsets]) => [
      group,
      offsets.map(([partition, offset, ...metadata]): KeptOffset => [partition, Math.min(offset, limits[partition] ?? 0), ...metadata]),
    ]),
  );

/** Those of `first`, and of `second` what `first` says nothing about. Pure. */
export const merged = (first: KeptOffsets, second: KeptOffsets): KeptOffsets => {
  const groups = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries(
    [...groups].map((group) => {
      const known = first[group] ?? [];
      const partitions = new Set(known.map(([partition]) => partition));
      return [group, [...known, ...(second[group] ?? []).filter(([partition]) => !partitions.has(partition))]];
    }),
  );
};

/** The highest kept offset of each partition: how far a copy must be before all of them can be put back. Pure. */
export const highest = (kept: KeptOffsets): ReadonlyMap<number, number> => {
  const ends = new Map<number, number>();
  for (const [partition, offset] of Object.values(kept).flat()) ends.set(partition, Math.max(offset, ends.get(partition) ?? 0));
  return ends;
};

/**
 * Commits what was kept, inside what the logs have now. What somebody has committed since counts more, so it can be repeated. Resolves with the groups for
 * which it cannot be done: those with members move themselves.
 */
export const putBack = async (
  groups: GroupAdmin,
  logs: MirrorLogs,
  topic: string,
  kept: KeptOffsets,
  signal: AbortSignal,
): Promise<readonly TaskError[]> => {
  const errors: TaskError[] = [];
  const partitions = [...highest(kept).keys()].map((partition) => ({ topic, partition }));
  const ranges = await logs.ranges(partitions, signal);
  for (const some of chunks(Object.keys(kept), GROUPS_AT_ONCE)) {
    for (const [group, offsets] of await groups.offsets(some, signal)) {
      if (LinkError.is(offsets)) {
        errors.push(taskError(offsets, group));
        continue;
      }
      const since = offsets.get(topic);
      const due = (kept[group] ?? []).flatMap(([partition, offset, metadata = '']): OffsetToCommit[] => {
        const range = ranges.get(partitionKey(topic, partition));
        if (range === undefined || since?.has(partition) === true) return [];
        const inside = BigInt(offset) < range.start ? range.start : BigInt(offset) > range.end ? range.end : BigInt(offset);
        return [{ topic, partition, offset: inside, metadata }];
      });
      if (due.length === 0) continue;
      const codes = await groups.commit(group, due, signal).catch((error) => LinkError.from(error));
      if (LinkError.is(codes)) {
        errors.push(taskError(codes, group));
        continue;
      }
      const code = codes.find((other) => other !== ErrorCode.NONE);
      if (code !== undefined) errors.push(taskError(new BrokerError(code, `put the offsets of group '${group}' back`), group));
    }
  }
  return errors;
};
