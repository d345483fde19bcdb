/** What changes the state of a mirror topic, from where to where, and why not from elsewhere: the product's transition table as data. Pure. */
import { MIRROR_TOPIC_STATE_NAMES, type MirrorTopicFacts, type MirrorTopicState, mirrorTopicStateOf } from './mirror-topic-states.ts';

/** What a user can ask of a mirror. */
export const MIRROR_VERBS = ['pause', 'resume', 'promote', 'failover', 'repair'] as const;
export type MirrorVerb = (typeof MIRROR_VERBS)[number];

/** What happens to a mirror: verbs, and what its link finds out or has done. */
export type MirrorTransition =
  | MirrorVerb
  /** All partitions have been compared with their source. */
  | 'set-up'
  /** A partition has stopped for good. */
  | 'failed'
  /** What was failed is tried anew, from the comparison on: after a restart of the link. */
  | 'begun-anew'
  /** All that stopping takes has been done. */
  | 'stopped'
  /** A promotion is given up: its deadline has passed, or a step of it cannot be done. */
  | 'withdrawn'
  /** A repair has made its topic anew: the copy begins. */
  | 'made-anew'
  /** A repair is given up before it has changed anything. */
  | 'left-as-it-was'
  | 'source-unavailable'
  | 'source-available'
  | 'link-paused'
  | 'link-resumed'
  | 'link-failed'
  | 'link-recovered';

interface TransitionRow {
  readonly from: readonly MirrorTopicState[];
  /** Where it may lead; the facts decide which of them it is. */
  readonly to: readonly MirrorTopicState[];
  readonly effect: Partial<MirrorTopicFacts>;
  /** Why not in spite of a state that would do; null if nothing speaks against it. */
  readonly unless?: (facts: MirrorTopicFacts) => string | null;
  /** What has to be the case, for those whose state will not do. */
  readonly needs: string;
}

/** States of a mirror that follows its source, or will again by itself. */
const LIVE = [
  'PENDING_MIRROR',
  'ACTIVE',
  'PAUSED',
  'LINK_PAUSED',
  'SOURCE_UNAVAILABLE',
  'LINK_FAILED',
] as const satisfies readonly MirrorTopicState[];
const UNSTOPPED = MIRROR_TOPIC_STATE_NAMES.filter((state) => state !== 'STOPPED');

const whileRepairing = (repairing: boolean): string | null =>
  repairing ? 'it is being repaired: its topic is gone, or will be in a moment, until it is made anew' : null;

/** What concerns the link concerns every mirror of it, and changes the state of those for which nothing else counts more. */
const ofTheLink = (effect: Partial<MirrorTopicFacts>): TransitionRow => ({
  from: MIRROR_TOPIC_STATE_NAMES,
  to: MIRROR_TOPIC_STATE_NAMES,
  effect,
  needs: 'it concerns every mirror',
});

