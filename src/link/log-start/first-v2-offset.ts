/** Finds where the old message formats of a log end: a binary search that reads one batch per step. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Cluster } from '../../client/cluster.ts';
import { fetchPartition } from '../../client/fetch-partition.ts';
import { RecordSetCursor } from '../../codec/record-set.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';

/** Less than any batch: the first one comes whole all the same, and no other. */
const ONE_BATCH = 1;

/** What is stored first at or after an offset. */
type FirstEntry = { readonly isOld: true; readonly lastOffset: number } | { readonly isOld: false; readonly baseOffset: number };

/**
 * The first offset of `range` that is stored in a record batch of the present format (v2, Kafka 0.11 and later), or null when all that is stored
 * there is older. Only where a topic's `message.format.version` was set back and forth may older messages follow.
 *
 * Takes as many requests as the range's length has binary digits, one after the other, or fewer.
 *
 * @throws LinkError `KLINK_STATE` (retriable, with a range that is read anew) when the log was trimmed or lost its end meanwhile;
 *   else as {@link fetchPartition}.
 */
export const findFirstV2Offset = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  range: { readonly start: number; readonly end: number },
  signal: AbortSignal,
): Promise<number | null> => {
  // Everything before `from` is old, everything that is stored from `to` on is not.
  let from = range.start;
  let to = range.end;
  let found: number | null = null;
  // The first step looks at the start itself: most logs have nothing old.
  for (let probe = from; from < to; probe = from + Math.floor((to - from) / 2)) {
    const entry = await firstEntryAt(cluster, topic, partition, probe, signal);
    if (entry.isOld) from = Math.max(entry.lastOffset, probe) + 1;
    else {
      found = Math.max(entry.baseOffset, range.start);
      to = Math.min(probe, Math.max(entry.baseOffset, from));
    }
  }
  return found !== null && found < range.end ? found : null;
};

const firstEntryAt = async (
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
  signal: AbortSignal,
): Promise<FirstEntry> => {
  const { records } = await fetchPartition(cluster, { topic, partition, offset, maxBytes: ONE_BATCH }, signal).catch((error: unknown) => {
    if (error instanceof BrokerError && error.brokerCode === ErrorCode.OFFSET_OUT_OF_RANGE)
      throw unreadable(topic, partition, offset, error);
    throw error;
  });
  const cursor = new RecordSetCursor().open(records ?? Buffer.alloc(0));
  while (cursor.next()) if (cursor.batch.nextOffsetNumber > offset) return { isOld: false, baseOffset: cursor.batch.baseOffsetNumber };
  if (cursor.stop === 'message-set') return { isOld: true, lastOffset: Number(cursor.messageOffset) };
  throw unreadable(topic, partition, offset);
};

const unreadable = (topic: string, partition: number, offset: number, cause?: LinkError): LinkError =>
  new LinkError(
    'KLINK_STATE',
    `${topic}-${partition}: offset ${offset} cannot be read any more, or not yet, while looking for the first v2 batch`,
    {
      retriable: true,
      ...(cause && { cause }),
    },
  );
