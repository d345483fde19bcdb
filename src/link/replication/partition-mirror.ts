/** One mirrored partition: where it stands, what waits to be appended, what is on its way. No I/O: fetchers, appenders and marker writers call it. */
import { BrokerError } from '../../client/broker-error.ts';
import { BATCH_LAYOUT } from '../../codec/record-batch.ts';
import { LinkError } from '../../errors.ts';
import { MirrorFailure } from '../mirror-failure.ts';
import { AppendQueue, type Fill, type OutgoingBatch, type OutgoingFill } from './append-queue.ts';
import { REMEMBERED_BATCHES } from './batch-stamp.ts';
import type { FillPolicy } from './fill-policy.ts';
import { sameProducer, type TransactionalProducer } from './mapped-producer.ts';
import { displaced, unmakeable } from './partition-failures.ts';
import type { Alignment, FetchedRecords, PartitionListener, PartitionOptions, PartitionPhase } from './partition-ports.ts';
import { planRecords } from './plan.ts';

export class PartitionMirror {
  readonly topic: string;
  readonly sourceTopic: string;
  readonly partition: number;
  /** Where a new mirror begins at the source; null: wherever the source's log begins. */
  readonly startOffset: number | null;
  phase: PartitionPhase = 'aligning';
  /** Why the partition failed, or what disturbed it last; null while all is well. */
  error: LinkError | null = null;
  /** Next source offset to fetch. */
  fetchOffset = 0;
  lastFetchedEpoch = -1;
  /** Bytes of the largest batch in the last answer that brought some; 0 as long as there was none. */
  largestBatch = 0;
  /** Destination's log end, as far as acknowledged. */
  ackedOffset = 0;
  /** Log start of the mirror, as far as known. */
  mirrorStart = 0;
  /** Why the mirror's log start does not follow its source; null while it does. */
  logStartError: LinkError | null = null;
  sourceStart = 0;
  /** Up to where the source can be copied: its last stable offset, or its high watermark when open transactions are copied too. */
  sourceEnd = 0;
  /** End of the source's log, open transactions included. */
  sourceHighWatermark = 0;
  /** By the link's clock: when the source last answered for this partition; null before it has. */
  lastFetchedAt: number | null = null;
  bytes = 0;
  batches = 0;
  /** Offsets without a record. */
  filledOffsets = 0;
  /** Times in a row that the partition had to be aligned anew, without a sign between that all is well. */
  disturbances = 0;
  /** What the link's own sequence does not guard may still be on its way to the mirror: its end must be seen to stay before anything is written. */
  isUnsettled = false;

  readonly #options: PartitionOptions;
  readonly #listener: PartitionListener;
  readonly #queue: AppendQueue;
  #inFlight = 0;
  #isToPause = false;
  /** Markers are on their way: whatever was sent now could overtake them, and would land at their offsets. */
  #isFilling = false;
  /**
   * A leader that has no state of the link's producer takes any sequence as its first. So the first batch of a run goes alone: were it
   * refused for a moment and its successor not, that one would land where the first belongs.
   */
  #inFlightLimit = 1;
  /** Under whom the last batch went. Two producers know nothing of each other's sequences: a batch of another one waits until nothing is on its way. */
  #producer: TransactionalProducer | null = null;
  #lastTimestamp = -1n;
  /** Offsets of batches that were sent and not answered for, by their sequences: where the last of them is in the log says whether it is in its place. */
  readonly #unanswered = new Map<number, number>();
  /**
   * A batch whose answer was lost may still be appended, if the log ends where its sequence says: sent again it is in nobody's way. But a source that
   * was trimmed or compacted meanwhile has markers for its offsets, which move the end and not the sequence: the late batch would land behind them.
   */
  #isHaunted = false;
  /** A failure that takes effect when everything before it has been acknowledged. */
  #stop: MirrorFailure | null = null;

  constructor(
    id: { readonly topic: string; readonly sourceTopic: string; readonly partition: number; readonly startOffset?: number | null },
    options: PartitionOptions,
  ) {
    this.topic = id.topic;
    this.sourceTopic = id.sourceTopic;
    this.partition = id.partition;
    this.startOffset = id.startOffset ?? null;
    this.#options = options;
    this.#listener = options.listener;
    this.#queue = new AppendQueue(options.producer, options.maker);
  }

