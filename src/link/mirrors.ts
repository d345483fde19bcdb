/** The mirror topics of a running link: the one place where their states change, written down first, told afterwards. */
import type { Clock } from '../client/clock.ts';
import { LinkError } from '../errors.ts';
import type { PreparedTopic } from './establish.ts';
import type { MirrorEvent, PartitionEvent } from './events.ts';
import type { Logger } from './logger.ts';
import { partitionState } from './mirror-status.ts';
import { type LinkFacts, MirrorTopic } from './mirror-topic.ts';
import { PartitionMirror } from './replication/partition-mirror.ts';
import type { PartitionOptions, PartitionPhase } from './replication/partition-ports.ts';
import type { Replicator } from './replication/replicator.ts';
import type { LinkStore, StoredMirror, StoredTransition } from './store/link-store.ts';
import { taskError } from './tasks/task.ts';

export interface MirrorsContext {
  readonly link: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: LinkStore;
  readonly partitionOptions: PartitionOptions;
  readonly replicator: Pick<Replicator, 'add' | 'remove'>;
  readonly facts: () => LinkFacts;
  readonly emit: (event: MirrorEvent | PartitionEvent) => void;
  /** Aborted when the link closes. */
  readonly signal: AbortSignal;
}

/** Changes of state that are kept, and errors on the way to others. */
const HISTORY = 20;

export class Mirrors {
  readonly #context: MirrorsContext;
  readonly #all = new Map<string, MirrorTopic>();
  readonly #turns = new WeakMap<MirrorTopic, Promise<void>>();
  /** Topics of which the store may have another record than the link goes by. */
  readonly #doubtful = new Set<string>();
  /** Those that are not stopped. */
  readonly live: Map<string, MirrorTopic> = new Map();

  constructor(context: MirrorsContext) {
    this.#context = context;
  }

