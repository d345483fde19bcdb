/** The state of a mirror topic, as it follows from what was asked for and what the clusters show. Pure. */
import type { LastingState } from './store/link-store.ts';

/**
 * - `PENDING_MIRROR`: the mirror is being set up; no partition of it is copied yet.
 * - `ACTIVE`: it follows its source.
 * - `PAUSED`: it rests, because somebody asked for it.
 * - `LINK_PAUSED`: it rests with its whole link.
 * - `SOURCE_UNAVAILABLE`: the source has not answered for several checks; the link keeps trying.
 * - `FAILED`: at least one partition has stopped for good. The other partitions go on.
 * - `PENDING_STOPPED`: it is being promoted or failed over.
 * - `STOPPED`: an ordinary topic that anybody may write to.
 */
export type MirrorState =
  | 'PENDING_MIRROR'
  | 'ACTIVE'
  | 'PAUSED'
  | 'LINK_PAUSED'
  | 'SOURCE_UNAVAILABLE'
  | 'FAILED'
  | 'PENDING_STOPPED'
  | 'STOPPED';
export const MIRROR_STATES = [
  'PENDING_MIRROR',
  'ACTIVE',
  'PAUSED',
  'LINK_PAUSED',
  'SOURCE_UNAVAILABLE',
  'FAILED',
  'PENDING_STOPPED',
  'STOPPED',
] as const satisfies readonly MirrorState[];

/** What is known of a mirror, from which its state follows. */
export interface MirrorFacts {
  /** What somebody has asked for; kept in the store. */
  readonly lasting: LastingState;
  /** A partition has failed. */
  readonly failed: boolean;
  readonly linkPaused: boolean;
  readonly sourceAvailable: boolean;
  /** All partitions have been aligned with the source at least once. */
  readonly setUp: boolean;
}

/** By rank: the first that holds is the state. */
const RANKS: readonly (readonly [MirrorState, (facts: MirrorFacts) => boolean])[] = [
  ['STOPPED', ({ lasting }) => lasting === 'STOPPED'],
  ['PENDING_STOPPED', ({ lasting }) => lasting === 'PENDING_STOPPED'],
  // Only a person can end it.
  ['FAILED', ({ failed }) => failed],
  ['LINK_PAUSED', ({ linkPaused }) => linkPaused],
  ['PAUSED', ({ lasting }) => lasting === 'PAUSED'],
  ['SOURCE_UNAVAILABLE', ({ sourceAvailable }) => !sourceAvailable],
  ['PENDING_MIRROR', ({ setUp }) => !setUp],
];

/** The state that the facts amount to. */
export const mirrorStateOf = (facts: MirrorFacts): MirrorState => RANKS.find(([, holds]) => holds(facts))?.[0] ?? 'ACTIVE';