  /** Offsets that the source has for the mirror and the destination has not, as of the last fetch. */
  get lag(): number {
    return Math.max(0, this.sourceEnd - this.ackedOffset);
  }

  /** The mirror's log starts where the source's does, or where it was chosen to. */
  get hasItsStart(): boolean {
    return this.mirrorStart >= Math.max(this.sourceStart, this.startOffset ?? 0);
  }

  /** Batches of the source that had to be decompressed, and their records put into other ones. */
  get rebuiltBatches(): number {
    return this.#queue.opened;
  }

  get fillPolicy(): FillPolicy {
    return this.#options.fillPolicy;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A full queue leaves the fetch until it has drained. */
  get wantsRecords(): boolean {
    return this.#mayFetch() && this.#queue.bytes < this.#options.queueLimitBytes;
  }

  /** Mirroring, but held back because its queue is full. */
  get isHeldBack(): boolean {
    return this.#mayFetch() && this.#queue.bytes >= this.#options.queueLimitBytes;
  }

  /** A method: for a private getter V8 calls its runtime at every look, and this is asked for every batch. */
  #mayFetch(): boolean {
    return this.phase === 'mirroring' && this.#stop === null;
  }

  /** The last fetch said that the source has more than was fetched. */
  get hasBacklog(): boolean {
    return this.fetchOffset < this.sourceEnd;
  }

