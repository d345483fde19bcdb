/** Asks something of every selected mirror, many at a time: each succeeds or fails by itself, and says how it stands then. */
import { abortable } from '../../client/abort.ts';
import { type Clock, limit } from '../../client/clock.ts';
import { LinkError } from '../../errors.ts';
import { Gate } from '../gate.ts';
import type { WaitOptions } from '../link-status.ts';
import type { LinkFacts, MirrorTopic } from '../mirror-topic.ts';
import type { Mirrors } from '../mirrors.ts';
import type { MirrorTopicState } from '../states/mirror-topic-states.ts';
import { type MirrorVerb, transition } from '../states/mirror-transitions.ts';
import { type MirrorSelection, selectedNames } from './selection.ts';

/** What became of a mirror. */
export interface MirrorOutcome {
  readonly topic: string;
  /** State of the mirror now, or before an operation that was only checked; null when there is no such mirror. */
  readonly state: MirrorTopicState | null;
  /** Why it was not done; null when it was, or would be. */
  readonly error: LinkError | null;
  readonly partitions: readonly PartitionOutcome[];
}

export interface PartitionOutcome {
  readonly partition: number;
  /** End of the mirror's log: everything below it is here. */
  readonly lastSourceFetchOffset: bigint;
  /** Offsets that the source was last known to have beyond that. */
  readonly lag: bigint;
  /** Milliseconds since the source was last heard of; null when it never was. */
  readonly sinceLastFetchMs: number | null;
}

/** What all mirrors of a link have in common when something is asked of them. */
export interface AskContext {
  readonly mirrors: Mirrors;
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly facts: () => LinkFacts;
}

/**
 * Begins with a mirror, and resolves with how to end it, where that takes longer: all are begun with before the first one ends. Either rejects with why it
 * cannot be done.
 */
export type Act = (mirror: MirrorTopic, signal: AbortSignal) => Promise<(() => Promise<void>) | undefined | void>;

const VERBS: Readonly<Record<MirrorVerb, string>> = {
  pause: 'be paused',
  resume: 'be resumed',
  promote: 'be promoted',
  failover: 'be failed over',
  repair: 'be repaired',
};
const TOPICS_AT_ONCE = 16;

export const eachMirror = async (
  { mirrors, clock, closing, facts }: AskContext,
  verb: MirrorVerb,
  selection: MirrorSelection,
  { signal, timeoutMs = Number.POSITIVE_INFINITY }: WaitOptions,
  act: Act,
): Promise<readonly MirrorOutcome[]> => {
  const names = selectedNames(
    selection,
    mirrors.all.filter((mirror) => refusal(mirror, verb, facts()) === null).map(({ topic }) => topic),
  );
  const gate = new Gate(TOPICS_AT_ONCE);
  const wait = limit(clock, timeoutMs, `Waiting for ${verb}`, [signal, closing]);
  const doing = (topic: string): string => `waiting for ${verb} of ${topic}`;
  const begin = async (topic: string): Promise<() => Promise<void>> => {
    const known = mirrors.known(topic);
    const refused = refusal(known, verb, facts());
    if (refused !== null) throw refused;
    const end = await abortable(act(known, wait.signal), wait.signal, doing(topic));
    return async () => end && abortable(end(), wait.signal, doing(topic));
  };
  const told = (topic: string, thrown: unknown): MirrorOutcome => {
    const mirror = mirrors.get(topic);
    const error = thrown === null ? null : LinkError.from(thrown);
    return mirror === undefined ? { topic, state: null, error, partitions: [] } : outcome(mirror, clock.now(), error);
  };
  try {
    const begun = await Promise.allSettled(names.map((topic) => gate.run(() => begin(topic))));
    return await Promise.all(
      names.map(async (topic, index) => {
        const one = begun[index]!;
        if (one.status === 'rejected') return told(topic, one.reason);
        return gate.run(one.value).then(
          () => told(topic, null),
          (error: unknown) => told(topic, error),
        );
      }),
    );
  } finally {
    wait.end();
  }
};

const refusal = (mirror: MirrorTopic, verb: MirrorVerb, link: LinkFacts): LinkError | null => {
  const outcome = transition(mirror.facts(link), verb);
  if (outcome.allowed) return null;
  const possible = outcome.possible.join(', ') || 'nothing';
  return new LinkError('KLINK_STATE', `Mirror topic '${mirror.topic}' cannot ${VERBS[verb]}: ${outcome.why}. Possible now: ${possible}`);
};

const outcome = (mirror: MirrorTopic, now: number, error: LinkError | null): MirrorOutcome => {
  const { stop } = mirror.stored;
  const stopped = mirror.state === 'STOPPED' ? stop?.offsets : undefined;
  return {
    topic: mirror.topic,
    state: mirror.state,
    error,
    partitions: mirror.partitions.map(({ partition, ackedOffset, lag, lastFetchedAt }) => ({
      partition,
      lastSourceFetchOffset: BigInt(stopped?.[partition] ?? ackedOffset),
      lag: BigInt(stopped === undefined ? lag : (stop?.lags?.[partition] ?? lag)),
      sinceLastFetchMs: lastFetchedAt === null ? null : Math.max(0, now - lastFetchedAt),
    })),
  };
};
