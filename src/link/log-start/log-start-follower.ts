/** Keeps the log start of every mirrored partition where its source has it: nothing below is left to read, and nothing is deleted that is not copied. */
import { BrokerError } from '../../client/broker-error.ts';
import type { Clock, Random } from '../../client/clock.ts';
import { backoff, type RetryPolicy } from '../../client/retry.ts';
import { LinkError } from '../../errors.ts';

/** What the link sees of a partition. */
export interface LogStartObservation {
  readonly topic: string;
  readonly partition: number;
  /** Where the source log starts; -1 when it does not say (Fetch before v5). */
  readonly sourceStart: number;
  /** Where the mirror was told to begin, if that was later than its source: what lies before is padding. Default 0. */
  readonly chosenStart?: number;
  /** The mirror's log end, as far as acknowledged. */
  readonly ackedOffset: number;
  /** Where the mirror's log starts, if that was just read from the destination. Left out, what the follower knows stays as it is. */
  readonly mirrorStart?: number;
}

/** How a partition's log start stands. */
export interface LogStartStatus {
  /** Where the mirror's log starts, as far as known; null before anybody has looked. */
  readonly mirrorStart: number | null;
  /** Where it should, now: the source's start, unless the mirror has not come that far. */
  readonly target: number;
  /** The target is reached, and a second look has shown that it stays so. */
  readonly isSettled: boolean;
  /** Why the last attempt failed; null once one has succeeded. */
  readonly error: LinkError | null;
}

/** All in milliseconds. */
export interface LogStartTimes {
  /** Between two deletions of one partition: while a log start is padded, every acknowledgement moves the target. */
  readonly pauseMs: number;
  /** From a deletion to the second look. */
  readonly recheckMs: number;
  /** Between two attempts at what trying again does not cure: a missing right, a policy. */
  readonly rareRetryMs: number;
}

/**
 * A broker writes log starts to disk every `log.flush.start.offset.checkpoint.interval.ms` (60 s): killed before, it comes back with the old
 * one. A look one and a half intervals after the deletion sees either the old start, or one that stays.
 */
export const LOG_START_TIMES: LogStartTimes = { pauseMs: 1_000, recheckMs: 90_000, rareRetryMs: 60_000 };

export interface LogStartContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly retry: RetryPolicy;
  readonly times: LogStartTimes;
  /** Deletes before `offset` and resolves with the log start, see `RecordDeletion`. */
  readonly deleteBefore: (topic: string, partition: number, offset: number, signal: AbortSignal) => Promise<number>;
  /** Asks the destination where the mirror's log starts. */
  readonly mirrorStart: (topic: string, partition: number, signal: AbortSignal) => Promise<number>;
  /** Looks up the leaders of a mirror topic anew, before another attempt. */
  readonly refresh: (topic: string, signal: AbortSignal) => Promise<void>;
  /** A failure that trying again does not cure. Called once per topic and kind, until a deletion in the topic succeeds again. */
  readonly onTrouble: (error: LinkError, topic: string, partition: number) => void;
}

/** What decides about a partition. */
export interface LogStartView {
  readonly sourceStart: number;
  readonly chosenStart: number;
  readonly ackedOffset: number;
  readonly mirrorStart: number | null;
  /** A deletion's second look is due. */
  readonly isLookDue: boolean;
}

export type LogStartStep = { readonly kind: 'delete'; readonly before: number } | { readonly kind: 'look' } | { readonly kind: 'rest' };

/** Where the mirror's log should start: never beyond what has arrived. Pure. */
export const logStartTarget = ({
  sourceStart,
  chosenStart,
  ackedOffset,
}: Pick<LogStartView, 'sourceStart' | 'chosenStart' | 'ackedOffset'>): number =>
  Math.max(0, Math.min(Math.max(sourceStart, chosenStart), ackedOffset));

const REST: LogStartStep = { kind: 'rest' };
const LOOK: LogStartStep = { kind: 'look' };

/** What to do about a partition now. A mirror that starts later than it should is left alone: it was trimmed by somebody who may. Pure. */
export const nextStep = (view: LogStartView): LogStartStep => {
  const target = logStartTarget(view);
  // A log cannot start before 0: nothing to ask.
  if (target === 0) return REST;
  if (view.mirrorStart !== null && view.mirrorStart < target) return { kind: 'delete', before: target };
  return view.isLookDue || view.mirrorStart === null ? LOOK : REST;
};

interface Followed {
  readonly topic: string;
  readonly partition: number;
  sourceStart: number;
  chosenStart: number;
  ackedOffset: number;
  mirrorStart: number | null;
  isLookDue: boolean;
  error: LinkError | null;
  /** Failures in a row. */
  failures: number;
  /** A request is on its way: the next step is decided when it is answered. */
  isBusy: boolean;
  /** Ends the wait before the next step; null while none is waited for. */
  endWait: (() => void) | null;
  /** Takes back the second look; null while none is planned. */
  cancelLook: (() => void) | null;
  isForgotten: boolean;
}

export class LogStartFollower {
  readonly #context: LogStartContext;
  readonly #topics = new Map<string, Map<number, Followed>>();
  /** By topic: the trouble that was told last. */
  readonly #told = new Map<string, string>();
  readonly #closing = new AbortController();

