/** Mirror topic states and transitions against the product's own tables, written down here a second time by hand. */
import { describe, expect, it } from 'vitest';
import { MIRROR_TOPIC_ERRORS } from '../../../../src/link/mirror-failure.ts';
import { PRODUCT_MIRROR_TOPIC_ERRORS, productMirrorTopicError } from '../../../../src/link/states/mirror-topic-errors.ts';
import {
  MIRROR_TOPIC_STATE_NAMES,
  MIRROR_TOPIC_STATES,
  type MirrorTopicFacts,
  type MirrorTopicState,
  mirrorTopicStateOf,
  NEW_MIRROR,
} from '../../../../src/link/states/mirror-topic-states.ts';
import {
  factsAfterRestart,
  MIRROR_TRANSITIONS,
  type MirrorTransition,
  possibleVerbs,
  transition,
} from '../../../../src/link/states/mirror-transitions.ts';

/** Facts of a mirror in each state that the table reaches, as they usually are there. */
const SET_UP: MirrorTopicFacts = { ...NEW_MIRROR, setUp: true };
const IN = {
  PENDING_MIRROR: NEW_MIRROR,
  ACTIVE: SET_UP,
  PAUSED: { ...SET_UP, paused: true },
  LINK_PAUSED: { ...SET_UP, linkPaused: true },
  SOURCE_UNAVAILABLE: { ...SET_UP, sourceAvailable: false },
  LINK_FAILED: { ...SET_UP, linkFailed: true },
  FAILED: { ...SET_UP, failed: true },
  PENDING_STOPPED: { ...SET_UP, stopping: 'PROMOTE' },
  STOPPED: { ...SET_UP, stopping: 'PROMOTE', stopped: true },
} as const satisfies Partial<Record<MirrorTopicState, MirrorTopicFacts>>;
type Reached = keyof typeof IN;
const REACHED = Object.keys(IN) as Reached[];

