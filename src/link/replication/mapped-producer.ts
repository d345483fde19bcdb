/** The producers of the source's transactions as the destination knows them: under ids of a range in which no cluster hands out any. */

/** One producer of transactions, as long as its epoch lasts: what a batch or marker says of its origin. */
export interface TransactionalProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** How a transaction ends in one partition: what its coordinator has written there. */
export interface TransactionEnd extends TransactionalProducer {
  readonly commit: boolean;
  readonly coordinatorEpoch: number;
}

/**
 * Clusters hand out ids from 0 upwards. Were those of the source kept as they are, a producer of the destination would sooner or later get one that the
 * mirror has used: the broker takes its batches for repetitions and says that they were written.
 */
const FIRST_MAPPED_ID = 2n ** 62n;
/** A mirror of a mirror moves ids that were moved before by this much more, so that they meet neither each other nor those that are moved for the first time. */
const NEXT_HOP = 2n ** 56n;
const LAST_ID = 2n ** 63n - 1n;

/** The id at the destination: 2^62 + id; null for an id that has no place there, such as none at all (−1) and those of fillers. */
export const mapProducerId = (producerId: bigint): bigint | null => {
  if (producerId < 0n || (producerId >= NEXT_HOP && producerId < FIRST_MAPPED_ID)) return null;
  const mapped = producerId + (producerId < NEXT_HOP ? FIRST_MAPPED_ID : NEXT_HOP);
  return mapped > LAST_ID ? null : mapped;
};

/** The id that {@link mapProducerId} has moved. */
export const originalProducerId = (mapped: bigint): bigint => mapped - (mapped < FIRST_MAPPED_ID + NEXT_HOP ? FIRST_MAPPED_ID : NEXT_HOP);

/** Whether a link has written under this id for a producer of its source. */
export const isMappedId = (producerId: bigint): boolean => producerId >= FIRST_MAPPED_ID;

/** Whether a batch or marker of a mirror can be the copy of this one of the source, as far as their producers say. */
export const isCopiedProducer = (original: TransactionalProducer, copy: TransactionalProducer): boolean =>
  mapProducerId(original.producerId) === copy.producerId && original.producerEpoch === copy.producerEpoch;

export const sameProducer = (a: TransactionalProducer | null, b: TransactionalProducer | null): boolean =>
  a === b || (a !== null && b !== null && a.producerId === b.producerId && a.producerEpoch === b.producerEpoch);
