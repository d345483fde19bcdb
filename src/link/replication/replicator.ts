/** Keeps every partition moving: routes it to the fetcher of its source leader and the writers of its destination leader, and aligns it anew after every disturbance. */
import { BrokerError } from '../../client/broker-error.ts';
import { type Random, sleep } from '../../client/clock.ts';
import { backoff, type RetryPolicy } from '../../client/retry.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import { Gate } from '../gate.ts';
import { RecordDeletion } from '../log-start/delete-records.ts';
import { LOG_START_TIMES, LogStartFollower } from '../log-start/log-start-follower.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import { type AlignmentContext, align, type GapRules } from './align.ts';
import type { LinkProducer } from './batch-stamp.ts';
import { type LaneOptions, Lanes, type Route } from './lanes.ts';
import { OffsetLookup } from './offset-lookup.ts';
import type { PartitionMirror } from './partition-mirror.ts';
import type { Alignment, PartitionListener, PartitionPhase } from './partition-ports.ts';
import { ProducerLookup } from './producer-lookup.ts';
import { TRANSACTION_MODES } from './transaction-mode.ts';

export interface ReplicatorOptions extends LaneOptions {
  readonly random: Random;
  readonly producer: LinkProducer;
  readonly gaps: GapRules;
  /** Milliseconds for which the end of a mirror must stay where it is when markers may still be on their way to it. */
  readonly fillGraceMs: number;
  readonly retry: RetryPolicy;
  /** Milliseconds for which a refusal that retrying does not cure (missing rights, say) is retried all the same (`cluster.link.retry.timeout.ms`). */
  readonly retryTimeoutMs: number;
}

/** Who watches the partitions. */
export interface ReplicatorListener {
  phaseChanged(mirror: PartitionMirror, from: PartitionPhase): void;
  progressed(mirror: PartitionMirror): void;
  /** Before a partition is aligned: a failure when its topic is not the one that was mirrored. */
  check(mirror: PartitionMirror): MirrorFailure | null;
  /** Something went wrong that will be tried again. */
  disturbed(mirror: PartitionMirror, error: LinkError): void;
  /** The log start of a mirror cannot follow its source, for want of a right, say; the copy goes on. */
  logStartTrouble(error: LinkError, topic: string, partition: number): void;
}

interface Trouble {
  /** By the link's clock: when the partition was well last. */
  readonly since: number;
  readonly told: string;
}

/** Alignments at a time: each takes up to six requests. */
const ALIGNMENTS_AT_ONCE = 64;
/** A change at the source is believed when it is seen this often in a row, with fresh metadata between: a replica may lag behind for a moment. */
const SIGHTINGS = 3;

