/** How much of an answer a partition that is behind asks for: so little that many of them fit in, and never less than its batches need. */

/**
 * Fewer bytes from more partitions make fuller Produce requests, since a request takes one batch of each partition. Below this the source's work per partition
 * and answer costs more than that saves.
 */
const MIN_SHARE_BYTES = 256 * 1024;

export interface ShareLimits {
  /** Bytes of one answer. */
  readonly responseMaxBytes: number;
  /** Bytes of one partition in an answer: no share is larger. */
  readonly partitionMaxBytes: number;
}

/**
 * The share of one of so many partitions that have more to fetch. A power of two, unless a limit is in the way: a fetch session is told every change.
 *
 * `largestBatch` is in bytes; 0 when it is not known. A broker leaves out a batch that does not fit into the share, unless it is the first of the answer: room for
 * two of the largest keeps one that is somewhat larger from waiting until its partition comes first.
 */
export const fetchShare = ({ responseMaxBytes, partitionMaxBytes }: ShareLimits, partitions: number, largestBatch: number): number => {
  if (largestBatch === 0) return partitionMaxBytes;
  const even = 2 ** Math.floor(Math.log2(responseMaxBytes / partitions));
  const needed = 2 ** Math.ceil(Math.log2(2 * largestBatch));
  return Math.min(partitionMaxBytes, Math.max(MIN_SHARE_BYTES, even, needed));
};