  get all(): readonly MirrorTopic[] {
    return [...this.#all.values()];
  }

  get(topic: string): MirrorTopic | undefined {
    return this.#all.get(topic);
  }

  /** Throws `KLINK_UNKNOWN_MIRROR`. */
  known(topic: string): MirrorTopic {
    const found = this.#all.get(topic);
    if (found !== undefined) return found;
    const names = [...this.#all.keys()];
    const some = names.length > 20 ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more` : names.join(', ') || 'none';
    throw new LinkError('KLINK_UNKNOWN_MIRROR', `Link '${this.#context.link}' has no mirror topic '${topic}'; it has: ${some}`);
  }

  /** A topic is mirrored from now on. */
  adopt({ stored, partitions, failure }: PreparedTopic): MirrorTopic {
    const mirror = this.#enter(stored);
    this.live.set(mirror.topic, mirror);
    const added = this.#addPartitions(mirror, partitions);
    if (failure !== null) for (const partition of added) partition.fail(failure);
    else for (const partition of added) this.#context.replicator.add(partition);
    this.settle(mirror);
    return mirror;
  }

  /** A topic that was stopped before this process began: shown, and no more. */
  remember(stored: StoredMirror): void {
    const mirror = this.#enter(stored);
    mirror.state = mirror.nextState(this.#context.facts());
    mirror.since = new Date(stored.history?.at(-1)?.at ?? this.#context.clock.wallTime());
  }

  grow(mirror: MirrorTopic, count: number): void {
    for (const partition of this.#addPartitions(mirror, count)) this.#context.replicator.add(partition);
  }

  /** Copies nothing of it any more, and shows no partitions: its topic is about to be another one. {@link adopt} makes it a mirror again. */
  suspend(mirror: MirrorTopic): void {
    this.#release(mirror.topic);
    mirror.partitions.length = 0;
  }

  forget(topic: string): void {
    this.#release(topic);
    this.#doubtful.delete(topic);
    this.#all.delete(topic);
  }

  phaseChanged(partition: PartitionMirror, from: PartitionPhase): MirrorTopic | null {
    const mirror = this.#all.get(partition.topic);
    if (mirror === undefined) return null;
    if (partition.phase === 'mirroring') mirror.begun(partition.partition);
    const [before, after] = [partitionState(from), partitionState(partition.phase)];
    if (before !== after && after !== 'CLOSED') this.#tellPartition(partition, before, after);
    this.settle(mirror);
    return mirror;
  }

  /** The facts have changed: so has the state, maybe. */
  settle(mirror: MirrorTopic): void {
    const { clock, facts, emit, logger, link } = this.#context;
    const from = mirror.state;
    const to = mirror.nextState(facts());
    if (from === to) return;
    const at = clock.wallTime();
    const { failure } = mirror;
    const transition: StoredTransition = { from, to, at, ...(to === 'FAILED' && failure !== null && { error: failure.message }) };
    mirror.state = to;
    mirror.since = new Date(at);
    mirror.history = [...mirror.history, transition].slice(-HISTORY);
    logger.info({ link, topic: mirror.topic, from, to }, 'mirror topic changed its state');
    emit({ type: 'mirror', topic: mirror.topic, from, to, error: to === 'FAILED' ? failure : null });
  }

  settleAll(): void {
    for (const mirror of this.live.values()) {
      this.rest(mirror);
      this.settle(mirror);
    }
    for (const topic of this.#doubtful) {
      const mirror = this.known(topic);
      void this.#inTurn(mirror, () => this.#restate(mirror));
    }
  }

  /** Writes down what has changed about a mirror, and acts accordingly. Rejects when it is not known to be written: then nothing has changed. */
  change(mirror: MirrorTopic, changes: Partial<StoredMirror>, signal: AbortSignal): Promise<void> {
    return this.#inTurn(mirror, () => this.#write(mirror, changes, signal));
  }

  /** One after the other: each record says everything, and the last one counts. */
  #inTurn(mirror: MirrorTopic, write: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(mirror) ?? Promise.resolve()).then(write);
    this.#turns.set(
      mirror,
      turn.catch(() => this.#restate(mirror)),
    );
    return turn;
  }

  /**
   * A record that was not acknowledged may be in the store all the same, and the next process would go by it: what this one goes by is stored again,
   * if need be after each check of the source. Never rejects.
   */
  async #restate(mirror: MirrorTopic): Promise<void> {
    if (this.#all.get(mirror.topic) !== mirror) return;
    this.#doubtful.add(mirror.topic);
    await this.#save(recordOf(mirror), this.#context.signal).catch(() => {});
  }

  async #save(stored: StoredMirror, signal: AbortSignal): Promise<void> {
    await this.#context.store.saveMirror(stored, signal);
    this.#doubtful.delete(stored.topic);
  }

  /** A promotion or failover did not come to its end: shown at once, and written down as soon as that can be done. Never rejects. */
  async stopFailed(mirror: MirrorTopic, step: string, thrown: LinkError, signal: AbortSignal): Promise<void> {
    // Whoever starts the link next goes on with it.
    if (thrown.code === 'KLINK_CLOSED') return;
    const { code, message, error } = taskError(thrown, mirror.topic);
    const verb = mirror.stored.stop?.by ?? 'FAILOVER';
    const at = this.#context.clock.wallTime();
    mirror.transitionErrors = [...mirror.transitionErrors, { verb, step, code, linkErrorCode: error.code, message, at }].slice(-HISTORY);
    await this.change(mirror, {}, signal).catch(() => {});
  }

  async #write(mirror: MirrorTopic, changes: Partial<StoredMirror>, signal: AbortSignal): Promise<void> {
    const state = changes.state ?? mirror.lasting;
    const transition = { from: mirror.state, to: state, at: this.#context.clock.wallTime() };
    const history = changes.state === undefined ? mirror.history : [...mirror.history, transition].slice(-HISTORY);
    const stored = { ...recordOf(mirror), ...changes, history };
    await this.#save(stored, signal);
    mirror.stored = stored;
    if (state === 'STOPPED') this.#release(mirror.topic);
    else this.rest(mirror);
    this.settle(mirror);
  }

  /** Lets the partitions rest, or go on, as the mirror and its link want it. */
  rest(mirror: MirrorTopic): void {
    const { lasting, stored } = mirror;
    const isDraining = lasting === 'PENDING_STOPPED' && stored.stop?.by === 'PROMOTE';
    const runs = !mirror.isHeld && ((lasting === 'ACTIVE' && !this.#context.facts().linkPaused) || isDraining);
    for (const partition of mirror.partitions) {
      if (runs) partition.resume();
      else partition.pause();
    }
  }

  #enter(stored: StoredMirror): MirrorTopic {
    const { partitionOptions, clock } = this.#context;
    const mirror = new MirrorTopic(stored, () => partitionOptions.fillPolicy, new Date(clock.wallTime()));
    // One that is made anew has the state of the one before it until something else is known.
    mirror.state = this.#all.get(stored.topic)?.state ?? mirror.state;
    this.#all.set(stored.topic, mirror);
    return mirror;
  }

  #release(topic: string): void {
    const mirror = this.live.get(topic);
    this.live.delete(topic);
    for (const partition of mirror?.partitions ?? []) {
      partition.close();
      this.#context.replicator.remove(partition);
    }
  }

  #addPartitions(mirror: MirrorTopic, count: number): PartitionMirror[] {
    const { topic, sourceTopic, startOffsets } = mirror.stored;
    const added: PartitionMirror[] = [];
    for (let partition = mirror.partitions.length; partition < count; partition++) {
      const id = { topic, sourceTopic, partition, startOffset: startOffsets?.[partition] ?? null };
      added.push(new PartitionMirror(id, this.#context.partitionOptions));
    }
    mirror.partitions.push(...added);
    this.rest(mirror);
    return added;
  }

  #tellPartition({ topic, partition, error }: PartitionMirror, from: PartitionEvent['from'], to: PartitionEvent['to']): void {
    const { link, logger, emit } = this.#context;
    emit({ type: 'partition', topic, partition, from, to, error });
    if (to === 'FAILED') logger.error({ link, topic, partition, error }, 'partition failed');
  }
}

/** What the store should have of a mirror. */
const recordOf = ({ stored, history, transitionErrors }: MirrorTopic): StoredMirror => ({
  ...stored,
  history,
  ...(transitionErrors.length > 0 && { transitionErrors }),
});