export class Replicator implements PartitionListener {
  readonly #options: ReplicatorOptions;
  readonly #listener: ReplicatorListener;
  readonly #context: AlignmentContext;
  readonly #mirrors = new Set<PartitionMirror>();
  readonly #routes = new Map<PartitionMirror, Route>();
  readonly #lanes: Lanes;
  readonly #logStarts: LogStartFollower;
  readonly #begun = new WeakSet<PartitionMirror>();
  readonly #troubles = new Map<PartitionMirror, Trouble>();
  readonly #gate = new Gate(ALIGNMENTS_AT_ONCE);
  readonly #closing = new AbortController();
  constructor(options: ReplicatorOptions, listener: ReplicatorListener) {
    const { source, destination, producer, clock } = options;
    this.#options = options;
    this.#listener = listener;
    this.#lanes = new Lanes(options);
    this.#context = {
      source,
      destination,
      own: { producer, lookup: new ProducerLookup(destination, producer.producerId) },
      sourceOffsets: new OffsetLookup(source, TRANSACTION_MODES[options.transactions].sourceView),
      destinationOffsets: new OffsetLookup(destination, 'debugging'),
      transactions: options.transactions,
      gaps: options.gaps,
    };
    const deletion = new RecordDeletion(destination);
    this.#logStarts = new LogStartFollower({
      clock,
      random: options.random,
      retry: options.retry,
      times: LOG_START_TIMES,
      deleteBefore: (topic, partition, offset, signal) => deletion.deleteBefore(topic, partition, offset, signal),
      mirrorStart: (topic, partition) => this.#context.destinationOffsets.find(topic, partition, 'earliest'),
      refresh: (topic, signal) => destination.refreshMetadata([topic], signal),
      onTrouble: (error, topic, partition) => listener.logStartTrouble(error, topic, partition),
    });
  }

  /** Bytes fetched and not yet acknowledged. */
  get bufferedBytes(): number {
    return this.#lanes.bufferedBytes;
  }

  /** By the link's clock: when the source last answered anything on the data path. */
  get sourceAnsweredAt(): number {
    return this.#lanes.sourceAnsweredAt;
  }

  /** Begins to mirror a partition, in phase `aligning`. */
  add(mirror: PartitionMirror): void {
    this.#mirrors.add(mirror);
    void this.#align(mirror);
  }

  /** Sends every partition a new way, after what it has on its way was answered: the number of connections, or their share of memory, has changed. */
  reroute(): void {
    this.#lanes.resize();
    for (const mirror of this.#mirrors) mirror.disturb(null);
  }

  /** The partition is mirrored no more; what it has on its way is answered for all the same. */
  remove(mirror: PartitionMirror): void {
    this.#mirrors.delete(mirror);
    this.#troubles.delete(mirror);
  }

  /** Compares both logs of a partition without touching either. Throws as {@link align}. */
  probe(mirror: PartitionMirror, signal: AbortSignal): Promise<Alignment> {
    return this.#gate.run(() => align(this.#context, mirror, signal));
  }

  /** The destination's log end, as the broker sees it now. */
  destinationEnd(mirror: PartitionMirror): Promise<number> {
    return this.#context.destinationOffsets.find(mirror.topic, mirror.partition, 'latest');
  }

  readyToAppend(mirror: PartitionMirror): void {
    this.#routes.get(mirror)?.appender.offer(mirror);
  }

  readyToFill(mirror: PartitionMirror): void {
    this.#routes.get(mirror)?.markers.offer(mirror);
  }

  readyToFetch(mirror: PartitionMirror): void {
    this.#routes.get(mirror)?.fetcher.wake();
  }

  progressed(mirror: PartitionMirror): void {
    if (mirror.disturbances === 0) this.#troubles.delete(mirror);
    if (!mirror.hasItsStart) this.#followLogStart(mirror);
    this.#listener.progressed(mirror);
  }

  drained(mirror: PartitionMirror): void {
    void this.#align(mirror);
  }

  phaseChanged(mirror: PartitionMirror, from: PartitionPhase): void {
    if (mirror.phase !== 'mirroring') {
      const route = this.#routes.get(mirror);
      route?.fetcher.remove(mirror);
      route?.appender.withdraw(mirror);
      route?.markers.withdraw(mirror);
      this.#routes.delete(mirror);
    }
    if (mirror.phase === 'failed' || mirror.phase === 'closed') this.#logStarts.forget(mirror.topic, mirror.partition);
    if (mirror.phase === 'draining' && mirror.error !== null) this.#report(mirror, mirror.error);
    this.#listener.phaseChanged(mirror, from);
  }

  /** Stops fetching, drops what is queued, and waits `timeoutMs` at most for the answers to what is on its way. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing.abort(new LinkError('KLINK_CLOSED', 'The link is closing'));
    this.#logStarts.close();
    for (const mirror of this.#mirrors) mirror.close();
    await this.#lanes.closeFetchers();
    const enough = new AbortController();
    await Promise.race([this.#lanes.writersIdle(), sleep(this.#options.clock, timeoutMs, enough.signal).catch(() => {})]);
    enough.abort();
  }

  async #align(mirror: PartitionMirror): Promise<void> {
    const { clock, random, retry } = this.#options;
    const { signal } = this.#closing;
    let sightings = 0;
    for (let attempt = mirror.disturbances; !signal.aborted; attempt++) {
      const final = this.#patience(mirror, mirror.error);
      if (final !== null) mirror.fail(final);
      if (mirror.phase !== 'aligning') return;
      try {
        if (attempt > 0) {
          await sleep(clock, backoff(retry, attempt, random), signal);
          await this.#refresh(mirror);
        }
        const wrongTopic = this.#listener.check(mirror);
        if (wrongTopic !== null) throw wrongTopic;
        const alignment = await this.probe(mirror, signal);
        if (mirror.phase !== 'aligning') return;
        if (!this.#begun.has(mirror) && alignment.endsUnguarded) mirror.isUnsettled = true;
        if (mirror.isUnsettled && !(await this.#isSettled(mirror, alignment))) continue;
        if (mirror.phase !== 'aligning') return;
        this.#route(mirror);
        this.#begun.add(mirror);
        // Else it has failed on what the alignment shows, and its log stays as it is.
        if (mirror.begin(alignment)) this.#followLogStart(mirror, alignment.mirrorStart);
        return;
      } catch (thrown) {
        // Failed meanwhile, for a reason of its own: that one stays.
        if (signal.aborted || mirror.phase !== 'aligning') return;
        const error = LinkError.from(thrown);
        mirror.error = error;
        if (error instanceof MirrorFailure) {
          if (error.code !== 'KLINK_SOURCE_CHANGED' || ++sightings >= SIGHTINGS) mirror.fail(error);
          continue;
        }
        sightings = 0;
        // A new topic's leaders, say, are not known everywhere at once: what the next try cures is not worth a word.
        if (attempt > 0 || !error.retriable) this.#report(mirror, error);
      }
    }
  }

  /**
   * Markers carry no sequence: one that was on its way when its connection was lost may land late, and would take the offset of a record.
   * A broker carries out what it has received within moments, so the end of a log that stays where it is for a while is its end.
   */
  async #isSettled(mirror: PartitionMirror, { offset }: Alignment): Promise<boolean> {
    await sleep(this.#options.clock, this.#options.fillGraceMs, this.#closing.signal);
    return (await this.destinationEnd(mirror)) === offset;
  }

  #followLogStart(mirror: PartitionMirror, mirrorStart?: number): void {
    const { topic, partition, sourceStart, startOffset, ackedOffset } = mirror;
    this.#logStarts.observe({
      topic,
      partition,
      sourceStart,
      chosenStart: startOffset ?? 0,
      ackedOffset,
      ...(mirrorStart !== undefined && { mirrorStart }),
    });
    const status = this.#logStarts.status(topic, partition);
    mirror.mirrorStart = status?.mirrorStart ?? mirror.mirrorStart;
    mirror.logStartError = status?.error ?? null;
  }

  /** Notes an error that will be tried again. A partition that meets the same trouble at every try tells it once. */
  #report(mirror: PartitionMirror, error: LinkError): void {
    const known = this.#troubles.get(mirror);
    this.#troubles.set(mirror, { since: known?.since ?? this.#options.clock.now(), told: error.message });
    if (known?.told !== error.message) this.#listener.disturbed(mirror, error);
  }

  /** What trying again does not cure may last for a while, since a person can cure it; then it is final. Damage is believed sooner. */
  #patience(mirror: PartitionMirror, error: LinkError | null): MirrorFailure | null {
    const { clock, retryTimeoutMs } = this.#options;
    const since = this.#troubles.get(mirror)?.since;
    if (error instanceof BrokerError && error.brokerCode === ErrorCode.CORRUPT_MESSAGE && mirror.disturbances >= SIGHTINGS) {
      return new MirrorFailure(
        'CORRUPT_SOURCE_BATCH',
        `${mirror.label}: the batch at offset ${mirror.ackedOffset} was fetched ${mirror.disturbances} times, and its checksum was wrong each time: it is damaged in the source's log`,
        error,
      );
    }
    // A change at the source is counted by its sightings.
    if (error === null || error.retriable || error instanceof MirrorFailure) return null;
    if (since === undefined || clock.now() - since <= retryTimeoutMs) return null;
    return new MirrorFailure(
      'RETRY_TIMEOUT',
      `${mirror.label}: tried for ${retryTimeoutMs} ms; the last error was: ${error.message}`,
      error,
    );
  }

  /** Both sides, for all topics in one request: a change seldom comes alone, and calls at the same time share the answer. */
  async #refresh(mirror: PartitionMirror): Promise<void> {
    const { source, destination } = this.#options;
    const topics = new Map([...this.#mirrors].map(({ topic, sourceTopic }) => [topic, sourceTopic]));
    topics.set(mirror.topic, mirror.sourceTopic);
    await Promise.all([
      source.refreshMetadata([...topics.values()], this.#closing.signal),
      destination.refreshMetadata([...topics.keys()], this.#closing.signal),
    ]);
  }

  #route(mirror: PartitionMirror): void {
    const route = this.#lanes.route(mirror);
    this.#routes.set(mirror, route);
    route.appender.add(mirror);
    route.fetcher.add(mirror);
  }
}
