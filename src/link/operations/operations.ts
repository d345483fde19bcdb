/** What a user asks of mirrors: pause, resume, promote, failover. Each topic succeeds or fails by itself. */
import { abortable, onAbort } from '../../client/abort.ts';
import { type Clock, limit } from '../../client/clock.ts';
import { LinkError } from '../../errors.ts';
import { Gate } from '../gate.ts';
import type { WaitOptions } from '../link-status.ts';
import type { LinkFacts, MirrorTopic } from '../mirror-topic.ts';
import type { Mirrors } from '../mirrors.ts';
import type { MirrorTopicState } from '../states/mirror-topic-states.ts';
import { type MirrorVerb, transition } from '../states/mirror-transitions.ts';
import type { StoredStop } from '../store/link-store.ts';
import { type MirrorSelection, selectedNames } from './selection.ts';
import { STOP_STEPS, type StopContext } from './stop-steps.ts';

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

export interface OperationOptions extends WaitOptions {
  /** Only tells what would be refused; changes nothing. */
  readonly validateOnly?: boolean;
}

export interface PromoteOptions extends OperationOptions {
  /** Refuses a mirror that has lag now, instead of waiting until it has none. Default false. */
  readonly requireZeroLag?: boolean;
}

export interface OperationsContext {
  readonly mirrors: Mirrors;
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly facts: () => LinkFacts;
  readonly stop: StopContext;
  /** A step of stopping a mirror begins. */
  readonly taking: (mirror: MirrorTopic, step: string) => void;
  readonly failed: (mirror: MirrorTopic, step: string, error: LinkError) => void;
}

const VERBS: Readonly<Record<MirrorVerb, string>> = {
  pause: 'be paused',
  resume: 'be resumed',
  promote: 'be promoted',
  failover: 'be failed over',
};
/** How long a promotion may take when nobody says otherwise. */
const PROMOTE_MS = 300_000;
const FAILOVER_MS = 60_000;
const TOPICS_AT_ONCE = 16;

/** Begins with a mirror, and resolves with how to end it: all are begun with before the first one ends. */
type Act = (mirror: MirrorTopic, signal: AbortSignal) => Promise<() => Promise<void>>;

const DONE = async (): Promise<void> => {};

export class Operations {
  readonly #context: OperationsContext;
  /** Stops under way, by topic: whoever asks again gets the same one. */
  readonly #under = new Map<string, { readonly by: StoredStop['by']; readonly done: Promise<void>; readonly cancel: AbortController }>();

  constructor(context: OperationsContext) {
    this.#context = context;
  }