/** Where each leads from each state; what is left out is refused. Product-spec 2.3, rows 3 to 11, and what was decided where it is silent. */
const EXPECTED: Readonly<Record<MirrorTransition, Partial<Record<Reached, MirrorTopicState>>>> = {
  pause: {
    PENDING_MIRROR: 'PAUSED',
    ACTIVE: 'PAUSED',
    SOURCE_UNAVAILABLE: 'PAUSED',
    LINK_PAUSED: 'LINK_PAUSED',
    LINK_FAILED: 'LINK_FAILED',
  },
  resume: { PAUSED: 'ACTIVE' },
  promote: { ACTIVE: 'PENDING_STOPPED', PAUSED: 'PENDING_STOPPED', PENDING_STOPPED: 'PENDING_STOPPED' },
  failover: {
    PENDING_MIRROR: 'PENDING_STOPPED',
    ACTIVE: 'PENDING_STOPPED',
    PAUSED: 'PENDING_STOPPED',
    LINK_PAUSED: 'PENDING_STOPPED',
    SOURCE_UNAVAILABLE: 'PENDING_STOPPED',
    LINK_FAILED: 'PENDING_STOPPED',
    FAILED: 'PENDING_STOPPED',
    PENDING_STOPPED: 'PENDING_STOPPED',
  },
  // Not the product's: it has no way back from FAILED but to delete the mirror.
  repair: { FAILED: 'PENDING_MIRROR' },
  'made-anew': {},
  'left-as-it-was': {},
  'set-up': {
    PENDING_MIRROR: 'ACTIVE',
    ACTIVE: 'ACTIVE',
    PAUSED: 'PAUSED',
    LINK_PAUSED: 'LINK_PAUSED',
    SOURCE_UNAVAILABLE: 'SOURCE_UNAVAILABLE',
    LINK_FAILED: 'LINK_FAILED',
  },
  failed: {
    PENDING_MIRROR: 'FAILED',
    ACTIVE: 'FAILED',
    PAUSED: 'FAILED',
    LINK_PAUSED: 'FAILED',
    SOURCE_UNAVAILABLE: 'FAILED',
    LINK_FAILED: 'FAILED',
    FAILED: 'FAILED',
    PENDING_STOPPED: 'PENDING_STOPPED',
  },
  'begun-anew': { FAILED: 'PENDING_MIRROR' },
  stopped: { PENDING_STOPPED: 'STOPPED' },
  withdrawn: { PENDING_STOPPED: 'ACTIVE' },
  'source-unavailable': {
    PENDING_MIRROR: 'SOURCE_UNAVAILABLE',
    ACTIVE: 'SOURCE_UNAVAILABLE',
    PAUSED: 'PAUSED',
    LINK_PAUSED: 'LINK_PAUSED',
    SOURCE_UNAVAILABLE: 'SOURCE_UNAVAILABLE',
    LINK_FAILED: 'LINK_FAILED',
    FAILED: 'FAILED',
    PENDING_STOPPED: 'PENDING_STOPPED',
    STOPPED: 'STOPPED',
  },
  'source-available': {
    PENDING_MIRROR: 'PENDING_MIRROR',
    ACTIVE: 'ACTIVE',
    PAUSED: 'PAUSED',
    LINK_PAUSED: 'LINK_PAUSED',
    SOURCE_UNAVAILABLE: 'ACTIVE',
    LINK_FAILED: 'LINK_FAILED',
    FAILED: 'FAILED',
    PENDING_STOPPED: 'PENDING_STOPPED',
    STOPPED: 'STOPPED',
  },
  'link-paused': {
    PENDING_MIRROR: 'LINK_PAUSED',
    ACTIVE: 'LINK_PAUSED',
    PAUSED: 'LINK_PAUSED',
    LINK_PAUSED: 'LINK_PAUSED',
    SOURCE_UNAVAILABLE: 'LINK_PAUSED',
    LINK_FAILED: 'LINK_FAILED',
    FAILED: 'FAILED',
    PENDING_STOPPED: 'PENDING_STOPPED',
    STOPPED: 'STOPPED',
  },
  'link-resumed': {
    PENDING_MIRROR: 'PENDING_MIRROR',
    ACTIVE: 'ACTIVE',
    PAUSED: 'PAUSED',
    LINK_PAUSED: 'ACTIVE',
    SOURCE_UNAVAILABLE: 'SOURCE_UNAVAILABLE',
    LINK_FAILED: 'LINK_FAILED',
    FAILED: 'FAILED',
    PENDING_STOPPED: 'PENDING_STOPPED',
    STOPPED: 'STOPPED',
  },
  'link-failed': {
    PENDING_MIRROR: 'LINK_FAILED',
    ACTIVE: 'LINK_FAILED',
    PAUSED: 'LINK_FAILED',
    LINK_PAUSED: 'LINK_FAILED',
    SOURCE_UNAVAILABLE: 'LINK_FAILED',
    LINK_FAILED: 'LINK_FAILED',
    FAILED: 'FAILED',
    PENDING_STOPPED: 'PENDING_STOPPED',
    STOPPED: 'STOPPED',
  },
  'link-recovered': {
    PENDING_MIRROR: 'PENDING_MIRROR',
    ACTIVE: 'ACTIVE',
    PAUSED: 'PAUSED',
    LINK_PAUSED: 'LINK_PAUSED',
    SOURCE_UNAVAILABLE: 'SOURCE_UNAVAILABLE',
    LINK_FAILED: 'ACTIVE',
    FAILED: 'FAILED',
    PENDING_STOPPED: 'PENDING_STOPPED',
    STOPPED: 'STOPPED',
  },
};

describe('the states', () => {
  it("are the product's twelve", () => {
    expect([...MIRROR_TOPIC_STATE_NAMES].sort()).toEqual([
      'ACTIVE',
      'FAILED',
      'LINK_FAILED',
      'LINK_PAUSED',
      'PAUSED',
      'PENDING_MIRROR',
      'PENDING_RESTORE',
      'PENDING_SETUP_FOR_RESTORE',
      'PENDING_STOPPED',
      'PENDING_SYNCHRONIZE',
      'SOURCE_UNAVAILABLE',
      'STOPPED',
    ]);
  });

  it('let clients write only when the mirror is stopped', () => {
    expect(MIRROR_TOPIC_STATE_NAMES.filter((state) => MIRROR_TOPIC_STATES[state].isWritable)).toEqual(['STOPPED']);
  });

  it.each(REACHED)('%s follows from its facts', (state) => {
    expect(mirrorTopicStateOf(IN[state])).toBe(state);
  });
});