export const MIRROR_TRANSITIONS: Readonly<Record<MirrorTransition, TransitionRow>> = {
  pause: {
    from: ['PENDING_MIRROR', 'ACTIVE', 'SOURCE_UNAVAILABLE', 'LINK_PAUSED', 'LINK_FAILED'],
    to: ['PAUSED', 'LINK_PAUSED', 'LINK_FAILED'],
    effect: { paused: true },
    unless: ({ paused, repairing }) => (paused ? 'it is paused by itself already' : whileRepairing(repairing)),
    needs: 'only what follows its source, or will again, can be paused',
  },
  resume: {
    from: ['PAUSED', 'LINK_PAUSED', 'LINK_FAILED'],
    to: LIVE,
    effect: { paused: false },
    unless: ({ paused }) => (paused ? null : 'it is not paused by itself, but with its link: change that'),
    needs: 'only what was paused can be resumed',
  },
  promote: {
    from: ['ACTIVE', 'PAUSED', 'PENDING_STOPPED'],
    to: ['PENDING_STOPPED'],
    effect: { stopping: 'PROMOTE' },
    unless: ({ stopping, sourceAvailable }) => {
      if (stopping === 'FAILOVER') return 'it is being failed over, which goes on to its end';
      return sourceAvailable || stopping === 'PROMOTE' ? null : 'its source does not answer: use failover';
    },
    needs: 'a promotion needs the source, and a mirror that has not failed: use failover to stop without both',
  },
  failover: {
    from: UNSTOPPED,
    to: ['PENDING_STOPPED'],
    effect: { stopping: 'FAILOVER' },
    unless: ({ repairing }) => whileRepairing(repairing),
    needs: 'only what is not stopped can be failed over',
  },
  repair: {
    from: ['FAILED', 'PENDING_MIRROR'],
    to: ['PENDING_MIRROR'],
    effect: { repairing: true },
    unless: ({ failed, repairing, sourceAvailable }) => {
      if (repairing) return null;
      if (!failed) return 'it is PENDING_MIRROR, and only a mirror that has failed can be repaired';
      return sourceAvailable ? null : 'its source does not answer, and a repair copies from there: use failover to keep what is here';
    },
    needs: 'only a mirror that has failed can be repaired',
  },
  'set-up': {
    from: LIVE,
    to: LIVE,
    effect: { setUp: true },
    unless: ({ repairing }) => whileRepairing(repairing),
    needs: 'only what follows its source is set up',
  },
  failed: {
    from: UNSTOPPED,
    // What is being stopped, or made anew, has its end before it already, failed or not.
    to: ['FAILED', 'PENDING_STOPPED', 'PENDING_MIRROR'],
    effect: { failed: true },
    needs: 'a stopped mirror has nothing left that could fail',
  },
  'begun-anew': { from: ['FAILED'], to: LIVE, effect: { failed: false, setUp: false }, needs: 'only what has failed is begun anew' },
  stopped: { from: ['PENDING_STOPPED'], to: ['STOPPED'], effect: { stopped: true }, needs: 'somebody must have asked for it' },
  withdrawn: {
    from: ['PENDING_STOPPED'],
    to: [...LIVE, 'FAILED'],
    effect: { stopping: null },
    unless: ({ stopping }) => (stopping === 'FAILOVER' ? 'a failover goes on to its end' : null),
    needs: 'only a promotion under way can be given up',
  },
  'made-anew': {
    from: ['PENDING_MIRROR'],
    to: LIVE,
    effect: { repairing: false, failed: false, setUp: false },
    unless: ({ repairing }) => (repairing ? null : 'it is not being repaired'),
    needs: 'it must be under repair',
  },
  'left-as-it-was': {
    from: ['PENDING_MIRROR'],
    to: [...LIVE, 'FAILED'],
    effect: { repairing: false },
    unless: ({ repairing }) => (repairing ? null : 'it is not being repaired'),
    needs: 'it must be under repair',
  },
  'source-unavailable': ofTheLink({ sourceAvailable: false }),
  'source-available': ofTheLink({ sourceAvailable: true }),
  'link-paused': ofTheLink({ linkPaused: true }),
  'link-resumed': ofTheLink({ linkPaused: false }),
  'link-failed': ofTheLink({ linkFailed: true }),
  'link-recovered': ofTheLink({ linkFailed: false }),
};

/** What came of a transition. */
export type TransitionOutcome =
  | { readonly allowed: true; readonly from: MirrorTopicState; readonly to: MirrorTopicState; readonly facts: MirrorTopicFacts }
  | {
      readonly allowed: false;
      readonly from: MirrorTopicState;
      /** As the end of a sentence about the mirror. */
      readonly why: string;
      /** What can be asked of it now. */
      readonly possible: readonly MirrorVerb[];
    };

/** Why not, from a state that the table does not have for it. */
const reasonFor = (event: MirrorTransition, from: MirrorTopicState): string =>
  from === 'STOPPED'
    ? 'it has already stopped its mirror from its source, and is an ordinary topic'
    : `it is ${from}, and ${MIRROR_TRANSITIONS[event].needs}`;

const refusalOf = (facts: MirrorTopicFacts, event: MirrorTransition): string | null => {
  const from = mirrorTopicStateOf(facts);
  const row = MIRROR_TRANSITIONS[event];
  return row.from.includes(from) ? (row.unless?.(facts) ?? null) : reasonFor(event, from);
};

/** What can be asked of a mirror now. */
export const possibleVerbs = (facts: MirrorTopicFacts): readonly MirrorVerb[] =>
  MIRROR_VERBS.filter((verb) => refusalOf(facts, verb) === null);

/** The facts after what has happened, and the state that follows; or why it cannot be. A refusal changes nothing. */
export const transition = (facts: MirrorTopicFacts, event: MirrorTransition): TransitionOutcome => {
  const from = mirrorTopicStateOf(facts);
  const why = refusalOf(facts, event);
  if (why !== null) return { allowed: false, from, why, possible: possibleVerbs(facts) };
  const after: MirrorTopicFacts = { ...facts, ...MIRROR_TRANSITIONS[event].effect };
  return { allowed: true, from, to: mirrorTopicStateOf(after), facts: after };
};

/** What of the facts outlives a process; the rest is found out again, or comes from the configs of the link. */
export type LastingFacts = Pick<MirrorTopicFacts, 'paused' | 'stopping' | 'stopped' | 'repairing'>;

/** The facts when a process takes a mirror over: what is not known yet is taken to be well. */
export const factsAfterRestart = (
  { paused, stopping, stopped, repairing }: LastingFacts,
  { linkPaused, setUp }: Pick<MirrorTopicFacts, 'linkPaused' | 'setUp'>,
): MirrorTopicFacts => ({
  paused,
  stopping,
  stopped,
  repairing,
  setUp,
  failed: false,
  linkPaused,
  linkFailed: false,
  sourceAvailable: true,
});
