/** The states of a mirror topic, as Cluster Linking names them, and which may follow which. Pure. */

/**
 * - `PENDING_MIRROR`: the mirror is being set up; no partition of it is copied yet.
 * - `ACTIVE`: it follows its source.
 * - `SOURCE_UNAVAILABLE`: the source has not answered for several checks; the link keeps trying.
 * - `FAILED`: at least one partition has stopped for good. The other partitions go on.
 */
export type MirrorState = 'PENDING_MIRROR' | 'ACTIVE' | 'SOURCE_UNAVAILABLE' | 'FAILED';

/** What is known of a mirror, from which its state follows. */
export interface MirrorFacts {
  /** All partitions have been aligned with the source at least once. */
  readonly setUp: boolean;
  readonly sourceAvailable: boolean;
  readonly failed: boolean;
}

/** The state that the facts amount to. A failure outweighs everything, since only a person can end it. */
export const mirrorStateOf = ({ setUp, sourceAvailable, failed }: MirrorFacts): MirrorState => {
  if (failed) return 'FAILED';
  if (!sourceAvailable) return 'SOURCE_UNAVAILABLE';
  return setUp ? 'ACTIVE' : 'PENDING_MIRROR';
};