describe.each(Object.keys(EXPECTED) as MirrorTransition[])('%s', (event) => {
  it.each(REACHED)('from %s', (from) => {
    const outcome = transition(IN[from], event);
    expect([outcome.from, outcome.allowed ? outcome.to : undefined]).toEqual([from, EXPECTED[event][from]]);
    if (outcome.allowed) expect(MIRROR_TRANSITIONS[event].to).toContain(outcome.to);
    else expect(outcome.why).not.toBe('');
  });
});

describe('a refusal', () => {
  const refused = (facts: MirrorTopicFacts, event: MirrorTransition): { readonly why: string; readonly possible: readonly string[] } => {
    const outcome = transition(facts, event);
    if (outcome.allowed) throw new Error(`${event} is allowed`);
    return { why: outcome.why, possible: outcome.possible };
  };

  it('says what a stopped mirror is, in the words of the product', () => {
    for (const event of ['promote', 'failover', 'pause', 'resume'] as const) {
      expect(refused(IN.STOPPED, event)).toEqual({
        why: 'it has already stopped its mirror from its source, and is an ordinary topic',
        possible: [],
      });
    }
  });

  it.each([
    ['promote', IN.FAILED, 'use failover', ['failover', 'repair']],
    ['promote', IN.SOURCE_UNAVAILABLE, 'it is SOURCE_UNAVAILABLE, and a promotion needs the source', ['pause', 'failover']],
    ['promote', { ...IN.PAUSED, sourceAvailable: false }, 'its source does not answer: use failover', ['resume', 'failover']],
    ['promote', { ...IN.PENDING_STOPPED, stopping: 'FAILOVER' }, 'it is being failed over, which goes on to its end', ['failover']],
    ['resume', IN.ACTIVE, 'only what was paused can be resumed', ['pause', 'promote', 'failover']],
    ['resume', IN.LINK_PAUSED, 'not paused by itself, but with its link', ['pause', 'failover']],
    ['pause', { ...IN.LINK_PAUSED, paused: true }, 'it is paused by itself already', ['resume', 'failover']],
    ['pause', IN.PENDING_STOPPED, 'can be paused', ['promote', 'failover']],
    ['withdrawn', { ...IN.PENDING_STOPPED, stopping: 'FAILOVER' }, 'a failover goes on to its end', ['failover']],
    ['begun-anew', IN.ACTIVE, 'only what has failed is begun anew', ['pause', 'promote', 'failover']],
    ['failover', { ...IN.FAILED, repairing: true }, 'its topic is gone, or will be in a moment', ['repair']],
    ['pause', { ...IN.PENDING_MIRROR, repairing: true }, 'it is being repaired', ['repair']],
    ['repair', IN.PENDING_MIRROR, 'only a mirror that has failed can be repaired', ['pause', 'failover']],
    ['repair', IN.ACTIVE, 'only a mirror that has failed can be repaired', ['pause', 'promote', 'failover']],
    ['repair', { ...IN.FAILED, sourceAvailable: false }, 'its source does not answer', ['failover']],
    ['made-anew', IN.PENDING_MIRROR, 'it is not being repaired', ['pause', 'failover']],
  ] as const)('of %s says why, and what is possible', (event, facts, why, possible) => {
    expect(refused(facts, event).why).toContain(why);
    expect(refused(facts, event).possible).toEqual(possible);
  });
});

