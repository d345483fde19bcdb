/** What a user asks of mirrors: pause, resume, promote, failover. Each topic succeeds or fails by itself. */
import { either, onAbort } from '../../client/abort.ts';
import { LinkError } from '../../errors.ts';
import type { WaitOptions } from '../link-status.ts';
import type { MirrorTopic } from '../mirror-topic.ts';
import type { MirrorVerb } from '../states/mirror-transitions.ts';
import type { StoredStop } from '../store/link-store.ts';
import { type Act, type AskContext, eachMirror, type MirrorOutcome } from './each-mirror.ts';
import type { MirrorSelection } from './selection.ts';
import { STOP_STEPS, type StopContext } from './stop-steps.ts';

export interface OperationOptions extends WaitOptions {
  /** Only tells what would be refused; changes nothing. */
  readonly validateOnly?: boolean;
}

export interface PromoteOptions extends OperationOptions {
  /** Refuses a mirror that has lag now, instead of waiting until it has none. Default false. */
  readonly requireZeroLag?: boolean;
}

export interface OperationsContext extends AskContext {
  readonly stop: StopContext;
  /** A step of stopping a mirror begins. */
  readonly taking: (mirror: MirrorTopic, step: string) => void;
  readonly failed: (mirror: MirrorTopic, step: string, error: LinkError) => void;
}

/** How long a promotion may take when nobody says otherwise. */
const PROMOTE_MS = 300_000;
const FAILOVER_MS = 60_000;

export class Operations {
  readonly #context: OperationsContext;
  /** Stops under way, by topic: whoever asks again gets the same one. */
  readonly #under = new Map<string, { readonly by: StoredStop['by']; readonly done: Promise<void>; readonly cancel: AbortController }>();

  constructor(context: OperationsContext) {
    this.#context = context;
  }

  pause(selection: MirrorSelection, options: OperationOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#each('pause', selection, options, (mirror, signal) => this.#context.mirrors.change(mirror, { state: 'PAUSED' }, signal));
  }

  resume(selection: MirrorSelection, options: OperationOptions = {}): Promise<readonly MirrorOutcome[]> {
    return this.#each('resume', selection, options, (mirror, signal) => this.#context.mirrors.change(mirror, { state: 'ACTIVE' }, signal));
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

  #each(
    operation: MirrorVerb,
    selection: MirrorSelection,
    { validateOnly = false, ...wait }: OperationOptions,
    act: Act,
    check: (mirror: MirrorTopic) => LinkError | null = () => null,
  ): Promise<readonly MirrorOutcome[]> {
    return eachMirror(this.#context, operation, selection, wait, async (mirror, signal) => {
      const refused = check(mirror);
      if (refused !== null) throw refused;
      return validateOnly ? undefined : act(mirror, signal);
    });
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
    const signal = either(cancel.signal, this.#context.closing);
    const done = this.#take(mirror, by, signal).finally(() => {
      if (this.#under.get(mirror.topic)?.cancel === cancel) this.#under.delete(mirror.topic);
    });
    done.catch(() => {});
    const begun = { by, done, cancel };
    this.#under.set(mirror.topic, begun);
    return begun;
  }

  async #take(mirror: MirrorTopic, by: StoredStop['by'], signal: AbortSignal): Promise<void> {
    for (const { name, take, goesOn = false } of STOP_STEPS[by]) {
      try {
        signal.throwIfAborted();
        this.#context.taking(mirror, name);
        await take(this.#context.stop, mirror, signal);
      } catch (thrown) {
        const error = LinkError.from(signal.aborted ? (signal.reason ?? thrown) : thrown);
        this.#context.failed(mirror, name, error);
        if (!goesOn || error.retriable || signal.aborted) throw error;
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
