/** Transactions that are open in a mirror and whose ends the source may have lost before they were copied: nobody else would ever end them. */
import type { Cluster } from '../../client/cluster.ts';
import { fetchPartition } from '../../client/fetch-partition.ts';
import { RecordSetCursor } from '../../codec/record-set.ts';
import { LinkError } from '../../errors.ts';
import { mapProducerId, type TransactionEnd } from './mapped-producer.ts';
import type { PartitionProducers } from './producer-lookup.ts';

/** Offsets `from` to `end` of a partition of the source. */
export interface SourceRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly end: number;
}

/** Mostly the first batch of a transaction is still there, and nothing else is looked at. */
const FETCH_BYTES = 64 * 1024;

/** All that are open, the oldest first, with the markers that abort them. */
export const abortsOfOpen = ({ mapped }: PartitionProducers): readonly TransactionEnd[] =>
  [...mapped]
    .flatMap(([producerId, { producerEpoch, coordinatorEpoch, openSince }]) =>
      openSince === null
        ? []
        : [{ openSince, end: { producerId, producerEpoch, commit: false, coordinatorEpoch: Math.max(0, coordinatorEpoch) } }],
    )
    .sort((a, b) => a.openSince - b.openSince)
    .map(({ end }) => end);

/**
 * Of the transactions that are open in the mirror, those of whose copied part the source has nothing any more. A log cleaner takes the marker of a transaction only
 * after all its records, and nothing of one that is open: as long as anything is there, the end is there or will come. Once all is gone the copied part can be aborted
 * without regard to how it ended: the source shows nothing of it.
 *
 * `range`: from the log start of the source to the end of the mirror.
 */
export const lostEnds = async (
  source: Cluster,
  range: SourceRange,
  producers: PartitionProducers,
  signal: AbortSignal,
): Promise<readonly TransactionEnd[]> => {
  const lost = new Map(abortsOfOpen(producers).map((end) => [end.producerId, end]));
  const sinceOf = (producerId: bigint): number => producers.mapped.get(producerId)?.openSince ?? 0;
  const { topic, partition, end } = range;
  const [oldest] = lost.keys();
  let offset = Math.max(range.from, oldest === undefined ? end : sinceOf(oldest));
  const cursor = new RecordSetCursor();
  while (offset < end && lost.size > 0) {
    const { records, highWatermark } = await fetchPartition(source, { topic, partition, offset, maxBytes: FETCH_BYTES }, signal);
    const from = offset;
    cursor.open(records ?? EMPTY);
    while (cursor.next()) {
      const { batch } = cursor;
      offset = Math.max(offset, batch.nextOffsetNumber);
      const producerId = batch.isTransactional && !batch.isControl && batch.recordsCount > 0 ? mapProducerId(batch.producerId) : null;
      if (producerId !== null && batch.baseOffsetNumber < end && batch.nextOffsetNumber > sinceOf(producerId)) lost.delete(producerId);
    }
    if (offset > from) continue;
    if (highWatermark >= end) break;
    throw new LinkError('KLINK_STATE', `${topic}-${partition}: offset ${offset} cannot be read on the source at the moment`, {
      retriable: true,
    });
  }
  return [...lost.values()];
};

const EMPTY = Buffer.alloc(0);
