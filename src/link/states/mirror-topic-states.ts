/** The twelve states of a mirror topic, as the product names them, with what each means, as data; and which one follows from what is known. Pure. */

/** The product's roll-up of states (`state_category`). */
export type StateCategory = 'ACTIVE' | 'PAUSED' | 'PENDING' | 'IN_ERROR' | 'NOT_APPLICABLE';

interface StateRow {
  /** `lasting`: until somebody changes it; `passing`: on the way to another; `derived`: for as long as its cause lasts. */
  readonly kind: 'lasting' | 'passing' | 'derived';
  readonly category: StateCategory;
  /** Clients may write to the topic. */
  readonly isWritable: boolean;
  readonly meaning: string;
}

export const MIRROR_TOPIC_STATES = {
  PENDING_MIRROR: {
    kind: 'passing',
    category: 'PENDING',
    isWritable: false,
    meaning: 'It is being set up, or made anew by a repair; not every partition has been compared with its source yet.',
  },
  ACTIVE: { kind: 'lasting', category: 'ACTIVE', isWritable: false, meaning: 'It follows its source.' },
  PAUSED: { kind: 'lasting', category: 'PAUSED', isWritable: false, meaning: 'It rests, because somebody asked for it.' },
  LINK_PAUSED: { kind: 'derived', category: 'PAUSED', isWritable: false, meaning: 'It rests with its whole link (`cluster.link.paused`).' },
  SOURCE_UNAVAILABLE: {
    kind: 'derived',
    category: 'IN_ERROR',
    isWritable: false,
    meaning: 'The source has not answered for several checks; the link keeps trying.',
  },
  LINK_FAILED: { kind: 'derived', category: 'IN_ERROR', isWritable: false, meaning: 'Its link cannot work as it is configured.' },
  FAILED: {
    kind: 'lasting',
    category: 'IN_ERROR',
    isWritable: false,
    meaning: 'At least one partition has stopped for good; `mirror_topic_error` says why. The others go on.',
  },
  PENDING_SYNCHRONIZE: {
    kind: 'passing',
    category: 'PENDING',
    isWritable: false,
    meaning: 'Its direction is being reversed; it catches up before the two sides swap.',
  },
  PENDING_STOPPED: { kind: 'passing', category: 'PENDING', isWritable: false, meaning: 'It is being promoted or failed over.' },
  STOPPED: { kind: 'lasting', category: 'NOT_APPLICABLE', isWritable: true, meaning: 'An ordinary topic that anybody may write to.' },
  PENDING_SETUP_FOR_RESTORE: {
    kind: 'passing',
    category: 'PENDING',
    isWritable: false,
    meaning: 'It is to become a mirror again; both logs are being compared.',
  },
  PENDING_RESTORE: {
    kind: 'passing',
    category: 'PENDING',
    isWritable: false,
    meaning: 'It becomes a mirror again; what only it has is being cut off.',
  },
} as const satisfies Readonly<Record<string, StateRow>>;

export type MirrorTopicState = keyof typeof MIRROR_TOPIC_STATES;
export const MIRROR_TOPIC_STATE_NAMES = Object.keys(MIRROR_TOPIC_STATES) as readonly MirrorTopicState[];

/** What is known of a mirror, from which its state follows. */
export interface MirrorTopicFacts {
  /** Somebody has paused this mirror. Lasts over restarts, as the next two do. */
  readonly paused: boolean;
  /** How it is being stopped, or was; null while it is not. */
  readonly stopping: 'PROMOTE' | 'FAILOVER' | null;
  /** It has been stopped. */
  readonly stopped: boolean;
  /** A repair is making its topic anew. Lasts over restarts too. */
  readonly repairing: boolean;
  /** Every partition has been compared with its source at least once. */
  readonly setUp: boolean;
  /** A partition has stopped for good. */
  readonly failed: boolean;
  readonly linkPaused: boolean;
  readonly linkFailed: boolean;
  readonly sourceAvailable: boolean;
}

/** A mirror that was created just now, by a link that runs. */
export const NEW_MIRROR: MirrorTopicFacts = {
  paused: false,
  stopping: null,
  stopped: false,
  repairing: false,
  setUp: false,
  failed: false,
  linkPaused: false,
  linkFailed: false,
  sourceAvailable: true,
};

/** By rank: the first that holds is the state. */
const RANKS: readonly (readonly [MirrorTopicState, (facts: MirrorTopicFacts) => boolean])[] = [
  ['STOPPED', ({ stopped }) => stopped],
  ['PENDING_STOPPED', ({ stopping }) => stopping !== null],
  // What had failed is on its way to be gone.
  ['PENDING_MIRROR', ({ repairing }) => repairing],
  // Only a person can end it.
  ['FAILED', ({ failed }) => failed],
  ['LINK_FAILED', ({ linkFailed }) => linkFailed],
  ['LINK_PAUSED', ({ linkPaused }) => linkPaused],
  ['PAUSED', ({ paused }) => paused],
  ['SOURCE_UNAVAILABLE', ({ sourceAvailable }) => !sourceAvailable],
  ['PENDING_MIRROR', ({ setUp }) => !setUp],
];

/** The state that the facts amount to. */
export const mirrorTopicStateOf = (facts: MirrorTopicFacts): MirrorTopicState => RANKS.find(([, holds]) => holds(facts))?.[0] ?? 'ACTIVE';