describe('what the product leaves open', () => {
  const afterwards = (facts: MirrorTopicFacts, ...events: readonly MirrorTransition[]): MirrorTopicFacts =>
    events.reduce((now, event) => {
      const outcome = transition(now, event);
      if (!outcome.allowed) throw new Error(`${event}: ${outcome.why}`);
      return outcome.facts;
    }, facts);
  const state = (...args: Parameters<typeof afterwards>): MirrorTopicState => mirrorTopicStateOf(afterwards(...args));

  it('a mirror that was paused by itself is so again when its link goes on', () => {
    expect(state(IN.PAUSED, 'link-paused')).toBe('LINK_PAUSED');
    expect(state(IN.PAUSED, 'link-paused', 'link-resumed')).toBe('PAUSED');
    expect(state(IN.PAUSED, 'link-paused', 'resume', 'link-resumed')).toBe('ACTIVE');
  });

  it('a promotion that is given up leaves everything as it was', () => {
    expect(afterwards(IN.PAUSED, 'promote', 'withdrawn')).toEqual(IN.PAUSED);
    expect(state(IN.ACTIVE, 'promote', 'source-unavailable', 'withdrawn')).toBe('SOURCE_UNAVAILABLE');
    expect(state(IN.ACTIVE, 'promote', 'failed', 'withdrawn')).toBe('FAILED');
  });

  it('a promotion that cannot end can be made a failover', () => {
    expect(afterwards(IN.ACTIVE, 'promote', 'source-unavailable', 'failover', 'stopped')).toMatchObject({
      stopping: 'FAILOVER',
      stopped: true,
    });
  });

  it('a mirror under repair is PENDING_MIRROR until its topic is made anew, whoever takes over, and then begins from the comparison on', () => {
    const failed = { ...IN.FAILED, paused: true };
    const repairing = afterwards(failed, 'repair');
    expect(mirrorTopicStateOf(repairing)).toBe('PENDING_MIRROR');
    expect(state(repairing, 'link-paused', 'failed', 'repair')).toBe('PENDING_MIRROR');
    const taken = factsAfterRestart(repairing, { linkPaused: false, setUp: true });
    expect(afterwards(taken, 'made-anew')).toEqual({ ...IN.PAUSED, setUp: false });
    expect(afterwards(repairing, 'left-as-it-was')).toEqual(failed);
  });

  it('a process that takes over finds what was asked for, and takes the rest to be well', () => {
    const pending = afterwards(IN.ACTIVE, 'source-unavailable', 'failover');
    const taken = factsAfterRestart(pending, { linkPaused: true, setUp: false });
    expect(mirrorTopicStateOf(taken)).toBe('PENDING_STOPPED');
    expect(transition(taken, 'stopped')).toMatchObject({ to: 'STOPPED', facts: { stopping: 'FAILOVER' } });
    expect(mirrorTopicStateOf(factsAfterRestart(IN.FAILED, { linkPaused: false, setUp: false }))).toBe('PENDING_MIRROR');
    expect(mirrorTopicStateOf(factsAfterRestart(IN.STOPPED, { linkPaused: true, setUp: false }))).toBe('STOPPED');
  });

  it('the verbs that are possible are those that are not refused', () => {
    expect(possibleVerbs(NEW_MIRROR)).toEqual(['pause', 'failover']);
  });
});

describe('mirror_topic_error', () => {
  it("has the product's values", () => {
    expect(Object.keys(PRODUCT_MIRROR_TOPIC_ERRORS).sort()).toEqual([
      'ILLEGAL_STATE',
      'NON_MONOTONIC_LOG_APPEND_EPOCH',
      'NON_MONOTONIC_SOURCE_EPOCH',
      'NOT_SET',
      'NO_ERROR',
      'SOURCE_PARTITIONS_DECREASED',
      'SOURCE_TOPIC_ID_CHANGED',
      'SOURCE_TOPIC_MAY_BE_DELETED',
      'UNEXPECTED_TRUNCATION',
      'UNKNOWN',
      'UNSUPPORTED_MESSAGE_FORMAT',
      'UNSUPPORTED_MIRROR_STATE',
    ]);
  });

  it('is our reason where the product has it too, and UNKNOWN for the rest', () => {
    expect(productMirrorTopicError(null)).toBe('NO_ERROR');
    expect(MIRROR_TOPIC_ERRORS.filter((reason) => productMirrorTopicError(reason) === reason)).toEqual([
      'UNSUPPORTED_MESSAGE_FORMAT',
      'SOURCE_TOPIC_MAY_BE_DELETED',
      'SOURCE_TOPIC_ID_CHANGED',
      'SOURCE_PARTITIONS_DECREASED',
      'UNEXPECTED_TRUNCATION',
    ]);
    expect(productMirrorTopicError('DESTINATION_FOREIGN_WRITE')).toBe('UNKNOWN');
  });
});