  get hasBatchToSend(): boolean {
    if (this.phase !== 'mirroring' || this.#isFilling || this.#queue.next !== 'batch') return false;
    return this.#inFlight < (sameProducer(this.#queue.nextProducer, this.#producer) ? this.#inFlightLimit : 1);
  }

  /** Under whom the next batch goes, if that is not the link itself: a Produce request is for transactions of one producer. */
  get nextProducer(): TransactionalProducer | null {
    return this.#queue.nextProducer;
  }

  /** Markers carry no sequence: they wait until nothing is on its way, and nothing goes while they are. */
  get hasOffsetsToFill(): boolean {
    return this.phase === 'mirroring' && this.#inFlight === 0 && this.#queue.next === 'markers';
  }

  get label(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** Both logs agree up to `alignment.offset`: fetch and append from there. False when it does not begin: what was sent before is in the wrong place. */
  begin(alignment: Alignment): boolean {
    if (this.phase !== 'aligning') return false;
    const { ownTail } = alignment;
    const meant = ownTail === null ? undefined : this.#unanswered.get(ownTail.baseSequence);
    this.#unanswered.clear();
    if (ownTail !== null && meant !== undefined && meant !== ownTail.baseOffset) {
      this.fail(displaced(this.label, meant, ownTail.baseOffset));
      return false;
    }
    this.fetchOffset = alignment.fetchOffset;
    this.ackedOffset = alignment.offset;
    this.lastFetchedEpoch = alignment.lastFetchedEpoch;
    this.mirrorStart = alignment.mirrorStart;
    this.sourceStart = alignment.sourceStart;
    this.sourceEnd = alignment.sourceEnd;
    this.sourceHighWatermark = Math.max(this.sourceHighWatermark, alignment.sourceEnd);
    this.error = null;
    this.#isHaunted &&= !this.isUnsettled;
    this.isUnsettled = false;
    this.#inFlightLimit = 1;
    this.#producer = null;
    this.#lastTimestamp = alignment.lastTimestamp;
    this.#queue.begin(alignment.isForgotten ? null : alignment.sequence, alignment.producers);
    const { offset, aborts, fetchOffset, padding } = alignment;
    this.#queue.owe(aborts);
    if (fetchOffset > offset) this.#queue.pushFill(offset, fetchOffset, padding);
    this.#change('mirroring');
    this.#listener.readyToFetch(this);
    this.#proceed();
    return true;
  }

  /** Takes over what a fetch brought. An answer to a question that is out of date is ignored. */
  accept(fetched: FetchedRecords): void {
    const { fetchOffset, records, lease } = fetched;
    this.lastFetchedAt = fetched.at;
    if (!this.#mayFetch() || fetchOffset !== this.fetchOffset) return;
    const { transactions } = this.#options;
    this.sourceEnd = Math.max(transactions === 'exact' ? fetched.highWatermark : fetched.lastStableOffset, this.fetchOffset);
    this.sourceHighWatermark = Math.max(fetched.highWatermark, this.sourceEnd);
    this.sourceStart = fetched.logStartOffset;
    const isEmpty = records === null || records.length === 0;
    if (isEmpty && this.ackedOffset === this.fetchOffset) this.#recovered();
    this.#listener.progressed(this);
    if (isEmpty) return;
    const { label, fetchOffset: expected, lastFetchedEpoch, fillPolicy } = this;
    if (this.#queue.hasTooManyProducers) {
      this.disturb(
        new LinkError('KLINK_STATE', `${label}: looks which producers of transactions the destination still remembers`, {
          retriable: true,
        }),
      );
      return;
    }
    const { aborted } = fetched;
    const plan = planRecords(records, { label, expected, lastFetchedEpoch, aborted, mayFill: fillPolicy !== 'refuse', transactions });
    this.#queue.push(plan.steps, records, lease, this.#fill());
    this.fetchOffset = plan.nextOffset;
    this.lastFetchedEpoch = plan.lastFetchedEpoch;
    this.largestBatch = plan.largestBatch;
    this.#lastTimestamp = plan.lastTimestamp ?? this.#lastTimestamp;
    this.#stop = plan.stop;
    this.#stopIfDone();
    this.#proceed();
  }

  /** The next batch to send, or null. The caller answers for each with {@link acknowledge} or {@link unanswered}. */
  takeBatch(): OutgoingBatch | null {
    if (!this.hasBatchToSend) return null;
    const batch = this.#queue.takeBatch();
    if (batch === null) return null;
    if (!sameProducer(batch.producer, this.#producer)) this.#inFlightLimit = 1;
    this.#producer = batch.producer;
    this.#inFlight++;
    return batch;
  }

  /** The next offsets to fill with markers, `count` at most, or null. The caller answers with {@link filled} or {@link unanswered}. */
  takeFill(count: number): OutgoingFill | null {
    if (!this.hasOffsetsToFill) return null;
    const fill = this.#queue.takeFill(count);
    if (fill === null) return null;
    this.#inFlight++;
    this.#isFilling = true;
    return fill;
  }

  /** The destination has appended the batch at `baseOffset`, or says that it did so before. */
  acknowledge(batch: OutgoingBatch, baseOffset: number): void {
    this.#landed(batch);
    if (this.phase !== 'mirroring' && this.phase !== 'draining') return;
    if (baseOffset !== batch.offset) {
      this.fail(displaced(this.label, batch.offset, baseOffset));
      return;
    }
    if (batch.origin === 'filler') {
      this.filledOffsets += batch.nextOffset - batch.offset;
    } else {
      this.bytes += batch.bytes.length;
      this.batches++;
    }
    this.#inFlightLimit = REMEMBERED_BATCHES;
    this.#arrived(batch.nextOffset);
  }

  /** The destination has written a marker for each of these offsets. */
  filled(fill: OutgoingFill): void {
    this.#inFlight--;
    this.#isFilling = false;
    if (this.phase !== 'mirroring' && this.phase !== 'draining') return;
    this.filledOffsets += fill.nextOffset - fill.offset;
    this.#arrived(fill.nextOffset);
  }

  /** Whether it was written is unknown, or it was refused: align anew once nothing is on its way. */
  unanswered(sent: OutgoingBatch | OutgoingFill, error: LinkError): void {
    if ('bytes' in sent) {
      const isFateKnown = error instanceof BrokerError || error instanceof MirrorFailure;
      if (sent.producer === null) {
        this.#unanswered.set(sent.bytes.readInt32BE(BATCH_LAYOUT.baseSequence), sent.offset);
        this.#isHaunted ||= !isFateKnown;
      } else {
        this.isUnsettled ||= !isFateKnown;
      }
      // Without an answer it may still wait in a socket, and be sent from there later.
      sent.lease?.spoil();
      this.#landed(sent);
    } else {
      this.#inFlight--;
      this.#isFilling = false;
      this.isUnsettled = true;
    }
    if (this.phase === 'mirroring') this.disturb(error);
    else if (this.phase === 'draining') this.#drainedIfDone();
  }

  /** Whatever was queued is dropped and fetched again: the destination's log end is the only checkpoint. Null: nothing is wrong. */
  disturb(error: LinkError | null): void {
    if (this.phase !== 'mirroring') return;
    this.error = error;
    this.disturbances++;
    this.#dropQueue();
    this.#change('draining');
    this.#drainedIfDone();
  }

  /** Stops the partition for good. */
  fail(failure: LinkError): void {
    if (this.phase === 'failed' || this.phase === 'closed') return;
    this.error = failure;
    this.#dropQueue();
    this.#change('failed');
  }

  /** Begins nothing new; `paused` once what is on its way has been answered. A partition that has failed stays as it is. */
  pause(): void {
    this.#isToPause = true;
    if (this.phase === 'aligning') {
      this.#change('paused');
    } else if (this.phase === 'mirroring') {
      this.#dropQueue();
      this.#change('draining');
      this.#drainedIfDone();
    }
  }

  /** Goes on where the mirror's log ends. */
  resume(): void {
    this.#isToPause = false;
    if (this.phase !== 'paused') return;
    this.#change('aligning');
    this.#options.listener.drained(this);
  }

  close(): void {
    if (this.phase === 'closed') return;
    this.#dropQueue();
    if (this.phase !== 'failed') this.#change('closed');
  }

  #fill(): Fill {
    const { fillPolicy } = this.#options;
    return { as: fillPolicy === 'refuse' ? 'markers' : fillPolicy, timestamp: this.#lastTimestamp };
  }

  #arrived(nextOffset: number): void {
    this.ackedOffset = Math.max(this.ackedOffset, nextOffset);
    if (this.phase === 'mirroring') this.#recovered();
    this.#listener.progressed(this);
    if (this.phase === 'draining') {
      this.#drainedIfDone();
      return;
    }
    this.#stopIfDone();
    this.#proceed();
    if (this.wantsRecords) this.#listener.readyToFetch(this);
  }

  /** Sees to what comes next in the queue. */
  #proceed(): void {
    if (this.phase !== 'mirroring') return;
    if (this.hasBatchToSend) this.#listener.readyToAppend(this);
    else if (this.hasOffsetsToFill) this.#fillOrSettle();
    else if (this.#queue.next === 'make') {
      this.#queue.make((error) => {
        if (error === null) this.#proceed();
        else this.fail(unmakeable(this.label, this.ackedOffset, LinkError.from(error)));
      });
    }
  }

  #fillOrSettle(): void {
    if (!this.#isHaunted) {
      this.#listener.readyToFill(this);
      return;
    }
    this.isUnsettled = true;
    const text = `${this.label}: a batch whose answer was lost may still be on its way; offsets without a record are filled when it has had its time`;
    this.disturb(new LinkError('KLINK_STATE', text, { retriable: true }));
  }

  /** A batch was acknowledged, or there is nothing to copy: whatever disturbed the partition is over. */
  #recovered(): void {
    this.disturbances = 0;
    this.error = null;
  }

  #landed(batch: OutgoingBatch): void {
    this.#inFlight--;
    this.#queue.landed(batch);
  }

  #stopIfDone(): void {
    if (this.#stop !== null && this.#inFlight === 0 && this.#queue.isEmpty) this.fail(this.#stop);
  }

  #drainedIfDone(): void {
    if (this.phase !== 'draining' || this.#inFlight > 0) return;
    if (this.#isToPause) {
      this.#change('paused');
      return;
    }
    this.#change('aligning');
    this.#listener.drained(this);
  }

  #dropQueue(): void {
    this.#queue.clear();
    this.#stop = null;
  }

  #change(phase: PartitionPhase): void {
    const from = this.phase;
    this.phase = phase;
    this.#listener.phaseChanged(this, from);
  }
}