  pause(selection: MirrorSelection, options: OperationOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#each('pause', selection, options, (mirror, signal) =>
      this.#context.mirrors.change(mirror, { state: 'PAUSED' }, signal).then(() => DONE),
    );
  }

  resume(selection: MirrorSelection, options: OperationOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#each('resume', selection, options, (mirror, signal) =>
      this.#context.mirrors.change(mirror, { state: 'ACTIVE' }, signal).then(() => DONE),
    );
  }

  promote(selection: MirrorSelection, options: PromoteOptions = {}): Promise<readonly MirrorOutcome[]> {
    const check = (mirror: MirrorTopic): LinkError | null => {
      const lag = mirror.partitions.reduce((sum, partition) => sum + partition.lag, 0);
      if (options.requireZeroLag !== true || lag === 0) return null;
      return new LinkError(
        'KLINK_LAG',
        `Mirror topic '${mirror.topic}' lacks ${lag} offset(s) of its source: not promoted, as was asked for`,
      );
    };
    const timed = { timeoutMs: PROMOTE_MS, ...options };
    return this.#each('promote', selection, timed, this.#stopping('PROMOTE'), check);
  }

  failover(selection: MirrorSelection, options: OperationOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#each('failover', selection, { timeoutMs: FAILOVER_MS, ...options }, this.#stopping('FAILOVER'));
  }

  /** Goes on with what a process before this one has begun. Never rejects. */
  async resumeStops(): Promise<void> {
    const pending = [...this.#context.mirrors.live.values()].filter(({ lasting }) => lasting === 'PENDING_STOPPED');
    await Promise.all(pending.map((mirror) => this.#begin(mirror, mirror.stored.stop?.by ?? 'FAILOVER').done.catch(() => {})));
  }

  async #each(
    operation: MirrorVerb,
    selection: MirrorSelection,
    { validateOnly = false, signal, timeoutMs = Number.POSITIVE_INFINITY }: OperationOptions,
    act: Act,
    check: (mirror: MirrorTopic) => LinkError | null = () => null,
  ): Promise<readonly MirrorOutcome[]> {
    const { mirrors, clock, closing } = this.#context;
    const names = selectedNames(
      selection,
      mirrors.all.filter((mirror) => this.#refusal(mirror, operation) === null).map(({ topic }) => topic),
    );
    const gate = new Gate(TOPICS_AT_ONCE);
    const wait = limit(clock, timeoutMs, `Waiting for ${operation}`, [signal, closing]);
    const doing = (topic: string): string => `waiting for ${operation} of ${topic}`;
    const begin = async (topic: string): Promise<() => Promise<void>> => {
      const known = mirrors.known(topic);
      const refused = this.#refusal(known, operation) ?? check(known);
      if (refused !== null) throw refused;
      if (validateOnly) return DONE;
      const end = await abortable(act(known, wait.signal), wait.signal, doing(topic));
      return () => abortable(end(), wait.signal, doing(topic));
    };
    const told = (topic: string, error: unknown): MirrorOutcome => {
      const mirror = mirrors.get(topic);
      const why = error === null ? null : LinkError.from(error);
      return mirror === undefined ? { topic, state: null, error: why, partitions: [] } : outcome(mirror, clock.now(), why);
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
  }

  #refusal(mirror: MirrorTopic, verb: MirrorVerb): LinkError | null {
    const outcome = transition(mirror.facts(this.#context.facts()), verb);
    if (outcome.allowed) return null;
    const possible = outcome.possible.join(', ') || 'nothing';
    return new LinkError('KLINK_STATE', `Mirror topic '${mirror.topic}' cannot ${VERBS[verb]}: ${outcome.why}. Possible now: ${possible}`);
  }

  /** First it is written down of all mirrors that they are to be stopped: a process that dies then has not left any of them behind. Then the steps are taken. */
  #stopping(by: StoredStop['by']): Act {
    return async (mirror, signal) => {
      const before = mirror.lasting === 'PAUSED' ? 'PAUSED' : 'ACTIVE';
      await this.#announce(mirror, by, signal);
      return () => this.#stop(mirror, by, before, signal);
    };
  }

  async #announce(mirror: MirrorTopic, by: StoredStop['by'], signal: AbortSignal): Promise<void> {
    const { mirrors, clock } = this.#context;
    const under = this.#under.get(mirror.topic);
    if (under !== undefined && under.by !== by) {
      under.cancel.abort(insteadOf(mirror));
      await under.done.catch(() => {});
    }
    if (mirror.stored.stop?.by === by && mirror.lasting === 'PENDING_STOPPED') return;
    await mirrors.change(mirror, { state: 'PENDING_STOPPED', stop: { by, at: clock.wallTime(), ...sourceEnds(mirror) } }, signal);
  }

  /** A promotion that cannot end in time is taken back; a failover is not. */
  async #stop(mirror: MirrorTopic, by: StoredStop['by'], before: 'PAUSED' | 'ACTIVE', signal: AbortSignal): Promise<void> {
    if (mirror.stored.stop?.by !== by) throw insteadOf(mirror);
    // Somebody else's call was quicker.
    if (mirror.lasting === 'STOPPED') return;
    const { done, cancel } = this.#begin(mirror, by);
    const giveUp = (): void => {
      if (by === 'PROMOTE') cancel.abort(signal.reason);
    };
    if (signal.aborted) giveUp();
    const release = onAbort(signal, giveUp);
    try {
      await done;
    } catch (error) {
      if (
        by === 'PROMOTE' &&
        !this.#context.closing.aborted &&
        mirror.lasting === 'PENDING_STOPPED' &&
        mirror.stored.stop?.by === 'PROMOTE'
      )
        await this.#context.mirrors.change(mirror, { state: before }, this.#context.closing);
      throw error;
    } finally {
      release();
    }
  }

  #begin(mirror: MirrorTopic, by: StoredStop['by']): { readonly done: Promise<void>; readonly cancel: AbortController } {
    const under = this.#under.get(mirror.topic);
    if (under?.by === by) return under;
    const cancel = new AbortController();
    const signal = AbortSignal.any([cancel.signal, this.#context.closing]);
    const done = this.#take(mirror, by, signal).finally(() => {
      if (this.#under.get(mirror.topic)?.cancel === cancel) this.#under.delete(mirror.topic);
    });
    done.catch(() => {});
    const begun = { by, done, cancel };
    this.#under.set(mirror.topic, begun);
    return begun;
  }

  async #take(mirror: MirrorTopic, by: StoredStop['by'], signal: AbortSignal): Promise<void> {
    for (const { name, take } of STOP_STEPS[by]) {
      try {
        signal.throwIfAborted();
        this.#context.taking(mirror, name);
        await take(this.#context.stop, mirror, signal);
      } catch (thrown) {
        const error = LinkError.from(signal.aborted ? (signal.reason ?? thrown) : thrown);
        this.#context.failed(mirror, name, error);
        throw error;
      }
    }
  }
}

const insteadOf = ({ topic }: MirrorTopic): LinkError => new LinkError('KLINK_STATE', `Mirror topic '${topic}' is failed over instead`);

/** What is known now, for a process that goes on with this: it may never hear of the source. */
const sourceEnds = ({ partitions, lasting, stored }: MirrorTopic): Pick<StoredStop, 'sourceEnds'> => {
  const before = lasting === 'PENDING_STOPPED' ? stored.stop?.sourceEnds : undefined;
  const ends = partitions.map(({ sourceEnd }, partition) => Math.max(sourceEnd, before?.[partition] ?? 0));
  return ends.some((end) => end > 0) ? { sourceEnds: ends } : {};
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
