/** Mirror states as a machine: whatever happens in whatever order, with restarts in between, against a second machine that remembers instead of ranking. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MirrorTopicFacts,
  type MirrorTopicState,
  mirrorTopicStateOf,
  NEW_MIRROR,
} from '../../../../src/link/states/mirror-topic-states.ts';
import {
  factsAfterRestart,
  MIRROR_TRANSITIONS,
  MIRROR_VERBS,
  type MirrorTransition,
  possibleVerbs,
  transition,
} from '../../../../src/link/states/mirror-transitions.ts';

const EVENTS = Object.keys(MIRROR_TRANSITIONS) as MirrorTransition[];
const events = fc.array(fc.constantFrom<MirrorTransition | 'restart'>(...EVENTS, 'restart'), { maxLength: 30 });

/** Takes place what is allowed; `seen` gets every state with what led to it. */
const play = (
  steps: readonly (MirrorTransition | 'restart')[],
  seen: (before: MirrorTopicFacts, step: MirrorTransition | 'restart', after: MirrorTopicFacts) => void = () => {},
): MirrorTopicFacts =>
  steps.reduce<MirrorTopicFacts>((facts, step) => {
    const outcome = step === 'restart' ? { allowed: true as const, facts: factsAfterRestart(facts, facts) } : transition(facts, step);
    const after = outcome.allowed ? outcome.facts : facts;
    if (outcome.allowed) seen(facts, step, after);
    return after;
  }, NEW_MIRROR);
const anyFacts = events.map((steps) => play(steps));

/**
 * The product's way to say it: a state, and which one to go back to. Overlays (link paused, link failed, source away) lie above the state of the
 * mirror itself, the strongest one is seen.
 */
class Model {
  own: 'PENDING_MIRROR' | 'ACTIVE' | 'FAILED' | 'PENDING_STOPPED' | 'STOPPED' = 'PENDING_MIRROR';
  paused = false;
  back: 'PENDING_MIRROR' | 'ACTIVE' | 'FAILED' = 'PENDING_MIRROR';
  kind: 'promote' | 'failover' | null = null;
  #beforeFailure: 'PENDING_MIRROR' | 'ACTIVE' = 'PENDING_MIRROR';
  /** Over what was itself: its topic is being made anew. */
  repairing = false;
  readonly overlays = new Set<'LINK_FAILED' | 'LINK_PAUSED' | 'SOURCE_UNAVAILABLE'>();

  get state(): MirrorTopicState {
    if (this.repairing) return 'PENDING_MIRROR';
    if (this.own !== 'PENDING_MIRROR' && this.own !== 'ACTIVE') return this.own;
    if (this.overlays.has('LINK_FAILED')) return 'LINK_FAILED';
    if (this.overlays.has('LINK_PAUSED')) return 'LINK_PAUSED';
    if (this.paused) return 'PAUSED';
    return this.overlays.has('SOURCE_UNAVAILABLE') ? 'SOURCE_UNAVAILABLE' : this.own;
  }

  /** False when it is refused. */
  take(step: MirrorTransition | 'restart'): boolean {
    const isLive = this.own === 'PENDING_MIRROR' || this.own === 'ACTIVE';
    switch (step) {
      case 'restart':
        this.overlays.delete('LINK_FAILED');
        this.overlays.delete('SOURCE_UNAVAILABLE');
        // A failure is not remembered: the link looks anew.
        if (this.own === 'FAILED') this.own = this.#beforeFailure;
        if (this.own === 'PENDING_STOPPED' && this.back === 'FAILED') this.back = this.#beforeFailure;
        return true;
      case 'pause':
        if (this.repairing || !isLive || this.paused) return false;
        this.paused = true;
        return true;
      case 'resume':
        if (this.repairing || !isLive || !this.paused || !['PAUSED', 'LINK_PAUSED', 'LINK_FAILED'].includes(this.state)) return false;
        this.paused = false;
        return true;
      case 'promote':
        if (this.own === 'PENDING_STOPPED') return this.kind === 'promote';
        if ((this.state !== 'ACTIVE' && this.state !== 'PAUSED') || this.overlays.has('SOURCE_UNAVAILABLE')) return false;
        return this.#stop('promote');
      case 'failover':
        return this.own === 'STOPPED' || this.repairing ? false : this.#stop('failover');
      case 'repair':
        if (this.repairing) return true;
        if (this.own !== 'FAILED' || this.overlays.has('SOURCE_UNAVAILABLE')) return false;
        this.repairing = true;
        return true;
      case 'made-anew':
        if (!this.repairing) return false;
        this.repairing = false;
        this.own = 'PENDING_MIRROR';
        return true;
      case 'left-as-it-was':
        if (!this.repairing) return false;
        this.repairing = false;
        return true;
      case 'set-up':
        if (this.repairing || !isLive) return false;
        this.own = 'ACTIVE';
        return true;
      case 'failed':
        if (this.own === 'STOPPED') return false;
        if (this.own === 'PENDING_MIRROR' || this.own === 'ACTIVE') this.#beforeFailure = this.own;
        if (this.own === 'PENDING_STOPPED' && this.back !== 'FAILED') this.#beforeFailure = this.back;
        if (this.own === 'PENDING_STOPPED') this.back = 'FAILED';
        else this.own = 'FAILED';
        return true;
      case 'begun-anew':
        if (this.repairing || this.own !== 'FAILED') return false;
        this.own = 'PENDING_MIRROR';
        return true;
      case 'stopped':
        if (this.own !== 'PENDING_STOPPED') return false;
        this.own = 'STOPPED';
        return true;
      case 'withdrawn':
        if (this.own !== 'PENDING_STOPPED' || this.kind !== 'promote') return false;
        this.own = this.back;
        return true;
      case 'source-unavailable':
        this.overlays.add('SOURCE_UNAVAILABLE');
        return true;
      case 'source-available':
        this.overlays.delete('SOURCE_UNAVAILABLE');
        return true;
      case 'link-paused':
        this.overlays.add('LINK_PAUSED');
        return true;
      case 'link-resumed':
        this.overlays.delete('LINK_PAUSED');
        return true;
      case 'link-failed':
        this.overlays.add('LINK_FAILED');
        return true;
      case 'link-recovered':
        this.overlays.delete('LINK_FAILED');
        return true;
    }
  }