  constructor(context: LogStartContext) {
    this.#context = context;
  }

  /** Takes note and acts if it has to. Cheap when nothing is to be done; never throws. */
  observe({ topic, partition, sourceStart, chosenStart = 0, ackedOffset, mirrorStart }: LogStartObservation): void {
    if (this.#closing.signal.aborted) return;
    const followed = this.#topics.get(topic)?.get(partition) ?? this.#follow(topic, partition);
    followed.sourceStart = sourceStart;
    followed.chosenStart = chosenStart;
    followed.ackedOffset = ackedOffset;
    if (mirrorStart !== undefined) this.#learn(followed, mirrorStart);
    this.#go(followed);
  }

  /** Null for a partition that is not followed. */
  status(topic: string, partition: number): LogStartStatus | null {
    const followed = this.#topics.get(topic)?.get(partition);
    if (followed === undefined) return null;
    const target = logStartTarget(followed);
    const { mirrorStart, error, isLookDue, cancelLook } = followed;
    const isReached = mirrorStart !== null && mirrorStart >= target && !isLookDue && cancelLook === null;
    return { mirrorStart, target, error, isSettled: target === 0 || isReached };
  }

  /** Follows a partition no longer; what is on its way may still be carried out. From then on its own retention alone moves its start. */
  forget(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    const followed = partitions?.get(partition);
    if (followed === undefined) return;
    drop(followed);
    partitions?.delete(partition);
    if (partitions?.size === 0) {
      this.#topics.delete(topic);
      this.#told.delete(topic);
    }
  }

  /** Follows nothing any more: no timer is left, and answers that are still to come change nothing. Idempotent. */
  close(): void {
    this.#closing.abort(new LinkError('KLINK_CLOSED', 'The link is closing'));
    for (const partitions of this.#topics.values()) for (const followed of partitions.values()) drop(followed);
    this.#topics.clear();
  }

  #follow(topic: string, partition: number): Followed {
    const followed: Followed = {
      topic,
      partition,
      sourceStart: -1,
      chosenStart: 0,
      ackedOffset: 0,
      mirrorStart: null,
      isLookDue: false,
      error: null,
      failures: 0,
      isBusy: false,
      endWait: null,
      cancelLook: null,
      isForgotten: false,
    };
    const partitions = this.#topics.get(topic) ?? new Map<number, Followed>();
    this.#topics.set(topic, partitions.set(partition, followed));
    return followed;
  }

  #go(followed: Followed): void {
    if (followed.isBusy || followed.endWait !== null || followed.isForgotten) return;
    if (nextStep(followed).kind !== 'rest') void this.#step(followed);
  }

  async #step(followed: Followed): Promise<void> {
    const { deleteBefore, mirrorStart, refresh, times } = this.#context;
    const { signal } = this.#closing;
    const { topic, partition } = followed;
    followed.isBusy = true;
    try {
      if (followed.failures > 0) await refresh(topic, signal);
      if (followed.isForgotten) return;
      // Decided only now: leaders may have taken their time.
      const step = nextStep(followed);
      if (step.kind === 'delete') {
        const start = await deleteBefore(topic, partition, step.before, signal);
        if (followed.isForgotten) return;
        this.#learn(followed, start);
        this.#told.delete(topic);
        this.#wait(followed, times.pauseMs);
      } else if (step.kind === 'look') {
        const start = await mirrorStart(topic, partition, signal);
        if (followed.isForgotten) return;
        followed.isLookDue = false;
        this.#learn(followed, start);
      }
      followed.failures = 0;
      followed.error = null;
    } catch (thrown) {
      if (followed.isForgotten) return;
      this.#failed(followed, LinkError.from(thrown));
    }
    followed.isBusy = false;
    this.#go(followed);
  }

  #failed(followed: Followed, error: LinkError): void {
    const { random, retry, times, onTrouble } = this.#context;
    const { topic, partition } = followed;
    followed.error = error;
    followed.failures++;
    this.#wait(followed, error.retriable ? backoff(retry, followed.failures, random) : times.rareRetryMs);
    // A cluster is closed by whoever closes the follower next.
    if (error.retriable || error.code === 'KLINK_CLOSED') return;
    const kind = error instanceof BrokerError ? error.brokerName : error.code;
    if (this.#told.get(topic) === kind) return;
    this.#told.set(topic, kind);
    onTrouble(error, topic, partition);
  }

  #wait(followed: Followed, ms: number): void {
    followed.endWait = this.#context.clock.schedule(ms, () => {
      followed.endWait = null;
      this.#go(followed);
    });
  }

  /** A start that is new, whoever has moved it there, is looked at once more when it must be on disk. */
  #learn(followed: Followed, start: number): void {
    if (followed.mirrorStart === start) return;
    followed.mirrorStart = start;
    followed.cancelLook?.();
    followed.cancelLook = null;
    followed.isLookDue = false;
    if (start === 0) return;
    const { clock, times } = this.#context;
    followed.cancelLook = clock.schedule(times.recheckMs, () => {
      followed.cancelLook = null;
      followed.isLookDue = true;
      this.#go(followed);
    });
  }
}

const drop = (followed: Followed): void => {
  followed.isForgotten = true;
  followed.endWait?.();
  followed.cancelLook?.();
};