  #stop(kind: 'promote' | 'failover'): true {
    if (this.own !== 'PENDING_STOPPED' && this.own !== 'STOPPED') this.back = this.own;
    this.own = 'PENDING_STOPPED';
    this.kind = kind;
    return true;
  }
}

describe('a mirror', () => {
  it('does as a machine does that remembers where to go back to', () => {
    fc.assert(
      fc.property(events, (steps) => {
        const model = new Model();
        let facts = NEW_MIRROR;
        for (const step of steps) {
          const outcome = step === 'restart' ? { allowed: true as const, facts: factsAfterRestart(facts, facts) } : transition(facts, step);
          expect([step, outcome.allowed]).toEqual([step, model.take(step)]);
          if (outcome.allowed) facts = outcome.facts;
          expect(mirrorTopicStateOf(facts)).toBe(model.state);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('never leaves the table', () => {
    fc.assert(
      fc.property(events, (steps) => {
        play(steps, (before, step, after) => {
          if (step === 'restart') return;
          expect(MIRROR_TRANSITIONS[step].from).toContain(mirrorTopicStateOf(before));
          expect(MIRROR_TRANSITIONS[step].to).toContain(mirrorTopicStateOf(after));
        });
      }),
    );
  });

  it('is stopped for ever once it is stopped', () => {
    fc.assert(
      fc.property(events, (steps) => {
        let isStopped = false;
        play(steps, (_, __, after) => {
          isStopped ||= mirrorTopicStateOf(after) === 'STOPPED';
          if (isStopped) expect(mirrorTopicStateOf(after)).toBe('STOPPED');
        });
      }),
    );
  });

  it('can be failed over from every state that is not stopped, unless its topic is just being made anew, and then ends as stopped, however often the link dies', () => {
    fc.assert(
      fc.property(anyFacts, events, (facts, between) => {
        fc.pre(mirrorTopicStateOf(facts) !== 'STOPPED' && !facts.repairing);
        const outcome = transition(facts, 'failover');
        expect(outcome).toMatchObject({ allowed: true, to: 'PENDING_STOPPED' });
        if (!outcome.allowed) return;
        // Nothing that happens meanwhile takes it back.
        const later = between
          .filter((step) => step !== 'stopped')
          .reduce<MirrorTopicFacts>((now, step) => {
            if (step === 'restart') return factsAfterRestart(now, now);
            const next = transition(now, step);
            return next.allowed ? next.facts : now;
          }, outcome.facts);
        expect(mirrorTopicStateOf(later)).toBe('PENDING_STOPPED');
        expect(transition(later, 'stopped')).toMatchObject({ allowed: true, to: 'STOPPED', facts: { stopping: 'FAILOVER' } });
      }),
    );
  });

  it('comes back from what passes: link paused, link failed, source away', () => {
    const pairs = [
      ['link-paused', 'link-resumed', 'linkPaused'],
      ['link-failed', 'link-recovered', 'linkFailed'],
      ['source-unavailable', 'source-available', 'sourceAvailable'],
    ] as const;
    fc.assert(
      fc.property(anyFacts, fc.constantFrom(...pairs), (facts, [away, back, fact]) => {
        const there: MirrorTopicFacts = { ...facts, [fact]: NEW_MIRROR[fact] };
        const gone = transition(there, away);
        const returned = gone.allowed ? transition(gone.facts, back) : gone;
        expect(returned).toMatchObject({ allowed: true, to: mirrorTopicStateOf(there), facts: there });
      }),
    );
  });

  it('is told what is possible, and exactly that is', () => {
    fc.assert(
      fc.property(anyFacts, fc.constantFrom(...MIRROR_VERBS), (facts, verb) => {
        const outcome = transition(facts, verb);
        expect(possibleVerbs(facts).includes(verb)).toBe(outcome.allowed);
        if (!outcome.allowed) expect(outcome.possible).toEqual(possibleVerbs(facts));
      }),
    );
  });
});
